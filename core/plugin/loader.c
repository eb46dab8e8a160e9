#include "plugin/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/iface.h"
#include "plugin/note.h"
#include "plugin/parts.h"
#include "shm/slot.h"

#ifndef HEADGATE_PLUGIN_DIR
#    define HEADGATE_PLUGIN_DIR "/usr/local/lib/headgate"
#endif

enum {
    SUGGESTIONS_MAX = 64
};

struct plugin {
    struct plugin *next;
    uint8_t digest[DIGEST_SIZE]; /* of the file; zero for one that is built in */
    char *file;
    const hg_plugin *descriptor;
    struct iface_copies *ifaces;
};

/* ---- finding --------------------------------------------------------------------------------- */

char *plugin_path(const char *configured)
{
    const char *parts[3] = {getenv("HEADGATE_PLUGIN_PATH"), configured, HEADGATE_PLUGIN_DIR};
    char *path = xcalloc(1, 1);

    for (unsigned i = 0; i < 3; i++) {
        if (!parts[i] || !*parts[i])
            continue;
        size_t n = strlen(path), more = strlen(parts[i]);

        path = xrealloc(path, n + more + 2);
        if (n)
            path[n++] = ':';
        memcpy(path + n, parts[i], more + 1);
    }
    return path;
}

static char *candidate(hg_str folder, const char *kind, const char *name)
{
    char *file = NULL;
    int n = asprintf(&file, "%.*s/%s%s%s.so", TEXT_ARG(folder), kind, *kind ? "_" : "", name);

    if (n < 0)
        return NULL;
    if (access(file, F_OK) == 0)
        return file;
    free(file);
    return NULL;
}

/* Names of the plugins of a kind in a folder, for a suggestion. */
static size_t names_add(hg_str folder, const char *kind, char **names, size_t count)
{
    char *path = xstrndup(folder.p, folder.n);
    DIR *dir = opendir(path);
    size_t kind_len = strlen(kind);
    struct dirent *entry;

    free(path);
    while (dir && (entry = readdir(dir)) && count < SUGGESTIONS_MAX) {
        hg_str file = text_of(entry->d_name);

        if (!text_ends(file, HG_S(".so")) || strncmp(file.p, kind, kind_len) != 0 ||
            file.p[kind_len] != '_')
            continue;
        names[count++] = xstrndup(file.p + kind_len + 1, file.n - kind_len - 4);
    }
    if (dir)
        closedir(dir);
    return count;
}

static void not_found(const char *path, const char *kind, const char *name, struct error *error)
{
    char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    hg_str rest = text_of(path);

    while (rest.n)
        count = names_add(text_cut(rest, ':', &rest), kind, names, count);
    const char *near = text_suggest(text_of(name), (const char *const *)names, count);

    if (near)
        error_set(error, "plugin '%s': there is no %s_%s.so in %s; did you mean '%s'?", name, kind,
                  name, path, near);
    else
        error_set(error, "plugin '%s': there is no %s_%s.so in %s", name, kind, name, path);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
}

char *plugin_find(const char *path, const char *kind, const char *name, struct error *error)
{
    hg_str rest = text_of(path);

    if (strchr(name, '/'))
        return xstrdup(name);
    while (rest.n) {
        hg_str folder = text_cut(rest, ':', &rest);
        char *file = NULL;

        if (folder.n && !(file = candidate(folder, kind, name)))
            file = candidate(folder, "", name);
        if (file)
            return file;
    }
    not_found(path, kind, name, error);
    return NULL;
}

/* ---- the private copy ------------------------------------------------------------------------ */

