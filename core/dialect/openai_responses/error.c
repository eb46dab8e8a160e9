/* Errors. Before a stream they are those of all of OpenAI's API; inside of one they are an event of
 * their own. */
#include "base/text.h"
#include "dialect/openai_responses/parts.h"
#include "json/write.h"

hg_str responses_error_body(struct arena *arena, int status, hg_str type, hg_str code,
                            hg_str message)
{
    return dialect_openai_chat.error_body(arena, status, type, code, message);
}

static void text_or_null(struct chain *out, hg_str key, hg_str text)
{
    json_key(out, key);
    if (text.n)
        json_put_str(out, text);
    else
        json_put_null(out);
}

/* By the description of the format they stand at the root; the servers of OpenAI put them into a
 * member `error`, and that is what makes its SDKs raise. */
void responses_error_put(struct chain *out, hg_str type, hg_str code, hg_str message)
{
    text_or_null(out, HG_S("code"), code.n ? code : type);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    JSON_KEY(out, "param");
    json_put_null(out);
    JSON_KEY(out, "error");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, type.n ? type : HG_S("api_error"));
    text_or_null(out, HG_S("code"), code.n ? code : type);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    JSON_KEY(out, "param");
    json_put_null(out);
    json_end(out);
}

hg_str responses_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    CHAIN_PUT_LIT(out, "event: error\ndata: ");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("error"));
    JSON_KEY(out, "sequence_number");
    json_put_i64(out, 0);
    responses_error_put(out, type, code, message);
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
    return chain_flat(out, arena);
}

/* A response that failed has its error inside; an error event at its root. */
void responses_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    hg_json error = json_get(doc, "/response/error");

    if (error.kind == HG_J_OBJ) {
        *ret = (struct dialect_error){0};
        ret->code = json_str(arena, json_member(error, HG_S("code")));
        ret->type = json_str(arena, json_member(error, HG_S("type")));
        ret->message = json_str(arena, json_member(error, HG_S("message")));
    } else {
        dialect_openai_chat.read_error(arena, doc, ret);
    }
    if (!ret->type.n)
        ret->type = ret->code;
}
