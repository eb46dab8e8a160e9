/* The OpenAI chat format, with its neighbours under /v1: most servers of the field speak it. */
#include <headgate/provider.h>

#include "dialect/openai_chat/parts.h"

const struct dialect dialect_openai_chat = {
    .name = "openai_chat",
    .wire = HG_WIRE_OPENAI_CHAT,
    .framing = HG_FRAME_SSE,
    .stream_type = {"text/event-stream", 17},
    .kind_of = openai_kind_of,
    .read_request = openai_read_request,
    .write_model = openai_write_model,
    .write_models = openai_write_models,
    .request_visit = openai_request_visit,
    .answer_visit = openai_answer_visit,
    .event_visit = openai_event_visit,
    .tokens = openai_tokens,
    .read_answer = openai_read_answer,
    .is_plain = openai_is_plain,
    .read_event = openai_read_event,
    .event_unrepeat = openai_event_unrepeat,
    .end_mark = {"data: [DONE]\n\n", 14},
    .error_body = openai_error_body,
    .error_event = openai_error_event,
    .to_events = openai_to_events,
    .to_whole = openai_to_whole,
    .is_end = openai_is_end,
    .read_chat = openai_read_chat,
    .write_chat = openai_write_chat,
    .reader_new = openai_reader_new,
    .reader_frame = openai_reader_frame,
    .reader_whole = openai_reader_whole,
    .reader_end = openai_reader_end,
    .read_error = openai_read_error,
    .writer_new = openai_writer_new,
    .write = openai_write,
    .write_end = openai_write_end,
};
