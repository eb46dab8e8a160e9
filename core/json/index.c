/* Documents and walking in them. The index holds the members of the root only: requests are asked
 * for a few of those, and deeper values are found by skipping, which is fast in valid text. */
#include "json/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/pointer.h"
#include "json/scan.h"

enum {
    SORT_FROM = 33
}; /* with fewer members a look at each is quicker than an order */

static const struct json_doc *doc_of(hg_json value)
{
    return value.doc;
}

static const uint8_t *doc_from(const struct json_doc *doc)
{
    return (const uint8_t *)doc->text.p;
}

static const uint8_t *doc_end(const struct json_doc *doc)
{
    return doc_from(doc) + doc->text.n;
}

/* The kind of what begins with a byte; what is not listed begins a number. */
static hg_json value_at(const struct json_doc *doc, size_t at)
{
    static const uint8_t kinds[256] = {['{'] = HG_J_OBJ,  ['['] = HG_J_ARR,   ['"'] = HG_J_STR,
                                       ['t'] = HG_J_TRUE, ['f'] = HG_J_FALSE, ['n'] = HG_J_NULL};
    uint32_t kind = kinds[(uint8_t)doc->text.p[at]];

    return (hg_json){doc, (uint32_t)at, kind ? kind : HG_J_NUM};
}

static int key_order(const void *a, const void *b, void *members)
{
    const struct json_member *all = members;
    const struct json_member *x = &all[*(const uint32_t *)a], *y = &all[*(const uint32_t *)b];
    size_t n = x->key_n < y->key_n ? x->key_n : y->key_n;
    int order = n ? memcmp(x->key, y->key, n) : 0;

    if (order)
        return order;
    if (x->key_n != y->key_n)
        return x->key_n < y->key_n ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static bool same_key(const struct json_member *a, const struct json_member *b)
{
    return a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0;
}

/* Each key sets one of 64 bits; only one that finds its bit set is compared with the others. */
static const struct json_member *duplicate_of_few(const struct json_scan *scan)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < scan->count; i++) {
        const struct json_member *member = &scan->members[i];
        unsigned mix = member->key_n * 5;

        if (member->key_n)
            mix += (uint8_t)member->key[0] * 3u + (uint8_t)member->key[member->key_n - 1];
        uint64_t bit = UINT64_C(1) << (mix & 63);

        for (uint32_t k = 0; (seen & bit) && k < i; k++) {
            if (same_key(member, &scan->members[k]))
                return member;
        }
        seen |= bit;
    }
    return NULL;
}

static const struct json_member *duplicate_of_many(struct json_doc *doc, struct arena *arena)
{
    doc->by_key = arena_alloc(arena, doc->count * sizeof *doc->by_key);
    for (uint32_t i = 0; i < doc->count; i++)
        doc->by_key[i] = i;
    qsort_r(doc->by_key, doc->count, sizeof *doc->by_key, key_order, doc->members);
    for (uint32_t i = 1; i < doc->count; i++) {
        const struct json_member *member = &doc->members[doc->by_key[i]];

        if (same_key(member, &doc->members[doc->by_key[i - 1]]))
            return member;
    }
    return NULL;
}

static bool doc_index(struct json_doc *doc, struct json_scan *scan)
{
    const struct json_member *twice;

    doc->count = scan->count;
    doc->members = scan->members;
    if (scan->members == scan->first) {
        size_t size = scan->count * sizeof *doc->members;

        doc->members = size ? arena_alloc(scan->arena, size) : NULL;
        if (size)
            memcpy(doc->members, scan->first, size);
    }
    twice = doc->count < SORT_FROM ? duplicate_of_few(scan) : duplicate_of_many(doc, scan->arena);
    if (!twice)
        return true;
    scan->fault = (struct json_fault){twice->raw_key_at, "duplicate key at the top level"};
    return false;
}

static bool parse_failed(const struct json_fault *fault, struct json_fault *ret_fault)
{
    if (ret_fault)
        *ret_fault = *fault;
    return false;
}

bool json_parse_depth(struct arena *arena, hg_str text, unsigned depth, hg_json *ret_root,
                      struct json_fault *ret_fault)
{
    struct json_scan scan;
    struct json_doc *doc;

    if (text.n == 0)
        return parse_failed(&(struct json_fault){0, "the text is empty"}, ret_fault);
    if (text.n >= UINT32_MAX)
        return parse_failed(&(struct json_fault){0, "the text is too long"}, ret_fault);
    scan.from = (const uint8_t *)text.p;
    scan.end = scan.from + text.n;
    scan.arena = arena;
    scan.members = scan.first;
    scan.count = 0;
    scan.room = SCAN_TOP_INLINE;
    scan.foreign = 0;
    scan.looked = false;
    scan.depth_limit = depth < JSON_DEPTH_MAX ? depth : JSON_DEPTH_MAX;

