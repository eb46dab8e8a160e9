#include "plugin/schema_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"

static size_t place_write(const struct place *place, char *text, size_t room)
{
    size_t n = place->outer ? place_write(place->outer, text, room) : 0;
    int more = !place->key    ? snprintf(text + n, room - n, "[%zu]", place->index)
               : place->outer ? snprintf(text + n, room - n, ".%s", place->key)
                              : snprintf(text + n, room - n, "%s", place->key);

    return more < 0 || (size_t)more >= room - n ? room - 1 : n + (size_t)more;
}

bool place_wrong(struct error *error, const struct place *place, const char *fmt, ...)
{
    char where[256], text[640];
    va_list args;

    if (!error)
        return false;
    place_write(place, where, sizeof where);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return error_set(error, "%s: %s", where, text);
}

/* ---- types ----------------------------------------------------------------------------------- */

static const char *const type_names[] = {"object", "array",   "string", "integer",
                                         "number", "boolean", "null"};
static const char *const type_words[] = {"an object", "a list",        "a string", "a whole number",
                                         "a number",  "true or false", "null"};
enum {
    TYPES = sizeof type_names / sizeof *type_names
};

int type_number(const char *name)
{
    for (int i = 0; name && i < TYPES; i++)
        if (!strcmp(type_names[i], name))
            return i;
    return -1;
}

static bool is_whole(json_t *value)
{
    if (json_is_integer(value))
        return true;
    double real = json_real_value(value);

    return json_is_real(value) && real >= -9e15 && real <= 9e15 && real == (double)(int64_t)real;
}

static bool type_is(json_t *value, const char *name)
{
    switch (type_number(name)) {
    case 0:
        return json_is_object(value);
    case 1:
        return json_is_array(value);
    case 2:
        return json_is_string(value);
    case 3:
        return is_whole(value);
    case 4:
        return json_is_number(value);
    case 5:
        return json_is_boolean(value);
    case 6:
        return json_is_null(value);
    default:
        return false;
    }
}

const char *type_word(json_t *value)
{
    for (unsigned i = 0; i < TYPES; i++)
        if (type_is(value, type_names[i]))
            return type_words[i];
    return "nothing";
}

bool type_fits(json_t *type, json_t *value)
{
    size_t i;
    json_t *one;

    if (!type)
        return true;
    if (json_is_string(type))
        return type_is(value, json_string_value(type));
    json_array_foreach(type, i, one)
        if (type_is(value, json_string_value(one)))
            return true;
    return false;
}

/* schema_parse has let through no other names. */
static const char *word_of(json_t *type)
{
    int number = type_number(json_string_value(type));

    ensure(number >= 0);
    return type_words[number];
}

/* "a string or a whole number". */
const char *type_wanted(json_t *type, char *text, size_t room)
{
    size_t i, n = 0, count = json_array_size(type);
    json_t *one;

    if (json_is_string(type))
        return word_of(type);
    text[0] = 0;
    json_array_foreach(type, i, one) {
        int more = snprintf(text + n, room - n, "%s%s",
                            !i               ? ""
                            : i + 1 == count ? " or "
                                             : ", ",
                            word_of(one));
        n += more < 0 || (size_t)more >= room - n ? 0 : (size_t)more;
    }
    return text;
}

/* ---- strings --------------------------------------------------------------------------------- */

/* POSIX would take \d for a plain d, and check something else than the author meant. */
static bool escapes_are_known(const char *pattern)
{
    for (; (pattern = strchr(pattern, '\\')); pattern += 2)
        if (!pattern[1] || !strchr("wWsSbB.[]{}()*+?^$|\\/-", pattern[1]))
            return false;
    return true;
}

bool pattern_compile(regex_t *regex, const char *pattern, char *reason, size_t room)
{
    int status;

    if (!escapes_are_known(pattern)) {
        snprintf(reason, room, "an escape that POSIX does not know; write [0-9] for digits");
        return false;
    }
    status = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (status)
        regerror(status, regex, reason, room);
    return !status;
}

static bool pattern_matches(const char *pattern, const char *text)
{
    regex_t regex;
    char reason[128];

    if (!pattern_compile(&regex, pattern, reason, sizeof reason))
        return false;
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;

    regfree(&regex);
    return found;
}

static bool is_uri(hg_str text)
{
    size_t i = 0;

    while (i < text.n &&
           (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", text.p[i]) ||
            (i && strchr("0123456789+-.", text.p[i]))))
        i++;
    if (!i || i + 1 >= text.n || text.p[i] != ':')
        return false;
    for (size_t k = 0; k < text.n; k++)
        if ((unsigned char)text.p[k] <= ' ' || text.p[k] == 0x7f ||
            strchr("<>\"\\^`{|}", text.p[k]))
            return false;
    return !text_starts((hg_str){text.p + i, text.n - i}, HG_S("://")) || i + 3 < text.n;
}

static bool format_fits(const char *format, hg_str text, const char **ret_wanted)
{
    hg_ns duration;
    uint64_t bytes;

    if (!strcmp(format, "uri"))
        return *ret_wanted = "a URI such as https://example.com/", is_uri(text);
    if (!strcmp(format, "duration"))
        return *ret_wanted = "a duration such as 250ms, 8s or 5m",
               text_to_duration(text, &duration);
    if (!strcmp(format, "bytes"))
        return *ret_wanted = "a size such as 64KB, 256MB or 2GB", text_to_size(text, &bytes);
    return true;
}

static size_t characters(hg_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.n; i++)
        count += (text.p[i] & 0xc0) != 0x80;
    return count;
}

bool limit_check(json_t *schema, const char *least, const char *most, size_t count,
                 const char *what, const struct place *place, struct error *error)
{
    json_t *min = json_object_get(schema, least), *max = json_object_get(schema, most);

    if (min && count < (size_t)json_integer_value(min))
        return place_wrong(error, place, "must have at least %zu %s",
                           (size_t)json_integer_value(min), what);
    if (max && count > (size_t)json_integer_value(max))
        return place_wrong(error, place, "must have at most %zu %s",
                           (size_t)json_integer_value(max), what);
    return true;
}

bool string_check(json_t *schema, json_t *value, const struct place *place, struct error *error)
{
    hg_str text = {json_string_value(value), json_string_length(value)};
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    const char *wanted = NULL;

    if (!limit_check(schema, "minLength", "maxLength", characters(text), "characters", place,
                     error))
        return false;
    if (pattern && !pattern_matches(pattern, text.p))
        return place_wrong(error, place, "does not match the pattern %s", pattern);
    if (format && !format_fits(format, text, &wanted))
        return place_wrong(error, place, "must be %s", wanted);
    return true;
}
