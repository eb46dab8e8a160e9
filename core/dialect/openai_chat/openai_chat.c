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
    .request_visit = openai_request_visit,
    .answer_visit = openai_answer_visit,
    .event_visit = openai_event_visit,
    .tokens = openai_tokens,
    .request_texts = openai_request_texts,
    .answer_texts = openai_answer_texts,
    .request_edit = openai_request_edit,
    .answer_edit = openai_answer_edit,
    .read_answer = openai_read_answer,
    .is_plain = openai_is_plain,
    .read_event = openai_read_event,
    .event_with_text = openai_event_with_text,
    .end_mark = {"data: [DONE]\n\n", 14},
    .error_body = openai_error_body,
    .error_event = openai_error_event,
    .to_events = openai_to_events,
    .to_whole = openai_to_whole,
    .writer_new = openai_writer_new,
    .write = openai_write,
    .write_end = openai_write_end,
};
