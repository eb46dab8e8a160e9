/* OpenAI's Responses format: items instead of messages, and streams that say everything twice. */
#include <headgate/provider.h>

#include "dialect/openai_responses/parts.h"

const struct dialect dialect_openai_responses = {
    .name = "openai_responses",
    .wire = HG_WIRE_OPENAI_RESPONSES,
    .framing = HG_FRAME_SSE,
    .stream_type = {"text/event-stream", 17},
    .kind_of = responses_kind_of,
    .read_request = responses_read_request,
    .request_visit = responses_request_visit,
    .answer_visit = responses_answer_visit,
    .event_visit = responses_event_visit,
    .tokens = responses_tokens,
    .count = &responses_count,
    .read_answer = responses_read_answer,
    .event_unrepeat = responses_event_unrepeat,
    .repeat_new = responses_repeat_new,
    .repeat_event = responses_repeat_event,
    .is_end = responses_is_end,
    .keep_alive = {": ping\n\n", 8},
    .error_body = responses_error_body,
    .error_event = responses_error_event,
    .read_error = responses_read_error,
    .to_events = responses_to_events,
    .to_whole = responses_to_whole,
    .read_chat = responses_read_chat,
    .write_chat = responses_write_chat,
    .reader_new = responses_reader_new,
    .reader_frame = responses_reader_frame,
    .reader_whole = responses_reader_whole,
    .reader_end = responses_reader_end,
    .writer_new = responses_writer_new,
    .writer_asked = responses_writer_asked,
    .write = responses_write,
    .write_end = responses_write_end,
};
