/* What the configuration reads from disk: itself, the routes, and secret files when they are
 * needed. Nothing but regular files, so that no name can make us wait. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#include "gateway/config/parts.h"

char *config_path_from(const char *folder, const char *path)
{
    char *joined;

    if (path[0] == '/' || !folder)
        return xstrdup(path);
    size_t n = strlen(folder) + 1 + strlen(path) + 1;

    joined = xmalloc(n);
    snprintf(joined, n, "%s/%s", folder, path);
    return joined;
}

/* Reads up to `max` bytes and one more, which tells that there are too many. */
static bool read_all(int fd, char *text, size_t max, size_t *ret_length)
{
    size_t n = 0;

    while (n <= max) {
        ssize_t got = read(fd, text + n, max + 1 - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret_length = n;
    return true;
}

/* jansson knows what is UTF-8. */
static bool is_text(const char *text, size_t n)
{
    json_t *value = memchr(text, '\0', n) ? NULL : json_stringn(text, n);
    bool good = value != NULL;

    json_decref(value);
    return good;
}

static bool read_file(int fd, char *text, size_t max, size_t *ret_length, struct error *error)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return error_set(error, "%s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, "not a regular file");
    if (!read_all(fd, text, max, ret_length))
        return error_set(error, "%s", strerror(errno));
    if (*ret_length > max)
        return error_set(error, "larger than %zu kB", max >> 10);
    text[*ret_length] = '\0';
    if (!is_text(text, *ret_length))
        return error_set(error, "not a text in UTF-8");
    return true;
}

char *config_file_text(const char *path, size_t max, size_t *ret_length, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        error_set(error, "%s", strerror(errno));
        return NULL;
    }
    char *text = xmalloc(max + 2);
    bool good = read_file(fd, text, max, ret_length, error);

    close(fd);
    if (good)
        return text;
    wipe(text, max + 2);
    free(text);
    return NULL;
}

/* ---- routes --------------------------------------------------------------------------------- */

static bool is_there(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (strcmp(config->routes[i].name, name) == 0)
            return true;
    return false;
}

/* The path without the folder of the configuration. */
static const char *short_name(const struct config *config, const char *path)
{
    size_t n = strlen(config->folder);

    return strncmp(path, config->folder, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static bool add_route(const struct reading *reading, const char *path)
{
    struct config *config = reading->config;
    const char *name = short_name(config, path);
    struct error why;
    size_t length;

    if (text_ends(text_of(name), HG_S("_test.lua")) || is_there(config, name))
        return true;
    if (config->route_count == CONFIG_ROUTES_MAX)
        return reading_fail(reading, NULL, "more than %d files", CONFIG_ROUTES_MAX);
    char *source = config_file_text(path, CONFIG_FILE_MAX, &length, &why);

    if (!source)
        return reading_fail(reading, NULL, "%s: %s", name, why.text);
    struct config_route *route = config_add_route(config);

    route->name = xstrdup(name);
    route->source = xrealloc(source, length + 1);
    route->length = length;
    return true;
}

/* Of the folder itself, whatever characters it has. */
static char *glob_folder(const char *folder)
{
    char *quoted = xmalloc(2 * strlen(folder) + 1), *at = quoted;

    for (; *folder; folder++) {
        if (strchr("*?[]\\", *folder))
            *at++ = '\\';
        *at++ = *folder;
    }
    *at = '\0';
    return quoted;
}

/* What is not there matches nothing; what may not be read is a mistake. */
static int stop_at(const char *path, int code)
{
    (void)path;
    return code != ENOENT && code != ENOTDIR;
}

bool config_add_routes(const struct reading *reading, const char *pattern)
{
    char *folder = glob_folder(reading->config->folder);
    char *path = config_path_from(folder, pattern);
    glob_t found = {0};
    int rc = glob(path, 0, stop_at, &found);
    bool good = true;

    free(folder);
    free(path);
    if (rc == GLOB_NOMATCH)
        good = reading_fail(reading, NULL, "no file matches '%s'", pattern);
    else if (rc != 0)
        good = reading_fail(reading, NULL, "cannot look for '%s': %s", pattern, strerror(errno));
    for (size_t i = 0; good && rc == 0 && i < found.gl_pathc; i++)
        good = add_route(reading, found.gl_pathv[i]);
    globfree(&found);
    return good;
}
