/* A schema and settings, with a zero byte between them: they fit, or a line says why not, without
 * the secret that was in them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "plugin/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key[] = "sk-0123456789-not-to-be-shown";

static char *secret(void *arg, const char *name, struct error *error)
{
    (void)arg;
    if (name[0] == 'A')
        return strdup(key);
    error_set(error, "there is no such secret");
    return NULL;
}

static void check(const char *schema, json_t *given)
{
    struct error error = {{0}};
    struct settings_setup setup = {.schema = schema, .given = given, .secret = secret};
    json_t *before = json_deep_copy(given);
    struct settings *settings = settings_new(&setup, &error);

    ensure(json_equal(before, given));
    ensure(!strstr(error.text, key) && !strchr(error.text, '\n'));
    if (settings) {
        char line[] = "it says sk-0123456789-not-to-be-shown";

        ensure(settings_own(settings, settings_root(settings)));
        settings_hide(settings, line);
        ensure(strlen(line) == sizeof line - 1);
    } else {
        ensure(error.text[0]);
    }
    settings_free(&settings);
    json_decref(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    json_t *given;

    /* Patterns are the plugin's own, and the C library takes its time with odd ones. */
    if (!end || memmem(data, (size_t)(end - data), "pattern", 7))
        return 0;
    /* The fuzzer learns the secret from our comparisons; who knows it may say it. */
    if (memmem(data, size, key, sizeof key - 1))
        return 0;
    given = json_loadb((const char *)end + 1, size - (size_t)(end - data) - 1, 0, NULL);
    if (json_is_object(given))
        check((const char *)data, given);
    json_decref(given);
    return 0;
}
