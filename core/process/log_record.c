#include "process/log_record.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "gateway/record.h"

/* Keeps the ring's bytes, because the texts of the record point into them. */
struct log_record *log_record_new(hg_str from_ring)
{
    struct arena *arena = arena_new();
    struct log_record *record = arena_zalloc(arena, sizeof *record);

    record->arena = arena;
    record->refs = 1;
    if (!record_read(arena, arena_text(arena, from_ring), &record->record, &record->usage)) {
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
