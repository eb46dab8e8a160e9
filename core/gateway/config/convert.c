/* From Lua to JSON. A table is an array if its keys are 1 to n, and an object otherwise; an empty
 * one is an object. Only functions that cannot raise are used here, because the JSON under way
 * would be lost. */
#include "gateway/config/convert.h"

#include <lua.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum {
    DEPTH_MAX = 24,
    VALUES_MAX = 100000,
    BYTES_MAX = 8 << 20,
    SECRET_MAX = 512
};

/* ---- secrets -------------------------------------------------------------------------------- */

/* What secret "NAME" returns: the text after "$secret", see config.h. */
struct secret {
    char text[SECRET_MAX];
};

static const char secret_key; /* its address is the registry's key of the metatable */

static struct secret *to_secret(lua_State *L, int index)
{
    struct secret *secret = NULL;

    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &secret_key);
    if (lua_rawequal(L, -1, -2))
        secret = lua_touserdata(L, index);
    lua_pop(L, 2);
    return secret;
}

static int push_secret(lua_State *L, const char *text)
{
    struct secret *secret = lua_newuserdatauv(L, sizeof *secret, 0);

    if (strlen(text) >= SECRET_MAX)
        return config_raise(L, "secret: more than %d characters", SECRET_MAX - 1);
    memset(secret, 0, sizeof *secret);
    memcpy(secret->text, text, strlen(text));
    lua_rawgetp(L, LUA_REGISTRYINDEX, &secret_key);
    lua_setmetatable(L, -2);
    return 1;
}

/* secret "NAME" or secret { file = "path" } */
static int new_secret(lua_State *L)
{
    const char *text = NULL;

    if (lua_type(L, 1) == LUA_TSTRING) {
        text = lua_tostring(L, 1);
        if (strchr(text, ':') || strchr(text, '$'))
            text = NULL;
    } else if (lua_istable(L, 1)) {
        lua_pushliteral(L, "file");
        lua_rawget(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING)
            text = lua_pushfstring(L, "file:%s", lua_tostring(L, -1));
    }
    if (lua_gettop(L) < 1 || !text || !config_secret_is_sane(text))
        return config_raise(L, "secret: expected the name of an environment variable, as in "
                               "secret \"OPENAI_API_KEY\", or secret { file = \"path\" }");
    return push_secret(L, text);
}

/* One half of "Bearer " .. secret "NAME". */
static void push_half(lua_State *L, int index)
{
    struct secret *secret = to_secret(L, index);

    if (secret && strstr(secret->text, "${"))
        lua_pushstring(L, secret->text);
    else if (secret)
        lua_pushfstring(L, "${%s}", secret->text);
    else if (lua_type(L, index) == LUA_TSTRING && !strchr(lua_tostring(L, index), '$'))
        lua_pushvalue(L, index);
    else
        config_raise(L, "a secret can only be joined with text that has no '$' in it");
}

static int join_secret(lua_State *L)
{
    push_half(L, 1);
    push_half(L, 2);
    lua_concat(L, 2);
    return push_secret(L, lua_tostring(L, -1));
}

static int no_text(lua_State *L)
{
    return config_raise(L,
                        "a secret has no text here: its value is not known before a plugin needs "
                        "it; to put text around it use ..");
}

void config_push_secret(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, join_secret);
    lua_setfield(L, -2, "__concat");
    lua_pushcfunction(L, no_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, no_text);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &secret_key);
    lua_pushcfunction(L, new_secret);
}

/* ---- values --------------------------------------------------------------------------------- */

static json_t *refuse(struct config_conversion *conversion, const char *why)
{
    if (conversion->path[0])
        error_set(&conversion->error, "%s: %s", conversion->path, why);
    else
        error_set(&conversion->error, "%s", why);
    return NULL;
}

/* Adds a step to the path, and gives the length to cut it back to. */
static size_t step_in(struct config_conversion *conversion, const char *key, size_t index)
{
    size_t n = strlen(conversion->path), room = sizeof conversion->path - n;

    if (key)
        snprintf(conversion->path + n, room, "%s%s", n ? "." : "", key);
    else
        snprintf(conversion->path + n, room, "[%zu]", index);
    return n;
}

static json_t *convert(struct config_conversion *conversion, lua_State *L, int index,
                       unsigned depth);

