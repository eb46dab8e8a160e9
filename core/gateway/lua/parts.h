/* parts.h - between the files of this folder:
 *   run.c       engine and routines
 *   request.c   req: fields, headers, metadata, tags
 *   response.c  resp
 *   texts.c     resp:map
 *   reading.c   resp:each and the like
 *   call.c      targets and attempts
 *   stages.c    caches and guards
 *   http.c      named upstreams
 *   models.c    lists of models
 *   values.c    errors, shared values, JSON, chance */
#pragma once

#include <lauxlib.h>
#include <lua.h>

#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/lua/api.h"
#include "script/routine.h"

/* A request object in Lua. */
struct lua_request {
    uint64_t handle;
    const struct shape *shape; /* lives as long as the request */
};

/* The kinds of objects that are made or looked at for every request. Their metatables are found by
 * number, which is several times as fast as by name. */
enum lua_object {
    OBJECT_REQUEST,
    OBJECT_HEADERS,
    OBJECT_METADATA,
    OBJECT_KEY,
    OBJECT_RESPONSE,
    OBJECT_NAMED,
    OBJECT_MISS,
    OBJECT_COUNT
};

/* Makes a metatable and leaves it on the stack. `name` is for messages. */
void lua_object_open(lua_State *L, enum lua_object object, const char *name);

/* Gives the value on the top of the stack that metatable. */
void lua_object_set(lua_State *L, enum lua_object object);

/* The userdata at `at`, or an error that says what is needed there. */
void *lua_object_check(lua_State *L, int at, enum lua_object object);

struct gateway *lua_gateway(lua_State *L); /* in a function registered with it as upvalue 1 */

/* The object at `at`, or an error that says what is wrong with it. */
struct request *lua_check_request(lua_State *L, int at, const struct shape **ret_shape);
struct answer *lua_check_response(lua_State *L, int at);

/* The response a routine has ended with, by raw access; NULL if it is none of this request. */
struct answer *lua_result_response(lua_State *L, int at, struct request *request);
struct gateway_instance *lua_check_instance(lua_State *L, int at, const char *kind);

void lua_push_request(lua_State *L, struct request *request, const struct shape *shape);
void lua_push_response(lua_State *L, struct answer *answer);
void lua_push_usage(lua_State *L, const struct attempt *attempt); /* a table, or nil */

/* Pushes nil and an err table; returns 2. */
int lua_push_failure(lua_State *L, const struct fault *fault);

/* Reads an err table or message by raw access alone. */
void lua_read_error(lua_State *L, int at, struct request *request, struct fault *ret);

/* A script's bug: the log gets the stack, the request fails. */
void lua_take_bug(struct request *request, struct routine *routine, enum routine_outcome outcome);

/* Sets a value in a list of the request's; charged to the script. */
void lua_set_pair(lua_State *L, struct request *request, struct pair **list, hg_str name,
                  hg_str value);

/* Sets a field of the answer from the name at `at` and the value behind it. */
int lua_set_header(lua_State *L, struct request *request, int at);

hg_str lua_text_at(lua_State *L, int at); /* of a string; empty otherwise */
void lua_push_text(lua_State *L, hg_str text);

/* Seconds as a number in a field of a table; 0 if it is not there. */
hg_ns lua_seconds_field(lua_State *L, int table, const char *name);

/* JSON to Lua and back. Raises when a value has no form in the other. */
void lua_push_json(lua_State *L, struct arena *arena, hg_json value);
hg_str lua_to_json(lua_State *L, int at, struct arena *arena);

/* An arena that a value on the top of the stack owns, so that an error in the middle leaves nothing
 * behind. `take` gives it to the caller, who frees it. */
struct arena *lua_scratch(lua_State *L);
struct arena *lua_scratch_take(lua_State *L, int at);

/* Charges what the arena has grown by since `before` (arena_used) to the running script. */
void lua_charge(lua_State *L, const struct arena *arena, size_t before);

/* An object that names something of the configuration for a route: a target, a cache... */
void lua_push_named(lua_State *L, const char *kind, void *object);
void *lua_check_named(lua_State *L, int at, const char *kind);

extern const luaL_Reg lua_call_functions[], lua_stage_functions[], lua_http_functions[],
    lua_value_functions[], lua_models_functions[];

/* Metatables of the objects. */
int lua_open_request(lua_State *L);
int lua_open_response(lua_State *L);
int lua_open_named(lua_State *L);
int lua_open_miss(lua_State *L);
int lua_open_http(lua_State *L);
int lua_open_values(lua_State *L);
