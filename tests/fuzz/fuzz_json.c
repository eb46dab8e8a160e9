/* Parses, walks everything by every function, writes it anew: the copy must mean the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "base/utf8.h"
#include "support/canonical.h"
#include "json/index.h"
#include "json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(struct arena *arena, hg_json value, struct chain *out)
{
    hg_json_it it = {{0, 0}};
    hg_str key, raw = json_raw(value);
    hg_json child;

    ensure(json_measure(raw) == raw.n);
    json_f64(value, 0);
    json_i64(value, 0);
    switch (value.kind) {
    case HG_J_OBJ:
        json_obj(out);
        while (json_next(value, &it, &key, &child)) {
            hg_str plain = json_unescape(arena, key);

            ensure(json_key_is(key, plain));
            ensure(json_member(value, plain).kind);
            json_key(out, plain);
            copy(arena, child, out);
        }
        json_end(out);
        break;
    case HG_J_ARR:
        json_arr(out);
        while (json_next(value, &it, &key, &child))
            copy(arena, child, out);
        json_end(out);
        break;
    case HG_J_STR:
        ensure(json_is(value, json_str(arena, value)));
        json_put_str(out, json_str(arena, value));
        break;
    default:
        json_put_raw(out, raw);
    }
}

/* One character at a time, where the parser looks at many. */
static bool is_utf8(const char *text, size_t size)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + size;
    size_t n = 1;

    for (; p < end && n; p += n)
        n = utf8_length(p, end);
    return n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct chain *out = chain_new(arena);
    char *text = malloc(size ? size : 1);
    hg_json root, again;

    memcpy(text, data, size);
    ensure(json_measure((hg_str){text, size}) <= size);
    /* The writer's depth is less than the parser's. */
    if (json_parse_depth(arena, (hg_str){text, size}, CHAIN_DEPTH, &root, NULL)) {
        ensure(is_utf8(text, size));
        copy(arena, root, out);
        ensure(json_ok(out));
        ensure(json_parse(arena, chain_flat(out, arena), &again, NULL));
        ensure(text_is(canonical(arena, root), canonical(arena, again)));
    }
    free(text);
    arena_free(&arena);
    return 0;
}
