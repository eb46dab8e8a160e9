#include "process/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "net/listener.h"
#include "net/unix_socket.h"

struct entry {
    struct entry *next;
    char *role, *address;
    unsigned nth, mode;
    char actual[280];
    int fd;
    struct stat file; /* of a unix socket */
    unsigned uses;
    bool announced;
};

struct listeners {
    struct entry *first;
};

struct listeners *listeners_new(void)
{
    return xcalloc(1, sizeof(struct listeners));
}

static void entry_close(struct entry *entry)
{
    const char *path = unix_socket_path(entry->address);

    if (entry->fd < 0)
        return;
    if (path)
        unix_socket_remove(path, &entry->file);
    close(entry->fd);
    entry->fd = -1;
}

static void entry_free(struct entry *entry)
{
    entry_close(entry);
    free(entry->role);
    free(entry->address);
    free(entry);
}

void listeners_free(struct listeners **listeners)
{
    if (!*listeners)
        return;
    for (struct entry *entry = (*listeners)->first, *next; entry; entry = next) {
        next = entry->next;
        entry_free(entry);
    }
    free(*listeners);
    *listeners = NULL;
}

static bool is_key(const struct entry *entry, struct listeners_key key)
{
    return !strcmp(entry->role, key.role) && !strcmp(entry->address, key.address) &&
           entry->nth == key.nth;
}

static struct entry *find(const struct listeners *listeners, struct listeners_key key)
{
    struct entry *entry = listeners->first;

    while (entry && !is_key(entry, key))
        entry = entry->next;
    return entry;
}

static void name_actual(struct entry *entry)
{
    if (unix_socket_path(entry->address)) {
        snprintf(entry->actual, sizeof entry->actual, "%s", entry->address);
        return;
    }
    const char *colon = strrchr(entry->address, ':');
    int host = colon ? (int)(colon - entry->address) : 0;

    snprintf(entry->actual, sizeof entry->actual, "%.*s:%u", host ? host : 7,
             host ? entry->address : "0.0.0.0", listener_port(entry->fd));
}

static struct entry *open_entry(struct listeners *listeners, struct listeners_key key,
                                struct error *error)
{
    const char *path = unix_socket_path(key.address);
    struct stat file = {0};
    int fd =
        path ? unix_socket_listen(path, key.mode, &file, error) : listener_open(key.address, error);

    if (fd < 0)
        return NULL;
    struct entry *entry = xcalloc(1, sizeof *entry);

    entry->role = xstrdup(key.role);
    entry->address = xstrdup(key.address);
    entry->nth = key.nth;
    entry->mode = key.mode;
    entry->fd = fd;
    entry->file = file;
    name_actual(entry);
    entry->next = listeners->first;
    listeners->first = entry;
    return entry;
}

int listeners_take(struct listeners *listeners, struct listeners_key key, struct error *error)
{
    struct entry *entry = find(listeners, key);

    if (!entry)
        entry = open_entry(listeners, key, error);
    if (!entry)
        return -1;
    entry->uses++;
    return entry->fd;
}

void listeners_give(struct listeners *listeners, struct listeners_key key)
{
    struct entry *entry = find(listeners, key);
    struct entry **at = &listeners->first;

    ensure(entry && entry->uses > 0);
    if (--entry->uses > 0)
        return;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    entry_free(entry);
}

const char *listeners_actual(const struct listeners *listeners, struct listeners_key key)
{
    const struct entry *entry = find(listeners, key);

    return entry ? entry->actual : key.address;
}

void listeners_set_mode(struct listeners *listeners, struct listeners_key key)
{
    struct entry *entry = find(listeners, key);
    const char *path = unix_socket_path(key.address);

    if (!entry || !path || entry->mode == key.mode)
        return;
    chmod(path, key.mode);
    entry->mode = key.mode;
}

bool listeners_is_new(struct listeners *listeners, struct listeners_key key)
{
    struct entry *entry = find(listeners, key);
    bool is_new = entry && !entry->announced;

    if (entry)
        entry->announced = true;
    return is_new;
}

void listeners_close(struct listeners *listeners, const char *role)
{
    for (struct entry *entry = listeners->first; entry; entry = entry->next)
        if (!strcmp(entry->role, role))
            entry_close(entry);
}
