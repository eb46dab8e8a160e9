/* headgate/host.h - what the host gives every plugin. Keep the pointer that the entry got; it and
 * its tables live as long as the process. All functions are for the loop thread only. */
#ifndef HEADGATE_HOST_H
#define HEADGATE_HOST_H

#include <headgate/abi.h>
#include <headgate/bytes.h>
#include <headgate/json.h>
#include <headgate/request.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HG_DEBUG,
    HG_INFO,
    HG_WARN,
    HG_ERROR
};

#define HG_HOST_CHECK 1u /* loaded by a checker: no traffic will come */
#define HG_HOST_TEST  2u /* loaded by a test harness */

typedef struct hg_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    const char *product, *version; /* NUL-terminated */
    uint32_t worker, workers, generation, flags;
    const hg_body_api *body;
    const hg_json_api *json;
    const hg_req_api *req;

    /* A service by id ("headgate.http/1"); NULL if this host has none. */
    const void *(*service)(const char *id);

    /* Writes a line to the gateway's log, marked with the instance. Never put a secret in it. */
    void (*log)(hg_inst *, int level, const char *fmt, ...) HG_PRINTF(3, 4);

    /* Now, monotonic, read once in each turn of the loop. */
    hg_ns (*now)(void);

    /* Ends an op that returned HG_PENDING. Inside the call that began it, it is allowed too, and
     * that call's result is then ignored. A stale op is ignored and counted. */
    void (*done)(hg_op, hg_rc);

    /* Says why an op fails and returns `code`, so that `return H->fail(op, ...)` reads well. The
     * text goes to the log; the client sees it only if the class is the caller's own fault. */
    hg_rc (*fail)(hg_op, hg_rc code, const char *fmt, ...) HG_PRINTF(3, 4);

    /* 1 while the op has not ended. */
    int (*live)(hg_op);

    /* The moment at which the host ends the op; 0 if there is none. */
    hg_ns (*deadline)(hg_op);

    /* Has `fn(arg)` run when the op ends, however it ends; the newest first. It may not start
     * anything on the op. */
    void (*at_end)(hg_op, void (*fn)(void *), void *arg);

    /* An op that belongs to no request: token refresh, reconnects. `end`, which may be NULL, hears
     * how it ended. `timeout` 0 means none. Shutdown ends such ops last. */
    hg_op (*background)(hg_inst *, hg_ns timeout, void (*end)(void *, hg_rc), void *arg);

    /* The request an op works for; NULL in the background. */
    const hg_req *(*request)(hg_op);

    /* Zeroed memory that lives until the op ends. Never NULL up to 64 KiB; NULL beyond if the
     * request is over its memory limit. */
    void *(*alloc)(hg_op, size_t);

    /* Formatted text in the op's memory, NUL-terminated as well. */
    hg_str (*fmt)(hg_op, const char *fmt, ...) HG_PRINTF(2, 3);

    /* An empty output in the op's memory. */
    hg_out *(*out)(hg_op);

    /* Adds an event to the answer being built: for providers with a wire of their own. */
    hg_rc (*emit)(hg_op, const hg_event *);
} hg_host;

#ifdef __cplusplus
}
#endif
#endif
