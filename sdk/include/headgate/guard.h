/* headgate/guard.h - kind guard: judges the texts of requests and answers.
 *
 * A guard says what it found; whether a failed guard means yes or no is a setting of its use. The
 * host merges several verdicts (deny over redact over flag) and applies the edits. */
#ifndef HEADGATE_GUARD_H
#define HEADGATE_GUARD_H

#include <headgate/abi.h>
#include <headgate/request.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HG_STAGE_REQUEST = 1,
    HG_STAGE_RESPONSE = 2,
    HG_STAGE_WINDOW = 4 /* a piece of a streamed answer */
};

enum {
    HG_PASS,
    HG_DENY,
    HG_REDACT,
    HG_FLAG
};

typedef struct hg_guard_in {
    uint32_t size, stage;
    const hg_req *req;
    const hg_text *texts;
    size_t n_texts;

    /* HG_STAGE_WINDOW: where the window starts in the answer's text, how many of its first bytes
     * were in the window before, and whether it is the last. */
    uint64_t window_at;
    uint32_t overlap, last;
} hg_guard_in;

/* Replaces `n` bytes at `at` of text number `text`. Edits of one text must not overlap. */
typedef struct hg_edit {
    uint32_t text, reserved;
    size_t at, n;
    hg_str with;
} hg_edit;

/* Assign members one by one; the host owns the struct and has zeroed it. Texts and edits live in
 * the op's memory or longer. */
typedef struct hg_verdict {
    uint32_t size, action, http_status, reserved; /* http_status 0: 403 */
    hg_str code, message, details;                /* details: JSON; message reaches the client */
    double score;
    const hg_edit *edits;
    size_t n_edits;
} hg_verdict;

#define HG_GUARD "headgate.guard/1"
typedef struct hg_guard {
    uint32_t size, stages; /* which stages it can judge: HG_STAGE_REQUEST | ... */

    /* For streams: characters in a window, and how many of them are seen again in the next one.
     * 0: the host's default. `stream_size` zeroed bytes are kept for each stream. */
    uint32_t window_chars, overlap_chars, stream_size, reserved;

    hg_rc (*check)(void *st, hg_op, const hg_guard_in *, hg_verdict *out);

    /* With a memory for each stream; NULL: check is called for each window. */
    hg_rc (*window)(void *st, void *stream, hg_op, const hg_guard_in *, hg_verdict *out);
} hg_guard;

#ifdef __cplusplus
}
#endif
#endif
