#include "base/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    TAIL_SIZE = 512
};

struct block *block_new(size_t size)
{
    struct block *block = xmalloc(sizeof *block + size);

    block->refs = 1;
    block->size = size;
    return block;
}

void block_ref(struct block *block)
{
    block->refs++;
}

void block_unref(struct block *block)
{
    if (block && --block->refs == 0)
        free(block);
}

struct chain *chain_new(struct arena *arena)
{
    struct chain *chain = arena_zalloc(arena, sizeof *chain);

    chain->arena = arena;
    chain->segments = chain->first;
    chain->room = CHAIN_INLINE;
    return chain;
}

static struct segment *segment_add(struct chain *chain, const char *p, size_t n)
{
    if (chain->count == chain->room) {
        struct segment *more = arena_alloc(chain->arena, 2 * chain->room * sizeof *more);

        memcpy(more, chain->segments, chain->count * sizeof *more);
        chain->segments = more;
        chain->room *= 2;
    }
    struct segment *segment = &chain->segments[chain->count++];

    *segment = (struct segment){p, n, NULL};
    chain->len += n;
    return segment;
}

void chain_put_const(struct chain *chain, const void *p, size_t n)
{
    if (n)
        segment_add(chain, p, n);
}

void chain_put(struct chain *chain, const void *p, size_t n)
{
    if (!n)
        return;
    if ((size_t)(chain->tail_end - chain->tail) < n) {
        size_t size = n < TAIL_SIZE ? TAIL_SIZE : n;

        chain->tail = arena_alloc(chain->arena, size);
        chain->tail_end = chain->tail + size;
    }
    struct segment *last = chain->segments + chain->count - 1;

    memcpy(chain->tail, p, n);
    if (chain->count > 0 && last->p + last->n == chain->tail) {
        last->n += n;
        chain->len += n;
    } else {
        segment_add(chain, chain->tail, n);
    }
    chain->tail += n;
}

static void drop_references(void *arg)
{
    chain_clear(arg);
}

void chain_put_block(struct chain *chain, struct block *block, const char *p, size_t n)
{
    if (!n)
        return;
    if (!chain->holds_blocks) {
        chain->holds_blocks = true;
        arena_on_end(chain->arena, drop_references, chain);
    }
    segment_add(chain, p, n)->block = block;
    block_ref(block);
}

void chain_put_chain(struct chain *chain, const struct chain *from, size_t off, size_t len)
{
    ensure(off <= from->len && len <= from->len - off);
    for (uint32_t i = 0; i < from->count && len; i++) {
        const struct segment *segment = &from->segments[i];

        if (off >= segment->n) {
            off -= segment->n;
            continue;
        }
        size_t n = segment->n - off < len ? segment->n - off : len;

        if (segment->block)
            chain_put_block(chain, segment->block, segment->p + off, n);
        else
            chain_put_const(chain, segment->p + off, n);
        len -= n;
        off = 0;
    }
}

hg_str chain_flat(const struct chain *chain, struct arena *arena)
{
    if (chain->count == 0)
        return HG_S("");
    if (chain->count == 1)
        return (hg_str){chain->segments[0].p, chain->len};
    char *flat = arena_alloc(arena, chain->len), *at = flat;

    for (uint32_t i = 0; i < chain->count; i++)
        at = put_mem(at, chain->segments[i].p, chain->segments[i].n);
    return (hg_str){flat, chain->len};
}

void chain_clear(struct chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        block_unref(chain->segments[i].block);
    chain->count = 0;
    chain->len = 0; /* the tail stays: what is copied next goes on behind it */
}
