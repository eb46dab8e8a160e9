#include "net/resolve.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/lookup.h"

/* How many names are known at most. Callers may choose hosts, so this is a limit on them. */
enum {
    NAMES_MAX = 256
};

/* With an old answer at hand nobody waits longer for a new one. */
#define STALE_PATIENCE (1 * NS_PER_S)

/* What is known of a name, and who waits for it. */
struct name {
    char *host; /* lower case */
    struct address *addresses;
    size_t count;
    char reason[sizeof((struct lookup *)0)->reason];
    hg_ns good_until;      /* no need to ask before */
    hg_ns stale_until;     /* better than nothing until then */
    bool asked;            /* a job is under way: it points here */
    struct resolve *first; /* waiting */
    struct name *next;
};

struct resolve {
    struct resolver *resolver;
    void (*on_done)(void *arg, const struct address *addresses, size_t count, const char *reason);
    void *arg;
    uint16_t port;
    struct task task; /* known at once: */
    struct lookup *known;
    struct timer timer; /* or waiting: */
    struct name *name;
    struct resolve *next;
};

struct resolver {
    struct loop *loop;
    struct resolver_setup setup;
    struct lookup_pool *pool; /* NULL before the first question */
    struct watch watch;
    struct name *names; /* newest first */
    unsigned name_count;
};

/* ---- names ---------------------------------------------------------------------------------- */

/* Letters, digits, "-", "_", and dots between; nothing that a resolver could take for a number. */
static const char *host_fault(hg_str host)
{
    char before = '.';

    if (!host.n || host.n > 253)
        return "not a host name: its length must be 1 to 253";
    for (size_t i = 0; i < host.n; before = host.p[i++]) {
        char c = host.p[i];

        if (!isalnum((unsigned char)c) && c != '-' && c != '_' && (c != '.' || before == '.'))
            return "not a host name";
    }
    return address_looks_numeric(host) ? "not an address: write IPv4 as 1.2.3.4" : NULL;
}

static struct name *name_find(struct resolver *resolver, hg_str host)
{
    for (struct name *name = resolver->names; name; name = name->next)
        if (text_is_nocase(text_of(name->host), host))
            return name;
    return NULL;
}

static void name_free(struct name *name)
{
    free(name->addresses);
    free(name->host);
    free(name);
}

/* Makes room by forgetting the oldest name that nobody waits for. */
static bool names_make_room(struct resolver *resolver)
{
    struct name **oldest = NULL;

    if (resolver->name_count < NAMES_MAX)
        return true;
    for (struct name **at = &resolver->names; *at; at = &(*at)->next)
        if (!(*at)->asked)
            oldest = at;
    if (!oldest)
        return false;
    struct name *gone = *oldest;

    *oldest = gone->next;
    resolver->name_count--;
    name_free(gone);
    return true;
}

static struct name *name_new(struct resolver *resolver, hg_str host)
{
    if (!names_make_room(resolver))
        return NULL;
    struct name *name = xcalloc(1, sizeof *name);

    name->host = xstrndup(host.p, host.n);
    for (char *c = name->host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    name->next = resolver->names;
    resolver->names = name;
    resolver->name_count++;
    return name;
}

/* ---- answering ------------------------------------------------------------------------------ */

static void resolve_unlink(struct resolve *resolve)
{
    struct resolver *resolver = resolve->resolver;

    timer_clear(resolver->loop, &resolve->timer);
    task_clear(resolver->loop, &resolve->task);
    if (!resolve->name)
        return;
    struct resolve **at = &resolve->name->first;

    while (*at != resolve)
        at = &(*at)->next;
    *at = resolve->next;
}

static void resolve_free(struct resolve *resolve)
{
    resolve_unlink(resolve);
    free(resolve->known);
    free(resolve);
}

static void copy_with_port(struct address *to, const struct address *from, size_t count,
                           uint16_t port)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        address_set_port(&to[i], port);
    }
}

/* The arguments may live in what the callback frees, so they are copied first. */
static void resolve_answer(struct resolve *resolve, const struct address *addresses, size_t count,
                           const char *why)
{
    struct resolve answered = *resolve;
    struct address copy[RESOLVE_MAX];
    char reason[sizeof((struct lookup *)0)->reason];

    copy_with_port(copy, addresses, count, resolve->port);
    snprintf(reason, sizeof reason, "%s", count ? "" : why);
    resolve_free(resolve);
    answered.on_done(answered.arg, copy, count, reason);
}

static void on_known(void *arg)
{
    struct resolve *resolve = arg;
    struct lookup known = *resolve->known;

    resolve_answer(resolve, known.addresses, known.count, known.reason);
}

static void on_timeout(void *arg)
{
    struct resolve *resolve = arg;
    struct name *name = resolve->name;
    bool stale = name->count && name->stale_until > clock_now();

    resolve_answer(resolve, name->addresses, stale ? name->count : 0,
                   "no answer of a name server in time");
}

/* A failure leaves the last good answer, for as long as it is better than nothing. */
static void name_learn(struct resolver *resolver, struct name *name, const struct lookup_job *job)
{
    const struct lookup *answer = &job->answer;
    const struct resolver_setup *setup = &resolver->setup;
    hg_ns now = clock_now();

    if (job->result == LOOKUP_FOUND && answer->count) {
        name->addresses = xrealloc(name->addresses, answer->count * sizeof *name->addresses);
        memcpy(name->addresses, answer->addresses, answer->count * sizeof *name->addresses);
        name->count = answer->count;
        name->good_until = now + setup->keep;
        name->stale_until = now + setup->keep_stale;
        return;
    }
    if (job->result == LOOKUP_NONE || name->stale_until <= now)
        name->count = 0;
    memcpy(name->reason, answer->reason, sizeof name->reason);
    name->good_until = now + setup->keep_failure;
}

