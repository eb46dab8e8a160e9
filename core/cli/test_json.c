/* JSON for the library's fake host (lua/headgate/test_host.lua): texts as tables and back. */
#include <stdlib.h>

#include <jansson.h>

#include "cli/test.h"

static void push_json(lua_State *L, const json_t *value);

static void push_object(lua_State *L, const json_t *object)
{
    /* jansson's walk wants it mutable, and changes nothing. */
    json_t *walked = json_deep_copy(object);
    const char *key;
    json_t *member;

    lua_newtable(L);
    json_object_foreach(walked, key, member) {
        if (json_is_null(member))
            continue;
        lua_pushstring(L, key);
        push_json(L, member);
        lua_rawset(L, -3);
    }
    json_decref(walked);
}

static void push_array(lua_State *L, const json_t *array)
{
    lua_newtable(L);
    for (size_t i = 0; i < json_array_size(array); i++) {
        push_json(L, json_array_get(array, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_json(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, 4, "too deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        push_object(L, value);
        break;
    case JSON_ARRAY:
        push_array(L, value);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL: /* in lists a hole would end the list */
        lua_pushboolean(L, json_is_true(value));
        break;
    }
}

static int native_decode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    json_error_t error;
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY, &error);

    if (!value) {
        lua_pushnil(L);
        lua_pushfstring(L, "not JSON: %s", error.text);
        return 2;
    }
    push_json(L, value);
    json_decref(value);
    return 1;
}

/* A table with a list part is an array, any other an object. NULL with a message for what has no
 * form in JSON. Nothing here raises, so nothing is lost on the way. */
static json_t *to_json(lua_State *L, int index, int depth, const char **message);

static json_t *to_array(lua_State *L, int index, int depth, const char **message)
{
    json_t *array = json_array();
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);

    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        json_t *value = to_json(L, lua_gettop(L), depth, message);

        lua_pop(L, 1);
        if (!value || json_array_append_new(array, value) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *to_object(lua_State *L, int index, int depth, const char **message)
{
    json_t *object = json_object();

    lua_pushnil(L);
    while (lua_next(L, index)) {
        json_t *value =
            lua_type(L, -2) == LUA_TSTRING ? to_json(L, lua_gettop(L), depth, message) : NULL;

        if (!value || json_object_set_new(object, lua_tostring(L, -2), value) != 0) {
            if (!*message)
                *message = "the keys of an object are texts";
            lua_pop(L, 2);
            json_decref(object);
            return NULL;
        }
        lua_pop(L, 1);
    }
    return object;
}

static json_t *to_json(lua_State *L, int index, int depth, const char **message)
{
    size_t len;

    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, index, &len);
        json_t *value = json_stringn(text, len);

        if (!value)
            *message = "a text is not UTF-8";
        return value;
    }
    case LUA_TNUMBER:
        return lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index))
                                       : json_real(lua_tonumber(L, index));
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TTABLE:
        if (depth > 0 && lua_checkstack(L, 6))
            return lua_rawlen(L, index) > 0 ? to_array(L, index, depth - 1, message)
                                            : to_object(L, index, depth - 1, message);
        *message = "the table is too deep";
        return NULL;
    default:
        *message = "there is a value that JSON does not have";
        return NULL;
    }
}

static int native_encode(lua_State *L)
{
    const char *message = NULL;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, "null");
        return 1;
    }

    json_t *value = to_json(L, 1, 100, &message);

    if (!value)
        return luaL_error(L, "json_encode: %s", message ? message : "it has no form in JSON");

    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

    json_decref(value);
    lua_pushstring(L, text);
    free(text);
    return 1;
}

const luaL_Reg test_json[] = {
    {"json_decode", native_decode}, {"json_encode", native_encode}, {NULL, NULL}};
