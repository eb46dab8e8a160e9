/* config.h - what headgate.lua declares, as plain data.
 *
 *   headgate.lua ──config_load──► struct config ──config_to_json──► document ──config_from_json──►
 *      in the checker                               through a pipe        in every other process
 *
 * A config never changes. Everything in it belongs to it, texts end with NUL, and settings are
 * borrowed: json_deep_copy before changing them. Secrets are names in here, see
 * config_secret. Relative paths of core settings (certificates, plugin_path, secret files)
 * were made absolute from the folder of the file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <headgate/abi.h>

#include "base/error.h"
#include "base/log.h"

/* Where something was declared, for messages: ("%s:%d: ...", file, line). */
struct config_place {
    char *file; /* as the operator named it: "headgate.lua" */
    int line;
};

struct config_listen {
    struct config_place place;
    char *address;    /* "127.0.0.1:8787", "[::1]:8787", ":8787", "unix:/path"; port 0: any */
    uint32_t mode;    /* of a unix socket's file */
    char *cert, *key; /* PEM files; NULL: no TLS. key NULL: in the same file */
    char *client_ca;  /* callers need a certificate signed by it; NULL: they need none */
};

/* How the core reaches the other side of a provider or of a named upstream. */
struct config_upstream {
    /* Each more than 0. Idle: between two pieces of an answer. */
    hg_ns connect_timeout, first_byte_timeout, first_event_timeout, idle_timeout, total_timeout;
    uint32_t max_connections; /* per worker; 0: no limit */
    hg_ns keepalive;          /* how long an idle connection is kept; 0: not at all */
    char *ca, *cert, *key;    /* PEM files or NULL */
    char *server_name;        /* to send and to verify instead of the host; or NULL */
    bool verify;
};

/* provider, cache, guard or logger. */
struct config_instance {
    struct config_place place;
    char *kind;                      /* "provider", "cache", "guard", "logger" */
    char *name;                      /* unique within its kind; letters, digits, '_', '-', '.' */
    char *plugin;                    /* name of the plugin; for providers "openai" */
    json_t *settings;                /* an object: what the core does not know itself */
    struct config_upstream upstream; /* for providers; defaults for the others */
};

/* A server that routes may call: s.http "name". */
struct config_http {
    struct config_place place;
    char *name;
    json_t *base_url; /* a text, or a secret */
    json_t *headers;  /* object of texts or secrets */
    struct config_upstream upstream;
};

struct config_route {
    char *name; /* its path as it was found: "routes/chat.lua" */
    char *source;
    size_t length; /* of the source; it holds no NUL */
};

/* Another name for a model, for clients. */
struct config_alias {
    struct config_place place;
    char *name;   /* "fast" */
    char *target; /* "openai/gpt-4o-mini": a provider that is declared, and its model */
};

struct config_limits {
    uint64_t max_body, max_head; /* bytes of a request */
    uint64_t max_streamed_body;  /* of a body that is not held */
    uint32_t max_header_count;
    uint32_t max_connections; /* of clients, per worker */
    hg_ns header_timeout;     /* for the whole head */
    hg_ns body_timeout;       /* between two pieces of a body */
    hg_ns write_timeout;      /* a client that takes nothing */
    hg_ns idle_timeout;       /* between two requests */
    hg_ns websocket_timeout;  /* without a byte from either end of a WebSocket */
};

struct config_lua {
    hg_ns cpu_per_resume, cpu_per_request;
    uint64_t memory_per_request, memory; /* bytes; `memory` is for a worker */
};

struct config {
    char *path;   /* as the operator named it */
    char *folder; /* absolute; relative paths in plugin settings mean this folder */

    struct config_listen *listen; /* at least one */
    size_t listen_count;
    struct config_listen admin; /* address NULL: none */
    json_t *admin_token;        /* a secret or text; NULL: none */

    struct config_instance *instances; /* in the order of the file */
    size_t instance_count;
    struct config_http *https;
    size_t http_count;
    struct config_route *routes; /* patterns in the order of the file, names sorted within each */
    size_t route_count;
    struct config_alias *aliases; /* in the order of the file; each name once */
    size_t alias_count;

    struct config_limits limits;
    struct config_lua lua;
    unsigned workers;    /* 1 to WORKERS_MAX; "auto" is already a number */
    hg_ns drain_timeout; /* for open streams when a generation or the gateway ends */
    enum log_level log_level;
    char *plugin_path; /* absolute, several with ':' between; NULL: only the built-in folder */
    uint64_t ring_size, shared_size; /* bytes, for region_plan; 0: its default */
};

/* Evaluates the file in a sandbox with limits (instructions, memory, time) and reads the routes and
 * nothing else. NULL with one line that begins with file and line where there is one. `path` NULL
 * or not there: the line says how to make one. */
struct config *config_load(const char *path, struct error *error);

/* A new reference. */
json_t *config_to_json(const struct config *config);

/* NULL if it is no such document, for example from another version. */
struct config *config_from_json(const json_t *document, struct error *error);

/* NULL is fine; *config becomes NULL. */
void config_free(struct config **config);

const struct config_instance *config_instance(const struct config *config, const char *kind,
                                              hg_str name);
const struct config_http *config_http(const struct config *config, hg_str name);

/* A secret stays a name until the moment in which an instance is created: {"$secret": "..."} with
 *
 *   NAME                  an environment variable
 *   file:/path            the content of a file, without the line end
 *   Bearer ${NAME}        either of them with text around it
 *
 * The text of a secret, malloc'ed, to be wiped and freed by the caller; NULL with an error that
 * names the secret and never its text. `arg` is for its use as plugin_host_setup.secret. */
char *config_secret(void *arg, const char *secret, struct error *error);

/* A copy of `value` with every secret in it replaced by its text; a new reference. NULL with an
 * error that names the place and the secret. */
json_t *config_resolve_secrets(const json_t *value, struct error *error);

/* True if `value` is a secret, or holds one. */
bool config_has_secret(const json_t *value);
