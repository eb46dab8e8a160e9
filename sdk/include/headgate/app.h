/* headgate/app.h - kind app: HTTP handlers mounted on the admin listener.
 *
 * Draft: declared so that its shape can be discussed; no host of this release calls it. */
#ifndef HEADGATE_APP_H
#define HEADGATE_APP_H

#include <headgate/abi.h>
#include <headgate/services.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hg_app_resp {
    uint32_t size, status;
    const hg_header *headers;
    size_t n_headers;
    hg_out *body;
} hg_app_resp;

#define HG_APP "headgate.app/1"
typedef struct hg_app {
    uint32_t size, flags;
    hg_rc (*handle)(void *st, hg_op, hg_str method, hg_str path, hg_str query, const hg_headers *,
                    const hg_body *, hg_app_resp *out);
} hg_app;

#ifdef __cplusplus
}
#endif
#endif
