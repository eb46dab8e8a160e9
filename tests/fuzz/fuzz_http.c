/* Heads and chunked bodies, at once and in pieces: how they arrive must change nothing.
 *
 *   first byte: request, response or body; second byte: the size of a piece; then the bytes */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/ensure.h"
#include "base/text.h"
#include "http/chunked.h"
#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum parse_result parse_fn(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                   const struct head_limits *limits, struct head *ret,
                                   const char **ret_reason);

static const struct head_limits limits = {.line = 200, .head = 1000, .fields = 12};

static void check_field(const struct field *field)
{
    ensure(field->name.n > 0);
    for (size_t i = 0; i < field->name.n; i++)
        ensure(!(field->name.p[i] >= 'A' && field->name.p[i] <= 'Z'));
    ensure(!field->value.n || !memchr(field->value.p, '\r', field->value.n));
    ensure(!field->value.n || !memchr(field->value.p, '\n', field->value.n));
    ensure(!field->value.n || !memchr(field->value.p, 0, field->value.n));
}

static void check_head(const struct head *head, hg_str bytes)
{
    ensure(head->size > 0 && head->size <= bytes.n && head->size <= limits.head);
    ensure(head->field_count <= limits.fields);
    ensure(!(head->chunked && head->content_length >= 0));
    for (unsigned i = 0; i < head->field_count; i++)
        check_field(&head->fields[i]);
}

static void check_same(const struct head *a, const struct head *b)
{
    ensure(a->size == b->size && a->field_count == b->field_count);
    ensure(a->method == b->method && a->status == b->status && a->minor == b->minor);
    ensure(a->keep_alive == b->keep_alive && a->chunked == b->chunked);
    ensure(a->content_length == b->content_length && a->expect_continue == b->expect_continue);
    ensure(text_is(a->target, b->target) && text_is(a->host, b->host));
    for (unsigned i = 0; i < a->field_count; i++) {
        ensure(text_is(a->fields[i].name, b->fields[i].name));
        ensure(text_is(a->fields[i].value, b->fields[i].value));
    }
}

static void head(parse_fn *parse, hg_str bytes, size_t step)
{
    struct arena *arena = arena_new();
    struct head_scan scan = {0}, dripping = {0};
    struct head once = {0}, dripped = {0};
    const char *reason = NULL;
    enum parse_result result = parse(arena, &scan, bytes, &limits, &once, &reason);
    enum parse_result last = PARSE_MORE;

    ensure(result == PARSE_OK || result == PARSE_MORE || (reason && *reason));
    for (size_t n = step; last == PARSE_MORE; n += step) {
        n = n < bytes.n ? n : bytes.n;
        last = parse(arena, &dripping, (hg_str){bytes.p, n}, &limits, &dripped, &reason);
        if (n == bytes.n)
            break;
    }
    ensure((last == PARSE_OK) == (result == PARSE_OK));
    ensure((last == PARSE_MORE) == (result == PARSE_MORE));
    if (result == PARSE_OK) {
        check_head(&once, bytes);
        check_same(&once, &dripped);
    }
    arena_free(&arena);
}

/* Returns how many bytes belonged to the body. */
static size_t body_read(struct chunked *chunked, hg_str bytes, size_t step, struct chain *out)
{
    size_t at = 0;

    while (at < bytes.n && !chunked->done && !chunked->bad) {
        size_t left = bytes.n - at;
        hg_str in = {bytes.p + at, left < step ? left : step}, piece = {0};
        size_t used = chunked_read(chunked, in, &piece);

        ensure(used <= in.n && piece.n <= used);
        ensure(used > 0 || chunked->done || chunked->bad);
        ensure(!piece.n || (piece.p >= in.p && piece.p + piece.n <= in.p + used));
        if (piece.n)
            chain_put(out, piece.p, piece.n);
        at += used;
    }
    return at;
}

static void body(hg_str bytes, size_t step)
{
    struct arena *arena = arena_new();
    struct chunked once = {0}, dripping = {0};
    struct chain *whole = chain_new(arena), *pieces = chain_new(arena);
    size_t used = body_read(&once, bytes, bytes.n, whole);
    size_t dripped = body_read(&dripping, bytes, step, pieces);

    ensure(once.done == dripping.done && once.bad == dripping.bad);
    ensure(once.bad || used == dripped);
    ensure(text_is(chain_flat(whole, arena), chain_flat(pieces, arena)));
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    /* A block of its own, so that a look beyond the end is seen. */
    hg_str bytes = {memcpy(malloc(size - 2), data + 2, size - 2), size - 2};
    size_t step = data[1] % 16u + 1;

    if (data[0] % 3 == 0)
        head(parse_request, bytes, step);
    else if (data[0] % 3 == 1)
        head(parse_response, bytes, step);
    else
        body(bytes, step);
    free((void *)(uintptr_t)bytes.p);
    return 0;
}
