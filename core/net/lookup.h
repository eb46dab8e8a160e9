/* lookup.h - the helper threads under resolve.c: they may block, and share nothing with the loop
 * but a list of jobs. */
#pragma once

#include "net/resolve.h"

enum {
    LOOKUP_HOST_MAX = 256,
    LOOKUP_THREADS_MAX = 4
};

/* One question. Belongs to the pool until lookup_pool_next hands it back. */
struct lookup_job {
    char host[LOOKUP_HOST_MAX];
    void *arg; /* the asker's; not touched here */
    enum lookup_result result;
    struct lookup answer;
    struct lookup_job *next;
};

struct lookup_pool;

/* `fn` NULL: getaddrinfo. NULL when there is no descriptor left. */
struct lookup_pool *lookup_pool_new(enum lookup_result (*fn)(const char *, struct lookup *));

/* Jobs under way are given up; a thread that is inside `fn` ends when that returns. */
void lookup_pool_free(struct lookup_pool **pool);

/* Readable when lookup_pool_next has something. */
int lookup_pool_fd(const struct lookup_pool *pool);

/* False: no thread could be started; the job stays the caller's. */
bool lookup_pool_ask(struct lookup_pool *pool, struct lookup_job *job);
struct lookup_job *lookup_pool_next(struct lookup_pool *pool); /* NULL: none; free it */
