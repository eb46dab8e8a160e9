/* Errors of our own, in the shape that clients of this format know. */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "json/write.h"

static void error_write(struct chain *out, hg_str type, hg_str code, hg_str message)
{
    json_obj(out);
    JSON_KEY(out, "error");
    json_obj(out);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    JSON_KEY(out, "type");
    json_put_str(out, type);
    JSON_KEY(out, "param");
    json_put_null(out);
    JSON_KEY(out, "code");
    if (code.n)
        json_put_str(out, code);
    else
        json_put_null(out);
    json_end(out);
    json_end(out);
}

/* Clients branch on the type where the status is not known to them, so it is never empty. */
static hg_str type_of_status(int status)
{
    switch (status) {
    case 401:
        return HG_S("authentication_error");
    case 403:
        return HG_S("permission_error");
    case 429:
        return HG_S("rate_limit_error");
    default:
        return status >= 500 ? HG_S("api_error") : HG_S("invalid_request_error");
    }
}

hg_str openai_error_body(struct arena *arena, int status, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    error_write(out, type.n ? type : type_of_status(status), code, message);
    return chain_flat(out, arena);
}

/* Readers that know errors have raised at the first event; the mark lets the simple ones stop. */
hg_str openai_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    CHAIN_PUT_LIT(out, "data: ");
    error_write(out, type.n ? type : HG_S("api_error"), code, message);
    CHAIN_PUT_LIT(out, "\n\ndata: [DONE]\n\n");
    return chain_flat(out, arena);
}
