#include "simulate/openai.h"

#include <jansson.h>

#include "base/text.h"
#include "simulate/chat.h"
#include "simulate/embedding.h"

hg_str document_member_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? (hg_str){json_string_value(value), json_string_length(value)}
                                 : (hg_str){0};
}

uint64_t document_member_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint64_t)json_integer_value(value)
               : UNSET;
}

hg_str ask_model(const struct ask *ask)
{
    return document_member_text(ask->document, "model");
}

/* ---- models ---------------------------------------------------------------------------------- */

static const char *const models[] = {
    "gpt-4o",      "gpt-4o-mini",      "gpt-5-mini", "text-embedding-3-small",
    "gpt-4.1",     "gpt-4.1-mini",     "o4-mini",    "text-embedding-3-large",
    "simulator-1", "simulator-1-mini",
};

enum {
    MODEL_COUNT = sizeof models / sizeof *models
};

static json_t *model_object(const char *name)
{
    return json_pack("{s:s, s:s, s:i, s:s}", "id", name, "object", "model", "created", 1700000000,
                     "owned_by", "simulator");
}

static void answer_models(const struct ask *ask, struct reply *reply)
{
    json_t *data = json_array();

    (void)ask;
    for (size_t i = 0; i < MODEL_COUNT; i++)
        json_array_append_new(data, model_object(models[i]));
    reply_json(reply, json_pack("{s:s, s:o}", "object", "list", "data", data));
}

static void answer_model(const struct ask *ask, struct reply *reply)
{
    hg_str name = ask->head->path;

    for (size_t i = name.n; i-- > 0;)
        if (name.p[i] == '/') {
            name.p += i + 1, name.n -= i + 1;
            break;
        }
    for (size_t i = 0; i < MODEL_COUNT; i++)
        if (text_is(name, text_of(models[i]))) {
            reply_json(reply, model_object(models[i]));
            return;
        }
    reply_error(reply, 404, (hg_str){0}, (hg_str){0}, HG_S("model"),
                arena_fmt(ask->arena, "The model '%.*s' does not exist.", TEXT_ARG(name)));
}

/* ---- which one it is ------------------------------------------------------------------------- */

struct endpoint {
    hg_str path; /* the end of it */
    enum method method;
    void (*fn)(const struct ask *ask, struct reply *reply);
};

/* The longer path stands before the one it ends with. */
static const struct endpoint endpoints[] = {
    {HG_S("/chat/completions"), METHOD_POST, chat_answer},
    {HG_S("/completions"), METHOD_POST, completion_answer},
    {HG_S("/embeddings"), METHOD_POST, embedding_answer},
    {HG_S("/models"), METHOD_GET, answer_models},
};

static const struct endpoint one_model = {HG_S("/models/"), METHOD_GET, answer_model};

static const struct endpoint *endpoint_of(hg_str path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (text_ends(path, endpoints[i].path))
            return &endpoints[i];
    return memmem(path.p, path.n, one_model.path.p, one_model.path.n) ? &one_model : NULL;
}

/* False if the request has no sense for any endpoint; the error is in the answer. */
static bool is_sensible(const struct ask *ask, struct reply *reply)
{
    if (!ask->document) {
        reply_error(reply, 400, (hg_str){0}, (hg_str){0}, (hg_str){0},
                    HG_S("We could not parse the JSON body of your request."));
        return false;
    }
    if (ask_model(ask).n == 0) {
        reply_error(reply, 400, (hg_str){0}, (hg_str){0}, HG_S("model"),
                    HG_S("you must provide a model parameter"));
        return false;
    }
    return true;
}

void openai_answer(const struct ask *ask, struct reply *reply)
{
    const struct endpoint *endpoint = endpoint_of(ask->head->path);
    enum method method = ask->head->method;

    if (!endpoint) {
        reply_error(reply, 404, (hg_str){0}, HG_S("unknown_url"), (hg_str){0},
                    arena_fmt(ask->arena, "Unknown request URL: %.*s %.*s",
                              TEXT_ARG(http_method_name(method)), TEXT_ARG(ask->head->path)));
        return;
    }
    if (method != endpoint->method && !(method == METHOD_HEAD && endpoint->method == METHOD_GET)) {
        reply_error(reply, 405, (hg_str){0}, HG_S("method_not_allowed"), (hg_str){0},
                    HG_S("Not with this method."));
        return;
    }
    if (endpoint->method == METHOD_GET || is_sensible(ask, reply))
        endpoint->fn(ask, reply);
}
