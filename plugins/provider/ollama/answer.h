/* answer.h - an answer of Ollama's own API as events. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

struct answer {
    bool is_started, is_over;
    uint32_t calls;
};

/* One document: a line of a stream, or all of it. Fails if it is none. */
hg_rc answer_read(const hg_host *host, hg_op op, struct answer *answer, hg_str text);

/* Vectors, as the OpenAI side of the server gives them. */
hg_rc answer_read_vectors(const hg_host *host, hg_op op, hg_str text);
