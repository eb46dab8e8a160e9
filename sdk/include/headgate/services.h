/* headgate/services.h - optional powers of the host, asked for by id through hg_host.service.
 *
 * Whatever is started with an owner op ends with it, without calling back. So a plugin that uses
 * only these needs no code for cancellation.
 *
 * What starts something that calls back (fetch, stream, after, run, watch) returns HG_PENDING if it
 * has started, so that a call may end with `return timer->after(...)`. It never calls back before
 * it has returned. Anything else that it returns means that nothing has started and nothing will be
 * called: HG_E_CANCELLED if the owner has ended, and what stands with the function. */
#ifndef HEADGATE_SERVICES_H
#define HEADGATE_SERVICES_H

#include <headgate/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- HTTP through the core's loop, pool, TLS and DNS -------------------------------------- */

typedef struct hg_header {
    hg_str name, value;
} hg_header;

typedef struct hg_http_req {
    uint32_t size, flags;
    hg_str method, url; /* http:// or https:// */
    const hg_header *headers;
    size_t n_headers;
    hg_out *body; /* NULL: none */

    /* Limits in nanoseconds; 0 takes the instance's settings. Idle: between two reads. */
    hg_ns connect_timeout, first_byte_timeout, idle_timeout, total_timeout;
    uint64_t max_body; /* of the answer, in bytes; 0: the host's limit */
} hg_http_req;

typedef struct hg_http_resp {
    uint32_t size;
    int32_t status; /* 0 if there was no answer */
    hg_rc rc;       /* HG_OK, or why there is no whole answer */
    uint32_t flags;
    const hg_headers *headers;
    const hg_body *body;
} hg_http_resp;

/* For plugins that read an answer as it comes. An error from head or data ends the exchange. */
typedef struct hg_http_stream {
    uint32_t size, reserved;
    hg_rc (*head)(void *arg, hg_op, const hg_http_resp *);
    hg_rc (*data)(void *arg, hg_op, const hg_body *);
    void (*end)(void *arg, hg_op, hg_rc);
} hg_http_stream;

#define HG_HTTP "headgate.http/1"
typedef struct hg_http_api {
    uint32_t size, reserved;

    /* Sends a request and calls back once, with the whole answer or what went wrong. An error other
     * than HG_E_CANCELLED if the request itself is wrong. */
    hg_rc (*fetch)(hg_op owner, const hg_http_req *,
                   void (*cb)(void *arg, hg_op, const hg_http_resp *), void *arg);

    /* The same, piece by piece. `ret_http` may be NULL; it is valid until end is called. */
    hg_rc (*stream)(hg_op owner, const hg_http_req *, const hg_http_stream *, void *arg,
                    hg_http **ret_http);

    /* Stops or resumes reading from the other side. */
    void (*pause)(hg_http *, int on);

    /* A header field by lower-case name; empty if absent; the first if repeated. */
    hg_str (*header)(const hg_headers *, const char *name);
} hg_http_api;

/* ---- time ------------------------------------------------------------------------------- */

#define HG_TIMER "headgate.timer/1"
typedef struct hg_timer_api {
    uint32_t size, reserved;

    /* Calls back once after `delay`, which is exact to some milliseconds. HG_PENDING, or
     * HG_E_CANCELLED. */
    hg_rc (*after)(hg_op owner, hg_ns delay, void (*cb)(void *arg, hg_op), void *arg);
} hg_timer_api;

/* ---- metrics, summed over all workers ------------------------------------------------------ */

#define HG_METRICS "headgate.metrics/1"
typedef struct hg_metrics_api {
    uint32_t size, reserved;

    /* Declare in create, once each; an id of 0 or more, or an error. Names follow Prometheus
     * (`_total` on counters, base units) and get the prefix headgate_. `labels` ends with NULL and
     * may itself be NULL. Label values beyond the host's limit of series are counted as "other". */
    int32_t (*counter)(hg_inst *, const char *name, const char *help, const char *const *labels);
    int32_t (*gauge)(hg_inst *, const char *name, const char *help, const char *const *labels);
    int32_t (*histogram)(hg_inst *, const char *name, const char *help, const char *const *labels,
                         const double *bounds, size_t n_bounds);

    /* One value per declared label. A negative id is ignored. */
    void (*add)(hg_inst *, int32_t id, const hg_str *label_values, double);
    void (*set)(hg_inst *, int32_t id, const hg_str *label_values, double);
    void (*observe)(hg_inst *, int32_t id, const hg_str *label_values, double);
} hg_metrics_api;

