/* buffer.h - bytes that grow at one end and are taken off the other. Empty ones hold no memory. */
#pragma once

#include <stddef.h>

#include <headgate/abi.h>

struct buffer {
    char *p;         /* start of the allocation */
    size_t off, len; /* the content: len bytes from p + off */
    size_t cap;
};

static inline char *buffer_at(const struct buffer *buffer)
{
    return buffer->p + buffer->off;
}

static inline hg_str buffer_text(const struct buffer *buffer)
{
    return (hg_str){buffer->p + buffer->off, buffer->len};
}

/* Room for `n` more bytes behind the content; fill it and call buffer_grew. */
char *buffer_room(struct buffer *buffer, size_t n);
static inline void buffer_grew(struct buffer *buffer, size_t n)
{
    buffer->len += n;
}

void buffer_add(struct buffer *buffer, const void *p, size_t n);

/* Takes `n` bytes off the front. When nothing is left and much had been allocated, it is freed. */
void buffer_take(struct buffer *buffer, size_t n);
void buffer_done(struct buffer *buffer);
