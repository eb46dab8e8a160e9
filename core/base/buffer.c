#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"

char *buffer_room(struct buffer *buffer, size_t n)
{
    if (buffer->cap - buffer->off - buffer->len >= n && buffer->p)
        return buffer_at(buffer) + buffer->len;
    if (buffer->p && buffer->off) {
        memmove(buffer->p, buffer_at(buffer), buffer->len);
        buffer->off = 0;
    }
    if (buffer->cap - buffer->len < n || !buffer->p) {
        size_t cap = buffer->cap * 2;

        if (cap < buffer->len + n)
            cap = buffer->len + n;
        if (cap < 512)
            cap = 512;
        buffer->p = xrealloc(buffer->p, cap);
        buffer->cap = cap;
    }
    return buffer->p + buffer->len;
}

void buffer_add(struct buffer *buffer, const void *p, size_t n)
{
    if (!n)
        return;
    memcpy(buffer_room(buffer, n), p, n);
    buffer->len += n;
}

void buffer_take(struct buffer *buffer, size_t n)
{
    ensure(n <= buffer->len);
    buffer->off += n;
    buffer->len -= n;
    if (buffer->len == 0)
        buffer_done(buffer);
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->p);
    *buffer = (struct buffer){0};
}