static bool folder_make(const char *folder, struct error *error)
{
    struct stat stat;

    if (mkdir(folder, 0700) && errno != EEXIST)
        return error_set(error, "the folder %s cannot be made: %s", folder, strerror(errno));
    if (lstat(folder, &stat) || !S_ISDIR(stat.st_mode) || stat.st_uid != geteuid() ||
        stat.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(error, "the folder %s is not ours alone", folder);
    return true;
}

static bool copy_is_there(const char *to, const struct image *image)
{
    struct image present;
    struct stat stat;

    if (lstat(to, &stat) || !S_ISREG(stat.st_mode) || stat.st_uid != geteuid() ||
        stat.st_mode & (S_IWGRP | S_IWOTH) || !image_read(&present, to, NULL))
        return false;
    bool same = present.n == image->n && memcmp(present.bytes, image->bytes, image->n) == 0;

    image_done(&present);
    return same;
}

static bool write_all(int fd, const struct image *image)
{
    size_t done = 0;

    while (done < image->n) {
        ssize_t n = write(fd, image->bytes + done, image->n - done);

        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Under a name of its own first: another worker must never map half a file. */
static bool copy_write(const char *to, const struct image *image, struct error *error)
{
    char part[PATH_MAX + 32];

    snprintf(part, sizeof part, "%s.%ld", to, (long)getpid());
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500);

    if (fd < 0)
        return error_set(error, "cannot be copied to %s: %s", part, strerror(errno));
    bool ok = write_all(fd, image) && fchmod(fd, 0500) == 0;

    if (close(fd) || !ok || rename(part, to)) {
        error_set(error, "cannot be copied to %s: %s", to, strerror(errno));
        unlink(part);
        return false;
    }
    return true;
}

static bool copy_make(const struct plugin_host *host, const struct image *image,
                      const uint8_t digest[DIGEST_SIZE], char to[PATH_MAX], struct error *error)
{
    char folder[PATH_MAX - 128];
    int n = snprintf(folder, sizeof folder, "%s/plugins", host->setup.run_dir);

    if (n < 0 || (size_t)n >= sizeof folder)
        return error_set(error, "the run folder has too long a name");
    if (!folder_make(folder, error))
        return false;
    char *at = to + snprintf(to, PATH_MAX, "%s/", folder);

    for (unsigned i = 0; i < DIGEST_SIZE; i++)
        at += sprintf(at, "%02x", digest[i]);
    strcpy(at, ".so");
    return copy_is_there(to, image) || copy_write(to, image, error);
}

/* ---- the descriptor -------------------------------------------------------------------------- */

typedef const hg_plugin *plugin_entry(const hg_host *host);

/* The entry is the plugin's code: if it crashes, its name must be known. */
static const hg_plugin *entry_call(struct plugin_host *host, plugin_entry *entry, const char *name)
{
    culprit_set(host->slot, name, "headgate_plugin_v0", HG_S(""));
    const hg_plugin *descriptor = entry(plugin_host_table(host));

    culprit_clear(host->slot);
    return descriptor;
}

static bool descriptor_check(const hg_plugin *descriptor, const struct note *note,
                             struct error *error)
{
    if (!descriptor)
        return error_set(error, "its entry returned nothing");
    if (descriptor->magic != HG_MAGIC)
        return error_set(error, "its descriptor does not begin like one (magic 0x%08x)",
                         descriptor->magic);
    if (descriptor->size < offsetof(hg_plugin, ifaces) + sizeof(void *) ||
        descriptor->size > sizeof *descriptor)
        return error_set(error, "its descriptor says it has %u bytes, ours has %zu",
                         descriptor->size, sizeof *descriptor);
    if (!descriptor->name || !*descriptor->name || !descriptor->version)
        return error_set(error, "its descriptor has no name or version");
    if (!note)
        return descriptor->abi_major == HG_ABI_MAJOR && descriptor->abi_minor <= HG_ABI_MINOR
                   ? true
                   : error_set(error, "needs ABI %u.%u", descriptor->abi_major,
                               descriptor->abi_minor);
    if (strcmp(descriptor->name, note->name) != 0 ||
        strcmp(descriptor->version, note->version) != 0 || descriptor->abi_major != note->major ||
        descriptor->abi_minor != note->minor || descriptor->size != note->plugin_size)
        return error_set(error, "its note and its descriptor disagree: build it anew");
    return true;
}

static struct plugin *plugin_add(struct plugin_host *host, const char *file,
                                 const hg_plugin *descriptor, struct error *error)
{
    struct iface_copies *ifaces = iface_copies_new(descriptor, error);

    if (!ifaces)
        return NULL;
    struct plugin *plugin = xcalloc(1, sizeof *plugin);

    plugin->file = xstrdup(file);
    plugin->descriptor = descriptor;
    plugin->ifaces = ifaces;
    plugin->next = host->plugins;
    host->plugins = plugin;
    return plugin;
}

/* ---- loading --------------------------------------------------------------------------------- */

static void digest_of(const struct image *image, uint8_t ret_digest[DIGEST_SIZE])
{
    struct digest *digest = digest_new();

    digest_begin(digest);
    digest_add(digest, image->bytes, image->n);
    digest_end(digest, ret_digest);
    digest_free(&digest);
}

static struct plugin *loaded_find(const struct plugin_host *host, const uint8_t digest[DIGEST_SIZE])
{
    struct plugin *plugin = host->plugins;

    while (plugin && memcmp(plugin->digest, digest, DIGEST_SIZE) != 0)
        plugin = plugin->next;
    return plugin;
}

/* What dlopen says begins with the file; on a "noexec" file system it says little. */
static void *map(const char *file, struct error *error)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);

    if (handle)
        return handle;
    const char *reason = dlerror();
    const char *hint = reason && strstr(reason, "Operation not permitted")
                           ? " (is the run folder on a file system mounted with noexec?)"
                           : "";

    error_set(error, "cannot be loaded: %s%s", reason ? reason : "no reason given", hint);
    return NULL;
}

