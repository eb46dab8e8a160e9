/* carry.h - an answer on its whole way, as the gateway takes it: the provider's bytes through the
 * reader of its dialect, translation_event and the writer of the client's dialect. Memory of a
 * frame and of a round of reading is given back when it ends, as it is there, so that whoever keeps
 * a piece of it is found. */
#pragma once

#include "base/buffer.h"
#include "support/folded.h"

struct carry {
    struct arena *arena;
    const struct dialect *provider, *client; /* client NULL: events are folded, not written */
    bool is_stream;                          /* what the client asked for */
    struct dialect_sink sink;                /* meets the events as well, if set */
    struct buffer out; /* what the client gets; to be freed with buffer_done */
};

/* Whether the answer came with a content type that is a stream of the dialect. */
bool carry_is_framed(const struct dialect *provider, hg_str content_type);

/* `most`: the body is read in pieces of 1 to so many bytes; 0: at once. `is_wrapped`: events lie in
 * base64 in the chunks of an AWS event stream. False if it could not be read to a finish: an error
 * event of the client's ends the stream then, as the gateway would. */
bool carry_answer(struct carry *carry, hg_str content_type, hg_str body, size_t most,
                  bool is_wrapped);

/* What the client's own reader makes of the bytes. */
void carry_fold(const struct carry *carry, struct folded *ret);
