#include "process/log_record.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "gateway/record.h"

enum {
    KEPT_MAX = 64 * 1024 /* a larger buffer is given back */
};

/* Keeps the ring's bytes, because the texts of the record point into them. */
struct log_record *log_record_new(hg_str from_ring, struct buffer *scratch)
{
    struct arena *arena = arena_new();
    struct log_record *record = arena_zalloc(arena, sizeof *record);

    record->arena = arena;
    record->refs = 1;
    bool ok =
        record_read(arena, scratch, arena_text(arena, from_ring), &record->record, &record->usage);

    if (scratch->cap > KEPT_MAX)
        buffer_done(scratch);
    if (!ok) {
        arena_free(&arena);
        return NULL;
    }
    record->size = arena_used(arena);
    return record;
}

struct log_record *log_record_ref(struct log_record *record)
{
    record->refs++;
    return record;
}

void log_record_unref(struct log_record *record)
{
    struct arena *arena = record->arena;

    ensure(record->refs > 0);
    if (--record->refs == 0)
        arena_free(&arena);
}
