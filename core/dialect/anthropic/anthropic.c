/* The Messages format of Anthropic, which Claude Code and many servers speak as well. */
#include <headgate/provider.h>

#include "dialect/anthropic/parts.h"

static const char end_mark[] = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const struct dialect dialect_anthropic = {
    .name = "anthropic",
    .wire = HG_WIRE_ANTHROPIC,
    .framing = HG_FRAME_SSE,
    .stream_type = {"text/event-stream", 17},
    .kind_of = anthropic_kind_of,
    .read_request = anthropic_read_request,
    .asks_models = anthropic_asks_models,
    .write_model = anthropic_write_model,
    .write_models = anthropic_write_models,
    .request_visit = anthropic_request_visit,
    .answer_visit = anthropic_answer_visit,
    .event_visit = anthropic_event_visit,
    .tokens = anthropic_tokens,
    .count = &anthropic_count,
    .is_plain = anthropic_is_plain,
    .end_mark = {end_mark, sizeof end_mark - 1},
    .is_end = anthropic_is_end,
    .keep_alive = {"event: ping\ndata: {\"type\":\"ping\"}\n\n", 35},
    .error_body = anthropic_error_body,
    .error_event = anthropic_error_event,
    .read_chat = anthropic_read_chat,
    .write_chat = anthropic_write_chat,
    .reader_new = anthropic_reader_new,
    .reader_frame = anthropic_reader_frame,
    .reader_whole = anthropic_reader_whole,
    .reader_end = anthropic_reader_end,
    .read_error = anthropic_read_error,
    .writer_new = anthropic_writer_new,
    .write = anthropic_write,
    .write_end = anthropic_write_end,
};
