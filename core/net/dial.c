#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "net/resolve.h"
#include "net/tls.h"

/* RFC 8305, 5: how much of a start the address before has. */
#define ATTEMPT_DELAY (250 * NS_PER_MS)

/* One address being connected to. */
struct attempt {
    struct dial *dial;
    struct address address;
    int fd; /* -1: not begun, failed, or handed on */
    struct watch watch;
};

struct dial {
    struct dialer *dialer;
    void (*on_done)(void *arg, int fd, struct tls_session *tls, enum dial_fault fault,
                    const char *reason);
    void *arg;

    char *host, *server_name; /* server_name is NULL without TLS */
    struct tls_config *config;
    bool (*allow)(void *arg, const struct address *address);
    void *allow_arg;

    struct resolve *resolve;
    struct attempt *attempts; /* in the order to be tried */
    unsigned count, begun, under_way;
    struct timer next_attempt, give_up;

    int fd; /* the winner */
    struct address peer;
    struct tls_session *tls;
    struct watch watch; /* during the handshake */

    struct task task; /* tells the result */
    enum dial_fault fault;
    char reason[256];
};

struct dialer {
    struct loop *loop;
    struct resolver *resolver;
    unsigned open; /* dials */
};

const char *dial_fault_name(enum dial_fault fault)
{
    static const char *const names[] = {
        [DIAL_OK] = "ok",
        [DIAL_DNS] = "dns",
        [DIAL_REFUSED] = "refused",
        [DIAL_TIMEOUT] = "timeout",
        [DIAL_TLS] = "tls",
        [DIAL_UNREACHABLE] = "unreachable",
        [DIAL_NO_DESCRIPTORS] = "no_descriptors",
        [DIAL_FORBIDDEN] = "forbidden",
    };

    return names[fault];
}

/* ---- the end -------------------------------------------------------------------------------- */

static void attempt_close(struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    watch_done(&attempt->watch);
    close(attempt->fd);
    attempt->fd = -1;
}

/* Ends all that could still wake us; leaves the winner. */
static void dial_quiet(struct dial *dial)
{
    struct loop *loop = dial->dialer->loop;

    resolve_cancel(&dial->resolve);
    timer_clear(loop, &dial->next_attempt);
    timer_clear(loop, &dial->give_up);
    for (unsigned i = 0; i < dial->begun; i++)
        attempt_close(&dial->attempts[i]);
    if (dial->tls)
        watch_done(&dial->watch);
}

static void winner_close(struct dial *dial)
{
    tls_session_free(&dial->tls);
    if (dial->fd >= 0)
        close(dial->fd);
    dial->fd = -1;
}

static void dial_free(struct dial *dial)
{
    dial_quiet(dial);
    task_clear(dial->dialer->loop, &dial->task);
    winner_close(dial);
    dial->dialer->open--;
    free(dial->attempts);
    free(dial->host);
    free(dial->server_name);
    free(dial);
}

static void on_settled(void *arg)
{
    struct dial *dial = arg;
    struct dial told = *dial;

    dial->fd = -1;
    dial->tls = NULL;
    dial_free(dial);
    told.on_done(told.arg, told.fd, told.tls, told.fault, told.reason);
}

/* The result is told by a task, because we may stand on the stack of dial_start. */
static void dial_settle(struct dial *dial)
{
    dial_quiet(dial);
    if (dial->fault != DIAL_OK)
        winner_close(dial);
    task_queue(dial->dialer->loop, &dial->task);
}

static void __attribute__((format(printf, 3, 4)))
dial_fail(struct dial *dial, enum dial_fault fault, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(dial->reason, sizeof dial->reason, fmt, args);
    va_end(args);
    dial->fault = fault;
}

