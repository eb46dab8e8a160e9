#include "simulate/endpoint.h"

#include "base/text.h"
#include "simulate/count.h"
#include "simulate/embedding.h"
#include "simulate/fault.h"
#include "simulate/generate.h"
#include "simulate/models.h"
#include "simulate/rerank.h"

#define PLAIN \
    {0},      \
    {         \
        0     \
    }
#define GOOGLE HG_S("/models/"), HG_S("/v1beta")
#define AMAZON HG_S("/model/"), HG_S("")

/* The longer path stands before the one it ends with. */
static const struct endpoint endpoints[] = {
    {HG_S("/chat/completions"), METHOD_POST, &dialect_openai_chat, generate_answer, PLAIN},
    {HG_S("/completions"), METHOD_POST, &dialect_openai_chat, completion_answer, PLAIN},
    {HG_S("/embeddings"), METHOD_POST, &dialect_openai_chat, embedding_answer, PLAIN},
    {HG_S("/responses"), METHOD_POST, &dialect_openai_responses, generate_answer, PLAIN},
    {HG_S("/responses/input_tokens"), METHOD_POST, &dialect_openai_responses, count_answer, PLAIN},
    {HG_S("/messages"), METHOD_POST, &dialect_anthropic, generate_answer, PLAIN},
    {HG_S("/messages/count_tokens"), METHOD_POST, &dialect_anthropic, count_answer, PLAIN},
    {HG_S(":generateContent"), METHOD_POST, &dialect_gemini, generate_answer, GOOGLE},
    {HG_S(":streamGenerateContent"), METHOD_POST, &dialect_gemini, generate_answer, GOOGLE},
    {HG_S(":countTokens"), METHOD_POST, &dialect_gemini, count_answer, GOOGLE},
    {HG_S(":embedContent"), METHOD_POST, &dialect_gemini, embedding_answer, GOOGLE},
    {HG_S(":batchEmbedContents"), METHOD_POST, &dialect_gemini, embedding_answer, GOOGLE},
    {HG_S("/converse"), METHOD_POST, &dialect_converse, generate_answer, AMAZON},
    {HG_S("/converse-stream"), METHOD_POST, &dialect_converse, generate_answer, AMAZON},
    {HG_S("/count-tokens"), METHOD_POST, &dialect_converse, count_answer, AMAZON},
    {HG_S("/v2/chat"), METHOD_POST, &dialect_cohere, generate_answer, PLAIN},
    {HG_S("/v2/embed"), METHOD_POST, &dialect_cohere, embedding_answer, PLAIN},
    {HG_S("/v2/rerank"), METHOD_POST, &dialect_cohere, rerank_answer, PLAIN},
    {HG_S("/rerank"), METHOD_POST, &dialect_openai_chat, rerank_answer, PLAIN},
    {HG_S("/foundation-models"), METHOD_GET, &dialect_converse, models_answer, PLAIN},
    {HG_S("/models"), METHOD_GET, NULL, models_answer, PLAIN},
};

static const struct endpoint one_model = {HG_S("/models/"), METHOD_GET, NULL, model_answer, PLAIN};

const struct endpoint *endpoint_find(hg_str path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (text_ends(path, endpoints[i].path))
            return &endpoints[i];
    return memmem(path.p, path.n, one_model.path.p, one_model.path.n) ? &one_model : NULL;
}

/* False if the request has no sense for any endpoint; the error is in the answer. */
static bool is_sensible(const struct ask *ask, struct reply *reply)
{
    if (!ask->document || ask->doc.kind != HG_J_OBJ) {
        fault_refuse(reply, ask->dialect, 400, HG_S(""),
                     HG_S("We could not parse the JSON body of your request."));
        return false;
    }
    if (ask->model.n == 0) {
        fault_refuse(reply, ask->dialect, 400, HG_S("model"),
                     HG_S("you must provide a model parameter"));
        return false;
    }
    return true;
}

void endpoint_answer(const struct ask *ask, struct reply *reply)
{
    const struct endpoint *endpoint = ask->endpoint;
    enum method method = ask->head->method;

    if (!endpoint) {
        fault_refuse(reply, ask->dialect, 404, HG_S(""),
                     arena_fmt(ask->arena, "Unknown request URL: %.*s %.*s",
                               TEXT_ARG(http_method_name(method)), TEXT_ARG(ask->head->path)));
        return;
    }
    if (method != endpoint->method && !(method == METHOD_HEAD && endpoint->method == METHOD_GET)) {
        fault_refuse(reply, ask->dialect, 405, HG_S(""), HG_S("Not with this method."));
        return;
    }
    if (endpoint->method == METHOD_GET || is_sensible(ask, reply))
        endpoint->fn(ask, reply);
}
