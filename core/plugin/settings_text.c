/* The document of an instance's settings, and the secrets in it: what is left once settings.c has
 * judged and completed what the operator wrote. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "plugin/settings.h"
#include "json/index.h"

/* Shorter ones would turn ordinary words into stars. */
enum {
    HIDE_FROM = 4
};

struct settings {
    struct arena *arena;
    char *text;
    size_t text_len;
    hg_json root;
    char **secrets;
    size_t secret_count;
};

struct settings *settings_of_text(char *text, size_t n, const char *const *secrets, size_t count,
                                  struct error *error)
{
    struct settings *settings = xcalloc(1, sizeof *settings);
    struct json_fault fault;

    settings->arena = arena_new();
    settings->text = text;
    settings->text_len = n;
    settings->secrets = xcalloc(count + 1, sizeof *settings->secrets);
    for (size_t i = 0; i < count; i++)
        if (strlen(secrets[i]) >= HIDE_FROM)
            settings->secrets[settings->secret_count++] = xstrdup(secrets[i]);
    if (json_parse(settings->arena, (hg_str){text, n}, &settings->root, &fault))
        return settings;
    error_set(error, "settings: %s", fault.reason);
    settings_free(&settings);
    return NULL;
}

void settings_free(struct settings **gone)
{
    struct settings *settings = *gone;

    *gone = NULL;
    if (!settings)
        return;
    arena_free(&settings->arena);
    for (size_t i = 0; i < settings->secret_count; i++) {
        wipe(settings->secrets[i], strlen(settings->secrets[i]));
        free(settings->secrets[i]);
    }
    free(settings->secrets);
    wipe(settings->text, settings->text_len);
    free(settings->text);
    free(settings);
}

hg_json settings_root(const struct settings *settings)
{
    return settings->root;
}

bool settings_own(const struct settings *settings, hg_json value)
{
    return settings && value.doc && value.doc == settings->root.doc;
}

/* A text that had escapes is a copy, and may be a secret: it is wiped when the arena goes. */
struct copy {
    char *p;
    size_t n;
};

static void copy_wipe(void *arg)
{
    struct copy *copy = arg;

    wipe(copy->p, copy->n);
}

hg_str settings_str(struct settings *settings, hg_json value)
{
    hg_str text = json_str(settings->arena, value);
    bool is_copy =
        text.n && (text.p < settings->text || text.p >= settings->text + settings->text_len);

    if (is_copy) {
        struct copy *copy = arena_alloc(settings->arena, sizeof *copy);

        *copy = (struct copy){(char *)(uintptr_t)text.p, text.n};
        arena_on_end(settings->arena, copy_wipe, copy);
    }
    return text;
}

/* ---- hiding ---------------------------------------------------------------------------------- */

static void stars(char *text, size_t n)
{
    memset(text, '*', n);
}

/* The text may have been cut inside of a secret. */
static void tail_hide(char *text, size_t n, const char *secret, size_t len)
{
    size_t longest = len - 1 < n ? len - 1 : n;

    for (size_t k = longest; k >= HIDE_FROM; k--)
        if (!memcmp(text + n - k, secret, k)) {
            stars(text + n - k, k);
            return;
        }
}

void settings_hide(const struct settings *settings, char *text)
{
    for (size_t i = 0; settings && i < settings->secret_count; i++) {
        const char *secret = settings->secrets[i];
        size_t len = strlen(secret);

        for (char *at = text; (at = strstr(at, secret)); at += len)
            stars(at, len);
        tail_hide(text, strlen(text), secret, len);
    }
}
