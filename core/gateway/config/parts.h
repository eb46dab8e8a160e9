/* parts.h - between the files of the configuration; for this folder only.
 *
 *   evaluate.c    text ──► declarations: what was called, with what, in which line
 *   read.c        declarations ──► struct config: every name, key and value is checked
 *   fields.c      settings the core knows, as tables: key, type, place in a struct
 *   files.c       the files named by it
 *   json.c        to one document and back */
#pragma once

#include "base/text.h"

#include "gateway/config/config.h"

enum {
    CONFIG_FILE_MAX = 1 << 20,
    CONFIG_ROUTES_MAX = 1000,
    CONFIG_NAME_MAX = 64
};

/* Evaluates the text of a configuration. The result is an array of declarations in their order:
 *
 *   {"what": "listen", "line": 1, "value": "127.0.0.1:8787", "table": {...} if given}
 *   {"what": "provider", "line": 4, "value": "openai", "table": {...}}
 *   {"what": "limits", "line": 9, "table": {...}}
 *
 * `path` is how messages name the file. NULL with an error that begins with "path:line: ". */
json_t *config_evaluate(const char *path, hg_str source, struct error *error);

/* Fills a config that has path and folder. */
bool config_read(struct config *config, const json_t *declarations, struct error *error);

/* ---- fields ---------------------------------------------------------------------------------- */

enum field_type {
    FIELD_TEXT,     /* char *, not empty */
    FIELD_FILE,     /* char *, made absolute */
    FIELD_BOOL,     /* bool */
    FIELD_COUNT,    /* uint32_t */
    FIELD_SIZE,     /* uint64_t: bytes, or "64MB" */
    FIELD_DURATION, /* hg_ns: seconds, or "250ms" */
};

struct field {
    const char *name;
    enum field_type type;
    size_t at;        /* offset in the struct */
    int64_t min, max; /* of a count, size or duration */
};

/* What is being read, for messages. */
struct reading {
    struct config *config;
    const char *what;  /* "provider", "limits" */
    const char *name;  /* of the instance; NULL: none */
    const char *table; /* "timeouts": the table inside; NULL: the declaration's own */
    int line;
    struct error *error;
};

/* Sets "headgate.lua:12: provider 'openai': timeouts.idle: ..."; returns false. `key` may be NULL.
 */
bool reading_fail(const struct reading *reading, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Stores the values of `table` (an object) in the struct at `to`; a key without a field is an
 * error with a suggestion. What is not given stays. */
bool fields_read(const struct reading *reading, const json_t *table, const struct field *fields,
                 size_t count, void *to);

/* One value, for declarations that are one. */
bool field_read(const struct reading *reading, const char *key, const json_t *value,
                const struct field *field, void *to);

/* To a document and back; unknown keys are ignored. False if a value is of the wrong type. */
json_t *fields_to_json(const struct field *fields, size_t count, const void *from);
bool fields_from_json(const json_t *document, const struct field *fields, size_t count, void *to);

void fields_free(const struct field *fields, size_t count, void *at);

/* The structs of config.h. */
struct fields {
    const struct field *list;
    size_t count;
};

extern const struct fields config_limits_fields, config_lua_fields;
extern const struct fields config_timeouts_fields, config_tls_fields; /* of a config_upstream */
extern const struct fields config_reuse_fields;                       /* max_connections */
extern const struct fields config_listen_tls_fields;

/* ---- files ----------------------------------------------------------------------------------- */

/* The path as seen from `folder`; freed by the caller. */
char *config_path_from(const char *folder, const char *path);

/* The content of a regular file of at most `max` bytes that is UTF-8 without NUL; freed by the
 * caller. NULL with an error that does not name the file. */
char *config_file_text(const char *path, size_t max, size_t *ret_length, struct error *error);

/* Adds the files a pattern matches, sorted, without tests (*_test.lua) and what is there already.
 */
bool config_add_routes(const struct reading *reading, const char *pattern);

/* ---- secrets --------------------------------------------------------------------------------- */

/* The text of {"$secret": "..."}, or NULL if `value` is no secret. */
const char *config_secret_of(const json_t *value);

/* Whether the text after "$secret" is one of the three forms. */
bool config_secret_is_sane(const char *secret);

/* Makes the paths of secret files in `value` absolute. */
void config_secrets_from(json_t *value, const char *folder);

/* ---- lists ----------------------------------------------------------------------------------- */

struct config_listen *config_add_listen(struct config *config);
struct config_instance *config_add_instance(struct config *config);
struct config_http *config_add_http(struct config *config);
struct config_route *config_add_route(struct config *config);
struct config_alias *config_add_alias(struct config *config);
struct config *config_new(const char *path, const char *folder); /* with the defaults */
