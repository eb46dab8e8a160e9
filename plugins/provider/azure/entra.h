/* entra.h - a token of Entra ID for an application, which shows who it is by one of
 *
 *   a secret              client_id and client_secret
 *   workload identity     a token that the cluster writes into a file, which is exchanged
 *   managed identity      the place it runs at: a virtual machine, or App Service
 *
 * Learn more: Microsoft identity platform, "client credentials flow" and "managed identities". */
#pragma once

#include "common/token.h"

struct entra {
    struct token token; /* first: its grant finds the rest behind it */
    hg_str place_key;   /* managed identity on App Service: what asking takes; empty: a machine */
    char *file;         /* workload identity: where the token to exchange is */
    char *url;
};

/* Whether the settings ask for it. */
bool entra_is_wanted(const hg_host *host, hg_op op, hg_json settings);

/* Reads them. The texts of `settings` outlive it. */
hg_rc entra_read(struct entra *entra, const hg_host *host, const hg_http_api *http, hg_op op,
                 hg_json settings, hg_inst *self);
void entra_done(struct entra *entra);
