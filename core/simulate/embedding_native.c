/* Embeddings as Google's and Cohere's clients ask for them. */
#include <jansson.h>

#include "base/buffer.h"
#include "base/text.h"
#include "simulate/embedding.h"
#include "simulate/fault.h"
#include "simulate/words.h"

enum {
    INPUTS_MAX = 2048
};

/* ---- Google ---------------------------------------------------------------------------------- */

/* Names come in camelCase and in snake_case. */
static uint64_t dimensions_wanted(const json_t *request)
{
    uint64_t wanted = document_member_number(request, "outputDimensionality");

    return wanted == UNSET ? document_member_number(request, "output_dimensionality") : wanted;
}

/* The texts of {"parts":[{"text":"..."}]}, joined. */
static hg_str content_text(const struct ask *ask, const json_t *content)
{
    const json_t *part;
    struct buffer text = {0};
    size_t i;

    json_array_foreach(json_object_get(content, "parts"), i, part) {
        hg_str piece = document_member_text(part, "text");

        buffer_add(&text, piece.p, piece.n);
    }
    hg_str joined = arena_text(ask->arena, buffer_text(&text));

    buffer_done(&text);
    return joined;
}

static json_t *gemini_values(const struct ask *ask, const json_t *request)
{
    hg_str text = content_text(ask, json_object_get(request, "content"));

    return json_pack("{s:o}", "values",
                     embedding_value(ask, text, dimensions_wanted(request), false));
}

void embedding_gemini(const struct ask *ask, struct reply *reply)
{
    const json_t *requests = json_object_get(ask->document, "requests"), *request;
    bool is_batch = text_ends(ask->path, HG_S(":batchEmbedContents"));
    json_t *list;
    size_t i;

    if (is_batch ? !json_array_size(requests) : !json_object_get(ask->document, "content")) {
        fault_refuse(reply, ask->dialect, 400, HG_S(""),
                     is_batch ? HG_S("requests: must not be empty")
                              : HG_S("content: must be given"));
        return;
    }
    if (!is_batch) {
        reply_json(reply, json_pack("{s:o}", "embedding", gemini_values(ask, ask->document)));
        return;
    }
    list = json_array();
    json_array_foreach(requests, i, request)
        if (i < INPUTS_MAX)
            json_array_append_new(list, gemini_values(ask, request));
    reply_json(reply, json_pack("{s:o}", "embeddings", list));
}

/* ---- Cohere ---------------------------------------------------------------------------------- */

/* An input is a text, or the text parts of {"content":[...]}. */
static hg_str cohere_text(const struct ask *ask, const json_t *input)
{
    const json_t *part;
    size_t i;

    if (json_is_string(input))
        return (hg_str){json_string_value(input), json_string_length(input)};
    json_array_foreach(json_object_get(input, "content"), i, part)
        if (json_is_string(json_object_get(part, "text")))
            return document_member_text(part, "text");
    return document_text(ask->arena, input);
}

static bool wants_type(const struct ask *ask, const char *name)
{
    const json_t *types = json_object_get(ask->document, "embedding_types"), *type;
    size_t i;

    json_array_foreach(types, i, type)
        if (json_is_string(type) && text_is(text_of(json_string_value(type)), text_of(name)))
            return true;
    return false;
}

static json_t *vectors_of(const struct ask *ask, const json_t *inputs, bool base64)
{
    uint64_t wanted = document_member_number(ask->document, "output_dimension");
    json_t *list = json_array();
    const json_t *input;
    size_t i;

    json_array_foreach(inputs, i, input)
        if (i < INPUTS_MAX)
            json_array_append_new(list,
                                  embedding_value(ask, cohere_text(ask, input), wanted, base64));
    return list;
}

void embedding_cohere(const struct ask *ask, struct reply *reply)
{
    const json_t *texts = json_object_get(ask->document, "texts"), *input;
    const json_t *inputs = texts ? texts : json_object_get(ask->document, "inputs");
    json_t *vectors = json_object(), *document;
    uint64_t tokens = 0;
    size_t i;

    if (!json_array_size(inputs)) {
        json_decref(vectors);
        fault_refuse(reply, ask->dialect, 400, HG_S("texts"),
                     HG_S("invalid request: texts or inputs must be given"));
        return;
    }
    json_array_foreach(inputs, i, input)
        tokens += words_count(cohere_text(ask, input));
    if (wants_type(ask, "base64"))
        json_object_set_new(vectors, "base64", vectors_of(ask, inputs, true));
    if (wants_type(ask, "float") || !json_object_size(vectors))
        json_object_set_new(vectors, "float", vectors_of(ask, inputs, false));
    document = json_pack(
        "{s:o, s:o, s:{s:{s:s}, s:{s:I}}}", "id",
        document_of_text(words_id(ask->arena, "", ask->seed)), "embeddings", vectors, "meta",
        "api_version", "version", "2", "billed_units", "input_tokens",
        (json_int_t)(ask->rule->prompt_tokens == UNSET ? tokens : ask->rule->prompt_tokens));
    if (texts)
        json_object_set(document, "texts", (json_t *)(uintptr_t)texts);
    reply_json(reply, document);
}
