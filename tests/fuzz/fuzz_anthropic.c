/* Everything the dialect reads, from bytes of others: requests, answers, streams. What it writes
 * must be JSON, whatever dialect it is for, and its streams must come in whole frames.
 *
 *   first byte: what follows is a document, or a stream in one of two framings */
#include "fuzz/dialect_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void input(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text)
{
    if (first % 3 == 0)
        fuzz_document(fuzz, arena, text);
    else
        fuzz_stream(fuzz, arena, first % 3 == 1 ? HG_FRAME_SSE : HG_FRAME_AWS, text);
}

static const char *const models[] = {"claude-opus-5", "claude-sonnet-4-5", "claude-3-haiku",
                                     "other", NULL};
static const struct dialect_fuzz target = {.dialect = &dialect_anthropic,
                                           .input = input,
                                           .path = "/",
                                           .models = models,
                                           .traits = HG_WIRE_NO_URLS | HG_WIRE_BODY_VERSION,
                                           .choices = 1,
                                           .names_frames = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(&target, data, size);
}
