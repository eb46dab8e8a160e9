#include "plugin/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/schema.h"
#include "json/index.h"

/* ---- resolving ------------------------------------------------------------------------------- */

struct resolving {
    const struct settings_setup *setup;
    struct schema_marks *marks;
    struct error *error;
    bool failed; /* the error has the first reason */
};

static char *secret_from_environment(void *arg, const char *name, struct error *error)
{
    const char *value = getenv(name);

    (void)arg;
    if (value && *value)
        return xstrdup(value);
    error_set(error, "secret '%s' is not set: put it into the environment of the gateway", name);
    return NULL;
}

/* The name in {"$secret": "NAME"}, NULL if the value is nothing like it. */
static const char *secret_name(const json_t *value)
{
    return json_object_size(value) == 1 ? json_string_value(json_object_get(value, "$secret"))
                                        : NULL;
}

static json_t *secret_value(struct resolving *resolving, const char *name)
{
    const struct settings_setup *setup = resolving->setup;
    struct error *error = resolving->failed ? NULL : resolving->error;
    char *text = setup->secret ? setup->secret(setup->arg, name, error)
                               : secret_from_environment(NULL, name, error);
    json_t *value = text ? json_string(text) : NULL;

    if (text && !value && error)
        error_set(error, "secret '%s' is not valid UTF-8", name);
    if (text)
        wipe(text, strlen(text));
    free(text);
    resolving->failed |= !value;
    bool is_empty = !value;

    if (!value)
        value = json_string("");
    schema_mark(resolving->marks, value, is_empty);
    return value;
}

static void resolve(struct resolving *resolving, json_t *value)
{
    const char *key;
    json_t *one;
    void *next;
    size_t i;

    json_object_foreach_safe(value, next, key, one)
    {
        const char *name = secret_name(one);

        if (name)
            json_object_set_new(value, key, secret_value(resolving, name));
        else
            resolve(resolving, one);
    }
    json_array_foreach(value, i, one) {
        const char *name = secret_name(one);

        if (name)
            json_array_set_new(value, i, secret_value(resolving, name));
        else
            resolve(resolving, one);
    }
}

/* ---- making ---------------------------------------------------------------------------------- */

/* jansson frees strings as they are. These are ours alone, so they can be overwritten. */
static void strings_wipe(json_t *value)
{
    const char *key;
    json_t *one;
    size_t i;

    if (json_is_string(value))
        wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    json_object_foreach(value, key, one)
        strings_wipe(one);
    json_array_foreach(value, i, one)
        strings_wipe(one);
}

static struct settings *settings_of(json_t *value, const struct schema_marks *marks,
                                    struct error *error)
{
    size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT), count = 0;
    char *text = xmalloc(n + 1);
    const char **secrets = xcalloc(marks->count + 1, sizeof *secrets);

    json_dumpb(value, text, n, JSON_COMPACT);
    for (size_t i = 0; i < marks->count; i++)
        secrets[count++] = json_string_value(marks->value[i]);
    struct settings *settings = settings_of_text(text, n, secrets, count, error);

    free(secrets);
    return settings;
}

static bool settings_fit(const struct settings_setup *setup, json_t *value,
                         struct schema_marks *marks, struct error *error)
{
    struct error missing = {0};
    struct resolving resolving = {setup, marks, &missing, false};
    json_t *schema = NULL;

    if (!setup->schema && json_object_size(value))
        return error_set(error, "settings: this plugin takes none");
    if (setup->schema && !(schema = schema_parse(setup->schema, error)))
        return false;
    resolve(&resolving, value);
    schema_empty_lists(schema, value);
    bool ok = !schema || schema_check(schema, value, marks, "settings", error);

    if (ok && resolving.failed)
        ok = error_set(error, "%s", missing.text);
    if (ok && schema)
        schema_complete(schema, value, marks);
    json_decref(schema);
    return ok;
}

/* Keys and names of others stand in the message: it has to stay one line. */
static void one_line(struct error *error)
{
    for (char *at = error ? error->text : NULL; at && *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

struct settings *settings_new(const struct settings_setup *setup, struct error *error)
{
    struct schema_marks marks = {0};
    struct settings *settings = NULL;

    if (setup->given && !json_is_object(setup->given)) {
        error_set(error, "settings: must be an object");
        return NULL;
    }
    json_t *value = setup->given ? json_deep_copy(setup->given) : json_object();

    ensure(value);
    if (settings_fit(setup, value, &marks, error))
        settings = settings_of(value, &marks, error);
    if (!settings)
        one_line(error);
    schema_marks_done(&marks);
    strings_wipe(value);
    json_decref(value);
    return settings;
}
