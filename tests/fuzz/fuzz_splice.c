/* Edits chosen by the input on a document chosen by the input: what comes out must be JSON again,
 * and hold the edit that came last.
 *
 *   document NUL ( operation place NUL value NUL )... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "base/utf8.h"
#include "json/splice.h"
#include "json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keys that are not UTF-8 are mended when they are written, and not found again. */
static bool is_utf8(const char *text)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + strlen(text);
    size_t n = 1;

    for (; p < end && n; p += n)
        n = utf8_length(p, end);
    return n > 0;
}

/* A bare key means a member of the root, or an element of it. */
static hg_json placed(hg_json root, const char *place)
{
    if (place[0] == '/' || !place[0])
        return json_get(root, place);
    if (root.kind != HG_J_ARR)
        return json_member(root, text_of(place));
    char pointer[64];

    snprintf(pointer, sizeof pointer, "/%s", place);
    return json_get(root, pointer);
}

/* As it is put in: without its line breaks. */
static hg_str on_a_line(struct arena *arena, hg_str value)
{
    struct chain *line = chain_new(arena);

    json_put_raw(line, value);
    return chain_flat(line, arena);
}

static void edit(struct arena *arena, struct splice *splice, hg_json root, char operation,
                 const char *place, hg_str value)
{
    struct chain *out = chain_new(arena);
    bool done = false, raw = json_measure(value) == value.n && value.n;
    hg_json again, target;

    switch (operation & 3) {
    case 0:
        done = raw && splice_set(splice, place, value);
        break;
    case 1:
        done = splice_set_str(splice, place, value);
        break;
    case 2:
        done = splice_remove(splice, place);
        break;
    case 3:
        if (raw)
            splice_replace(splice, placed(root, place), value);
        break;
    }
    splice_into(splice, out);
    /* Edits can repeat a key only by putting such an object at the root. */
    hg_str text = chain_flat(out, arena);
    struct json_fault fault;

    if (!json_parse_depth(arena, text, JSON_DEPTH_MAX, &again, &fault)) {
        ensure(strstr(fault.reason, "duplicate") || strstr(fault.reason, "deep"));
        return;
    }
    target = placed(again, place);
    if ((operation & 3) == 0 && done)
        ensure(text_is(json_raw(target), on_a_line(arena, value)));
    if ((operation & 3) == 1 && done)
        ensure(target.kind == HG_J_STR);
    if ((operation & 3) == 2 && done)
        ensure(!target.kind);
}

/* The next NUL-terminated piece, NUL left out; a copy, so that ASan sees its end. */
static hg_str piece(struct arena *arena, hg_str *rest)
{
    hg_str part = text_cut(*rest, 0, rest);

    return arena_text(arena, part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    hg_str rest = {(const char *)data, size};
    hg_str document = piece(arena, &rest);
    hg_json root;

    if (json_parse(arena, document, &root, NULL)) {
        struct splice *splice = splice_new(arena, root);

        for (int i = 0; rest.n && i < 32; i++) {
            hg_str operation = piece(arena, &rest), value = piece(arena, &rest);

            if (operation.n && is_utf8(operation.p + 1))
                edit(arena, splice, root, operation.p[0], operation.p + 1, value);
        }
    }
    arena_free(&arena);
    return 0;
}
