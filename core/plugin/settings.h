/* settings.h - what an instance is configured with: checked, completed, its secrets resolved, and
 * as the hg_json document that the plugin reads for as long as the instance lives.
 *
 * Values that came from {"$secret": "NAME"}, or whose format is secret, are in no message of ours,
 * are made unreadable in the plugin's own lines, and are wiped at the end. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include <headgate/json.h>

#include "base/error.h"

struct json_t; /* of jansson */
struct settings;

struct settings_setup {
    const char *schema;         /* text; NULL: no settings are allowed */
    const struct json_t *given; /* an object, or NULL; is not changed */

    /* The value behind a secret's name, malloc'ed; NULL: the environment. */
    char *(*secret)(void *arg, const char *name, struct error *error);
    void *arg;
};

/* NULL and a line such as "settings.ulr: unknown, did you mean 'url'?" or "schema: ...". */
struct settings *settings_new(const struct settings_setup *setup, struct error *error);

/* NULL is fine. */
void settings_free(struct settings **settings);

hg_json settings_root(const struct settings *settings);

/* Whether a value belongs to these settings, and its text, which then lives as long as they do. */
bool settings_own(const struct settings *settings, hg_json value);
hg_str settings_str(struct settings *settings, hg_json value);

/* Overwrites secrets in a text with stars. NULL is fine. */
void settings_hide(const struct settings *settings, char *text);

/* For settings.c: takes the text over and wipes it at the end, copies the `count` secrets. */
struct settings *settings_of_text(char *text, size_t n, const char *const *secrets, size_t count,
                                  struct error *error);