static void on_deadline(void *arg)
{
    struct dial *dial = arg;
    char text[ADDRESS_TEXT_MAX];

    if (dial->tls)
        dial_fail(dial, DIAL_TIMEOUT, "%s: TLS handshake with %s took too long", dial->host,
                  address_text(&dial->peer, text));
    else if (dial->count)
        dial_fail(dial, DIAL_TIMEOUT, "%s: no answer from %s%s", dial->host,
                  address_text(&dial->attempts[0].address, text),
                  dial->begun > 1 ? " and others" : "");
    else
        dial_fail(dial, DIAL_TIMEOUT, "%s: name servers took too long", dial->host);
    dial_settle(dial);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static void dial_handshake(struct dial *dial)
{
    unsigned want = 0;

    switch (tls_handshake(dial->tls, &want)) {
    case TLS_DONE:
        dial_settle(dial);
        return;
    case TLS_AGAIN:
        watch_want(&dial->watch, want);
        return;
    default:
        dial_fail(dial, DIAL_TLS, "%s: %s", dial->host, tls_reason(dial->tls));
        dial_settle(dial);
    }
}

static void on_handshake(void *arg, unsigned ready)
{
    (void)ready;
    dial_handshake(arg);
}

/* ---- connecting ----------------------------------------------------------------------------- */

/* Takes the connected socket; the other attempts end. */
static void dial_won(struct dial *dial, struct attempt *attempt)
{
    dial->fault = DIAL_OK;
    dial->reason[0] = 0;
    dial->fd = attempt->fd;
    dial->peer = attempt->address;
    watch_done(&attempt->watch);
    attempt->fd = -1;
    for (unsigned i = 0; i < dial->begun; i++)
        attempt_close(&dial->attempts[i]);
    timer_clear(dial->dialer->loop, &dial->next_attempt);
    if (!dial->config) {
        dial_settle(dial);
        return;
    }
    dial->tls = tls_session_new(dial->config, dial->fd, false, dial->server_name);
    tls_session_port(dial->tls, address_port(&dial->peer));
    watch_init(&dial->watch, dial->dialer->loop, dial->fd, on_handshake, dial);
    dial_handshake(dial);
}

static enum dial_fault fault_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return DIAL_REFUSED;
    case ETIMEDOUT:
        return DIAL_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return DIAL_NO_DESCRIPTORS;
    default:
        return DIAL_UNREACHABLE;
    }
}

/* What is told in the end is the first failure, but "no route" (half of the world has no IPv6)
 * gives way to any other. */
static void attempt_failed(struct attempt *attempt, int error)
{
    struct dial *dial = attempt->dial;
    char text[ADDRESS_TEXT_MAX];

    attempt_close(attempt);
    if (dial->fault == DIAL_OK || dial->fault == DIAL_UNREACHABLE)
        dial_fail(dial, fault_of(error), "%s: connecting to %s: %s", dial->host,
                  address_text(&attempt->address, text), strerror(error));
}

static void dial_next(struct dial *dial);

static void on_writable(void *arg, unsigned ready)
{
    struct attempt *attempt = arg;
    struct dial *dial = attempt->dial;
    int error = 0;
    socklen_t len = sizeof error;

    (void)ready;
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0) {
        dial_won(dial, attempt);
        return;
    }
    dial->under_way--;
    attempt_failed(attempt, error);
    dial_next(dial);
}

