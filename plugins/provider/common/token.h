/* token.h - an OAuth 2.0 access token, by client credentials or another grant: asked for when it is
 * needed, kept, and asked for anew before it ends. However many ops want it, one exchange is under
 * way. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

struct token_wait;

/* Zeroed; the texts outlive it. */
struct token {
    const hg_host *host;
    const hg_http_api *http;
    hg_inst *self;
    hg_str url, client_id, client_secret, scope;

    /* Another grant: makes the request, to `url` or below it, or says with H->log why it cannot.
     * NULL: client credentials. */
    bool (*ask)(struct token *token, hg_op op, hg_http_req *req);

    char *value;     /* NUL-terminated; NULL: there is none */
    uint32_t number; /* of the value: counts from 1 */
    hg_ns renew, end, refused;
    bool is_asking;
    struct token_wait *waiting;
};

/* Gives ready(arg, op, rc) once there is a token, or why there is none (the op has been told with
 * H->fail). HG_OK: there is one already, and `ready` is not called. Otherwise HG_PENDING. */
hg_rc token_get(struct token *token, hg_op op, void (*ready)(void *arg, hg_op op, hg_rc rc),
                void *arg);

/* The server does not accept the value with this number. True if another one may do better: there
 * is one already, or it is a while since one was refused. */
bool token_refused(struct token *token, uint32_t number);

/* A parameter of a form: `name` as it is ("&scope="), the value percent-encoded. */
void token_param(const hg_host *host, hg_out *out, const char *name, hg_str value);

/* The header of a form. */
extern const hg_header token_form[2];

/* Wipes and frees what it holds. */
void token_done(struct token *token);
