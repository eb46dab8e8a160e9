/* account.h - who asks Google: a service account, a user who has logged in with gcloud, or the
 * machine itself; and the access token of it, kept and renewed. */
#pragma once

#include "common/token.h"

struct account {
    struct token token; /* the first member */
    uint32_t kind;
    void *key; /* EVP_PKEY of a service account */

    /* Memory of what the token and the rest point into; NULL where there is none. */
    char *text[8];
    size_t file_n; /* of the key file */
    hg_str email, key_id, refresh, project, quota_project;
};

/* What the settings say; empty where they do not. */
struct account_settings {
    hg_str credentials; /* the document itself */
    hg_str file;
    hg_str token_url, metadata_url;
    hg_str scope;
};

/* Finds the credentials: the settings', the file GOOGLE_APPLICATION_CREDENTIALS, the one that
 * gcloud has left, the metadata server. Reads files, so it is for create. On failure the op has
 * been told why, without a secret. */
hg_rc account_open(struct account *account, const hg_host *host, hg_inst *self, hg_op op,
                   const struct account_settings *settings);

/* Wipes and frees what it holds; a zeroed one is fine. */
void account_done(struct account *account);
