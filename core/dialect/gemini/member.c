#include "base/text.h"
#include "dialect/gemini/parts.h"

bool gemini_key_is(hg_str raw_key, hg_str camel)
{
    size_t at = 0;

    if (raw_key.n < camel.n || memchr(raw_key.p, '\\', raw_key.n))
        return raw_key.n >= camel.n && json_key_is(raw_key, camel);
    for (size_t i = 0; i < camel.n; i++, at++) {
        char c = camel.p[i];

        if (at == raw_key.n)
            return false;
        if (c >= 'A' && c <= 'Z' && raw_key.p[at] == '_') {
            c = (char)(c | 0x20);
            at++;
        }
        if (at == raw_key.n || raw_key.p[at] != c)
            return false;
    }
    return at == raw_key.n;
}

hg_json gemini_member(hg_json object, hg_str camel)
{
    hg_json found = {0}, value;
    hg_json_it it = {{0, 0}};
    hg_str key;

    while (object.kind == HG_J_OBJ && json_next(object, &it, &key, &value))
        if (gemini_key_is(key, camel))
            found = value;
    return found;
}

int64_t gemini_count(hg_json value)
{
    uint64_t number;

    if (value.kind == HG_J_STR)
        return text_to_u64(json_raw_str(value), &number) && number <= INT64_MAX ? (int64_t)number
                                                                                : -1;
    return json_i64(value, -1);
}

hg_str gemini_compact(struct arena *arena, hg_json value)
{
    hg_str raw = json_raw(value);
    char *copy = arena_alloc(arena, raw.n + 1), *at = copy;
    bool is_string = false;

    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];

        if (is_string && c == '\\')
            *at++ = raw.p[i++];
        else if (c == '"')
            is_string = !is_string;
        else if (!is_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
            continue;
        *at++ = raw.p[i];
    }
    return (hg_str){copy, (size_t)(at - copy)};
}
