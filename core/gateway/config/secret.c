/* Secrets: names as long as possible, text only for the instance that needs it. */
#include <ctype.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"

#include "gateway/config/parts.h"

enum {
    SECRET_FILE_MAX = 64 << 10,
    DEPTH_MAX = 64
};

#define FILE_PREFIX HG_S("file:")

static bool is_variable(hg_str name)
{
    if (!name.p || !name.n || isdigit((unsigned char)*name.p))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_')
            return false;
    return true;
}

static bool is_source(hg_str text)
{
    if (!text.p || !text_starts(text, FILE_PREFIX))
        return is_variable(text);
    return text.n > FILE_PREFIX.n && !memchr(text.p, '$', text.n) && !memchr(text.p, '}', text.n);
}

/* Cuts "before ${source} rest" at the first source. False if there is none; then everything is
 * before. `ret_source` has no p if the brace is not closed. */
static bool next_source(hg_str *rest, hg_str *ret_before, hg_str *ret_source)
{
    const char *open = rest->n ? memmem(rest->p, rest->n, "${", 2) : NULL;

    *ret_before = *rest;
    if (!open)
        return false;
    const char *end = rest->p + rest->n;
    const char *close = memchr(open, '}', (size_t)(end - open));

    ret_before->n = (size_t)(open - rest->p);
    *ret_source = close ? (hg_str){open + 2, (size_t)(close - open - 2)} : (hg_str){0};
    *rest = close ? (hg_str){close + 1, (size_t)(end - close - 1)} : (hg_str){end, 0};
    return true;
}

bool config_secret_is_sane(const char *secret)
{
    hg_str rest = text_of(secret), before, source;

    if (!strstr(secret, "${"))
        return is_source(rest);
    while (next_source(&rest, &before, &source))
        if (!source.p || !is_source(source))
            return false;
    return true;
}

const char *config_secret_of(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 1
               ? json_string_value(json_object_get(value, "$secret"))
               : NULL;
}

bool config_has_secret(const json_t *value)
{
    const char *key;
    json_t *one;
    size_t i;

    if (config_secret_of(value))
        return true;
    if (json_is_array(value)) {
        json_array_foreach(value, i, one)
            if (config_has_secret(one))
                return true;
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, one)
        if (config_has_secret(one))
            return true;
    return false;
}

/* ---- its text ------------------------------------------------------------------------------- */

static bool add_variable(struct buffer *out, const char *name, struct error *error)
{
    const char *text = getenv(name);

    if (!text || !*text)
        return error_set(error, "secret '%s' is %s: put it into the environment of the gateway",
                         name, text ? "empty" : "not set");
    buffer_add(out, text, strlen(text));
    return true;
}

static bool add_file(struct buffer *out, const char *path, struct error *error)
{
    size_t n;
    char *text = config_file_text(path, SECRET_FILE_MAX, &n, error);

    if (!text)
        return error_prefix(error, "secret '%s'", path);
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    bool good = n > 0;

    if (good)
        buffer_add(out, text, n);
    wipe(text, strlen(text));
    free(text);
    return good || error_set(error, "secret '%s': the file is empty", path);
}

static bool add_source(struct buffer *out, hg_str source, struct error *error)
{
    char *name = xstrndup(source.p ? source.p : "", source.n);
    bool good;

    if (!is_source(source))
        good = error_set(error, "secret '%s': not the name of an environment variable", name);
    else if (source.p && text_starts(source, FILE_PREFIX))
        good = add_file(out, name + FILE_PREFIX.n, error);
    else
        good = add_variable(out, name, error);
    free(name);
    return good;
}

static bool add_secret(struct buffer *out, hg_str secret, struct error *error)
{
    hg_str before, source;

    if (!secret.n || !memmem(secret.p, secret.n, "${", 2))
        return add_source(out, secret, error);
    while (next_source(&secret, &before, &source)) {
        buffer_add(out, before.p, before.n);
        if (!add_source(out, source, error))
            return false;
    }
    buffer_add(out, before.p, before.n);
    return true;
}

