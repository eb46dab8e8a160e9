/* route.h - what a route file has returned: which requests are for it, and what runs. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "gateway/request.h"

struct gateway;

struct route {
    struct route *next;
    char *name;
    char **paths; /* "/v1/chat/completions", or "/v1/..." for everything below; NULL: any */
    unsigned path_count;
    char **methods, **hosts; /* NULL: any */
    unsigned method_count, host_count;
    hg_ns deadline;                     /* 0: none */
    int auth, handler, match, on_error; /* Lua functions, LUA_NOREF */
};

/* Loads all route files of the configuration in order; without any, the default route. On failure
 * nothing is kept. */
struct route *routes_load(struct gateway *gateway, struct error *error);
void routes_free(struct gateway *gateway, struct route **routes);

/* The first route that is for this request; NULL if there is none. */
struct route *route_find(struct gateway *gateway, struct request *request);

hg_str route_name(const struct route *route); /* empty for NULL */
