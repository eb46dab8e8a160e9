#include "simulate/models.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "simulate/fault.h"

enum {
    MODELS_MAX = 12
};

/* A list ends with NULL. */
static const char *const openai_models[MODELS_MAX] = {
    "gpt-4o",      "gpt-4o-mini",      "gpt-5-mini", "text-embedding-3-small",
    "gpt-4.1",     "gpt-4.1-mini",     "o4-mini",    "text-embedding-3-large",
    "simulator-1", "simulator-1-mini",
};
static const char *const anthropic_models[MODELS_MAX] = {
    "claude-opus-4-5",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "simulator-1",
};
static const char *const gemini_models[MODELS_MAX] = {
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-embedding-001",
    "simulator-1",
};
static const char *const converse_models[MODELS_MAX] = {
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "amazon.nova-pro-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "simulator-1",
};

static const char *const *models_of(const struct dialect *dialect)
{
    switch (dialect->wire) {
    case HG_WIRE_ANTHROPIC:
        return anthropic_models;
    case HG_WIRE_GEMINI:
        return gemini_models;
    case HG_WIRE_CONVERSE:
        return converse_models;
    default:
        return openai_models;
    }
}

/* ---- one of them ----------------------------------------------------------------------------- */

static json_t *gemini_object(const char *name)
{
    bool embeds = strstr(name, "embedding");
    char path[64];

    snprintf(path, sizeof path, "models/%s", name);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:[s, s]}", "name", path, "version", "001",
                     "displayName", name, "inputTokenLimit", 1048576, "outputTokenLimit", 65536,
                     "supportedGenerationMethods", embeds ? "embedContent" : "generateContent",
                     "countTokens");
}

static json_t *model_object(const struct dialect *dialect, const char *name)
{
    switch (dialect->wire) {
    case HG_WIRE_ANTHROPIC:
        return json_pack("{s:s, s:s, s:s, s:s}", "type", "model", "id", name, "display_name", name,
                         "created_at", "2023-11-14T22:13:20Z");
    case HG_WIRE_GEMINI:
        return gemini_object(name);
    case HG_WIRE_CONVERSE:
        return json_pack("{s:s, s:s, s:s, s:[s], s:[s], s:b}", "modelId", name, "modelName", name,
                         "providerName", "Simulator", "inputModalities", "TEXT", "outputModalities",
                         "TEXT", "responseStreamingSupported", true);
    default:
        return json_pack("{s:s, s:s, s:i, s:s}", "id", name, "object", "model", "created",
                         1700000000, "owned_by", "simulator");
    }
}

void model_answer(const struct ask *ask, struct reply *reply)
{
    const char *const *models = models_of(ask->dialect);
    hg_str name = ask->head->path;

    for (size_t i = name.n; i-- > 0;)
        if (name.p[i] == '/') {
            name.p += i + 1, name.n -= i + 1;
            break;
        }
    for (size_t i = 0; models[i]; i++)
        if (text_is(name, text_of(models[i]))) {
            reply_json(reply, model_object(ask->dialect, models[i]));
            return;
        }
    fault_refuse(reply, ask->dialect, 404, HG_S("model"),
                 arena_fmt(ask->arena, "The model '%.*s' does not exist.", TEXT_ARG(name)));
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Takes the list over. */
static json_t *list_object(const struct dialect *dialect, json_t *list)
{
    const json_t *first = json_array_get(list, 0);
    const json_t *last = json_array_get(list, json_array_size(list) - 1);

    switch (dialect->wire) {
    case HG_WIRE_ANTHROPIC:
        return json_pack("{s:o, s:b, s:O, s:O}", "data", list, "has_more", false, "first_id",
                         json_object_get(first, "id"), "last_id", json_object_get(last, "id"));
    case HG_WIRE_GEMINI:
        return json_pack("{s:o}", "models", list);
    case HG_WIRE_CONVERSE:
        return json_pack("{s:o}", "modelSummaries", list);
    default:
        return json_pack("{s:s, s:o}", "object", "list", "data", list);
    }
}

void models_answer(const struct ask *ask, struct reply *reply)
{
    const char *const *models = models_of(ask->dialect);
    json_t *list = json_array();

    for (size_t i = 0; models[i]; i++)
        json_array_append_new(list, model_object(ask->dialect, models[i]));
    reply_json(reply, list_object(ask->dialect, list));
}
