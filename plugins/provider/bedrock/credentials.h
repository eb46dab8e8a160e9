/* credentials.h - AWS credentials: where they come from, and new ones before they end.
 *
 *   settings | environment | web identity | profile | container | instance   ──► [ AssumeRole ] */
#pragma once

#include <headgate/plugin.h>

#include "sign.h"

struct credentials;

/* Texts outlive what is made of them; empty ones were not set. */
struct credentials_settings {
    hg_str id, secret, token;
    hg_str profile;
    hg_str role, role_session, external_id;
    hg_str region, sts_url, metadata_url;
};

/* Finds the source. NULL if the op has failed. */
struct credentials *credentials_new(const hg_host *host, hg_inst *inst, hg_op op,
                                    const struct credentials_settings *settings);
void credentials_free(struct credentials *credentials);

/* HG_OK if there are some; HG_PENDING: `cb` is called when there are or could not be, with a code
 * of less than 0 then; it must look at the key at once. New ones are asked for five minutes before
 * the end, once for all who wait. */
hg_rc credentials_want(struct credentials *credentials, hg_op op,
                       void (*cb)(void *arg, hg_op op, hg_rc rc), void *arg);
struct sign_key credentials_key(const struct credentials *credentials);

/* They were refused: the next who wants some gets new ones, if the source has any. */
void credentials_refused(struct credentials *credentials);

/* A value of the profile's section of a file below ~/.aws, malloced; NULL if there is none. */
char *credentials_profile(hg_str profile, const char *file, const char *key);