    const uint8_t *root = json_skip_space(scan.from, scan.end);
    const uint8_t *end = json_scan_value(&scan, root);

    if (!end)
        return parse_failed(&scan.fault, ret_fault);
    const uint8_t *rest = json_skip_space(end, scan.end);

    if (rest != scan.end) {
        scan.fault = (struct json_fault){(size_t)(rest - scan.from), "text behind the value"};
        return parse_failed(&scan.fault, ret_fault);
    }
    doc = arena_zalloc(arena, sizeof *doc);
    doc->text = text;
    doc->root_end = (uint32_t)(end - scan.from);
    if (!doc_index(doc, &scan))
        return parse_failed(&scan.fault, ret_fault);
    *ret_root = value_at(doc, (size_t)(root - scan.from));
    return true;
}

bool json_parse(struct arena *arena, hg_str text, hg_json *ret_root, struct json_fault *ret_fault)
{
    return json_parse_depth(arena, text, JSON_DEPTH, ret_root, ret_fault);
}

/* Only the root object has its first bracket before its first member's key. */
static bool is_indexed_object(hg_json value)
{
    const struct json_doc *doc = doc_of(value);

    return value.kind == HG_J_OBJ && doc->count && value.at < doc->members[0].raw_key_at;
}

static hg_json top_member(const struct json_doc *doc, hg_str key)
{
    uint32_t low = 0, high = doc->count;

    if (!doc->by_key) {
        for (uint32_t i = 0; i < doc->count; i++) {
            const struct json_member *member = &doc->members[i];

            if (text_is((hg_str){member->key, member->key_n}, key))
                return value_at(doc, member->at);
        }
        return (hg_json){0};
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct json_member *member = &doc->members[doc->by_key[middle]];
        size_t n = member->key_n < key.n ? member->key_n : key.n;
        int order = n ? memcmp(member->key, key.p, n) : 0;

        if (order == 0 && member->key_n == key.n)
            return value_at(doc, member->at);
        if (order < 0 || (order == 0 && member->key_n < key.n))
            low = middle + 1;
        else
            high = middle;
    }
    return (hg_json){0};
}

static int top_next(const struct json_doc *doc, hg_json_it *it, hg_str *ret_key, hg_json *ret_value)
{
    if (it->priv[0] >= doc->count)
        return 0;
    const struct json_member *member = &doc->members[it->priv[0]++];

    if (ret_key)
        *ret_key = (hg_str){doc->text.p + member->raw_key_at, member->raw_key_n};
    if (ret_value)
        *ret_value = value_at(doc, member->at);
    return 1;
}

/* priv[0] is where the value given last begins, from the document's start; 0 before the first,
 * because no element or member begins at the document's first byte. priv[1] is where that value
 * ends, if it is known; after the last one, where the object or array itself ends, and priv[0] is
 * ITEMS_OVER. */
#define ITEMS_OVER UINT64_MAX

/* Behind the item given last, or behind the opening bracket. */
static const uint8_t *item_behind(hg_json from, const hg_json_it *it)
{
    const struct json_doc *doc = doc_of(from);
    const uint8_t *start = doc_from(doc);

    if (it->priv[0] == 0)
        return start + from.at + 1;
    if (it->priv[1])
        return start + it->priv[1];
    return json_skip_value(start, start + it->priv[0], doc_end(doc));
}

int json_next(hg_json from, hg_json_it *it, hg_str *ret_key, hg_json *ret_value)
{
    const struct json_doc *doc = doc_of(from);
    hg_str key = {NULL, 0};

    if ((from.kind != HG_J_ARR && from.kind != HG_J_OBJ) || it->priv[0] == ITEMS_OVER)
        return 0;
    if (is_indexed_object(from))
        return top_next(doc, it, ret_key, ret_value);
    const uint8_t *start = doc_from(doc), *end = doc_end(doc);
    const uint8_t *p = json_skip_space(item_behind(from, it), end);

    if (*p == ',')
        p = json_skip_space(p + 1, end);
    if (*p == ']' || *p == '}') {
        *it = (hg_json_it){{ITEMS_OVER, (uint64_t)(p + 1 - start)}};
        return 0;
    }
    if (from.kind == HG_J_OBJ) {
        const uint8_t *behind = json_skip_string(start, p, end);

        key = (hg_str){(const char *)p + 1, (size_t)(behind - p) - 2};
        p = json_skip_space(json_skip_space(behind, end) + 1, end);
    }
    *it = (hg_json_it){{(uint64_t)(p - start), 0}};
    if (ret_key)
        *ret_key = key;
    if (ret_value)
        *ret_value = value_at(doc, (size_t)(p - start));
    return 1;
}

