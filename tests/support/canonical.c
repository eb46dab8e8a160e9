#include "support/canonical.h"

#include <stdlib.h>

#include "base/chain.h"
#include "base/text.h"
#include "json/write.h"

struct member {
    hg_str key;
    hg_json value;
};

static void value_put(struct chain *out, hg_json value);

static int member_order(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int order = n ? memcmp(x->key.p, y->key.p, n) : 0;

    if (order)
        return order;
    if (x->key.n != y->key.n)
        return x->key.n < y->key.n ? -1 : 1;
    return x->value.at < y->value.at ? -1 : 1;
}

static void text_put(struct chain *out, hg_str text)
{
    CHAIN_PUT_LIT(out, "\"");
    json_escape(out, text);
    CHAIN_PUT_LIT(out, "\"");
}

static void object_put(struct chain *out, hg_json object)
{
    size_t count = 0;
    struct member *members = arena_alloc(out->arena, json_count(object) * sizeof *members);
    hg_json_it it = {{0, 0}};

    while (json_next(object, &it, &members[count].key, &members[count].value)) {
        members[count].key = json_unescape(out->arena, members[count].key);
        count++;
    }
    qsort(members, count, sizeof *members, member_order);
    CHAIN_PUT_LIT(out, "{");
    for (size_t i = 0; i < count; i++) {
        if (i)
            CHAIN_PUT_LIT(out, ",");
        text_put(out, members[i].key);
        CHAIN_PUT_LIT(out, ":");
        value_put(out, members[i].value);
    }
    CHAIN_PUT_LIT(out, "}");
}

static void array_put(struct chain *out, hg_json array)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    CHAIN_PUT_LIT(out, "[");
    for (size_t i = 0; json_next(array, &it, NULL, &value); i++) {
        if (i)
            CHAIN_PUT_LIT(out, ",");
        value_put(out, value);
    }
    CHAIN_PUT_LIT(out, "]");
}

/* Recursion ends, because json_parse bounds the depth. */
static void value_put(struct chain *out, hg_json value)
{
    hg_str raw = json_raw(value);

    if (value.kind == HG_J_OBJ)
        object_put(out, value);
    else if (value.kind == HG_J_ARR)
        array_put(out, value);
    else if (value.kind == HG_J_STR)
        text_put(out, json_str(out->arena, value));
    else
        chain_put(out, raw.p, raw.n);
}

hg_str canonical(struct arena *arena, hg_json value)
{
    struct chain *out = chain_new(arena);

    value_put(out, value);
    return chain_flat(out, arena);
}

hg_str canonical_text(struct arena *arena, hg_str text)
{
    hg_json root;

    return json_parse(arena, text, &root, NULL) ? canonical(arena, root) : text;
}