/* A buffer that grows leaves copies behind; this one never does. */
char *config_secret(void *arg, const char *secret, struct error *error)
{
    struct buffer out = {0};
    char *text = NULL;

    (void)arg;
    buffer_room(&out, 2 * SECRET_FILE_MAX);
    if (add_secret(&out, text_of(secret), error))
        text = xstrndup(buffer_at(&out), out.len);
    wipe(buffer_at(&out), out.len);
    buffer_done(&out);
    return text;
}

/* ---- in settings ---------------------------------------------------------------------------- */

struct resolving {
    char path[256];
    struct error *error;
};

static json_t *resolve(struct resolving *resolving, const json_t *value, unsigned depth);

static json_t *secret_text(struct resolving *resolving, const char *secret)
{
    char *text = config_secret(NULL, secret, resolving->error);

    if (!text)
        return NULL;
    json_t *value = json_string(text);

    if (!value)
        error_set(resolving->error, "secret '%s' is not valid UTF-8", secret);
    wipe(text, strlen(text));
    free(text);
    return value;
}

/* Resolves the members in place; `copy` is a shallow copy. */
static bool resolve_members(struct resolving *resolving, json_t *copy, unsigned depth)
{
    size_t n = strlen(resolving->path), room = sizeof resolving->path - n, i;
    const char *key;
    json_t *one, *new;
    void *next;

    json_array_foreach(copy, i, one) {
        snprintf(resolving->path + n, room, "[%zu]", i + 1);
        new = resolve(resolving, one, depth + 1);
        if (!new)
            return false;
        json_array_set_new(copy, i, new);
    }
    json_object_foreach_safe(copy, next, key, one)
    {
        snprintf(resolving->path + n, room, "%s%s", n ? "." : "", key);
        new = resolve(resolving, one, depth + 1);
        if (!new)
            return false;
        json_object_set_new(copy, key, new);
    }
    resolving->path[n] = '\0';
    return true;
}

static json_t *resolve(struct resolving *resolving, const json_t *value, unsigned depth)
{
    const char *secret = config_secret_of(value);

    if (secret)
        return secret_text(resolving, secret);
    if (depth > DEPTH_MAX) {
        error_set(resolving->error, "tables inside of tables, too deep");
        return NULL;
    }
    json_t *copy = json_copy((json_t *)(uintptr_t)value);

    if (resolve_members(resolving, copy, depth))
        return copy;
    json_decref(copy);
    return NULL;
}

json_t *config_resolve_secrets(const json_t *value, struct error *error)
{
    struct resolving resolving = {.error = error};
    json_t *resolved = resolve(&resolving, value, 0);

    if (!resolved && resolving.path[0])
        error_prefix(error, "%s", resolving.path);
    return resolved;
}

static void add_absolute(struct buffer *out, hg_str source, const char *folder)
{
    bool file = source.p && text_starts(source, FILE_PREFIX);
    size_t skip = file ? FILE_PREFIX.n : 0;
    char *name = xstrndup(source.p ? source.p + skip : "", source.n - skip);
    char *path = file ? config_path_from(folder, name) : xstrdup(name);

    buffer_add(out, FILE_PREFIX.p, skip);
    buffer_add(out, path, strlen(path));
    free(path);
    free(name);
}

static void absolute(json_t *secret, const char *folder)
{
    hg_str rest = text_of(json_string_value(json_object_get(secret, "$secret")));
    hg_str before, source;
    struct buffer out = {0};

    if (!rest.n)
        return;
    if (!memmem(rest.p, rest.n, "${", 2)) {
        add_absolute(&out, rest, folder);
    } else {
        while (next_source(&rest, &before, &source)) {
            buffer_add(&out, before.p, before.n);
            buffer_add(&out, "${", 2);
            add_absolute(&out, source, folder);
            buffer_add(&out, "}", 1);
        }
        buffer_add(&out, before.p, before.n);
    }
    json_object_set_new(secret, "$secret", json_stringn(buffer_at(&out), out.len));
    buffer_done(&out);
}

void config_secrets_from(json_t *value, const char *folder)
{
    const char *key;
    json_t *one;
    size_t i;

    if (config_secret_of(value)) {
        absolute(value, folder);
        return;
    }
    json_array_foreach(value, i, one)
        config_secrets_from(one, folder);
    json_object_foreach(value, key, one)
        config_secrets_from(one, folder);
}
