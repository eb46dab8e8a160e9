/* Lists of models, as GET /v1/models gives them to clients of this format. */
#include "base/text.h"
#include "dialect/cohere/parts.h"
#include "http/head.h"
#include "json/write.h"

/* The path is OpenAI's too. Cohere's own libraries name themselves, and nobody else has these
 * parameters. */
bool cohere_asks_models(const struct head *head)
{
    static const char *const own[] = {"page_size", "page_token", "endpoint", "default_only"};
    hg_str rest = head->query;

    if (text_starts(head_field(head, HG_S("x-fern-sdk-name")), HG_S("cohere")) ||
        head_field(head, HG_S("x-client-name")).n)
        return true;
    while (rest.n) {
        hg_str value, name = text_cut(text_cut(rest, '&', &rest), '=', &value);

        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            if (text_is(name, text_of(own[i])))
                return true;
    }
    return false;
}

static void endpoints_put(const struct dialect_model *model, struct chain *out)
{
    JSON_KEY(out, "endpoints");
    json_arr(out);
    if (model_chats(model))
        json_put_str(out, HG_S("chat"));
    else if (text_is(model->kind, HG_S("embedding")))
        json_put_str(out, HG_S("embed"));
    else if (text_is(model->kind, HG_S("rerank")))
        json_put_str(out, HG_S("rerank"));
    json_end(out);
}

void cohere_write_model(const struct dialect_model *model, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "name");
    json_put_str(out, model->id);
    endpoints_put(model, out);
    if (model->context) {
        JSON_KEY(out, "context_length");
        json_put_u64(out, model->context);
    }
    model->put_more(model, out);
    json_end(out);
}

void cohere_write_models(const struct dialect_models *models, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "models");
    json_arr(out);
    for (size_t i = 0; i < models->count; i++)
        cohere_write_model(&models->list[i], out);
    json_end(out);
    json_end(out);
}
