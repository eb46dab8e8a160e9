/* Amazon Bedrock's Converse format: one for all models there, streamed as AWS event streams. */
#include <headgate/provider.h>

#include "dialect/converse/parts.h"

const struct dialect dialect_converse = {
    .name = "converse",
    .wire = HG_WIRE_CONVERSE,
    .framing = HG_FRAME_AWS,
    .stream_type = {"application/vnd.amazon.eventstream", 34},
    .model_in_path = true,
    .kind_of = converse_kind_of,
    .read_request = converse_read_request,
    .request_visit = converse_request_visit,
    .answer_visit = converse_answer_visit,
    .event_visit = converse_event_visit,
    .tokens = converse_tokens,
    .count = &converse_count,
    .is_end = converse_is_end,
    .error_body = converse_error_body,
    .error_event = converse_error_event,
    .error_field = converse_error_field,
    .read_chat = converse_read_chat,
    .write_chat = converse_write_chat,
    .reader_new = converse_reader_new,
    .reader_frame = converse_reader_frame,
    .reader_whole = converse_reader_whole,
    .reader_end = converse_reader_end,
    .read_error = converse_read_error,
    .writer_new = converse_writer_new,
    .write = converse_write,
    .write_end = converse_write_end,
};
