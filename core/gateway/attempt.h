/* attempt.h - one call to one provider, from the plugin's prepare to the last byte.
 *
 *   prepare ─► send ─► head ─┬─ 2xx ─► first valid event, or whole body ─► SUCCEEDED ─► relayed
 *                            └─ else ─► error body ─► FAILED
 *
 * SUCCEEDED is the commit point: until then the route may try another target; afterwards what goes
 * wrong is told to the client as what it is. */
#pragma once

#include <headgate/provider.h>

#include "base/buffer.h"
#include "gateway/request.h"
#include "gateway/target.h"
#include "http/sse.h"

enum attempt_state {
    ATTEMPT_PREPARING,
    ATTEMPT_SENT,       /* no answer yet */
    ATTEMPT_ERROR_BODY, /* reading what a refusal says */
    ATTEMPT_WHOLE_BODY, /* reading an answer that is judged as a whole */
    ATTEMPT_FIRST_EVENT,
    ATTEMPT_SUCCEEDED, /* its answer is with the route or the client */
    ATTEMPT_FAILED,
    ATTEMPT_ENDED /* everything was read */
};

struct attempt_options {
    hg_ns timeout;     /* for the whole attempt; 0: the provider's */
    hg_ns first_token; /* until the first event; 0: the provider's */
    bool is_shadow;    /* its answer is for nobody */
};

/* Who takes the bytes of a stream once it is relayed. */
struct attempt_sink {
    void (*on_events)(void *arg, hg_str events); /* whole events */
    void (*on_pause)(void *arg);                 /* the end of a read: write now */
    void (*on_end)(void *arg);                   /* see attempt->end_fault */
    void (*on_drained)(void *arg);               /* of what a tunnel sends; NULL: it does not */
};

struct attempt {
    LIST_ENTRY(attempt) entry; /* among the detached ones */
    struct attempt *next;
    struct request *request;
    struct target *target;
    unsigned number;
    struct view view;
    enum attempt_state state;
    uint64_t handle;

    hg_str model;
    const struct shape *shape;
    const struct chain *shown; /* the body under this attempt's model, see view_body_shown */
    bool is_shadow;
    struct op *op;
    void *call;
    hg_http_req http;
    struct outbound *outbound;
    struct outbound_request sending;
    struct timer first_event; /* and the other limits that outbound does not know */
    hg_ns began, ended, first_byte;
    const struct outbound_times *times; /* NULL until it was sent */
    bool usage_injected, usage_refused;
    bool may_renew, was_renewed; /* a token that was refused, where another one is to be had */
    bool detached;               /* outlasts the request's answer: shadow traffic */

    /* The answer. */
    int status;
    const struct head *head;
    hg_str content_type;
    bool is_sse;
    struct inflate *inflating; /* the body comes compressed, and we have to read it */
    struct buffer packed;      /* of it: what nobody has taken yet */
    struct task unpack;
    bool end_waits;      /* behind that: end_fault and end_reason say which */
    struct buffer whole; /* an error body, or a body judged as a whole */
    struct sse_scan scan;
    struct buffer partial; /* an event that is not whole yet */
    struct sse_look look;  /* at it */
    struct buffer ready;   /* events nobody takes yet */
    struct buffer spent;   /* what the sink was given last, until the end of the read */
    bool raw;              /* bytes pass as they are: no format of ours */
    uint32_t framing;      /* HG_FRAME_... of the answer */
    hg_str upgrade_key;    /* what we have sent to become a WebSocket; see upgrade.h */

    /* An answer in another format than the client's: events in, bytes out. */
    bool is_translated;
    bool is_estimate;                /* of tokens: made here, because the provider does not count */
    struct translation *translation; /* between two dialects; NULL: the plugin reads the wire */
    hg_str refusal;                  /* why the request cannot be told to this provider */
    struct dialect_reader *reader;
    struct dialect_writer *writer;
    struct chain *written;                    /* in this round; NULL between rounds */
    hg_ns written_last;                       /* when something was */
    uint64_t choices_begun, choices_finished; /* a bit each */
    struct watch *watch; /* in the client's own format, where that has no quicker way */
    bool paused;
    bool is_over; /* no more bytes will come */
    enum outbound_fault end_fault;
    hg_str end_reason;

    /* What it said. */
    bool seen_content, seen_done, seen_error, has_usage;
    uint32_t finish;
    hg_usage usage;
    hg_str model_answered, response_id;
    hg_str error_type, error_message;

    struct fault fault;
    void (*on_result)(void *arg, struct attempt *attempt);
    void *arg;
    const struct attempt_sink *sink;
    void *sink_arg;
    struct task tell; /* a result that was there at once is told from the loop */
};

/* on_result comes once, from the loop, with SUCCEEDED or FAILED; not after attempt_cancel. */
struct attempt *attempt_start(struct request *request, const struct shape *shape,
                              struct target *target, const struct attempt_options *options,
                              void (*on_result)(void *arg, struct attempt *attempt), void *arg);

/* Ends it wherever it is; harmless if it has ended. */
void attempt_cancel(struct attempt *attempt);

/* From now on it outlasts the answer to its request; whoever detaches it has it cancelled in the
 * end. */
void attempt_detach(struct attempt *attempt);

/* The bytes go to the sink from now on, those that wait first, and on_end may come at once. */
void attempt_relay(struct attempt *attempt, const struct attempt_sink *sink, void *arg);

/* Stops reading from the upstream, or goes on. */
void attempt_pause(struct attempt *attempt, bool paused);

/* What a stream that broke off had cost until then, if nobody has told it: an estimate. */
void attempt_charge(struct attempt *attempt);

/* Whether a stream that is whole ended without the mark of its format, which some clients need. */
bool attempt_lacks_mark(const struct attempt *attempt);

/* The whole body of an answer that is no stream, or of an error. */
hg_str attempt_body(const struct attempt *attempt);
