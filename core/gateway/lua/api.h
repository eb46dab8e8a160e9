/* api.h - what scripts see of a request, and how they are run. The Lua library (lua/headgate)
 * is built on the module headgate.host, whose functions the lua_*.c files here provide. */
#pragma once

#include "base/error.h"
#include "gateway/answer.h"
#include "gateway/request.h"

struct gateway;

/* Makes the engine of a worker. */
bool lua_start(struct gateway *gateway, struct error *error);
void lua_stop(struct gateway *gateway);

/* Runs the route's functions: auth, then handler. What came of it is in the request. */
void lua_run_route(struct request *request);

/* Whether the route's match function takes the request. False with a fault if it failed. */
bool lua_run_match(struct request *request, int function);

/* Runs what req:finally has asked for. */
void lua_run_finally(struct request *request);

struct finally {
    struct finally *next;
    int function;
};