static void name_answer_first(struct name *name)
{
    struct resolve *resolve = name->first;

    name->first = resolve->next;
    resolve->name = NULL;
    resolve_answer(resolve, name->addresses, name->count, name->reason);
}

static void on_answers(void *arg, unsigned ready)
{
    struct resolver *resolver = arg;
    struct lookup_job *job;

    (void)ready;
    while ((job = lookup_pool_next(resolver->pool))) {
        struct name *name = job->arg;

        name_learn(resolver, name, job);
        free(job);
        /* The name stays marked as asked, so that no callback can have it forgotten. */
        while (name->first)
            name_answer_first(name);
        name->asked = false;
    }
}

/* ---- asking --------------------------------------------------------------------------------- */

static bool pool_start(struct resolver *resolver)
{
    if (resolver->pool)
        return true;
    resolver->pool = lookup_pool_new(resolver->setup.lookup);
    if (!resolver->pool)
        return false;
    watch_init(&resolver->watch, resolver->loop, lookup_pool_fd(resolver->pool), on_answers,
               resolver);
    watch_want(&resolver->watch, WATCH_READ);
    return true;
}

static bool name_ask(struct resolver *resolver, struct name *name)
{
    if (name->asked)
        return true;
    if (!pool_start(resolver))
        return false;
    struct lookup_job *job = xcalloc(1, sizeof *job);

    snprintf(job->host, sizeof job->host, "%s", name->host);
    job->arg = name;
    name->asked = lookup_pool_ask(resolver->pool, job);
    if (!name->asked)
        free(job);
    return name->asked;
}

static void answer_soon(struct resolve *resolve, const struct address *addresses, size_t count,
                        const char *reason)
{
    struct lookup *known = resolve->known = xcalloc(1, sizeof *known);

    for (size_t i = 0; i < count; i++)
        known->addresses[i] = addresses[i];
    known->count = count;
    snprintf(known->reason, sizeof known->reason, "%s", reason);
    resolve->task = (struct task){.fn = on_known, .arg = resolve};
    task_queue(resolve->resolver->loop, &resolve->task);
}

static void wait_for(struct resolve *resolve, struct name *name)
{
    struct resolver *resolver = resolve->resolver;
    hg_ns wait = resolver->setup.timeout;

    resolve->name = name;
    resolve->next = name->first;
    name->first = resolve;
    if (name->count && name->stale_until > clock_now() && wait > STALE_PATIENCE)
        wait = STALE_PATIENCE;
    resolve->timer.fn = on_timeout;
    resolve->timer.arg = resolve;
    timer_set(resolver->loop, &resolve->timer, clock_now() + wait);
}

static void resolve_name(struct resolve *resolve, hg_str host)
{
    struct resolver *resolver = resolve->resolver;
    const char *fault = host_fault(host);

    if (fault) {
        answer_soon(resolve, NULL, 0, fault);
        return;
    }
    struct name *name = name_find(resolver, host);

    if (name && name->good_until > clock_now()) {
        answer_soon(resolve, name->addresses, name->count, name->reason);
        return;
    }
    if (!name)
        name = name_new(resolver, host);
    if (!name)
        answer_soon(resolve, NULL, 0, "too many names are being asked for at once");
    else if (!name_ask(resolver, name))
        answer_soon(resolve, NULL, 0, "no descriptor or no thread left to ask for names");
    else
        wait_for(resolve, name);
}

struct resolve *resolve_start(struct resolver *resolver, hg_str host, uint16_t port,
                              void (*on_done)(void *arg, const struct address *addresses,
                                              size_t count, const char *reason),
                              void *arg)
{
    struct resolve *resolve = xcalloc(1, sizeof *resolve);
    struct address numeric;

    resolve->resolver = resolver;
    resolve->on_done = on_done;
    resolve->arg = arg;
    resolve->port = port;
    if (address_of_host(&numeric, host, port))
        answer_soon(resolve, &numeric, 1, "");
    else
        resolve_name(resolve, host);
    return resolve;
}

void resolve_cancel(struct resolve **resolve)
{
    if (*resolve)
        resolve_free(*resolve);
    *resolve = NULL;
}

size_t resolve_at_once(struct resolver *resolver, hg_str host, uint16_t port,
                       struct address *ret_addresses)
{
    if (address_of_host(ret_addresses, host, port))
        return 1;
    struct name *name = name_find(resolver, host);

    if (!name || name->good_until <= clock_now())
        return 0;
    copy_with_port(ret_addresses, name->addresses, name->count, port);
    return name->count;
}

/* ---- the resolver --------------------------------------------------------------------------- */

struct resolver *resolver_new(struct loop *loop, const struct resolver_setup *setup)
{
    struct resolver *resolver = xcalloc(1, sizeof *resolver);
    struct resolver_setup *ours = &resolver->setup;

    resolver->loop = loop;
    if (setup)
        *ours = *setup;
    ours->timeout = ours->timeout ? ours->timeout : 10 * NS_PER_S;
    ours->keep = ours->keep ? ours->keep : 30 * NS_PER_S;
    ours->keep_failure = ours->keep_failure ? ours->keep_failure : 2 * NS_PER_S;
    ours->keep_stale = ours->keep_stale ? ours->keep_stale : 3600 * NS_PER_S;
    return resolver;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *gone = *resolver;

    *resolver = NULL;
    if (!gone)
        return;
    if (gone->pool)
        watch_done(&gone->watch);
    lookup_pool_free(&gone->pool);
    while (gone->names) {
        struct name *name = gone->names;

        ensure(!name->first);
        gone->names = name->next;
        name_free(name);
    }
    free(gone);
}
