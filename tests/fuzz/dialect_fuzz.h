/* dialect_fuzz.h - what the targets of all dialects do with bytes of others, and what must hold for
 * whatever is written from them. Each function ends the process if it does not. */
#pragma once

#include <stdint.h>

#include <headgate/provider.h>

#include "dialect/dialect.h"

struct dialect_fuzz {
    const struct dialect *dialect;

    /* Without its first byte, which says what the rest is; the memory ends where the text does. */
    void (*input)(const struct dialect_fuzz *fuzz, struct arena *arena, uint8_t first, hg_str text);
    bool is_all_text; /* no byte before it: `first` is 0 */

    /* Of its requests: the path on which they come, and the models that they are written for, with
     * NULL behind the last; every second one is served with `traits` (HG_WIRE_... flags). */
    const char *path;
    const char *const *models;
    uint32_t traits;
    bool asks_no_why; /* what is refused is refused without an error to tell it to */

    /* Of its answers. */
    uint32_t choices;  /* at most so many, up to 64 */
    bool names_frames; /* each frame of a stream has the name of its event */
};

/* For LLVMFuzzerTestOneInput: always 0. */
int fuzz_run(const struct dialect_fuzz *fuzz, const uint8_t *data, size_t size);

void fuzz_json_check(struct arena *arena, const struct chain *out);

/* ---- requests ---- */

/* One in the format of `from`, written in that of `to` (NULL: in every one) for each model. One of
 * the two dialects must be the own one for anything to be done. */
void fuzz_request(const struct dialect_fuzz *fuzz, struct arena *arena, const struct dialect *from,
                  const struct dialect *to, hg_json doc);

/* One for embeddings, in OpenAI's form, for dialects that have them. */
void fuzz_embed(const struct dialect_fuzz *fuzz, struct arena *arena, hg_json doc);

/* The texts of a request or an answer with `edits` made in them: there are as many as before, and
 * the first begins with what the last edit put there. */
void fuzz_edit(const struct dialect_fuzz *fuzz, struct arena *arena, uint32_t kind, hg_json doc,
               bool is_request, const struct dialect_edits *edits);

/* ---- answers ---- */

/* Hands on the frames of a stream (HG_FRAME_...), each with memory that is gone behind it. */
void fuzz_frames(const struct dialect_fuzz *fuzz, struct dialect_reader *reader, uint32_t framing,
                 hg_str bytes);

/* As events into the own writer, whole and as a stream. */
void fuzz_stream(const struct dialect_fuzz *fuzz, struct arena *arena, uint32_t framing,
                 hg_str bytes);

/* A document as everything that it can be: an answer, an error, an event, and a request of the own
 * format and of OpenAI's. */
void fuzz_document(const struct dialect_fuzz *fuzz, struct arena *arena, hg_str text);
