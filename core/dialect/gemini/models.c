/* Lists of models, as GET /v1beta/models gives them. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "http/head.h"
#include "json/write.h"

/* On a path that others have as well, its clients are known by the field of their key. */
bool gemini_asks_models(const struct head *head)
{
    return head_field(head, HG_S("x-goog-api-key")).n > 0;
}

static void name_put(hg_str id, struct chain *out)
{
    static const hg_str folder = {"models/", 7};

    json_str_begin(out);
    if (!text_starts(id, folder))
        json_escape(out, folder);
    json_escape(out, id);
    json_str_end(out);
}

static void methods_put(const struct dialect_model *model, struct chain *out)
{
    JSON_KEY(out, "supportedGenerationMethods");
    json_arr(out);
    if (model_chats(model)) {
        json_put_str(out, HG_S("generateContent"));
        json_put_str(out, HG_S("countTokens"));
    }
    json_end(out);
}

void gemini_write_model(const struct dialect_model *model, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "name");
    name_put(model->id, out);
    JSON_KEY(out, "displayName");
    json_put_str(out, model->title.n ? model->title : model->id);
    if (model->context) {
        JSON_KEY(out, "inputTokenLimit");
        json_put_u64(out, model->context);
    }
    if (model->output) {
        JSON_KEY(out, "outputTokenLimit");
        json_put_u64(out, model->output);
    }
    methods_put(model, out);
    model->put_more(model, out);
    json_end(out);
}

void gemini_write_models(const struct dialect_models *models, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "models");
    json_arr(out);
    for (size_t i = 0; i < models->count; i++)
        gemini_write_model(&models->list[i], out);
    json_end(out);
    json_end(out);
}
