/* headgate/abi.h - versions, results, and the plain values that cross the border.
 *
 * Five rules, and everything else follows from them
 *
 *  1 THREAD   Every call into a plugin comes from the one loop thread of its process; no two
 *             calls overlap. Never block there: headgate.work/1 runs what blocks elsewhere.
 *  2 OP       Work is an op. It ends once: you return anything but HG_PENDING, or you call
 *             H->done, or the host ends it (deadline, client gone, shutdown). What an ended op
 *             owned never calls back; a stale handle is ignored and counted. If you wake up by
 *             means of your own, ask H->live(op) before you touch what belonged to it.
 *  3 MEMORY   Arguments live until you return. H->alloc memory lives until the op ends. To keep
 *             bytes for longer, hold a slice. Free only what you allocated yourself; the host
 *             frees only what it allocated.
 *  4 STRINGS  {pointer, length}, UTF-8, not NUL-terminated unless it says so.
 *  5 GROWTH   A struct that begins with `size` may grow at its end, so it travels by pointer
 *             only: never embedded, never in an array. A struct without `size` is frozen for the
 *             whole major. Ask HG_HAS before using a member that is newer than minor 0. Reserved
 *             members are zero.
 *
 * C11 or C++11, 64-bit; includes standard headers only; there is nothing to link with.
 *
 * Changes
 *  0.0  2026-11  first draft; nothing is promised until the entry symbol is headgate_plugin_v1
 */
#ifndef HEADGATE_ABI_H
#define HEADGATE_ABI_H

#include <stddef.h>
#include <stdint.h>

#define HG_ABI_MAJOR 0

/* The minor you need, not the one this header knows: newer members stay hidden until you ask with
 * -DHG_ABI_MINOR=n, so that compiling against a newer header does not refuse an older host. */
#ifndef HG_ABI_MINOR
#    define HG_ABI_MINOR 0
#endif

#define HG_MAGIC 0x31544748u /* "HGT1" */

/* True if the struct that `s` points to is large enough to have member `m`, and it is set. */
#define HG_HAS(s, m) ((s)->size >= offsetof(__typeof__(*(s)), m) + sizeof((s)->m) && (s)->m)

#if defined(__GNUC__)
#    define HG_EXPORT       __attribute__((visibility("default")))
#    define HG_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#    define HG_EXPORT
#    define HG_PRINTF(a, b)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to: 0 or more is fine, less is an error. The class of an error decides retry,
 * fallback and the HTTP status; see hg_host.fail for its text. */
typedef int32_t hg_rc;

#define HG_OK            0
#define HG_PENDING       1 /* ends later, through H->done or because the host ends it */
#define HG_MISS          2 /* cache: nothing there */
#define HG_SKIP          3 /* not mine: the host does what it does by default */
#define HG_E_INTERNAL    (-1)
#define HG_E_CONFIG      (-2) /* the operator's mistake */
#define HG_E_INPUT       (-3) /* the caller's mistake: 400 */
#define HG_E_AUTH        (-4) /* 401 */
#define HG_E_DENIED      (-5) /* 403, or what the verdict says */
#define HG_E_RATE        (-6) /* rate or quota: 429 */
#define HG_E_UPSTREAM    (-7) /* the other side failed: 502 */
#define HG_E_TIMEOUT     (-8) /* 504 */
#define HG_E_CANCELLED   (-9) /* the client is gone, or the host is going */
#define HG_E_NOMEM       (-10)
#define HG_E_TOOBIG      (-11) /* 413 */
#define HG_E_UNSUPPORTED (-12) /* 501 */
#define HG_E_AGAIN       (-13) /* logger, store: keep it, and try again later */
#define HG_E_CONNECT     (-14) /* no connection to the other side: 502 */

typedef int64_t hg_ns; /* nanoseconds; a moment is monotonic, counted from an unknown start */

/* A borrowed piece of text. Valid until the call that brought it returns, unless said otherwise. */
typedef struct hg_str {
    const char *p;
    size_t n;
} hg_str;

#ifdef __cplusplus
#    define HG_S(lit) (hg_str{(lit), sizeof(lit) - 1})
#else
#    define HG_S(lit) ((hg_str){(lit), sizeof(lit) - 1})
#endif

/* A piece of work: slot and generation in one number. Copy it freely; {0} is no op. */
typedef struct hg_op {
    uint64_t id;
} hg_op;

/* Bytes with a reference: they live until you hand the slice to hg_body_api.drop, or to
 * put_slice, which takes the reference over. */
typedef struct hg_slice {
    const char *p;
    size_t n;
    void *ref;
} hg_slice;

typedef struct hg_inst hg_inst;       /* one configured instance of a plugin */
typedef struct hg_req hg_req;         /* a request, read only */
typedef struct hg_body hg_body;       /* a chain of byte segments, read only */
typedef struct hg_out hg_out;         /* a chain being written */
typedef struct hg_http hg_http;       /* an HTTP exchange under way */
typedef struct hg_headers hg_headers; /* a message's header fields, read only */

#ifdef __cplusplus
}
#endif
#endif
