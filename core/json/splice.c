/* A splice is a list of edits, ordered by place and never overlapping: an edit of something larger
 * takes the place of those inside it, and one inside a value that was itself put there is made in
 * that value. */
#include "json/splice_parts.h"

#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "json/pointer.h"
#include "json/write.h"

struct splice *splice_new(struct arena *arena, hg_json root)
{
    struct splice *splice = arena_zalloc(arena, sizeof *splice);

    ensure(root.kind != HG_J_NONE);
    splice->arena = arena;
    splice->root = root;
    splice->text = json_text(root);
    return splice;
}

bool splice_changes(const struct splice *splice)
{
    return splice->count > 0;
}

/* The number of edits that begin before `at`, or there. */
static size_t edits_until(const struct splice *splice, size_t at)
{
    size_t low = 0, high = splice->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (splice->edits[middle].from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The edit that replaces or removes the bytes at `at`, if any. */
static struct edit *edit_over(struct splice *splice, size_t at)
{
    size_t until = edits_until(splice, at);
    struct edit *edit = until ? &splice->edits[until - 1] : NULL;

    return edit && edit->to > at ? edit : NULL;
}

static struct edit *edit_of_value(struct splice *splice, hg_json value)
{
    struct edit *edit = edit_over(splice, json_offset(value));

    return edit && edit->value.at == value.at ? edit : NULL;
}

/* Takes out the edits that lie inside from..to. */
static void edits_drop(struct splice *splice, size_t from, size_t to)
{
    size_t first = from ? edits_until(splice, from - 1) : 0, last = first;

    while (last < splice->count && splice->edits[last].from < to)
        splice->removals -= splice->edits[last++].kind == EDIT_REMOVE;
    memmove(splice->edits + first, splice->edits + last,
            (splice->count - last) * sizeof *splice->edits);
    splice->count -= last - first;
}

static void edit_add(struct splice *splice, const struct edit *edit)
{
    if (splice->count == splice->room) {
        size_t room = splice->room ? 2 * splice->room : 8;
        struct edit *more = arena_alloc(splice->arena, room * sizeof *more);

        if (splice->count)
            memcpy(more, splice->edits, splice->count * sizeof *more);
        splice->edits = more;
        splice->room = room;
    }
    if (edit->to > edit->from && splice->count)
        edits_drop(splice, edit->from, edit->to);
    size_t at = edits_until(splice, edit->from);

    memmove(splice->edits + at + 1, splice->edits + at,
            (splice->count - at) * sizeof *splice->edits);
    splice->edits[at] = *edit;
    splice->count++;
    splice->removals += edit->kind == EDIT_REMOVE;
}

static void value_replace(struct splice *splice, hg_json value, hg_str raw)
{
    hg_str old = json_raw(value);

    edit_add(splice, &(struct edit){.kind = EDIT_REPLACE,
                                    .from = value.at,
                                    .to = value.at + old.n,
                                    .value = value,
                                    .raw = raw});
}

/* What an edit puts there becomes `raw`. A removed member comes back with it. */
static void edit_change(struct splice *splice, struct edit *edit, hg_str raw)
{
    if (edit->kind == EDIT_REMOVE) {
        hg_json value = edit->value;

        edits_drop(splice, edit->from, edit->to);
        value_replace(splice, value, raw);
    } else {
        edit->raw = raw;
    }
}

/* {"a":{"b":raw}} for what is left of a pointer, "/a/b". */
static bool raw_wrap(struct arena *arena, const char *pointer, hg_str raw, hg_str *ret_raw)
{
    struct chain *chain = chain_new(arena);
    char room[POINTER_TOKEN_MAX];
    hg_str token;

    while (*pointer) {
        if (!pointer_token(&pointer, room, &token))
            return false;
        json_obj(chain);
        json_key(chain, token);
    }
    json_put_raw(chain, raw);
    while (chain->depth && !chain->broken)
        json_end(chain);
    *ret_raw = chain_flat(chain, arena);
    return json_ok(chain);
}

static bool place_set(struct splice *splice, const char *pointer, hg_str raw);

/* The same change inside a value that was put there by an edit. */
static bool edit_set(struct splice *splice, struct edit *edit, const char *pointer, hg_str raw)
{
    struct splice *inner;
    struct chain *chain;
    hg_json root;

    if (!*pointer || edit->kind == EDIT_REMOVE) {
        if (!raw_wrap(splice->arena, pointer, raw, &raw))
            return false;
        edit_change(splice, edit, raw);
        return true;
    }
    if (!json_parse_depth(splice->arena, edit->raw, JSON_DEPTH_MAX, &root, NULL))
        return false;
    inner = splice_new(splice->arena, root);
    if (!place_set(inner, pointer, raw))
        return false;
    chain = chain_new(splice->arena);
    splice_into(inner, chain);
    edit->raw = chain_flat(chain, splice->arena);
    return true;
}

/* Where a new member of `object` goes: behind its last value, or behind the bracket. */
static size_t insert_place(hg_json object)
{
    hg_json_it it = {{0, 0}};
    hg_json last = {0};

    while (json_next(object, &it, NULL, &last))
        ;
    return last.kind ? last.at + json_raw(last).n : (size_t)object.at + 1;
}

static struct edit *edit_of_insertion(struct splice *splice, hg_json object, hg_str key)
{
    for (size_t i = 0; i < splice->count; i++) {
        struct edit *edit = &splice->edits[i];

        if (edit->kind == EDIT_INSERT && edit->container.at == object.at && text_is(edit->key, key))
            return edit;
    }
    return NULL;
}

static bool member_insert(struct splice *splice, hg_json object, hg_str key, const char *pointer,
                          hg_str raw)
{
    struct edit *present = edit_of_insertion(splice, object, key);
    struct chain *lead;

    if (present)
        return edit_set(splice, present, pointer, raw);
    if (!raw_wrap(splice->arena, pointer, raw, &raw))
        return false;
    lead = chain_new(splice->arena);
    json_obj(lead);
    json_key(lead, key);
    hg_str written = chain_flat(lead, splice->arena);
    size_t at = insert_place(object);

    edit_add(splice, &(struct edit){.kind = EDIT_INSERT,
                                    .from = at,
                                    .to = at,
                                    .raw = raw,
                                    .key = arena_text(splice->arena, key),
                                    .lead = {written.p + 1, written.n - 1},
                                    .container = object});
    return true;
}

static bool place_set(struct splice *splice, const char *pointer, hg_str raw)
{
    hg_json value = splice->root;
    char room[POINTER_TOKEN_MAX];

    for (;;) {
        struct edit *edit = edit_of_value(splice, value);
        hg_str token;

        if (edit)
            return edit_set(splice, edit, pointer, raw);
        if (!*pointer || value.kind == HG_J_NULL) {
            if (!raw_wrap(splice->arena, pointer, raw, &raw))
                return false;
            value_replace(splice, value, raw);
            return true;
        }
        if (*pointer != '/' || !pointer_token(&pointer, room, &token))
            return false;
        hg_json child = pointer_child(value, token);

        if (!child.kind)
            return value.kind == HG_J_OBJ && member_insert(splice, value, token, pointer, raw);
        value = child;
    }
}

/* A place as a pointer. A bare key is copied, with its ~ escaped. */
static const char *place_pointer(struct splice *splice, const char *place)
{
    size_t n = strlen(place);
    char *pointer, *at;

    if (n == 0 || place[0] == '/')
        return place;
    at = pointer = arena_alloc(splice->arena, 2 * n + 2);
    *at++ = '/';
    for (; *place; place++) {
        if (*place == '~' || *place == '/') {
            *at++ = '~';
            *at++ = *place == '~' ? '0' : '1';
        } else {
            *at++ = *place;
        }
    }
    *at = 0;
    return pointer;
}

bool splice_set(struct splice *splice, const char *place, hg_str raw)
{
    return place_set(splice, place_pointer(splice, place), raw);
}

static hg_str str_written(struct splice *splice, hg_str text)
{
    struct chain *chain = chain_new(splice->arena);

    json_put_str(chain, text);
    return chain_flat(chain, splice->arena);
}

bool splice_set_str(struct splice *splice, const char *place, hg_str text)
{
    return splice_set(splice, place, str_written(splice, text));
}

void splice_replace(struct splice *splice, hg_json value, hg_str raw)
{
    struct edit *edit = edit_over(splice, json_offset(value));

    if (!value.kind)
        return;
    if (!edit)
        value_replace(splice, value, raw);
    else if (edit->value.at == value.at)
        edit_change(splice, edit, raw);
    /* Otherwise the value is gone with something larger. */
}

void splice_replace_str(struct splice *splice, hg_json value, hg_str text)
{
    splice_replace(splice, value, str_written(splice, text));
}

/* ---- removing ------------------------------------------------------------------------------- */

static void members_remove(struct splice *splice, hg_json object, hg_str key)
{
    hg_json_it it = {{0, 0}};
    size_t before_end = 0;
    hg_json value;
    hg_str raw;

    while (json_next(object, &it, &raw, &value)) {
        size_t from = (size_t)(raw.p - 1 - splice->text.p), to = value.at + json_raw(value).n;
        hg_json_it ahead = it;
        hg_str behind;
        struct edit edit = {.kind = EDIT_REMOVE,
                            .from = from,
                            .to = to,
                            .value = value,
                            .container = object,
                            .before_end = before_end};

        before_end = to;
        if (!json_key_is(raw, key))
            continue;
        if (json_next(object, &ahead, &behind, NULL))
            edit.behind = (size_t)(behind.p - 1 - splice->text.p);
        edit_add(splice, &edit);
    }
}

static bool place_remove(struct splice *splice, const char *pointer);

static bool edit_remove_inside(struct splice *splice, struct edit *edit, const char *pointer)
{
    struct splice *inner;
    struct chain *chain;
    hg_json root;

    if (edit->kind == EDIT_REMOVE)
        return true;
    if (!json_parse_depth(splice->arena, edit->raw, JSON_DEPTH_MAX, &root, NULL))
        return false;
    inner = splice_new(splice->arena, root);
    if (!place_remove(inner, pointer))
        return false;
    chain = chain_new(splice->arena);
    splice_into(inner, chain);
    edit->raw = chain_flat(chain, splice->arena);
    return true;
}

static void insertion_remove(struct splice *splice, struct edit *edit)
{
    size_t at = (size_t)(edit - splice->edits);

    splice->count--;
    memmove(edit, edit + 1, (splice->count - at) * sizeof *edit);
}

static bool place_remove(struct splice *splice, const char *pointer)
{
    hg_json value = splice->root;
    char room[POINTER_TOKEN_MAX];

    while (*pointer == '/') {
        struct edit *edit = edit_of_value(splice, value);
        hg_str token;

        if (edit)
            return edit_remove_inside(splice, edit, pointer);
        if (!pointer_token(&pointer, room, &token))
            return false;
        if (value.kind == HG_J_OBJ && (edit = edit_of_insertion(splice, value, token))) {
            if (*pointer)
                return edit_remove_inside(splice, edit, pointer);
            insertion_remove(splice, edit);
            return true;
        }
        if (value.kind == HG_J_OBJ && !*pointer) {
            members_remove(splice, value, token);
            return true;
        }
        hg_json child = pointer_child(value, token);

        if (!child.kind)
            return value.kind == HG_J_OBJ;
        value = child;
    }
    return false;
}

bool splice_remove(struct splice *splice, const char *place)
{
    return place_remove(splice, place_pointer(splice, place));
}

void splice_remove_member(struct splice *splice, hg_json object, hg_str key)
{
    if (object.kind == HG_J_OBJ && !edit_over(splice, json_offset(object)))
        members_remove(splice, object, key);
}