/* Answers are small and wanted at once; a dead peer is found out in about a minute. */
static void socket_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 30}, {IPPROTO_TCP, TCP_KEEPINTVL, 10},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/* 0: connected; EINPROGRESS; or why not. */
static int attempt_begin(struct attempt *attempt)
{
    const struct address *address = &attempt->address;

    attempt->fd = socket(address_family(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0)
        return errno;
    socket_options(attempt->fd);
    watch_init(&attempt->watch, attempt->dial->dialer->loop, attempt->fd, on_writable, attempt);
    if (connect(attempt->fd, address_sockaddr(address), address->len) == 0)
        return 0;
    return errno == EINTR ? EINPROGRESS : errno;
}

/* Begins the next address that does not fail at once. */
static void dial_next(struct dial *dial)
{
    struct loop *loop = dial->dialer->loop;

    timer_clear(loop, &dial->next_attempt);
    while (dial->begun < dial->count) {
        struct attempt *attempt = &dial->attempts[dial->begun++];
        int error = attempt_begin(attempt);

        if (error == 0) {
            dial_won(dial, attempt);
            return;
        }
        if (error == EINPROGRESS) {
            dial->under_way++;
            watch_want(&attempt->watch, WATCH_WRITE);
            if (dial->begun < dial->count)
                timer_set(loop, &dial->next_attempt, clock_now() + ATTEMPT_DELAY);
            return;
        }
        attempt_failed(attempt, error);
    }
    if (dial->under_way == 0)
        dial_settle(dial);
}

static void on_next_attempt(void *arg)
{
    dial_next(arg);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static size_t take_allowed(const struct dial *dial, const struct address *from, size_t count,
                           const struct address **to)
{
    size_t taken = 0;

    for (size_t i = 0; i < count; i++)
        if (!dial->allow || dial->allow(dial->allow_arg, &from[i]))
            to[taken++] = &from[i];
    return taken;
}

/* The first that is still there of the family, or of the other if there is none left. */
static const struct address *take_family(const struct address **from, size_t count, int family)
{
    size_t any = count;

    for (size_t i = 0; i < count; i++) {
        if (!from[i])
            continue;
        if (any == count)
            any = i;
        if (address_family(from[i]) == family) {
            any = i;
            break;
        }
    }
    ensure(any < count);
    const struct address *taken = from[any];

    from[any] = NULL;
    return taken;
}

/* The families take turns, beginning with what the resolver has put first. */
static void set_attempts(struct dial *dial, const struct address **from, size_t count)
{
    int family = address_family(from[0]);

    dial->attempts = xcalloc(count, sizeof *dial->attempts);
    dial->count = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        dial->attempts[i] =
            (struct attempt){.dial = dial, .fd = -1, .address = *take_family(from, count, family)};
        family = address_family(&dial->attempts[i].address) == AF_INET ? AF_INET6 : AF_INET;
    }
}

static void dial_connect(struct dial *dial, const struct address *addresses, size_t count)
{
    const struct address *allowed[RESOLVE_MAX];
    char text[ADDRESS_TEXT_MAX];
    size_t allowed_count = take_allowed(dial, addresses, count, allowed);

    if (allowed_count == 0) {
        dial_fail(dial, DIAL_FORBIDDEN, "%s: connections to %s (%s) are not allowed", dial->host,
                  address_host_text(&addresses[0], text),
                  address_class_name(address_class(&addresses[0])));
        dial_settle(dial);
        return;
    }
    set_attempts(dial, allowed, allowed_count);
    dial_next(dial);
}

static void on_resolved(void *arg, const struct address *addresses, size_t count,
                        const char *reason)
{
    struct dial *dial = arg;

    dial->resolve = NULL;
    if (count) {
        dial_connect(dial, addresses, count);
        return;
    }
    dial_fail(dial, DIAL_DNS, "%s: %s", dial->host, reason);
    dial_settle(dial);
}

/* ---- from outside --------------------------------------------------------------------------- */

static struct dial *dial_new(struct dialer *dialer, const struct dial_target *target)
{
    struct dial *dial = xcalloc(1, sizeof *dial);

    dialer->open++;
    dial->dialer = dialer;
    dial->host = xstrndup(target->host.p, target->host.n);
    dial->config = target->tls;
    if (target->tls)
        dial->server_name = xstrdup(target->server_name ? target->server_name : dial->host);
    dial->allow = target->allow;
    dial->allow_arg = target->allow_arg;
    dial->fd = -1;
    dial->task = (struct task){.fn = on_settled, .arg = dial};
    dial->next_attempt = (struct timer){.fn = on_next_attempt, .arg = dial};
    dial->give_up = (struct timer){.fn = on_deadline, .arg = dial};
    if (target->deadline)
        timer_set(dialer->loop, &dial->give_up, target->deadline);
    return dial;
}

struct dial *dial_start(struct dialer *dialer, const struct dial_target *target,
                        void (*on_done)(void *arg, int fd, struct tls_session *tls,
                                        enum dial_fault fault, const char *reason),
                        void *arg)
{
    struct address addresses[RESOLVE_MAX];
    struct dial *dial = dial_new(dialer, target);
    size_t count = resolve_at_once(dialer->resolver, target->host, target->port, addresses);

    dial->on_done = on_done;
    dial->arg = arg;
    if (count)
        dial_connect(dial, addresses, count);
    else
        dial->resolve =
            resolve_start(dialer->resolver, target->host, target->port, on_resolved, dial);
    return dial;
}

void dial_cancel(struct dial **dial)
{
    if (*dial)
        dial_free(*dial);
    *dial = NULL;
}

struct dialer *dialer_new(struct loop *loop, struct resolver *resolver)
{
    struct dialer *dialer = xcalloc(1, sizeof *dialer);

    dialer->loop = loop;
    dialer->resolver = resolver;
    return dialer;
}

void dialer_free(struct dialer **dialer)
{
    if (*dialer)
        ensure((*dialer)->open == 0);
    free(*dialer);
    *dialer = NULL;
}
