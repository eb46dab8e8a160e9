/* ask.h - one request to the simulator, read whole: what it is and in whose format. */
#pragma once

#include "dialect/dialect.h"
#include "http/head.h"
#include "simulate/rule.h"

struct endpoint;
struct json_t;

struct ask {
    struct arena *arena;
    const struct head *head;
    hg_str body;
    const struct rule *rule;
    uint64_t seed; /* from the body, and from the path where that names the model */

    const struct json_t *document; /* the body, NULL if it is no JSON object */
    hg_json doc;                   /* the same for dialects; absent if it is no JSON */

    const struct endpoint *endpoint; /* NULL: there is none on this path */
    const struct dialect *dialect;   /* never NULL: of the endpoint, else the likeliest */
    hg_str path;                     /* as the dialect knows it, without what stands before */
    hg_str model;                    /* of the body or the path, or empty */
    bool is_stream, wants_usage;
    bool is_array; /* the stream goes out as one JSON array */
};

/* The answer's rule may still change; everything else is read here. */
void ask_read(struct ask *ask, struct arena *arena, const struct head *head, hg_str body,
              const struct rule *rule);

/* The value of a text or number member; what is absent or of another type becomes empty, UNSET. */
hg_str document_member_text(const struct json_t *object, const char *name);
uint64_t document_member_number(const struct json_t *object, const char *name);

/* A moment since 1970 that belongs to the request. */
int64_t ask_moment(const struct ask *ask);
