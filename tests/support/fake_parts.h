/* fake_parts.h - what the files of the fake host share and nobody else sees. */
#pragma once

#include <stddef.h>

#include "base/chain.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/fake_host.h"

enum {
    OPS = 64,
    EXCHANGES = 32,
    TIMERS = 32,
    REPLIES = 64,
    ALLOC_SURE = 64 * 1024
};

struct hg_headers {
    const char *const *fields; /* name, value, ..., NULL */
};

struct hg_req {
    struct fake_request in;
    struct chain *body;
    hg_json json;
};

struct piece {
    struct piece *next;
    max_align_t bytes[];
};

struct ending {
    struct ending *next;
    void (*fn)(void *);
    void *arg;
};

struct op {
    uint64_t id; /* 0: free */
    bool done, is_background;
    hg_rc rc;
    const hg_req *req;
    struct piece *pieces;
    struct ending *endings;
    struct arena *arena;
    void (*end)(void *, hg_rc); /* of a background op; may be NULL */
    void *end_arg;
};

struct exchange {
    bool open;
    hg_op owner;
    char what[1024];
    void (*cb)(void *arg, hg_op, const hg_http_resp *);
    const hg_http_stream *stream;
    void *arg;
};

struct timer {
    bool open;
    hg_op owner;
    hg_ns at;
    void (*cb)(void *arg, hg_op);
    void *arg;
};

struct reply {
    char what[1024];
    const hg_http_resp *resp;
};

struct metric {
    const char *name;
    double value;
};

struct fake {
    hg_host host;
    const hg_plugin *plugin;
    hg_json settings;
    void *state;
    bool created;
    struct arena *arena;

    struct op ops[OPS];
    uint64_t generation;
    size_t stale, held, alloc_limit;
    char failure[512];
    hg_rc failure_code;
    char log[8192];

    hg_ns now;
    struct exchange exchanges[EXCHANGES];
    struct timer timers[TIMERS];
    struct reply replies[REPLIES];
    size_t n_replies;
    char sent[1024];
    char sent_body[4096];
    char sent_headers[FAKE_HEADERS][2][512];
    size_t n_sent_headers;

    struct metric metrics[FAKE_METRICS];
    int32_t n_metrics;
    void *segment;
    uint64_t segment_size;
    bool segment_broken;
    const char *without;
};

/* There is one at a time. */
extern struct fake *fake_current;

extern const hg_body_api fake_body_api;
extern const hg_json_api fake_json_api;
extern const hg_req_api fake_req_api;
const void *fake_service(const char *id);

_Noreturn void fake_broken(const char *why);

/* NULL, or abort, if it has ended. */
struct op *fake_op_find(hg_op handle);
void fake_end_background(struct fake *fake, bool all);
struct op *fake_op_must(hg_op handle);

HG_PRINTF(3, 4) hg_rc fake_fail(hg_op handle, hg_rc code, const char *fmt, ...);

/* Of a list of names and values; empty if it is not there. */
hg_str fake_field(const char *const *fields, const char *name);
