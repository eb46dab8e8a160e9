/* chain.h - a body: segments of bytes in order, shared rather than copied.
 *
 *   chain ─► [ p,n,block ][ p,n,NULL ][ p,n,block ] ...
 *                   │                        │
 *                   ▼                        ▼
 *              [ refs | bytes....................... ]
 *
 * A segment with a block holds a reference on it. One without borrows: its bytes live in the arena
 * that the chain belongs to, or are static. hg_body and hg_out of the ABI are chains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct block {
    uint32_t refs;
    size_t size;
    char bytes[];
};

struct block *block_new(size_t size); /* with one reference */
void block_ref(struct block *block);
void block_unref(struct block *block); /* NULL is fine */

struct segment {
    const char *p;
    size_t n;
    struct block *block;
};

enum {
    CHAIN_INLINE = 4,
    CHAIN_DEPTH = 64
};

struct chain {
    struct arena *arena; /* what it lives in; drops the references at its end */
    struct segment *segments;
    uint32_t count, room;
    size_t len;
    struct segment first[CHAIN_INLINE];
    char *tail, *tail_end; /* where small copies go: many small puts make one segment */
    bool holds_blocks;

    /* The JSON writer's place, see json/write.h. */
    uint32_t depth;
    bool broken, after_key;
    uint64_t is_object, has_items; /* a bit for each depth */
};

struct chain *chain_new(struct arena *arena);

void chain_put(struct chain *chain, const void *p, size_t n);       /* copies into the arena */
void chain_put_const(struct chain *chain, const void *p, size_t n); /* lives as long as we do */
void chain_put_block(struct chain *chain, struct block *block, const char *p, size_t n); /* refs */
void chain_put_chain(struct chain *chain, const struct chain *from, size_t off, size_t len);
#define CHAIN_PUT_LIT(chain, lit) chain_put_const(chain, lit, sizeof(lit) - 1)

/* The content in one piece: the segment itself, or a copy in the arena. */
hg_str chain_flat(const struct chain *chain, struct arena *arena);

/* Empties it, giving up its references. */
void chain_clear(struct chain *chain);
