/* Members are sorted by their key without escapes. All of several equal keys are kept, in their
 * order, so that documents which say different things never have the same bytes. (Lone surrogates
 * are alike, and like U+FFFD.) */
#include "json/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

struct canonical {
    void (*add)(void *arg, const void *p, size_t n);
    void *arg;
    struct arena *arena; /* for members and texts; what is in it goes all at once */
    size_t n;
    char bytes[1024]; /* small pieces are handed on together */
};

struct member {
    hg_str key;
    hg_json value;
};

static void value_put(struct canonical *canonical, hg_json value, bool (*skip)(hg_str key));

static void flush(struct canonical *canonical)
{
    if (canonical->n)
        canonical->add(canonical->arg, canonical->bytes, canonical->n);
    canonical->n = 0;
}

static void put(struct canonical *canonical, const void *p, size_t n)
{
    if (n > sizeof canonical->bytes - canonical->n)
        flush(canonical);
    if (n > sizeof canonical->bytes) {
        canonical->add(canonical->arg, p, n);
        return;
    }
    if (n)
        memcpy(canonical->bytes + canonical->n, p, n);
    canonical->n += n;
}

/* Only what must be escaped is: the quote, the backslash, and controls as \u00xx. */
static void text_put(struct canonical *canonical, hg_str text)
{
    static const char hex[] = "0123456789abcdef";
    size_t from = 0;

    put(canonical, "\"", 1);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        char escape[6] = {'\\', (char)c, '0', '0', hex[c >> 4], hex[c & 15]};

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(canonical, text.p + from, i - from);
        if (c < 0x20)
            escape[1] = 'u';
        put(canonical, escape, c < 0x20 ? 6 : 2);
        from = i + 1;
    }
    put(canonical, text.p + from, text.n - from);
    put(canonical, "\"", 1);
}

static void str_put(struct canonical *canonical, hg_json value)
{
    hg_str raw = json_raw(value);

    if (!memchr(raw.p, '\\', raw.n))
        put(canonical, raw.p, raw.n);
    else
        text_put(canonical, json_str(canonical->arena, value));
}

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

static struct member *members_of(struct canonical *canonical, hg_json object,
                                 bool (*skip)(hg_str key), size_t *ret_count)
{
    size_t count = 0, room = 16;
    struct member *members = arena_alloc(canonical->arena, room * sizeof *members);
    hg_json_it it = {{0, 0}};
    struct member member;

    while (json_next(object, &it, &member.key, &member.value)) {
        member.key = json_unescape(canonical->arena, member.key);
        if (skip && skip(member.key))
            continue;
        if (count == room) {
            struct member *more = arena_alloc(canonical->arena, 2 * room * sizeof *more);

            memcpy(more, members, room * sizeof *more);
            members = more;
            room *= 2;
        }
        members[count++] = member;
    }
    qsort(members, count, sizeof *members, member_order);
    *ret_count = count;
    return members;
}

static void object_put(struct canonical *canonical, hg_json object, bool (*skip)(hg_str key))
{
    size_t count;
    const struct member *members = members_of(canonical, object, skip, &count);

    put(canonical, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i)
            put(canonical, ",", 1);
        text_put(canonical, members[i].key);
        put(canonical, ":", 1);
        value_put(canonical, members[i].value, NULL);
    }
    put(canonical, "}", 1);
}

static void array_put(struct canonical *canonical, hg_json array)
{
    hg_json_it it = {{0, 0}};
    bool first = true;
    hg_json value;

    put(canonical, "[", 1);
    while (json_next(array, &it, NULL, &value)) {
        if (!first)
            put(canonical, ",", 1);
        first = false;
        value_put(canonical, value, NULL);
    }
    put(canonical, "]", 1);
}

/* Recursion ends, because json_parse bounds the depth. */
static void value_put(struct canonical *canonical, hg_json value, bool (*skip)(hg_str key))
{
    hg_str raw;

    switch (value.kind) {
    case HG_J_NONE:
        return;
    case HG_J_OBJ:
        object_put(canonical, value, skip);
        return;
    case HG_J_ARR:
        array_put(canonical, value);
        return;
    case HG_J_STR:
        str_put(canonical, value);
        return;
    default:
        raw = json_raw(value);
        put(canonical, raw.p, raw.n);
    }
}

void json_canonical(hg_json value, void (*add)(void *arg, const void *p, size_t n), void *arg,
                    bool (*skip)(hg_str key))
{
    struct canonical canonical;

    canonical.add = add;
    canonical.arg = arg;
    canonical.arena = arena_new();
    canonical.n = 0;
    value_put(&canonical, value, skip);
    flush(&canonical);
    arena_free(&canonical.arena);
}
