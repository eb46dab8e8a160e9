#include "hits.h"

#include <stdlib.h>

bool hits_add(struct hits *hits, uint32_t text, size_t at, size_t n, hg_str with, size_t max)
{
    if (hits->count >= max)
        return false;
    if (hits->count == hits->room) {
        size_t room = hits->room ? 2 * hits->room : 16;
        struct hit *list = realloc(hits->list, room * sizeof *list);

        if (!list)
            return false;
        hits->list = list;
        hits->room = room;
    }
    hits->list[hits->count++] = (struct hit){text, at, n, with};
    return true;
}

/* The longer of two that begin together comes first. */
static int hit_compare(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->n == y->n ? 0 : x->n > y->n ? -1 : 1;
}

size_t hits_merge(struct hits *hits)
{
    size_t kept = 0;

    if (hits->count > 1)
        qsort(hits->list, hits->count, sizeof *hits->list, hit_compare);
    for (size_t i = 0; i < hits->count; i++) {
        struct hit *hit = &hits->list[i], *last = kept ? &hits->list[kept - 1] : NULL;

        if (!last || last->text != hit->text || last->at + last->n <= hit->at)
            hits->list[kept++] = *hit;
        else if (hit->at + hit->n > last->at + last->n)
            last->n = hit->at + hit->n - last->at;
    }
    hits->count = kept;
    return kept;
}
