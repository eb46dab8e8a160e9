/* arena.h - memory that goes all at once: a request, an op or a configuration owns one.
 *
 *   arena ─► [ block | used....free ] ─► [ block | used........free ] ─► ...
 *
 * Small blocks are kept in a list of the process when an arena ends, so that a busy worker does not
 * call malloc for each request. Not for use by several threads. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <headgate/abi.h>

struct arena;

struct arena *arena_new(void);

/* Runs the functions of arena_on_end, newest first, and frees everything. NULL is fine; *arena
 * becomes NULL. */
void arena_free(struct arena **arena);

/* Aligned to 16 bytes. alloc leaves the bytes as they are, zalloc zeroes them. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);

hg_str arena_text(struct arena *arena, hg_str text); /* a copy, NUL-terminated as well */
char *arena_cstr(struct arena *arena, hg_str text);  /* the same as a C string */
hg_str arena_fmt(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
hg_str arena_vfmt(struct arena *arena, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Has fn(arg) run when the arena ends. */
void arena_on_end(struct arena *arena, void (*fn)(void *arg), void *arg);

/* Bytes handed out so far, for limits. */
size_t arena_used(const struct arena *arena);
