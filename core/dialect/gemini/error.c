/* Errors: Google's words for them and ours. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

static const struct {
    const char *status; /* of google.rpc.Code */
    const char *type;   /* ours */
    int code;
} words[] = {
    {"INVALID_ARGUMENT", "invalid_request_error", 400},
    {"FAILED_PRECONDITION", "invalid_request_error", 400},
    {"OUT_OF_RANGE", "invalid_request_error", 400},
    {"UNAUTHENTICATED", "authentication_error", 401},
    {"PERMISSION_DENIED", "permission_error", 403},
    {"NOT_FOUND", "not_found_error", 404},
    {"ABORTED", "conflict", 409},
    {"ALREADY_EXISTS", "conflict", 409},
    {"RESOURCE_EXHAUSTED", "rate_limit_error", 429},
    {"RESOURCE_EXHAUSTED", "insufficient_quota", 429},
    {"RESOURCE_EXHAUSTED", "billing_error", 402},
    {"CANCELLED", "cancelled", 499},
    {"INTERNAL", "api_error", 500},
    {"UNKNOWN", "api_error", 500},
    {"DATA_LOSS", "api_error", 500},
    {"UNIMPLEMENTED", "api_error", 501},
    {"UNAVAILABLE", "overloaded_error", 503},
    {"UNAVAILABLE", "api_connection_error", 502},
    {"DEADLINE_EXCEEDED", "timeout_error", 504},
};

enum {
    WORDS = sizeof words / sizeof *words
};

/* ---- theirs -----------------------------------------------------------------------------------
 */

/* What `details` say that the status does not: a key that is wrong, a quota of the day that is used
 * up. */
static void details_read(hg_json details, struct dialect_error *ret)
{
    hg_json_it it = {{0, 0}};
    hg_json detail;

    while (details.kind == HG_J_ARR && json_next(details, &it, NULL, &detail)) {
        hg_json violations = json_member(detail, HG_S("violations")), violation;
        hg_json_it inner = {{0, 0}};

        if (json_is(json_member(detail, HG_S("reason")), HG_S("API_KEY_INVALID"))) {
            ret->type = HG_S("authentication_error");
            ret->status = 401;
        }
        while (violations.kind == HG_J_ARR && json_next(violations, &inner, NULL, &violation)) {
            hg_str quota = json_raw_str(json_member(violation, HG_S("quotaId")));

            if (quota.n && memmem(quota.p, quota.n, "PerDay", 6))
                ret->type = HG_S("insufficient_quota");
        }
    }
}

bool gemini_error_read(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    hg_json error = json_member(doc.kind == HG_J_ARR ? json_element(doc, 0) : doc, HG_S("error"));

    *ret = (struct dialect_error){0};
    if (error.kind == HG_J_STR) {
        ret->message = json_str(arena, error);
        ret->type = HG_S("api_error");
        return true;
    }
    if (error.kind != HG_J_OBJ)
        return false;
    ret->message = json_str(arena, json_member(error, HG_S("message")));
    ret->code = json_str(arena, json_member(error, HG_S("status")));
    ret->status = (int)json_i64(json_member(error, HG_S("code")), 0);
    if (ret->status < 100 || ret->status > 599)
        ret->status = 0;
    ret->type = HG_S("api_error");
    for (size_t i = WORDS; i-- > 0;)
        if (text_is(ret->code, text_of(words[i].status)) ||
            (!ret->code.n && ret->status == words[i].code))
            ret->type = text_of(words[i].type);
    details_read(json_member(error, HG_S("details")), ret);
    return true;
}

void gemini_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    gemini_error_read(arena, doc, ret);
}

/* ---- ours -------------------------------------------------------------------------------------
 */

static int status_of_type(hg_str type)
{
    for (size_t i = 0; i < WORDS; i++)
        if (text_is(type, text_of(words[i].type)) || text_is(type, text_of(words[i].status)))
            return words[i].code;
    return 500;
}

static hg_str word_of_status(int status)
{
    for (size_t i = 0; i < WORDS; i++)
        if (words[i].code == status)
            return text_of(words[i].status);
    return status >= 500 ? HG_S("INTERNAL") : HG_S("INVALID_ARGUMENT");
}

static void error_write(struct chain *out, int status, hg_str message)
{
    json_obj(out);
    JSON_KEY(out, "error");
    json_obj(out);
    JSON_KEY(out, "code");
    json_put_i64(out, status);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    JSON_KEY(out, "status");
    json_put_str(out, word_of_status(status));
    JSON_KEY(out, "details");
    json_arr(out);
    json_end(out);
    json_end(out);
    json_end(out);
}

hg_str gemini_error_body(struct arena *arena, int status, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    (void)code;
    error_write(out, status ? status : status_of_type(type), message);
    return chain_flat(out, arena);
}

hg_str gemini_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    (void)code;
    CHAIN_PUT_LIT(out, "data: ");
    error_write(out, status_of_type(type), message);
    CHAIN_PUT_LIT(out, "\r\n\r\n");
    return chain_flat(out, arena);
}
