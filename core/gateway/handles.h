/* handles.h - what Lua holds instead of pointers: a number that goes stale with what it meant, so
 * that a script which keeps an object for too long gets an error and never freed memory. */
#pragma once

#include <stdint.h>

struct handles;

struct handles *handles_new(void);
void handles_free(struct handles **handles);

/* Never 0. */
uint64_t handle_make(struct handles *handles, void *object);
void handle_drop(struct handles *handles, uint64_t *handle);       /* becomes 0; 0 is fine */
void *handle_find(const struct handles *handles, uint64_t handle); /* NULL if stale */
