#include "net/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

/* What getaddrinfo and the modules it loads need, with room to spare. */
enum {
    STACK_SIZE = 512 * 1024
};

struct lookup_pool {
    enum lookup_result (*fn)(const char *host, struct lookup *ret_lookup);
    pthread_mutex_t lock; /* for everything below */
    pthread_cond_t asked;
    struct lookup_job *todo, **todo_end;
    struct lookup_job *done, **done_end;
    int fd;        /* -1 once the loop's side has gone */
    unsigned refs; /* the loop's side, and each thread */
    unsigned threads, waiting, todo_count;
};

/* ---- asking the C library ------------------------------------------------------------------- */

static enum lookup_result explain(int code, int saved_errno, struct lookup *lookup)
{
    if (code == EAI_NONAME || code == EAI_NODATA) {
        snprintf(lookup->reason, sizeof lookup->reason, "no such host");
        return LOOKUP_NONE;
    }
    snprintf(lookup->reason, sizeof lookup->reason, "%s",
             code == EAI_SYSTEM ? strerror(saved_errno) : gai_strerror(code));
    return LOOKUP_FAILED;
}

static enum lookup_result ask_system(const char *host, struct lookup *ret_lookup)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, NULL, &hints, &list);

    if (code != 0)
        return explain(code, errno, ret_lookup);
    for (struct addrinfo *at = list; at && ret_lookup->count < RESOLVE_MAX; at = at->ai_next)
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
            address_set(&ret_lookup->addresses[ret_lookup->count++], at->ai_addr, at->ai_addrlen);
    freeaddrinfo(list);
    return ret_lookup->count ? LOOKUP_FOUND : explain(EAI_NODATA, 0, ret_lookup);
}

/* ---- threads -------------------------------------------------------------------------------- */

static void jobs_free(struct lookup_job *job)
{
    while (job) {
        struct lookup_job *next = job->next;

        free(job);
        job = next;
    }
}

/* Called with the lock, which is given up. */
static void pool_unref(struct lookup_pool *pool)
{
    bool last = --pool->refs == 0;

    pthread_mutex_unlock(&pool->lock);
    if (!last)
        return;
    jobs_free(pool->todo);
    jobs_free(pool->done);
    pthread_cond_destroy(&pool->asked);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct lookup_job *job_wait(struct lookup_pool *pool)
{
    pool->waiting++;
    while (!pool->todo && pool->fd >= 0)
        pthread_cond_wait(&pool->asked, &pool->lock);
    pool->waiting--;
    if (pool->fd < 0)
        return NULL;
    struct lookup_job *job = pool->todo;

    pool->todo = job->next;
    pool->todo_count--;
    if (!pool->todo)
        pool->todo_end = &pool->todo;
    return job;
}

static void job_done(struct lookup_pool *pool, struct lookup_job *job)
{
    job->next = NULL;
    *pool->done_end = job;
    pool->done_end = &job->next;
    if (pool->fd >= 0)
        eventfd_write(pool->fd, 1);
}

static void *thread_run(void *arg)
{
    struct lookup_pool *pool = arg;
    struct lookup_job *job;

    pthread_mutex_lock(&pool->lock);
    while ((job = job_wait(pool))) {
        pthread_mutex_unlock(&pool->lock);
        job->result = pool->fn(job->host, &job->answer);
        pthread_mutex_lock(&pool->lock);
        job_done(pool, job);
    }
    pool_unref(pool);
    return NULL;
}

/* Signals are for the loop's thread. */
static bool thread_start(struct lookup_pool *pool)
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, &attr, thread_run, pool);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

/* ---- the loop's side ------------------------------------------------------------------------ */

struct lookup_pool *lookup_pool_new(enum lookup_result (*fn)(const char *, struct lookup *))
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0)
        return NULL;
    struct lookup_pool *pool = xcalloc(1, sizeof *pool);

    pool->fn = fn ? fn : ask_system;
    pool->fd = fd;
    pool->refs = 1;
    pool->todo_end = &pool->todo;
    pool->done_end = &pool->done;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->asked, NULL);
    return pool;
}

void lookup_pool_free(struct lookup_pool **pool)
{
    struct lookup_pool *gone = *pool;

    *pool = NULL;
    if (!gone)
        return;
    pthread_mutex_lock(&gone->lock);
    close(gone->fd);
    gone->fd = -1;
    pthread_cond_broadcast(&gone->asked);
    pool_unref(gone);
}

int lookup_pool_fd(const struct lookup_pool *pool)
{
    return pool->fd; /* written by the loop's side only */
}

/* Another thread when all that there are have work. */
static bool threads_suffice(struct lookup_pool *pool)
{
    if (pool->waiting > pool->todo_count || pool->threads == LOOKUP_THREADS_MAX)
        return true;
    pool->refs++;
    if (thread_start(pool)) {
        pool->threads++;
        return true;
    }
    pool->refs--;
    return pool->threads > 0;
}

bool lookup_pool_ask(struct lookup_pool *pool, struct lookup_job *job)
{
    pthread_mutex_lock(&pool->lock);
    bool can = threads_suffice(pool);

    if (can) {
        job->next = NULL;
        *pool->todo_end = job;
        pool->todo_end = &job->next;
        pool->todo_count++;
        pthread_cond_signal(&pool->asked);
    }
    pthread_mutex_unlock(&pool->lock);
    return can;
}

struct lookup_job *lookup_pool_next(struct lookup_pool *pool)
{
    eventfd_t unused;

    pthread_mutex_lock(&pool->lock);
    struct lookup_job *job = pool->done;

    if (job) {
        pool->done = job->next;
        if (!pool->done)
            pool->done_end = &pool->done;
    } else {
        eventfd_read(pool->fd, &unused);
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}
