/* Errors in the shape that clients of AWS know: a message in the body, the type in a header field;
 * in a stream an exception of one of the types that ConverseStream defines. */
#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/converse/parts.h"
#include "http/frame.h"
#include "json/write.h"

static hg_str message_json(struct arena *arena, hg_str message)
{
    struct chain *out = chain_new(arena);

    json_obj(out);
    JSON_KEY(out, "message");
    json_put_str(out, message);
    json_end(out);
    return chain_flat(out, arena);
}

hg_str converse_error_body(struct arena *arena, int status, hg_str type, hg_str code,
                           hg_str message)
{
    (void)status;
    (void)type;
    (void)code;
    return message_json(arena, message);
}

/* SDKs make the class of their exception from it. */
void converse_error_field(int status, hg_str type, hg_str *ret_name, hg_str *ret_value)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        {400, "ValidationException"},           {401, "UnrecognizedClientException"},
        {402, "ServiceQuotaExceededException"}, {403, "AccessDeniedException"},
        {404, "ResourceNotFoundException"},     {408, "ModelTimeoutException"},
        {424, "ModelErrorException"},           {429, "ThrottlingException"},
        {503, "ServiceUnavailableException"},   {504, "ModelTimeoutException"},
    };

    (void)type;
    *ret_name = HG_S("x-amzn-errortype");
    *ret_value = status >= 500 ? HG_S("InternalServerException") : HG_S("ValidationException");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].status == status)
            *ret_value = text_of(names[i].name);
}

/* Readers know no other exceptions in a stream than these. */
static hg_str exception_of(hg_str type)
{
    static const struct {
        const char *word, *exception;
    } words[] = {
        {"throttlingException", "throttlingException"},
        {"rate_limit_error", "throttlingException"},
        {"rate_limit_exceeded", "throttlingException"},
        {"insufficient_quota", "throttlingException"},
        {"RESOURCE_EXHAUSTED", "throttlingException"},
        {"validationException", "validationException"},
        {"invalid_request_error", "validationException"},
        {"INVALID_ARGUMENT", "validationException"},
        {"permission_error", "validationException"},
        {"content_filter", "validationException"},
        {"serviceUnavailableException", "serviceUnavailableException"},
        {"overloaded_error", "serviceUnavailableException"},
        {"UNAVAILABLE", "serviceUnavailableException"},
        {"upstream_unreachable", "serviceUnavailableException"},
        {"internalServerException", "internalServerException"},
        {"internal_error", "internalServerException"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is_nocase(type, text_of(words[i].word)))
            return text_of(words[i].exception);
    return HG_S("modelStreamErrorException");
}

hg_str converse_error_event(struct arena *arena, hg_str type, hg_str code, hg_str message)
{
    struct chain *out = chain_new(arena);

    (void)code;
    frame_put_error(HG_FRAME_AWS, exception_of(type), message_json(arena, message), out);
    return chain_flat(out, arena);
}

void converse_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    hg_json message = json_member(doc, HG_S("message"));
    hg_str type = json_str(arena, json_member(doc, HG_S("__type"))), rest;
    const char *hash = type.n ? memchr(type.p, '#', type.n) : NULL;

    *ret = (struct dialect_error){0};
    if (message.kind != HG_J_STR)
        message = json_member(doc, HG_S("Message"));
    if (hash) {
        type.n -= (size_t)(hash + 1 - type.p);
        type.p = hash + 1;
    }
    ret->type = text_cut(type, ':', &rest);
    ret->message = json_str(arena, message);
    ret->status = (int)json_i64(json_member(doc, HG_S("originalStatusCode")), 0);
}
