#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* A block that is kept hides from AddressSanitizer that somebody still uses it. */
#if defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define IS_WATCHED 1
#    endif
#elif defined(__SANITIZE_ADDRESS__)
#    define IS_WATCHED 1
#endif
#ifndef IS_WATCHED
#    define IS_WATCHED 0
#endif

enum {
    BLOCK_SIZE = 1024, /* small, because an open stream keeps its blocks for its whole life */
    BLOCKS_KEPT = IS_WATCHED ? 0 : 512, /* free blocks a process keeps: half a MiB */
};

struct arena_block {
    struct arena_block *next;
    size_t size;
};

struct ending {
    struct ending *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    struct arena_block *blocks; /* the newest first; the last one holds this struct */
    struct ending *endings;
    char *at, *end;
    size_t used;
};

static struct {
    struct arena_block *first;
    unsigned count;
} kept;

static struct arena_block *block_take(size_t size)
{
    struct arena_block *block = kept.first;

    if (size <= BLOCK_SIZE && block) {
        kept.first = block->next;
        kept.count--;
        return block;
    }
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    block = xmalloc(size);
    block->size = size;
    return block;
}

static void block_give(struct arena_block *block)
{
    if (block->size != BLOCK_SIZE || kept.count == BLOCKS_KEPT) {
        free(block);
        return;
    }
    block->next = kept.first;
    kept.first = block;
    kept.count++;
}

static size_t aligned(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

struct arena *arena_new(void)
{
    struct arena_block *block = block_take(BLOCK_SIZE);
    struct arena *arena = (struct arena *)((char *)block + aligned(sizeof *block));

    block->next = NULL;
    *arena = (struct arena){.blocks = block,
                            .at = (char *)arena + aligned(sizeof *arena),
                            .end = (char *)block + block->size};
    return arena;
}

void arena_free(struct arena **arena)
{
    struct arena *gone = *arena;

    *arena = NULL;
    if (!gone)
        return;
    while (gone->endings) {
        struct ending *ending = gone->endings;

        gone->endings = ending->next;
        ending->fn(ending->arg);
    }
    for (struct arena_block *block = gone->blocks, *next; block; block = next) {
        next = block->next;
        block_give(block);
    }
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = aligned(size);
    arena->used += size;
    if (size > (size_t)(arena->end - arena->at)) {
        struct arena_block *block = block_take(aligned(sizeof *block) + size);

        block->next = arena->blocks;
        arena->blocks = block;
        char *start = (char *)block + aligned(sizeof *block);
        /* A large block is used up at once: go on with the room in the one before. */
        if (block->size > BLOCK_SIZE)
            return start;
        arena->at = start;
        arena->end = (char *)block + block->size;
    }
    void *found = arena->at;

    arena->at += size;
    return found;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

hg_str arena_text(struct arena *arena, hg_str text)
{
    char *copy = arena_alloc(arena, text.n + 1);

    *put_text(copy, text) = 0;
    return (hg_str){copy, text.n};
}

char *arena_cstr(struct arena *arena, hg_str text)
{
    char *copy = arena_alloc(arena, text.n + 1);

    *put_text(copy, text) = 0;
    return copy;
}

hg_str arena_vfmt(struct arena *arena, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *text = arena_alloc(arena, (size_t)n + 1);

    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return (hg_str){text, (size_t)n};
}

hg_str arena_fmt(struct arena *arena, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    hg_str text = arena_vfmt(arena, fmt, args);
    va_end(args);
    return text;
}

void arena_on_end(struct arena *arena, void (*fn)(void *arg), void *arg)
{
    struct ending *ending = arena_alloc(arena, sizeof *ending);

    *ending = (struct ending){arena->endings, fn, arg};
    arena->endings = ending;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
