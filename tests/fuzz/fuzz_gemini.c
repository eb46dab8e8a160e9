/* Everything the dialect reads, from bytes of others: requests, answers, streams. What it writes
 * must be JSON, whatever dialect it is for, and its streams must come in whole frames.
 *
 *   first byte: what follows is a document, or a stream */
#include "fuzz/dialect_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void input(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text)
{
    if (first % 2 == 0)
        fuzz_document(fuzz, arena, text);
    else
        fuzz_stream(fuzz, arena, HG_FRAME_SSE, text);
}

static const char *const models[] = {"gemini-3-pro", "gemini-2.5-flash", "gemini-2.0-flash",
                                     "gemma-3", NULL};
static const struct dialect_fuzz target = {.dialect = &dialect_gemini,
                                           .input = input,
                                           .path = "/",
                                           .models = models,
                                           .traits = HG_WIRE_NO_URLS | HG_WIRE_NO_CALL_IDS,
                                           .choices = 64};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(&target, data, size);
}
