/* Errors of our own in the shape that clients of this format know, and those of providers. */
#include "base/text.h"
#include "dialect/anthropic/parts.h"
#include "json/write.h"

static const char *const types[] = {
    "invalid_request_error", "authentication_error", "billing_error",    "permission_error",
    "not_found_error",       "request_too_large",    "rate_limit_error", "api_error",
    "timeout_error",         "overloaded_error",
};

/* Words of other formats that stand for one of these. */
static const struct {
    const char *word, *type;
} others[] = {
    {"insufficient_quota", "billing_error"},
    {"rate_limit_exceeded", "rate_limit_error"},
    {"overloaded", "overloaded_error"},
    {"timeout", "timeout_error"},
    {"invalid_api_key", "authentication_error"},
    {"model_not_found", "not_found_error"},
    {"server_error", "api_error"},
};

static hg_str type_known(hg_str word)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_is(word, text_of(types[i])))
            return word;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_is(word, text_of(others[i].word)))
            return text_of(others[i].type);
    return HG_S("");
}

static hg_str type_of_status(int status)
{
    switch (status) {
    case 401:
        return HG_S("authentication_error");
    case 402:
        return HG_S("billing_error");
    case 403:
        return HG_S("permission_error");
    case 404:
        return HG_S("not_found_error");
    case 408:
    case 504:
        return HG_S("timeout_error");
    case 413:
        return HG_S("request_too_large");
    case 429:
        return HG_S("rate_limit_error");
    case 503:
    case 529:
        return HG_S("overloaded_error");
    default:
        return status >= 500 ? HG_S("api_error") : HG_S("invalid_request_error");
    }
}

static void error_write(struct chain *out, hg_str type, hg_str message)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("error"));
    JSON_KEY(out, "error");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, type);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    json_end(out);
    json_end(out);
}

/* Readers branch on the type as on the status: both say the same. A quota that is used up is told
 * by its code alone, whatever the status. */
hg_str anthropic_error_body(struct arena *arena, int status, hg_str type, hg_str code,
                            hg_str message)
{
    struct chain *out = chain_new(arena);
    hg_str known = type_of_status(status);

    if (text_is(type, HG_S("insufficient_quota")) || text_is(code, HG_S("insufficient_quota")) ||
        text_is(type, HG_S("billing_error")))
        known = HG_S("billing_error");
    error_write(out, known, message);
    return chain_flat(out, arena);
}

hg_str anthropic_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);
    hg_str known = type_known(type);

    if (!known.n)
        known = type_known(code);
    CHAIN_PUT_LIT(out, "event: error\ndata: ");
    error_write(out, known.n ? known : HG_S("api_error"), message);
    CHAIN_PUT_LIT(out, "\n\n");
    return chain_flat(out, arena);
}

/* {"type":"error","error":{"type","message"}}; AWS and proxies before it say {"message"} alone. */
void anthropic_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    hg_json error = json_member(doc, HG_S("error"));

    *ret = (struct dialect_error){0};
    if (error.kind == HG_J_STR)
        ret->message = json_str(arena, error);
    else if (error.kind != HG_J_OBJ)
        error = doc;
    if (error.kind != HG_J_OBJ)
        return;
    ret->type = json_str(arena, json_member(error, HG_S("type")));
    ret->code = json_str(arena, json_member(error, HG_S("code")));
    ret->message = json_str(arena, json_member(error, HG_S("message")));
    ret->param = json_str(arena, json_member(error, HG_S("param")));
}
