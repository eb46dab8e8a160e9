#include "dialect/vectors.h"

#include <string.h>

#include "base/base64.h"
#include "base/chain.h"
#include "json/index.h"
#include "json/write.h"

static void float_put(uint8_t *at, double number)
{
    float narrow = (float)number;
    uint32_t bits;

    memcpy(&bits, &narrow, sizeof bits);
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(bits >> 8 * i);
}

static hg_str vector_encode(struct arena *arena, hg_json vector)
{
    size_t count = json_count(vector), at = 0;
    uint8_t *bytes = arena_alloc(arena, 4 * count + 1);
    hg_json_it it = {{0, 0}};
    hg_json number;

    while (json_next(vector, &it, NULL, &number) && at < count)
        float_put(bytes + 4 * at++, json_f64(number, 0));
    return base64_encode(arena, bytes, 4 * at);
}

static void member_put(struct arena *arena, struct chain *out, hg_str raw_key, hg_json value)
{
    json_key(out, json_unescape(arena, raw_key));
    if (json_key_is(raw_key, HG_S("embedding")) && value.kind == HG_J_ARR)
        json_put_str(out, vector_encode(arena, value));
    else
        json_put_raw(out, json_raw(value));
}

hg_str vectors_base64(struct arena *arena, hg_str data)
{
    struct chain *out = chain_new(arena);
    hg_json_it it = {{0, 0}};
    hg_json list, one, value;
    hg_str key;

    if (!json_parse(arena, data, &list, NULL) || list.kind != HG_J_ARR)
        return data;
    json_arr(out);
    while (json_next(list, &it, NULL, &one)) {
        hg_json_it inner = {{0, 0}};

        json_obj(out);
        while (one.kind == HG_J_OBJ && json_next(one, &inner, &key, &value))
            member_put(arena, out, key, value);
        json_end(out);
    }
    json_end(out);
    return chain_flat(out, arena);
}
