/* Files of the AWS command line: sections of "key = value". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/words.h"
#include "credentials.h"

static char *trimmed(char *text)
{
    char *end = text + strlen(text);

    while (end > text && strchr(" \t\r\n", end[-1]))
        *--end = 0;
    return text + strspn(text, " \t");
}

/* [name], or [profile name] in "config". */
static int is_section(char *line, hg_str profile)
{
    char *end = strchr(line, ']'), *name;

    if (!end)
        return 0;
    *end = 0;
    name = trimmed(line + 1);
    if (strncmp(name, "profile ", 8) == 0)
        name = trimmed(name + 8);
    return word_is(profile, name);
}

static FILE *file_open(const char *file)
{
    const char *set =
        getenv(strcmp(file, "config") == 0 ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
    const char *home = getenv("HOME");
    char path[1024];

    if (set && *set)
        return fopen(set, "re");
    if (!home || (size_t)snprintf(path, sizeof path, "%s/.aws/%s", home, file) >= sizeof path)
        return NULL;
    return fopen(path, "re");
}

char *credentials_profile(hg_str profile, const char *file, const char *key)
{
    char line[4096], *found = NULL;
    FILE *in = file_open(file);
    int inside = 0;

    if (!in)
        return NULL;
    while (!found && fgets(line, sizeof line, in)) {
        char *text = trimmed(line), *equals = strchr(text, '=');

        if (*text == '[') {
            inside = is_section(text, profile);
        } else if (inside && *text != '#' && equals) {
            *equals = 0;
            if (strcmp(trimmed(text), key) == 0)
                found = strdup(trimmed(equals + 1));
        }
    }
    explicit_bzero(line, sizeof line);
    fclose(in);
    return found;
}