/* ---- small shared values: all workers of this machine, no waiting ---------------------------- */

#define HG_SHARED "headgate.shared/1"
typedef struct hg_shared_api {
    uint32_t size, reserved;

    /* Keys belong to the instance. Values are at most 64 KiB. `ttl` 0: no end. The coldest entries
     * go when there is no room, so this is no place for what must not be lost. */
    int64_t (*add)(hg_inst *, hg_str key, int64_t delta, hg_ns ttl); /* the new value */
    hg_rc (*get)(hg_op, hg_inst *, hg_str key, hg_str *ret_value);   /* a copy; HG_MISS */
    hg_rc (*set)(hg_inst *, hg_str key, hg_str value, hg_ns ttl);

    /* Sets `value` if the present one equals `old` (an empty `old`: if there is none);
     * otherwise HG_MISS. */
    hg_rc (*cas)(hg_inst *, hg_str key, hg_str old, hg_str value, hg_ns ttl);

    /* Takes `n` from a token bucket of `burst`, refilled at `rate` a second. HG_E_RATE if it does
     * not hold so many; `ret_wait` is then the time until it will. */
    hg_rc (*take)(hg_inst *, hg_str bucket, double rate, double burst, double n, hg_ns *ret_wait);
} hg_shared_api;

/* ---- one block of memory that all workers of this machine map ------------------------------- */

#define HG_SEGMENT "headgate.segment/1"
typedef struct hg_segment_api {
    uint32_t size, reserved;

    /* Maps the instance's own segment, making it (zeroed) if this is the first worker to ask. It
     * survives workers and reloads as long as the size stays the same, and lives until the gateway
     * stops. The address differs between processes: store offsets, not pointers. Workers run at
     * the same time, so guard it with process-shared robust mutexes or atomics. NULL on failure. */
    void *(*map)(hg_inst *, uint64_t bytes);
} hg_segment_api;

/* ---- a helper thread for libraries that only block ------------------------------------------ */

#define HG_WORK "headgate.work/1"
typedef struct hg_work_api {
    uint32_t size, reserved;

    /* Runs `fn(arg)` on a helper thread, where it may not call the host, then `done(arg, op)` on
     * the loop. If the op ends first, `done` is never called, but `fn` may still be running: `arg`
     * must outlive it, so free it in `fn` or leak it to at_end with care. `drop`, which may be
     * NULL, is called on the loop in place of `done` once `fn` has returned. HG_PENDING,
     * HG_E_CANCELLED, or HG_E_AGAIN if the threads have too much to do; then `fn` does not run. */
    hg_rc (*run)(hg_op owner, void (*fn)(void *arg), void (*done)(void *arg, hg_op),
                 void (*drop)(void *arg), void *arg);
} hg_work_api;

/* ---- readiness of a descriptor, for libraries with sockets of their own -----------------------
 */

#define HG_FD_READ  1u
#define HG_FD_WRITE 2u

#define HG_FD "headgate.fd/1"
typedef struct hg_fd_api {
    uint32_t size, reserved;

    /* Calls back each time `fd` is ready for what `rw` asks, until the op ends or `rw` is set to 0
     * by watching the same fd again, which may also change what is asked for. The fd stays yours:
     * close it after the op has ended. HG_PENDING while it is watched, HG_OK for `rw` 0,
     * HG_E_CANCELLED, or HG_E_UNSUPPORTED for what is always ready or no descriptor. */
    hg_rc (*watch)(hg_op owner, int fd, uint32_t rw, void (*cb)(void *arg, hg_op, uint32_t ready),
                   void *arg);
} hg_fd_api;

#ifdef __cplusplus
}
#endif
#endif
