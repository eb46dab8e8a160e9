/* dialling.h - the world of the tests of dials: names with their addresses, servers, black holes,
 * and calls that are waited for. Servers and dials share one loop. */
#pragma once

#include <check.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/dial.h"
#include "net/resolve.h"
#include "net/tls.h"

enum {
    PEERS_MAX = 8
};

extern struct dialer *dialer;
extern atomic_int lookups;  /* of names, since the setup */
extern atomic_bool is_held; /* hang.test is looked up until this is false */

void dialling_setup(void);
void dialling_teardown(void); /* no descriptor is left open */

/* An accepting server; with `config` it also does the handshake. */
struct server {
    int fd;
    struct watch watch;
    struct tls_config *config;
    int accepted;
    struct peer {
        int fd;
        struct tls_session *tls;
        struct watch watch;
    } peers[PEERS_MAX];
};

/* With `identity`, a name of certs.h, it speaks TLS. `port` 0: any; returns it. */
uint16_t server_start(struct server *server, const char *host, uint16_t port, const char *identity);
void server_stop(struct server *server);

/* A black hole: a listener whose queue is full, so the kernel drops what comes, and what fills it.
 */
struct hole {
    int fd, fillers[4];
};

uint16_t hole_dig(struct hole *hole, const char *host, uint16_t port);
void hole_fill(struct hole *hole);

uint16_t closed_port(void);

struct call {
    struct dial *dial;
    int calls, fd;
    struct tls_session *tls;
    enum dial_fault fault;
    char reason[256];
};

/* For dial_start, with a call. */
void on_done(void *arg, int fd, struct tls_session *tls, enum dial_fault fault, const char *reason);

/* `wait` 0: without a deadline. */
void call_start(struct call *call, const char *host, uint16_t port, struct tls_config *tls,
                hg_ns wait);
void call_wait(struct call *call);
void call_close(struct call *call);

/* A whole call, and how it ends. */
void expect(const char *host, uint16_t port, struct tls_config *tls, hg_ns wait,
            enum dial_fault fault, const char *reason);

/* Whom the call has reached. */
void expect_peer(const struct call *call, const char *host);

/* Of the loop, each a few milliseconds long. */
void turns(int count);

/* A client that trusts the authority of certs.h. */
struct tls_config *trusting(void);
