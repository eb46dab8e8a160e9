#include "process/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "gateway/config/config.h"
#include "process/place.h"

struct child *generation_child(struct generation *generation, unsigned i)
{
    if (i < generation->worker_count)
        return &generation->workers[i];
    return i == generation->worker_count ? &generation->control : NULL;
}

struct listeners_key generation_listen_key(const struct config *config, size_t i)
{
    const char *address = config->listen[i].address;
    unsigned nth = 0;

    for (size_t before = 0; before < i; before++)
        nth += !strcmp(config->listen[before].address, address);
    return (struct listeners_key){"listen", address, nth, config->listen[i].mode};
}

struct listeners_key generation_admin_key(const struct config *config)
{
    return (struct listeners_key){"admin", config->admin.address, 0, config->admin.mode};
}

/* Says where the address that cannot be had was declared. */
static int take_socket(struct listeners *listeners, struct listeners_key key,
                       const struct config_place *place, struct error *error)
{
    int fd = listeners_take(listeners, key, error);

    if (fd < 0 && place->file)
        error_prefix(error, "%s:%d", place->file, place->line);
    return fd;
}

static bool take_sockets(struct generation *generation, struct listeners *listeners,
                         struct error *error)
{
    const struct config *config = generation->config;

    generation->sockets = xcalloc(config->listen_count + 1, sizeof *generation->sockets);
    for (size_t i = 0; i < config->listen_count; i++) {
        int fd = take_socket(listeners, generation_listen_key(config, i), &config->listen[i].place,
                             error);

        if (fd < 0)
            return false;
        generation->sockets[generation->socket_count++] = fd;
    }
    if (!config->admin.address)
        return true;
    generation->admin =
        take_socket(listeners, generation_admin_key(config), &config->admin.place, error);
    return generation->admin >= 0;
}

static void set_up_child(struct generation *generation, struct child *child, enum child_kind kind,
                         unsigned number)
{
    *child = (struct child){
        .kind = kind,
        .config = generation->config,
        .number = number,
        .generation = generation->number,
        .sockets = kind == CHILD_WORKER ? generation->sockets : &generation->admin,
        .socket_count = kind == CHILD_WORKER ? generation->socket_count : 1,
        .channel = -1,
    };
}

static void set_up_children(struct generation *generation)
{
    for (unsigned i = 0; i < generation->worker_count; i++)
        set_up_child(generation, &generation->workers[i], CHILD_WORKER, i + 1);
    set_up_child(generation, &generation->control, CHILD_CONTROL, 0);
}

struct generation *generation_new(struct config *config, unsigned number,
                                  struct listeners *listeners, struct generation *others,
                                  const struct ground *ground, struct error *error)
{
    struct generation *generation = xcalloc(1, sizeof *generation);

    generation->number = number;
    generation->config = config;
    generation->admin = -1;
    generation->worker_count = config->workers;
    generation->workers = xcalloc(config->workers, sizeof *generation->workers);
    if (take_sockets(generation, listeners, error)) {
        set_up_children(generation);
        if (place_find(ground, generation, others, error))
            return generation;
    }
    generation_free(&generation, listeners);
    return NULL;
}

void generation_give_sockets(struct generation *generation, struct listeners *listeners)
{
    for (size_t i = 0; i < generation->socket_count; i++)
        listeners_give(listeners, generation_listen_key(generation->config, i));
    if (generation->admin >= 0)
        listeners_give(listeners, generation_admin_key(generation->config));
    generation->socket_count = 0;
    generation->admin = -1;
}

void generation_free(struct generation **generation, struct listeners *listeners)
{
    struct generation *gone = *generation;

    if (!gone)
        return;
    generation_give_sockets(gone, listeners);
    config_free(&gone->config);
    free(gone->sockets);
    free(gone->workers);
    free(gone);
    *generation = NULL;
}

bool generation_start(struct generation *generation, const struct ground *ground)
{
    struct child *child;

    for (unsigned i = 0; (child = generation_child(generation, i)); i++)
        if (!child_start(child, ground))
            return false;
    return true;
}

unsigned generation_workers_ready(const struct generation *generation)
{
    unsigned ready = 0;

    for (unsigned i = 0; i < generation->worker_count; i++)
        ready += generation->workers[i].ready;
    return ready;
}

unsigned generation_workers_running(const struct generation *generation)
{
    unsigned running = 0;

    for (unsigned i = 0; i < generation->worker_count; i++)
        running += child_runs(&generation->workers[i]);
    return running;
}

bool generation_is_ready(const struct generation *generation)
{
    return generation->control.ready &&
           generation_workers_ready(generation) == generation->worker_count;
}

bool generation_is_gone(const struct generation *generation)
{
    return !generation_workers_running(generation) && !child_runs(&generation->control);
}

void generation_drain(struct generation *generation, hg_ns patience)
{
    generation->draining = true;
    for (unsigned i = 0; i < generation->worker_count; i++)
        child_leave(&generation->workers[i], CHANNEL_DRAIN, patience);
}
