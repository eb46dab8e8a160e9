#include "gateway/handles.h"

#include <stdlib.h>

#include "base/memory.h"

struct entry {
    void *object;        /* NULL: free */
    uint32_t generation; /* of the present or the next use */
    uint32_t next_free;
};

struct handles {
    struct entry *entries; /* from place 1 */
    uint32_t count, room, free;
};

struct handles *handles_new(void)
{
    struct handles *handles = xcalloc(1, sizeof *handles);

    handles->count = 1;
    return handles;
}

void handles_free(struct handles **handles)
{
    if (*handles)
        free((*handles)->entries);
    free(*handles);
    *handles = NULL;
}

static uint32_t place_take(struct handles *handles)
{
    uint32_t place = handles->free;

    if (place) {
        handles->free = handles->entries[place].next_free;
        return place;
    }
    if (handles->count >= handles->room) {
        handles->room = handles->room ? handles->room * 2 : 256;
        handles->entries = xrealloc(handles->entries, handles->room * sizeof *handles->entries);
    }
    place = handles->count++;
    handles->entries[place] = (struct entry){.generation = 1};
    return place;
}

uint64_t handle_make(struct handles *handles, void *object)
{
    uint32_t place = place_take(handles);

    handles->entries[place].object = object;
    return (uint64_t)handles->entries[place].generation << 32 | place;
}

void *handle_find(const struct handles *handles, uint64_t handle)
{
    uint32_t place = (uint32_t)handle;

    if (place == 0 || place >= handles->count || handles->entries[place].generation != handle >> 32)
        return NULL;
    return handles->entries[place].object;
}

void handle_drop(struct handles *handles, uint64_t *handle)
{
    uint32_t place = (uint32_t)*handle;

    if (!handle_find(handles, *handle))
        return;
    *handle = 0;
    struct entry *entry = &handles->entries[place];

    entry->object = NULL;
    entry->generation++;
    entry->next_free = handles->free;
    handles->free = place;
}
