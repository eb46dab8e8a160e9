/* headgate/store.h - kind store: versioned documents and ordered rows of the control plane.
 *
 * Draft: declared so that its shape can be discussed; no host of this release calls it. */
#ifndef HEADGATE_STORE_H
#define HEADGATE_STORE_H

#include <headgate/abi.h>
#include <headgate/json.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hg_doc {
    uint32_t size, flags;
    hg_str kind, id, json;
    uint64_t rev;
} hg_doc;

#define HG_STORE "headgate.store/1"
typedef struct hg_store {
    uint32_t size, caps;
    hg_rc (*get)(void *st, hg_op, hg_str kind, hg_str id, hg_doc *out);

    /* Writes if the stored revision is still `if_rev` (0: if there is no such document). */
    hg_rc (*put)(void *st, hg_op, const hg_doc *, uint64_t if_rev, uint64_t *ret_rev);
    hg_rc (*scan)(void *st, hg_op, hg_str kind, uint64_t since_rev, size_t max,
                  hg_rc (*row)(void *arg, const hg_doc *), void *arg);
    hg_rc (*watch)(void *st, hg_op, uint64_t since_rev, void (*cb)(void *arg, uint64_t rev),
                   void *arg);
    hg_rc (*append)(void *st, hg_op, hg_str stream, const hg_str *rows, size_t n);
    hg_rc (*query)(void *st, hg_op, hg_json query, hg_out *json);
} hg_store;

#ifdef __cplusplus
}
#endif
#endif
