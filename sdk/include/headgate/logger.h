/* headgate/logger.h - kind logger: takes finished records away.
 *
 * Loggers live in the control process, so a slow one delays no traffic. The host owns the queue,
 * retries with back-off on HG_E_AGAIN and counts what it had to drop. */
#ifndef HEADGATE_LOGGER_H
#define HEADGATE_LOGGER_H

#include <headgate/abi.h>
#include <headgate/request.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One request, finished. `json` is the whole record on one line, without a line end; the other
 * members are its most used parts. */
typedef struct hg_record {
    uint32_t size, flags;
    hg_str id, route, key_id, tenant, provider, model, outcome;
    hg_str meta;                                 /* JSON */
    int64_t start_ms;                            /* since 1970 */
    hg_ns total, first_token, upstream, gateway; /* durations */
    uint32_t http_status, attempts;
    const hg_usage *usage;             /* NULL: not known */
    int64_t nanousd;                   /* less than 0: not priced */
    const hg_body *request, *response; /* only with HG_L_BODIES, and if the key allows it */
    hg_str json;
} hg_record;

#define HG_L_BODIES 1u

#define HG_LOGGER "headgate.logger/1"
typedef struct hg_logger {
    uint32_t size, flags;
    uint32_t max_batch, linger_ms; /* 0: the host's defaults */

    /* Takes all `n` records or none. HG_E_AGAIN: give them again later. */
    hg_rc (*deliver)(void *st, hg_op, const hg_record *const *records, size_t n);

    /* The gateway stops: write out what is buffered. Has a deadline. May be NULL. */
    hg_rc (*flush)(void *st, hg_op);

    /* The operator moved the files away (SIGUSR1): open them again. May be NULL. */
    hg_rc (*reopen)(void *st, hg_op);
} hg_logger;

#ifdef __cplusplus
}
#endif
#endif
