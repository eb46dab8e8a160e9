/* Lists of models, as GET /v1/models gives them to clients of this format. */
#include "base/text.h"
#include "dialect/anthropic/parts.h"
#include "http/head.h"
#include "json/write.h"

/* All its clients say which version they speak. */
bool anthropic_asks_models(const struct head *head)
{
    return head_field(head, HG_S("anthropic-version")).n > 0;
}

static void limits_put(const struct dialect_model *model, struct chain *out)
{
    if (model->context) {
        JSON_KEY(out, "max_input_tokens");
        json_put_u64(out, model->context);
    }
    if (model->output) {
        JSON_KEY(out, "max_tokens");
        json_put_u64(out, model->output);
    }
}

/* A time that is not known is the beginning of time there as well. */
void anthropic_write_model(const struct dialect_model *model, struct chain *out)
{
    char time[PUT_UTC_SIZE];
    char *end = put_utc(time, model->created * 1000000);

    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("model"));
    JSON_KEY(out, "id");
    json_put_str(out, model->id);
    JSON_KEY(out, "display_name");
    json_put_str(out, model->title.n ? model->title : model->id);
    JSON_KEY(out, "created_at");
    json_put_str(out, (hg_str){time, (size_t)(end - time)});
    limits_put(model, out);
    model->put_more(model, out);
    json_end(out);
}

static void end_put(const char *key, const struct dialect_models *models, size_t at,
                    struct chain *out)
{
    json_key(out, text_of(key));
    if (models->count)
        json_put_str(out, models->list[at].id);
    else
        json_put_null(out);
}

/* All of them are on the first page. */
void anthropic_write_models(const struct dialect_models *models, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "data");
    json_arr(out);
    for (size_t i = 0; i < models->count; i++)
        anthropic_write_model(&models->list[i], out);
    json_end(out);
    JSON_KEY(out, "has_more");
    json_put_bool(out, false);
    end_put("first_id", models, 0, out);
    end_put("last_id", models, models->count - 1, out);
    json_end(out);
}
