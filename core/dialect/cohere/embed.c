/* Embeddings, which clients ask for in OpenAI's form. */
#include "base/text.h"
#include "dialect/cohere/write_chat.h"
#include "json/write.h"

static bool texts_put(struct chain *out, hg_json input, struct error *error)
{
    hg_json_it it = {{0, 0}};
    hg_json text;

    if (input.kind != HG_J_STR && (input.kind != HG_J_ARR || !json_count(input)))
        return error_set(error, "input: must be a text or a list of texts");
    JSON_KEY(out, "texts");
    json_arr(out);
    if (input.kind == HG_J_STR)
        json_put_raw(out, json_raw(input));
    while (input.kind == HG_J_ARR && json_next(input, &it, NULL, &text)) {
        if (text.kind != HG_J_STR)
            return error_set(error, "input: this provider takes texts, no numbers of tokens");
        json_put_raw(out, json_raw(text));
    }
    json_end(out);
    return true;
}

static bool encoding_put(struct chain *out, hg_json encoding, struct error *error)
{
    bool is_base64 = json_is(encoding, HG_S("base64"));

    if (encoding.kind > HG_J_NULL && !is_base64 && !json_is(encoding, HG_S("float")))
        return error_set(error, "encoding_format: must be float or base64");
    JSON_KEY(out, "embedding_types");
    json_put_raw(out, is_base64 ? HG_S("[\"base64\"]") : HG_S("[\"float\"]"));
    return true;
}

/* Cohere's own members, which clients may add, are passed on. */
static void others_put(struct translation *translation, hg_json doc, struct chain *out)
{
    static const char *const done[] = {"model",      "input", "dimensions",      "encoding_format",
                                       "input_type", "texts", "embedding_types", NULL};
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (json_next(doc, &it, &key, &value)) {
        const char *const *name = done;

        while (*name && !json_key_is(key, text_of(*name)))
            name++;
        if (*name)
            continue;
        if (json_key_is(key, HG_S("user"))) {
            translation_lose(translation, "user");
            continue;
        }
        json_key(out, json_unescape(out->arena, key));
        json_put_raw(out, json_raw(value));
    }
}

bool cohere_write_embed(struct translation *translation, hg_json doc, struct chain *out,
                        struct error *error)
{
    hg_json dimensions = json_member(doc, HG_S("dimensions"));
    hg_json type = json_member(doc, HG_S("input_type"));

    json_obj(out);
    cohere_put_word(out, HG_S("model"), translation->model);
    if (!texts_put(out, json_member(doc, HG_S("input")), error) ||
        !encoding_put(out, json_member(doc, HG_S("encoding_format")), error))
        return false;
    JSON_KEY(out, "input_type");
    json_put_raw(out, type.kind == HG_J_STR ? json_raw(type) : HG_S("\"search_document\""));
    if (dimensions.kind == HG_J_NUM && !json_member(doc, HG_S("output_dimension")).kind) {
        JSON_KEY(out, "output_dimension");
        json_put_raw(out, json_raw(dimensions));
    }
    others_put(translation, doc, out);
    json_end(out);
    return true;
}
