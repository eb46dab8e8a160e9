/* Lists of models, as GET /v1/models gives them. */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "json/write.h"

/* Strict clients want a number for the time, whether it is known or not. */
void openai_write_model(const struct dialect_model *model, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, model->id);
    JSON_KEY(out, "object");
    json_put_str(out, HG_S("model"));
    JSON_KEY(out, "created");
    json_put_i64(out, model->created);
    JSON_KEY(out, "owned_by");
    json_put_str(out, model->owner);
    model->put_more(model, out);
    json_end(out);
}

void openai_write_models(const struct dialect_models *models, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "object");
    json_put_str(out, HG_S("list"));
    JSON_KEY(out, "data");
    json_arr(out);
    for (size_t i = 0; i < models->count; i++)
        openai_write_model(&models->list[i], out);
    json_end(out);
    json_end(out);
}
