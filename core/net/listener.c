#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    ACCEPTS_PER_TURN = 16
};

#define REST_MS 5 /* before a worker that had declined asks again */

static int listen_on(const struct addrinfo *found, const char *address, struct error *error)
{
    int on = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        error_set(error, "cannot listen on %s: %s", address, strerror(errno));
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (found->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, LISTENER_BACKLOG) < 0) {
        error_set(error, "cannot listen on %s: %s%s", address, strerror(errno),
                  errno == EADDRINUSE ? "; stop what uses the port, or choose another" : "");
        close(fd);
        return -1;
    }
    return fd;
}

int listener_open(const char *address, struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(address, ':');
    char host[256];
    size_t n = colon ? (size_t)(colon - address) : 0;

    if (!colon || !colon[1] || n >= sizeof host) {
        error_set(error, "'%s' is no address to listen on; write host:port", address);
        return -1;
    }
    memcpy(host, address, n);
    host[n] = 0;
    char *bare = host;

    if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        bare++;
    }
    int rc = getaddrinfo(*bare ? bare : NULL, colon + 1, &hints, &found);

    if (rc) {
        error_set(error, "cannot listen on %s: %s", address, gai_strerror(rc));
        return -1;
    }
    int fd = listen_on(found, address, error);

    freeaddrinfo(found);
    return fd;
}

unsigned listener_port(int fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof at;

    if (getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        return 0;
    if (at.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
    return ntohs(((struct sockaddr_in *)&at)->sin_port);
}

struct listener {
    struct loop *loop;
    int fd;
    int epoll;   /* holds the socket with EPOLLEXCLUSIVE, which libevent cannot ask for */
    int reserve; /* given up to accept, and turn away, one more when descriptors have run out */
    const struct listener_events *events;
    void *arg;
    struct watch watch;
    struct timer rest;
};

static int reserve_open(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void turn_away(struct listener *listener)
{
    close(listener->reserve);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0)
        listener->events->on_full(listener->arg, fd);
    listener->reserve = reserve_open();
}

static void rest(struct listener *listener)
{
    watch_want(&listener->watch, 0);
    timer_set(listener->loop, &listener->rest, clock_now() + REST_MS * NS_PER_MS);
}

static void on_rested(void *arg)
{
    struct listener *listener = arg;

    watch_want(&listener->watch, WATCH_READ);
}

static void on_connection(void *arg, unsigned ready)
{
    struct listener *listener = arg;
    int on = 1;

    (void)ready;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        if (listener->events->may_accept && !listener->events->may_accept(listener->arg)) {
            rest(listener);
            return;
        }
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                turn_away(listener);
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        listener->events->on_accept(listener->arg, fd);
    }
}

struct listener *listener_new(struct loop *loop, int fd, const struct listener_events *events,
                              void *arg)
{
    struct epoll_event exclusive = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &exclusive) < 0) {
        if (epoll >= 0)
            close(epoll);
        return NULL;
    }
    struct listener *listener = xcalloc(1, sizeof *listener);

    *listener = (struct listener){.loop = loop,
                                  .fd = fd,
                                  .epoll = epoll,
                                  .reserve = reserve_open(),
                                  .events = events,
                                  .arg = arg,
                                  .rest = {.fn = on_rested, .arg = listener}};
    watch_init(&listener->watch, loop, epoll, on_connection, listener);
    watch_want(&listener->watch, WATCH_READ);
    return listener;
}

void listener_free(struct listener **listener)
{
    struct listener *gone = *listener;

    *listener = NULL;
    if (!gone)
        return;
    timer_clear(gone->loop, &gone->rest);
    watch_done(&gone->watch);
    close(gone->epoll);
    close(gone->reserve);
    free(gone);
}
