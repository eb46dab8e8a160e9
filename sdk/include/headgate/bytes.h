/* headgate/bytes.h - views into the host's byte chains. Nothing is copied unless it says so. */
#ifndef HEADGATE_BYTES_H
#define HEADGATE_BYTES_H

#include <headgate/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hg_body_api {
    uint32_t size, reserved;

    /* Length in bytes. */
    size_t (*len)(const hg_body *);

    /* Fills at most `max` views of the segments that begin at byte `off`; returns how many. The
     * views live as long as the body does. */
    size_t (*peek)(const hg_body *, size_t off, hg_str *views, size_t max);

    /* The whole body as one piece. Copies into the op's memory only if it has several segments. */
    hg_str (*flat)(hg_op, const hg_body *);

    /* Keeps `len` bytes from `off` alive beyond the call; give them back with drop. `ref` is NULL
     * if the range does not lie inside the body. */
    hg_slice (*hold)(const hg_body *, size_t off, size_t len);

    /* Gives a held slice back and empties it. An empty one is fine. */
    void (*drop)(hg_slice *);

    /* Append: a copy; static data, unread until it is sent; a held slice, whose reference moves
     * and which is emptied; a range of a body, whose bytes are shared. */
    void (*put)(hg_out *, const void *, size_t);
    void (*put_const)(hg_out *, const void *, size_t);
    void (*put_slice)(hg_out *, hg_slice *);
    void (*put_body)(hg_out *, const hg_body *, size_t off, size_t len);

    /* What has been put so far, to be read: for signatures. Gone with the next put. */
    const hg_body *(*written)(const hg_out *);
} hg_body_api;

#ifdef __cplusplus
}
#endif
#endif
