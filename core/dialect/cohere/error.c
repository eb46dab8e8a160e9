/* Errors: theirs, in the shapes there are, and ours as clients of this format know them. */
#include "base/text.h"
#include "dialect/cohere/parts.h"
#include "json/write.h"

/* Clients branch on the status. The type stands where Cohere puts words of its own. */
hg_str cohere_error_body(struct arena *arena, int status, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    (void)status;
    json_obj(out);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    if (code.n || type.n) {
        JSON_KEY(out, "error_type");
        json_put_str(out, code.n ? code : type);
    }
    json_end(out);
    return chain_flat(out, arena);
}

hg_str cohere_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    (void)type;
    (void)code;
    CHAIN_PUT_LIT(out, "event: message-end\ndata: ");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("message-end"));
    JSON_KEY(out, "delta");
    json_obj(out);
    JSON_KEY(out, "error");
    json_put_str(out, message);
    JSON_KEY(out, "finish_reason");
    json_put_str(out, HG_S("ERROR"));
    json_end(out);
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\ndata: [DONE]\n\n");
    return chain_flat(out, arena);
}

/* {"message":"..."}, with "error_type" on some; what stands before it on the way may say "error"
 * instead, as a string or an object. */
void cohere_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    hg_json error = json_member(doc, HG_S("error")), from = doc;

    *ret = (struct dialect_error){0};
    if (error.kind == HG_J_OBJ)
        from = error;
    ret->message = json_str(arena, json_member(from, HG_S("message")));
    if (!ret->message.n && error.kind == HG_J_STR)
        ret->message = json_str(arena, error);
    ret->type = json_str(arena, json_member(from, HG_S("error_type")));
    if (!ret->type.n)
        ret->type = json_str(arena, json_member(from, HG_S("type")));
    ret->code = json_str(arena, json_member(from, HG_S("code")));
}