void json_pass(hg_json_it *it, const hg_json_it *inner)
{
    if (inner->priv[0] == ITEMS_OVER)
        it->priv[1] = inner->priv[1];
}

hg_json json_member(hg_json object, hg_str key)
{
    hg_json found = {0}, value;
    hg_json_it it = {{0, 0}};
    hg_str raw;

    if (object.kind != HG_J_OBJ)
        return found;
    if (is_indexed_object(object))
        return top_member(doc_of(object), key);
    while (json_next(object, &it, &raw, &value)) {
        if (json_key_is(raw, key))
            found = value;
    }
    return found;
}

/* A bit for each length that a key has: most members are none of them by that alone. */
static uint64_t lengths_of(const hg_str *keys, size_t count)
{
    uint64_t lengths = 0;

    for (size_t i = 0; i < count; i++)
        lengths |= UINT64_C(1) << (keys[i].n & 63);
    return lengths;
}

void json_pick(hg_json object, hg_json_it *it, const hg_str *keys, size_t count,
               hg_json *ret_values)
{
    hg_json_it inner = {{0, 0}};
    uint64_t lengths;
    hg_json value;
    hg_str raw;

    memset(ret_values, 0, count * sizeof *ret_values);
    if (object.kind != HG_J_OBJ)
        return;
    if (is_indexed_object(object)) {
        for (size_t i = 0; i < count; i++)
            ret_values[i] = top_member(doc_of(object), keys[i]);
        return;
    }
    lengths = lengths_of(keys, count);
    while (json_next(object, &inner, &raw, &value)) {
        bool has_escapes = raw.n && memchr(raw.p, '\\', raw.n);

        if (!(lengths >> (raw.n & 63) & 1) && !has_escapes)
            continue;
        for (size_t i = 0; i < count; i++)
            if (has_escapes ? json_key_is(raw, keys[i]) : text_is(raw, keys[i]))
                ret_values[i] = value;
    }
    if (it)
        json_pass(it, &inner);
}

hg_json json_element(hg_json array, size_t index)
{
    hg_json_it it = {{0, 0}};
    hg_json value;

    if (array.kind != HG_J_ARR)
        return (hg_json){0};
    while (json_next(array, &it, NULL, &value)) {
        if (index-- == 0)
            return value;
    }
    return (hg_json){0};
}

size_t json_count(hg_json value)
{
    hg_json_it it = {{0, 0}};
    size_t count = 0;

    while (json_next(value, &it, NULL, NULL))
        count++;
    return count;
}

hg_json json_get(hg_json from, const char *pointer)
{
    char room[POINTER_TOKEN_MAX];
    hg_str token;

    while (*pointer == '/' && from.kind) {
        if (!pointer_token(&pointer, room, &token))
            return (hg_json){0};
        from = pointer_child(from, token);
    }
    if (*pointer)
        return (hg_json){0};
    return from;
}

/* The end of a top-level value is known; finding it anew could be long. */
static const uint8_t *value_end(hg_json value)
{
    const struct json_doc *doc = doc_of(value);
    uint32_t low = 0, high = doc->count;

    if (is_indexed_object(value))
        return doc_from(doc) + doc->root_end;
    if (value.kind < HG_J_STR)
        high = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (doc->members[middle].at == value.at)
            return doc_from(doc) + doc->members[middle].end;
        if (doc->members[middle].at < value.at)
            low = middle + 1;
        else
            high = middle;
    }
    return json_skip_value(doc_from(doc), doc_from(doc) + value.at, doc_end(doc));
}

hg_str json_raw(hg_json value)
{
    if (value.kind == HG_J_NONE)
        return HG_S("");
    const uint8_t *at = doc_from(doc_of(value)) + value.at;

    return (hg_str){(const char *)at, (size_t)(value_end(value) - at)};
}

hg_str json_raw_str(hg_json value)
{
    if (value.kind != HG_J_STR)
        return HG_S("");
    hg_str raw = json_raw(value);

    return (hg_str){raw.p + 1, raw.n - 2};
}

hg_str json_pass_str(hg_json_it *it, hg_json value)
{
    hg_str raw = json_raw_str(value);

    if (value.kind == HG_J_STR)
        it->priv[1] = value.at + raw.n + 2;
    return raw;
}

size_t json_offset(hg_json value)
{
    return value.kind ? value.at : 0;
}

hg_str json_text(hg_json value)
{
    return value.kind ? doc_of(value)->text : HG_S("");
}
