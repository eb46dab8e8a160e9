/* gauges.h - numbers about the processes themselves, for /metrics: they are read where they are,
 * when somebody asks. */
#pragma once

#include "base/buffer.h"

struct region;
struct status;

/* Appends them in the Prometheus text format. */
void gauges_write(struct region *region, struct status *status, struct buffer *out);
