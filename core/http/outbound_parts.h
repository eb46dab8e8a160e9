/* outbound_parts.h - what the files of outbound share: outbound.c has the connections and the
 * request, outbound_answer.c the answer. */
#pragma once

#include <sys/queue.h>

#include "base/buffer.h"
#include "http/chunked.h"
#include "http/outbound.h"
#include "http/parse.h"
#include "net/stream.h"

/* One connection of an upstream: idle in the pool, or busy with an exchange. */
struct connection {
    TAILQ_ENTRY(connection) entry;
    struct upstream *upstream;
    struct stream *stream;
    struct timer timer;
    struct outbound *outbound; /* NULL: idle */
};

struct upstream {
    struct upstream_settings settings;
    char *host, *server_name;
    TAILQ_HEAD(connections, connection) idle; /* the warmest first */
    unsigned idle_count;
};

enum framing {
    FRAMING_NONE,
    FRAMING_LENGTH,
    FRAMING_CHUNKED,
    FRAMING_UNTIL_CLOSE,
    FRAMING_UPGRADED
};

struct outbound {
    struct upstream *upstream;
    struct arena *arena;
    struct outbound_request request;
    const struct outbound_events *events;
    void *arg;
    struct dial *dial;
    struct connection *connection;
    struct outbound_times times;
    struct task fail, ready;

    struct buffer in; /* a head that has not arrived whole */
    struct head_scan scan;
    struct head head;
    bool got_head, paused, again;
    bool is_open, is_deaf; /* the body has not ended; the other side takes no more of it */
    enum framing framing;
    uint64_t left, body_len;
    struct chunked chunked;
    bool *gone; /* set while our own functions are on the stack: tells them of a cancel */
};

/* Ends an exchange and tells its owner; `keep` puts its connection into the pool. */
void outbound_finish(struct outbound *outbound, bool keep, enum outbound_fault fault,
                     const char *reason);

/* Bytes of the answer. The exchange may be over afterwards. */
void outbound_answer_bytes(struct outbound *outbound, hg_str bytes);
