/* headgate.work/1: a few helper threads per process, started with the first job.
 *
 *   run ─► [ waiting ] ─► thread: fn(arg) ─► [ finished ] ─► eventfd ─► loop: done or drop
 *
 * A thread touches a job's fn and arg and nothing else of the plugin or the host. Jobs run even if
 * their op has ended, because `fn` may be what frees `arg`. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "plugin/parts.h"

enum {
    THREADS = 2,
    THREADS_MAX = 16,
    JOBS_MAX = 1024
};

struct job {
    struct owned owned;
    struct job *next;
    struct instance *instance;
    struct op *op; /* NULL: has ended */
    hg_op handle;
    void (*fn)(void *arg);
    void (*done)(void *arg, hg_op op);
    void (*drop)(void *arg);
    void *arg;
};

struct jobs {
    struct job *first, **end;
};

struct work_pool {
    struct plugin_host *host;
    pthread_mutex_t lock;    /* guards waiting, finished, stopping */
    pthread_cond_t wake;     /* a job waits */
    pthread_cond_t returned; /* a job has finished */
    struct jobs waiting, finished;
    bool stopping;
    unsigned open; /* jobs that have not come back, for the loop's thread only */
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];
    int event;
    struct watch watch;
};

static void jobs_add(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
}

static struct job *jobs_take(struct jobs *jobs)
{
    struct job *job = jobs->first;

    if (job && !(jobs->first = job->next))
        jobs->end = &jobs->first;
    return job;
}

/* ---- the threads -------------------------------------------------------------------------------
 */

static void *thread_run(void *arg)
{
    struct work_pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct job *job = jobs_take(&pool->waiting);

        if (!job && pool->stopping)
            break;
        if (!job) {
            pthread_cond_wait(&pool->wake, &pool->lock);
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        job->fn(job->arg);
        pthread_mutex_lock(&pool->lock);
        jobs_add(&pool->finished, job);
        pthread_cond_broadcast(&pool->returned);
        eventfd_write(pool->event, 1);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals are for the loop. */
static void threads_start(struct work_pool *pool, unsigned count)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->thread_count < count &&
           pthread_create(&pool->threads[pool->thread_count], NULL, thread_run, pool) == 0)
        pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- back on the loop --------------------------------------------------------------------------
 */

static void job_return(struct work_pool *pool, struct job *job)
{
    struct instance *instance = job->instance;
    struct op *op = job->op;
    struct call call;

    pool->open--;
    instance->works_open--;
    op_disown(&job->owned);
    if (op) {
        op_callback_enter(op, "work");
        job->done(job->arg, job->handle);
        op_callback_leave(op);
    } else if (job->drop) {
        call_enter(pool->host, &call, instance, "work", NULL);
        job->drop(job->arg);
        call_leave(pool->host, &call);
    }
    free(job);
}

static struct job *finished_take(struct work_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct job *job = jobs_take(&pool->finished);

    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void on_event(void *arg, unsigned ready)
{
    struct work_pool *pool = arg;
    struct job *job;
    eventfd_t count;

    (void)ready;
    eventfd_read(pool->event, &count);
    while ((job = finished_take(pool)))
        job_return(pool, job);
}

/* ---- the service -------------------------------------------------------------------------------
 */

static struct work_pool *pool_new(struct plugin_host *host)
{
    struct work_pool *pool = xcalloc(1, sizeof *pool);
    unsigned count = host->setup.work_threads ? host->setup.work_threads : THREADS;
    pthread_condattr_t attributes;

    pool->host = host;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    pool->waiting.end = &pool->waiting.first;
    pool->finished.end = &pool->finished.first;
    pool->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ensure(pool->event >= 0);
    watch_init(&pool->watch, host->loop, pool->event, on_event, pool);
    watch_want(&pool->watch, WATCH_READ);
    threads_start(pool, count < THREADS_MAX ? count : THREADS_MAX);
    return pool;
}

static void job_end(struct owned *owned)
{
    struct job *job = (struct job *)owned;

    job->op = NULL;
}

static hg_rc work_run(hg_op owner, void (*fn)(void *arg), void (*done)(void *arg, hg_op op),
                      void (*drop)(void *arg), void *arg)
{
    struct op *op = op_find(owner, "run");

    if (!op)
        return HG_E_CANCELLED;
    struct plugin_host *host = op->host;

    if (!host->work)
        host->work = pool_new(host);
    struct work_pool *pool = host->work;

    if (!pool->thread_count || pool->open >= JOBS_MAX)
        return op_fail(owner, HG_E_AGAIN, "the helper threads have too much to do");
    struct job *job = xcalloc(1, sizeof *job);

    *job = (struct job){.owned = {.end = job_end},
                        .instance = op->instance,
                        .op = op,
                        .handle = owner,
                        .fn = fn,
                        .done = done,
                        .drop = drop,
                        .arg = arg};
    op_own(op, &job->owned);
    pool->open++;
    op->instance->works_open++;
    pthread_mutex_lock(&pool->lock);
    jobs_add(&pool->waiting, job);
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    return HG_PENDING;
}

const hg_work_api service_work = {.size = sizeof service_work, .run = work_run};

/* ---- the end -----------------------------------------------------------------------------------
 */

static bool has_finished(const struct work_pool *pool, const struct instance *instance)
{
    const struct job *job = pool->finished.first;

    while (job && job->instance != instance)
        job = job->next;
    return job != NULL;
}

/* False if no job of the instance has finished before `until`. */
static bool finished_wait(struct work_pool *pool, const struct instance *instance, hg_ns until)
{
    struct timespec at = {until / NS_PER_S, until % NS_PER_S};
    int status = 0;

    pthread_mutex_lock(&pool->lock);
    while (!has_finished(pool, instance) && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&pool->returned, &pool->lock, &at);
    bool some = has_finished(pool, instance);

    pthread_mutex_unlock(&pool->lock);
    return some;
}

/* Only this instance's jobs are delivered; the others keep their place. */
static void finished_return(struct work_pool *pool, struct instance *instance)
{
    struct jobs others = {.first = NULL};
    struct job *job;

    others.end = &others.first;
    while ((job = finished_take(pool)))
        if (job->instance == instance)
            job_return(pool, job);
        else
            jobs_add(&others, job);
    pthread_mutex_lock(&pool->lock);
    while ((job = jobs_take(&others)))
        jobs_add(&pool->finished, job);
    pthread_mutex_unlock(&pool->lock);
    eventfd_write(pool->event, 1);
}

bool work_settle(struct plugin_host *host, struct instance *instance, hg_ns wait)
{
    hg_ns until = clock_precise() + wait;

    while (instance->works_open) {
        if (!finished_wait(host->work, instance, until))
            return false;
        finished_return(host->work, instance);
    }
    return true;
}

void work_pool_free(struct work_pool **gone)
{
    struct work_pool *pool = *gone;
    struct job *job;

    *gone = NULL;
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    while ((job = finished_take(pool)))
        job_return(pool, job);
    watch_done(&pool->watch);
    close(pool->event);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
