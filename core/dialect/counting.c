#include "dialect/counting.h"

#include "base/text.h"
#include "json/index.h"
#include "json/write.h"

hg_json counting_inside(const struct dialect *dialect, hg_json doc)
{
    hg_json inside = dialect->count->inside ? json_get(doc, dialect->count->inside) : doc;

    return inside.kind == HG_J_OBJ ? inside : doc;
}

static bool is_kept(const struct dialect_count *count, hg_str key)
{
    for (const char *const *at = count->keys; at && *at; at++)
        if (json_key_is(key, text_of(*at)))
            return true;
    return !count->keys;
}

static void chat_put(const struct dialect_count *count, hg_json chat, hg_str model,
                     struct chain *out)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    json_obj(out);
    if (count->member) {
        json_key(out, text_of(count->member));
        json_put_str(out, arena_fmt(out->arena, "models/%.*s", TEXT_ARG(model)));
    }
    while (json_next(chat, &it, &key, &value))
        if (is_kept(count, key)) {
            json_key(out, json_unescape(out->arena, key));
            json_put_raw(out, json_raw(value));
        }
    json_end(out);
}

bool counting_write(const struct dialect *dialect, hg_str model, struct chain *chat,
                    struct chain *out)
{
    const struct dialect_count *count = dialect->count;
    struct chain *inner = chain_new(out->arena);
    hg_json doc;

    if (!json_parse(out->arena, chain_flat(chat, out->arena), &doc, NULL))
        return false;
    chat_put(count, doc, model, inner);
    if (count->before)
        chain_put_const(out, count->before, strlen(count->before));
    chain_put_chain(out, inner, 0, inner->len);
    if (count->before)
        chain_put_const(out, count->after, strlen(count->after));
    return true;
}

int64_t counting_read(const struct dialect *dialect, hg_json doc)
{
    return json_i64(json_get(doc, dialect->count->result), -1);
}

hg_str counting_answer(const struct dialect *dialect, struct arena *arena, uint64_t tokens)
{
    return arena_fmt(arena, "%s%llu}", dialect->count->answer, (unsigned long long)tokens);
}

uint64_t counting_estimate(const struct dialect *dialect, hg_json doc)
{
    uint64_t tokens = dialect->tokens(HG_R_CHAT, counting_inside(dialect, doc));

    return tokens ? tokens : 1;
}
