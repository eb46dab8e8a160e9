#include "simulate/ask.h"

#include <jansson.h>

#include "base/text.h"
#include "simulate/endpoint.h"
#include "simulate/words.h"
#include "json/index.h"

enum {
    SECONDS_BASE = 1700000000
};

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

int64_t ask_moment(const struct ask *ask)
{
    return SECONDS_BASE + (int64_t)(ask->seed % 10000000);
}

/* ---- whose format it is ---------------------------------------------------------------------- */

/* For paths of no endpoint: who asks like this? */
static const struct dialect *dialect_likely(const struct head *head)
{
    static const struct {
        hg_str part;
        const struct dialect *dialect;
    } parts[] = {
        {HG_S("/v1beta"), &dialect_gemini},       {HG_S("/messages"), &dialect_anthropic},
        {HG_S("/model/"), &dialect_converse},     {HG_S("/v2/"), &dialect_cohere},
        {HG_S("/foundation"), &dialect_converse}, {HG_S("/responses"), &dialect_openai_responses},
    };

    if (head_field(head, HG_S("anthropic-version")).n)
        return &dialect_anthropic;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (memmem(head->path.p, head->path.n, parts[i].part.p, parts[i].part.n))
            return parts[i].dialect;
    return &dialect_openai_chat;
}

/* Base URLs may put anything before what a dialect knows. */
static hg_str path_known(struct arena *arena, const struct endpoint *endpoint, hg_str path)
{
    hg_str root = endpoint->root;
    const char *at = root.n ? memmem(path.p, path.n, root.p, root.n) : NULL;

    if (!root.n)
        return endpoint->path;
    if (!at)
        return path;
    return arena_fmt(arena, "%.*s%.*s", TEXT_ARG(endpoint->before),
                     (int)(path.n - (size_t)(at - path.p)), at);
}

/* Azure's paths name a deployment, and then the body need not name a model. */
static hg_str model_of_deployment(hg_str path)
{
    static const hg_str lead = {"/deployments/", 13};
    const char *at = memmem(path.p, path.n, lead.p, lead.n);
    hg_str rest, model = {0};

    if (at)
        model = (hg_str){at + lead.n, path.n - (size_t)(at - path.p) - lead.n};
    return text_cut(model, '/', &rest);
}

static void document_done(void *document)
{
    json_decref(document);
}

static void body_read(struct ask *ask)
{
    json_t *document =
        json_loadb(ask->body.n ? ask->body.p : "", ask->body.n, JSON_ALLOW_NUL, NULL);

    arena_on_end(ask->arena, document_done, document);
    if (json_is_object(document))
        ask->document = document;
    if (!json_parse_depth(ask->arena, ask->body, JSON_DEPTH_MAX, &ask->doc, NULL))
        ask->doc = (hg_json){0};
}

void ask_read(struct ask *ask, struct arena *arena, const struct head *head, hg_str body,
              const struct rule *rule)
{
    struct dialect_request request;

    *ask = (struct ask){.arena = arena, .head = head, .body = body, .rule = rule};
    ask->path = head->path;
    ask->seed = words_hash(body);
    ask->endpoint = endpoint_find(head->path);
    ask->dialect =
        ask->endpoint && ask->endpoint->dialect ? ask->endpoint->dialect : dialect_likely(head);
    body_read(ask);
    if (!ask->endpoint)
        return;
    ask->path = path_known(arena, ask->endpoint, head->path);
    ask->dialect->read_request(arena, HG_R_CHAT, ask->path, ask->doc, &request);
    ask->model = request.model.n ? request.model : model_of_deployment(head->path);
    ask->is_stream = request.is_stream;
    ask->wants_usage = request.wants_usage;
    ask->is_array =
        request.is_stream && ask->dialect->wants_array && ask->dialect->wants_array(head->query);
    if (ask->dialect->model_in_path)
        ask->seed = words_mix(ask->seed, words_hash(request.model));
}
