/* Cohere's chat format, version 2. Embeddings and reranking beside it pass as they are. */
#include <headgate/provider.h>

#include "dialect/cohere/parts.h"

const struct dialect dialect_cohere = {
    .name = "cohere",
    .wire = HG_WIRE_COHERE,
    .framing = HG_FRAME_SSE,
    .stream_type = {"text/event-stream", 17},
    .kind_of = cohere_kind_of,
    .read_request = cohere_read_request,
    .asks_models = cohere_asks_models,
    .write_model = cohere_write_model,
    .write_models = cohere_write_models,
    .request_visit = cohere_request_visit,
    .answer_visit = cohere_answer_visit,
    .event_visit = cohere_event_visit,
    .tokens = cohere_tokens,
    .is_plain = cohere_is_plain,
    .event_unrepeat = cohere_event_unrepeat,
    .end_mark = {"data: [DONE]\n\n", 14},
    .is_end = cohere_is_end,
    .keep_alive = {": ping\n\n", 8},
    .error_body = cohere_error_body,
    .error_event = cohere_error_event,
    .read_chat = cohere_read_chat,
    .write_chat = cohere_write_chat,
    .write_embed = cohere_write_embed,
    .reader_new = cohere_reader_new,
    .reader_frame = cohere_reader_frame,
    .reader_whole = cohere_reader_whole,
    .reader_end = cohere_reader_end,
    .read_error = cohere_read_error,
    .writer_new = cohere_writer_new,
    .write = cohere_write,
    .write_end = cohere_write_end,
};
