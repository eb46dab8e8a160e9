/* convert.h - Lua values of a configuration as JSON, for evaluate.c: plain values and secrets,
 * within limits, and without ever raising a Lua error. */
#pragma once

#include <lua.h>

#include "gateway/config/parts.h"

struct config_conversion {
    size_t values, bytes; /* so far, over the whole evaluation */
    char path[200];       /* where in the value we are: "headers.authorization" */
    struct error error;   /* for the message, without a place in the file */
};

/* A new reference; NULL with conversion->error set. */
json_t *config_convert(struct config_conversion *conversion, lua_State *L, int index);

/* Like luaL_error, but always with the line of the Lua code that is running. */
int config_raise(lua_State *L, const char *fmt, ...);

/* Pushes the function `secret`. */
void config_push_secret(lua_State *L);
