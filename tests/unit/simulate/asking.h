/* asking.h - a request made of a path and a JSON text, for the tests of this folder. */
#pragma once

#include <jansson.h>

#include "base/text.h"
#include "simulate/ask.h"
#include "simulate/reply.h"

struct asking {
    struct arena *arena;
    struct head head;
    struct field fields[4];
    struct rule rule;
    struct ask ask;
    struct reply *reply;
};

static inline void asking_begin(struct asking *asking, enum method method, const char *path,
                                const char *body)
{
    *asking = (struct asking){.arena = arena_new(), .rule = rule_default};
    asking->head = (struct head){
        .method = method, .path = text_of(path), .target = text_of(path), .fields = asking->fields};
    ask_read(&asking->ask, asking->arena, &asking->head, text_of(body), &asking->rule);
    asking->reply = reply_new(asking->arena);
}

static inline void asking_end(struct asking *asking)
{
    arena_free(&asking->arena);
}

/* Sets options as a model would: "tokens=3,finish=length". */
static inline bool asking_set(struct asking *asking, const char *list)
{
    hg_str model = arena_fmt(asking->arena, "sim:%s", list);

    return rule_set_model(&asking->rule, asking->arena, model, NULL);
}

/* The document of a piece: of an event what follows "data: ". A new reference. */
static inline json_t *asking_document(const struct asking *asking, size_t piece)
{
    hg_str bytes = asking->reply->pieces[piece].bytes;

    if (asking->reply->pieces[piece].is_event)
        bytes.p += 6, bytes.n -= 6;
    return json_loadb(bytes.p, bytes.n, JSON_DISABLE_EOF_CHECK, NULL);
}