static struct plugin *load(struct plugin_host *host, const char *file, const struct image *image,
                           const struct note *note, struct error *error)
{
    uint8_t digest[DIGEST_SIZE];
    char copy[PATH_MAX];

    digest_of(image, digest);
    struct plugin *plugin = loaded_find(host, digest);

    if (plugin)
        return plugin;
    if (!host->setup.run_dir) {
        if (!realpath(file, copy))
            return error_set(error, "%s", strerror(errno)), NULL;
    } else if (!copy_make(host, image, digest, copy, error)) {
        return NULL;
    }
    void *handle = map(copy, error);
    void *symbol = handle ? dlsym(handle, "headgate_plugin_v0") : NULL;

    if (handle && !symbol)
        error_set(error, "does not export headgate_plugin_v0; see HG_PLUGIN");
    if (!symbol)
        return NULL;
    plugin_entry *entry = (plugin_entry *)(uintptr_t)symbol;
    const hg_plugin *descriptor = entry_call(host, entry, note->name);

    if (!descriptor_check(descriptor, note, error) ||
        !(plugin = plugin_add(host, file, descriptor, error)))
        return NULL;
    memcpy(plugin->digest, digest, DIGEST_SIZE);
    return plugin;
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash ? slash + 1 : file;
}

struct plugin *plugin_load(struct plugin_host *host, const char *file, struct error *error)
{
    struct image image;
    struct note note;
    struct plugin *plugin = NULL;

    if (!image_read(&image, file, error))
        return error_prefix(error, "plugin %s", file), NULL;
    if (image.stat.st_mode & S_IWOTH)
        error_set(error, "everybody may write to it; take that right away (chmod o-w)"),
            error_prefix(error, "plugin %s", file);
    else if (!note_read(&image, &note, error))
        error_prefix(error, "plugin %s", base_name(file));
    else if (!note_fits(&note, error) || !(plugin = load(host, file, &image, &note, error)))
        error_prefix(error, "plugin '%s' (%s)", note.name, base_name(file));
    image_done(&image);
    return plugin;
}

struct plugin *plugin_static(struct plugin_host *host, const hg_plugin *(*entry)(const hg_host *),
                             struct error *error)
{
    const hg_plugin *descriptor = entry_call(host, entry, "built in");

    for (struct plugin *plugin = host->plugins; plugin; plugin = plugin->next)
        if (plugin->descriptor == descriptor)
            return plugin;
    struct plugin *plugin = descriptor_check(descriptor, NULL, error)
                                ? plugin_add(host, "built in", descriptor, error)
                                : NULL;
    if (!plugin)
        error_prefix(error, "plugin '%s' (built in)",
                     descriptor && descriptor->name ? descriptor->name : "?");
    return plugin;
}

void plugins_free(struct plugin_host *host)
{
    while (host->plugins) {
        struct plugin *plugin = host->plugins;

        host->plugins = plugin->next;
        iface_copies_free(&plugin->ifaces);
        free(plugin->file);
        free(plugin);
    }
}

const char *plugin_name(const struct plugin *plugin)
{
    return plugin->descriptor->name;
}

const char *plugin_version(const struct plugin *plugin)
{
    return plugin->descriptor->version;
}

const char *plugin_file(const struct plugin *plugin)
{
    return plugin->file;
}

const hg_plugin *plugin_descriptor(const struct plugin *plugin)
{
    return plugin->descriptor;
}

const void *plugin_iface(const struct plugin *plugin, const char *id)
{
    return iface_copy(plugin->ifaces, id);
}
