/* A stream of events, at once, in pieces and event by event: all three must see the same ends.
 *
 *   first byte: the size of a piece; then the stream */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "http/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of the last event that is whole. */
static size_t ends_in_pieces(hg_str stream, size_t step)
{
    struct sse_scan scan = {0};
    size_t last = 0;

    for (size_t at = 0; at < stream.n; at += step) {
        size_t n = stream.n - at < step ? stream.n - at : step;
        size_t end = sse_scan_ends(&scan, (hg_str){stream.p + at, n});

        ensure(end <= n);
        if (end)
            last = at + end;
    }
    return last;
}

static void check_event(struct arena *arena, hg_str bytes)
{
    struct sse_event event;

    sse_parse(arena, bytes, &event);
    ensure(event.event.n > 0 && event.data.n <= bytes.n && event.id.n <= bytes.n);
    ensure(event.has_data || event.data.n == 0);
    ensure(!event.id.n || !memchr(event.id.p, 0, event.id.n));
    ensure(!event.data.n || !memchr(event.data.p, '\r', event.data.n));
}

static size_t ends_one_by_one(struct arena *arena, hg_str stream)
{
    size_t at = 0;

    for (;;) {
        size_t n = sse_first((hg_str){stream.p + at, stream.n - at});

        if (!n)
            return at;
        ensure(n <= stream.n - at);
        check_event(arena, (hg_str){stream.p + at, n});
        at += n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct arena *arena = arena_new();
    hg_str stream = {memcpy(malloc(size - 1), data + 1, size - 1), size - 1};
    size_t whole = ends_in_pieces(stream, stream.n);

    ensure(ends_in_pieces(stream, data[0] % 16u + 1) == whole);
    ensure(ends_one_by_one(arena, stream) == whole);
    free((void *)(uintptr_t)stream.p);
    arena_free(&arena);
    return 0;
}
