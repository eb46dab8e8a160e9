/* token.h - an OAuth 2.0 access token by client credentials: asked for when it is needed, kept, and
 * asked for anew before it ends. However many ops want it, one exchange is under way. */
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

    char *value; /* NUL-terminated; NULL: there is none */
    hg_ns got, renew, end;
    bool is_asking;
    struct token_wait *waiting;
};

/* Gives ready(arg, op, rc) once there is a token, or why there is none (the op has been told with
 * H->fail). HG_OK: there is one already, and `ready` is not called. Otherwise HG_PENDING. */
hg_rc token_get(struct token *token, hg_op op, void (*ready)(void *arg, hg_op op, hg_rc rc),
                void *arg);

/* The server does not accept it any more. True if it was there for a while, so that another one may
 * do better. */
bool token_refused(struct token *token);

/* Wipes and frees what it holds. */
void token_done(struct token *token);