static json_t *convert_text(struct config_conversion *conversion, lua_State *L, int index)
{
    size_t n;
    const char *text = lua_tolstring(L, index, &n);

    conversion->bytes += n;
    if (conversion->bytes > BYTES_MAX)
        return refuse(conversion, "the configuration has too much text");
    if (memchr(text, '\0', n))
        return refuse(conversion, "a text with a zero byte in it");
    json_t *value = json_stringn(text, n);

    return value ? value : refuse(conversion, "this text is not valid UTF-8");
}

static json_t *convert_number(struct config_conversion *conversion, lua_State *L, int index)
{
    if (lua_isinteger(L, index))
        return json_integer(lua_tointeger(L, index));
    double number = lua_tonumber(L, index);

    return isfinite(number) ? json_real(number) : refuse(conversion, "not a finite number");
}

/* The number of keys if they are 1 to n; 0 if the table is empty or has others. */
static size_t array_length(lua_State *L, int index)
{
    size_t n = lua_rawlen(L, index), count = 0;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || (size_t)lua_tointeger(L, -2) > n) {
            lua_pop(L, 2);
            return 0;
        }
        count++;
    }
    return count == n ? n : 0;
}

static json_t *convert_array(struct config_conversion *conversion, lua_State *L, int index,
                             size_t n, unsigned depth)
{
    json_t *array = json_array();

    for (size_t i = 1; i <= n; i++) {
        size_t cut = step_in(conversion, NULL, i);

        lua_rawgeti(L, index, (lua_Integer)i);
        json_t *value = convert(conversion, L, lua_gettop(L), depth + 1);

        lua_pop(L, 1);
        if (!value) {
            json_decref(array);
            return NULL;
        }
        conversion->path[cut] = '\0';
        json_array_append_new(array, value);
    }
    return array;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lua's order differs from run to run. */
static json_t *in_order(json_t *object)
{
    size_t count = 0;
    const char **keys = xcalloc(json_object_size(object) + 1, sizeof *keys);
    json_t *sorted = json_object(), *value;
    const char *key;

    json_object_foreach(object, key, value)
        keys[count++] = key;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++)
        json_object_set(sorted, keys[i], json_object_get(object, keys[i]));
    free(keys);
    json_decref(object);
    return sorted;
}

/* Adds the pair on top of the stack. */
static bool convert_pair(struct config_conversion *conversion, lua_State *L, json_t *object,
                         unsigned depth)
{
    if (lua_type(L, -2) != LUA_TSTRING) {
        refuse(conversion, "a table has either names or a list, not both");
        return false;
    }
    json_t *key = convert_text(conversion, L, lua_gettop(L) - 1);

    if (!key)
        return false;
    size_t cut = step_in(conversion, json_string_value(key), 0);
    json_t *value = convert(conversion, L, lua_gettop(L), depth + 1);

    if (value) {
        conversion->path[cut] = '\0';
        json_object_set_new(object, json_string_value(key), value);
    }
    json_decref(key);
    return value != NULL;
}

static json_t *convert_table(struct config_conversion *conversion, lua_State *L, int index,
                             unsigned depth)
{
    if (depth > DEPTH_MAX || !lua_checkstack(L, 8))
        return refuse(conversion, "tables inside of tables, too deep");
    size_t n = array_length(L, index);

    if (n)
        return convert_array(conversion, L, index, n, depth);
    json_t *object = json_object();

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (!convert_pair(conversion, L, object, depth)) {
            lua_pop(L, 2);
            json_decref(object);
            return NULL;
        }
    return in_order(object);
}

static json_t *convert(struct config_conversion *conversion, lua_State *L, int index,
                       unsigned depth)
{
    const struct secret *secret;

    if (++conversion->values > VALUES_MAX)
        return refuse(conversion, "the configuration has too many values");
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return convert_number(conversion, L, index);
    case LUA_TSTRING:
        return convert_text(conversion, L, index);
    case LUA_TTABLE:
        return convert_table(conversion, L, index, depth);
    default:
        secret = to_secret(L, index);
        return secret ? json_pack("{s:s}", "$secret", secret->text)
                      : refuse(conversion, "this can only be text, a number, true, false, a table "
                                           "or a secret");
    }
}

json_t *config_convert(struct config_conversion *conversion, lua_State *L, int index)
{
    conversion->path[0] = '\0';
    return convert(conversion, L, index, 0);
}
