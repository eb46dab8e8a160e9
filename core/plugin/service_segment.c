/* headgate.segment/1 over shm/segment.h. A checker shares nothing with the gateway it is to start,
 * so there it is memory of its own. */
#include "base/text.h"
#include "plugin/parts.h"
#include "shm/segment.h"

static void *segment_of(hg_inst *inst, uint64_t bytes)
{
    struct instance *instance = instance_of(inst);
    struct plugin_host *host = instance->host;
    struct segments *segments = host->own_region ? NULL : region_segments(host->region);

    return segment_map(segments, text_of(instance->space), bytes);
}

const hg_segment_api service_segment = {.size = sizeof service_segment, .map = segment_of};
