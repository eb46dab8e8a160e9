/* Google's generateContent format, as the Gemini API and Vertex AI have it. */
#include <headgate/provider.h>

#include "dialect/gemini/parts.h"

const struct dialect dialect_gemini = {
    .name = "gemini",
    .wire = HG_WIRE_GEMINI,
    .framing = HG_FRAME_SSE,
    .stream_type = {"text/event-stream", 17},
    .model_in_path = true,
    .wants_array = gemini_wants_array,
    .kind_of = gemini_kind_of,
    .read_request = gemini_read_request,
    .asks_models = gemini_asks_models,
    .write_model = gemini_write_model,
    .write_models = gemini_write_models,
    .request_visit = gemini_request_visit,
    .answer_visit = gemini_answer_visit,
    .event_visit = gemini_event_visit,
    .event_unrepeat = gemini_event_unrepeat,
    .tokens = gemini_tokens,
    .count = &gemini_counting,
    .error_body = gemini_error_body,
    .error_event = gemini_error_event,
    .read_chat = gemini_read_chat,
    .write_chat = gemini_write_chat,
    .write_embed = gemini_write_embed,
    .reader_new = gemini_reader_new,
    .reader_frame = gemini_reader_frame,
    .reader_whole = gemini_reader_whole,
    .reader_end = gemini_reader_end,
    .read_error = gemini_read_error,
    .writer_new = gemini_writer_new,
    .write = gemini_write,
    .write_end = gemini_write_end,
};
