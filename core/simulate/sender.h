/* sender.h - sends one answer as its rule says: when, in which pieces, and how far. */
#pragma once

#include "net/stream.h"
#include "simulate/reply.h"
#include "simulate/rule.h"

struct sender;

enum sender_end {
    SENDER_DONE,       /* all is sent, and the connection may go on */
    SENDER_DONE_CLOSE, /* all is sent: end the connection */
    SENDER_RESET,      /* what was to be sent is out: reset the connection */
    SENDER_GONE,       /* the other side is gone */
};

struct sender_setup {
    struct loop *loop;
    struct stream *stream;
    const struct rule *rule;
    struct reply *reply;
    bool is_head;    /* no body is sent */
    bool keep_alive; /* the request allows it */
    bool is_old;     /* HTTP/1.0, which knows no chunks */
    void (*on_end)(void *arg, enum sender_end end);
    void *arg;
};

/* Begins; `on_end` comes once, from the loop, unless sender_stop comes first. Rule and answer must
 * live until then. */
struct sender *sender_start(const struct sender_setup *setup);
void sender_stop(struct sender **sender); /* NULL is fine */

/* The stream's queue has gone down: go on. */
void sender_drained(struct sender *sender);

/* True if nothing will ever be sent any more, though the answer is not complete. */
bool sender_is_stalled(const struct sender *sender);
uint64_t sender_bytes(const struct sender *sender);
