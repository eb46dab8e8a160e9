/* vectors.h - embeddings as OpenAI's clients take them. */
#pragma once

#include "base/arena.h"

/* A list of {"object":"embedding","index":0,"embedding":[...]} with each vector as base64 of
 * little-endian 32-bit floats, as clients get it that asked for this encoding_format. */
hg_str vectors_base64(struct arena *arena, hg_str data);
