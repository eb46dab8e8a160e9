/* fault.h - every way a request can fail, and what the client is told. */
#pragma once

#include <headgate/abi.h>

#include "base/arena.h"
#include "http/outbound.h"

/* The names in Lua (err.kind) are the lower-case ones of the table in fault.c. */
enum fault_kind {
    FAULT_NONE,
    FAULT_TIMEOUT,
    FAULT_RATE_LIMITED,
    FAULT_UPSTREAM_5XX,
    FAULT_UPSTREAM_4XX,
    FAULT_CONNECT,
    FAULT_PROTOCOL,
    FAULT_DENIED,
    FAULT_BUDGET,
    FAULT_BAD_REQUEST,
    FAULT_AUTH,
    FAULT_CANCELLED,
    FAULT_INTERNAL,
    FAULT_NO_ROUTE,
    FAULT_COUNT
};

struct attempt;

struct fault {
    enum fault_kind kind;
    int status;              /* what the client gets; 0: the kind's own */
    hg_str code;             /* machine-readable, may be empty */
    hg_str message;          /* for the client; holds no secret and nothing internal */
    hg_str target;           /* which one failed; may be empty */
    hg_ns retry_after;       /* 0: unknown */
    bool other_target;       /* a fallback may do better */
    bool is_final;           /* there is none: the body of the request is gone */
    bool is_spent;           /* a quota that does not come back soon: asking again is no use */
    struct attempt *attempt; /* whose error body is to be passed on; may be NULL */
};

hg_str fault_name(enum fault_kind kind);
enum fault_kind fault_named(hg_str name); /* FAULT_INTERNAL if nobody is called so */
int fault_status(const struct fault *fault);
hg_str fault_type(const struct fault *fault); /* the `type` of an error body */

/* What a plugin's code means. */
enum fault_kind fault_of_rc(hg_rc rc);

/* What happened on the way to an upstream. */
enum fault_kind fault_of_outbound(enum outbound_fault fault);

/* What the type of an error inside of an answer means. */
enum fault_kind fault_of_error(hg_str type);

/* What an upstream's status means. */
enum fault_kind fault_of_status(int status);
