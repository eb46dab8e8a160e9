/* headgate/secrets.h - kind secrets: finds the values behind secret "NAME".
 *
 * Draft: declared so that its shape can be discussed; no host of this release calls it. */
#ifndef HEADGATE_SECRETS_H
#define HEADGATE_SECRETS_H

#include <headgate/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HG_SECRETS "headgate.secrets/1"
typedef struct hg_secrets {
    uint32_t size, flags;

    /* `ret_ttl` 0: the value does not expire. */
    hg_rc (*resolve)(void *st, hg_op, hg_str name, hg_str *ret_value, hg_ns *ret_ttl);
} hg_secrets;

#ifdef __cplusplus
}
#endif
#endif
