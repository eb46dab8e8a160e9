/* fault_words.h - what each provider says when something is wrong, by our names of it. */
#pragma once

struct dialect;

/* What is NULL is not said. */
struct fault_words {
    const char *name;
    unsigned status;
    const char *type, *code, *message;
    const char *details; /* Google: a JSON list */
    const char *body;    /* an answer that is no error object */
};

/* Ends with a NULL name. Of several with one status the usual one is first. */
const struct fault_words *fault_words_of(const struct dialect *dialect);

/* All names there are, ends with NULL; every dialect has each of them. */
extern const char *const fault_names[];
