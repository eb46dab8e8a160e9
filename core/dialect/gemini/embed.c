/* Vectors: asked for in OpenAI's form, answered in it. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

static void request_put(struct translation *translation, struct chain *out, hg_json text,
                        hg_json dimensions)
{
    hg_str model = translation->model;

    json_obj(out);
    if (!(translation->traits & HG_WIRE_ONE_EMBED)) { /* the path says it */
        JSON_KEY(out, "model");
        json_str_begin(out);
        if (!memchr(model.p, '/', model.n))
            CHAIN_PUT_LIT(out, "models/");
        json_escape(out, model);
        json_str_end(out);
    }
    JSON_KEY(out, "content");
    json_obj(out);
    JSON_KEY(out, "parts");
    json_arr(out);
    json_obj(out);
    JSON_KEY(out, "text");
    chat_put(out, chat_text_of(text));
    json_end(out);
    json_end(out);
    json_end(out);
    if (dimensions.kind == HG_J_NUM) {
        JSON_KEY(out, "outputDimensionality");
        json_put_raw(out, json_raw(dimensions));
    }
    json_end(out);
}

/* {"instances":[{"content"}],"parameters":{"outputDimensionality"}}, on Vertex for older models. */
static void instances_put(struct chain *out, hg_json input, hg_json dimensions)
{
    hg_json_it it = {{0, 0}};
    hg_json text = input;
    bool more = input.kind == HG_J_STR || json_next(input, &it, NULL, &text);

    json_obj(out);
    JSON_KEY(out, "instances");
    json_arr(out);
    while (more) {
        json_obj(out);
        JSON_KEY(out, "content");
        chat_put(out, chat_text_of(text));
        json_end(out);
        more = input.kind == HG_J_ARR && json_next(input, &it, NULL, &text);
    }
    json_end(out);
    if (dimensions.kind == HG_J_NUM) {
        JSON_KEY(out, "parameters");
        json_obj(out);
        JSON_KEY(out, "outputDimensionality");
        json_put_raw(out, json_raw(dimensions));
        json_end(out);
    }
    json_end(out);
}

static bool texts_check(hg_json input, size_t *ret_count, struct error *error)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json text;

    *ret_count = 1;
    if (input.kind == HG_J_STR)
        return true;
    if (input.kind != HG_J_ARR || !json_count(input))
        return error_set(error, "input: must be a string or a list of strings");
    while (json_next(input, &it, NULL, &text)) {
        if (text.kind != HG_J_STR)
            return error_set(error, "input[%zu]: tokens cannot be told this provider, only text",
                             number);
        number++;
    }
    *ret_count = number;
    return true;
}

static void requests_put(struct translation *translation, struct chain *out, hg_json input,
                         hg_json dimensions)
{
    hg_json_it it = {{0, 0}};
    hg_json text;

    json_obj(out);
    JSON_KEY(out, "requests");
    json_arr(out);
    if (input.kind == HG_J_STR)
        request_put(translation, out, input, dimensions);
    while (input.kind == HG_J_ARR && json_next(input, &it, NULL, &text))
        request_put(translation, out, text, dimensions);
    json_end(out);
    json_end(out);
}

bool gemini_write_embed(struct translation *translation, hg_json doc, struct chain *out,
                        struct error *error)
{
    hg_json input = json_member(doc, HG_S("input"));
    hg_json dimensions = json_member(doc, HG_S("dimensions"));
    hg_json encoding = json_member(doc, HG_S("encoding_format"));
    hg_json first = input.kind == HG_J_ARR ? json_get(input, "/0") : input;
    uint32_t traits = translation->traits;
    size_t count;

    if (encoding.kind > HG_J_NULL && !json_is(encoding, HG_S("base64")) &&
        !json_is(encoding, HG_S("float")))
        return error_set(error, "encoding_format: must be float or base64");
    translation->encodes_vectors = json_is(encoding, HG_S("base64"));
    if (json_member(doc, HG_S("user")).kind == HG_J_STR)
        translation_lose(translation, "user");
    if (!texts_check(input, &count, error))
        return false;
    if (count > 1 &&
        (traits & HG_WIRE_ONE_EMBED ||
         (traits & HG_WIRE_PREDICT && text_starts(translation->model, HG_S("gemini-embedding-")))))
        return error_set(error, "input: this model takes one text a request");
    if (traits & HG_WIRE_PREDICT)
        instances_put(out, input, dimensions);
    else if (traits & HG_WIRE_ONE_EMBED)
        request_put(translation, out, first, dimensions);
    else
        requests_put(translation, out, input, dimensions);
    return true;
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static bool vector_put(struct chain *out, hg_json values, size_t number)
{
    if (values.kind != HG_J_ARR)
        return false;
    json_obj(out);
    JSON_KEY(out, "object");
    json_put_str(out, HG_S("embedding"));
    JSON_KEY(out, "index");
    json_put_u64(out, number);
    JSON_KEY(out, "embedding");
    json_put_raw(out, json_raw(values));
    json_end(out);
    return true;
}

/* {"embeddings":[{"values"}]}, {"embedding":{"values"}}, on Vertex
 * {"predictions":[{"embeddings":{"values"}}]}. */
hg_str gemini_embeddings_read(struct arena *arena, hg_json doc)
{
    struct chain *out = chain_new(arena);
    hg_json list = json_member(doc, HG_S("embeddings")), one;
    hg_json_it it = {{0, 0}};
    size_t number = 0;

    json_arr(out);
    if (list.kind != HG_J_ARR)
        list = json_member(doc, HG_S("predictions"));
    while (list.kind == HG_J_ARR && json_next(list, &it, NULL, &one)) {
        hg_json values = json_member(one, HG_S("values"));

        if (values.kind != HG_J_ARR)
            values = json_get(one, "/embeddings/values");
        if (!vector_put(out, values, number++))
            return HG_S("");
    }
    if (!number && !vector_put(out, json_get(doc, "/embedding/values"), 0))
        return HG_S("");
    json_end(out);
    return chain_flat(out, arena);
}
