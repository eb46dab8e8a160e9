#include "errors.h"

#include <string.h>
#include <strings.h>

#include "common/mask.h"
#include "common/words.h"

#define AGAIN (HG_ERR_RETRY | HG_ERR_OTHER_TARGET)
#define OTHER HG_ERR_OTHER_TARGET

static const struct exception {
    const char *name;
    hg_rc code;
    uint32_t status, flags; /* status 0: as it came */
    const char *type;
    int refused;
} exceptions[] = {
    {"ExpiredTokenException", HG_E_AUTH, 401, AGAIN, "authentication_error", 1},
    {"UnrecognizedClientException", HG_E_AUTH, 401, OTHER, "authentication_error", 1},
    {"InvalidSignatureException", HG_E_AUTH, 401, OTHER, "authentication_error", 1},
    {"SignatureDoesNotMatch", HG_E_AUTH, 401, OTHER, "authentication_error", 1},
    {"MissingAuthenticationToken", HG_E_AUTH, 401, OTHER, "authentication_error", 1},
    {"MissingAuthenticationTokenException", HG_E_AUTH, 401, OTHER, "authentication_error", 1},
    {"IncompleteSignature", HG_E_AUTH, 401, OTHER, "authentication_error", 1},
    {"RequestExpired", HG_E_AUTH, 401, OTHER, "authentication_error", 0},
    {"AccessDeniedException", HG_E_DENIED, 403, OTHER, "permission_error", 0},
    {"ResourceNotFoundException", HG_E_INPUT, 404, OTHER, "not_found_error", 0},
    {"ThrottlingException", HG_E_RATE, 429, AGAIN, "rate_limit_error", 0},
    {"ServiceQuotaExceededException", HG_E_RATE, 429, OTHER, "insufficient_quota", 0},
    {"ModelNotReadyException", HG_E_UPSTREAM, 503, AGAIN, "overloaded_error", 0},
    {"ModelTimeoutException", HG_E_TIMEOUT, 504, AGAIN, "timeout_error", 0},
    {"ModelErrorException", HG_E_UPSTREAM, 502, AGAIN, "api_error", 0},
    {"ModelStreamErrorException", HG_E_UPSTREAM, 502, AGAIN, "api_error", 0},
    {"InternalServerException", HG_E_UPSTREAM, 500, AGAIN, "api_error", 0},
    {"ServiceUnavailableException", HG_E_UPSTREAM, 503, AGAIN, "overloaded_error", 0},
    {"ConflictException", HG_E_INPUT, 400, 0, "invalid_request_error", 0},
    {"ValidationException", HG_E_INPUT, 400, 0, "invalid_request_error", 0},
};

static int holds(hg_str text, const char *piece)
{
    size_t n = strlen(piece);

    for (size_t i = 0; i + n <= text.n; i++)
        if (strncasecmp(text.p + i, piece, n) == 0)
            return 1;
    return 0;
}

static const struct exception *exception_of(hg_str type)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (word_is(type, exceptions[i].name))
            return &exceptions[i];
    return NULL;
}

/* "ValidationException:http://..." */
static hg_str type_of(const hg_host *host, const hg_http_api *http, hg_op op,
                      const hg_http_resp *resp, hg_json doc)
{
    hg_str type = http ? http->header(resp->headers, "x-amzn-errortype") : (hg_str){NULL, 0};
    const char *mark;

    if (!type.n)
        type = host->json->str(op, host->json->get(doc, "/__type"));
    if ((mark = type.n ? memchr(type.p, '#', type.n) : NULL)) {
        type.n -= (size_t)(mark + 1 - type.p);
        type.p = mark + 1;
    }
    if ((mark = type.n ? memchr(type.p, ':', type.n) : NULL))
        type.n = (size_t)(mark - type.p);
    return type;
}

/* What the words of an exception tell more. */
static void refine(const struct exception *exception, hg_str message, int64_t original,
                   hg_error *out)
{
    if (out->code == HG_E_INPUT && exception->status == 400 &&
        (holds(message, "input is too long") || holds(message, "too many input tokens") ||
         holds(message, "prompt is too long") || holds(message, "too many tokens"))) {
        out->type = HG_S("context_length_exceeded");
        out->flags = OTHER;
    } else if (out->code == HG_E_RATE && holds(message, "per day")) {
        out->type = HG_S("insufficient_quota");
        out->flags = OTHER;
    } else if (strncmp(exception->name, "Model", 5) == 0 && original >= 400 && original < 500) {
        out->code = original == 429 ? HG_E_RATE : HG_E_INPUT;
        out->http_status = (uint32_t)original;
        out->flags = OTHER;
    }
}

hg_rc bedrock_error(const hg_host *host, const hg_http_api *http, hg_op op,
                    const hg_http_resp *resp, hg_error *out, int *ret_refused)
{
    hg_json doc = {0};
    const struct exception *exception;
    hg_str message;

    if (resp->status < 300)
        return HG_SKIP;
    if (host->json->parse(op, host->body->flat(op, resp->body), &doc) != HG_OK)
        doc = (hg_json){0};
    exception = exception_of(type_of(host, http, op, resp, doc));
    if (!exception)
        return HG_SKIP;
    message = host->json->str(op, host->json->get(doc, "/message"));
    if (!message.n)
        message = host->json->str(op, host->json->get(doc, "/Message"));
    out->code = exception->code;
    out->http_status = exception->status;
    out->flags = exception->flags;
    out->type = word_of(exception->type);
    out->message = mask_secrets(host, op, message, (hg_str){NULL, 0});
    if (!out->message.n)
        out->message = word_of(exception->name);
    refine(exception, message, host->json->i64(host->json->get(doc, "/originalStatusCode"), 0),
           out);
    *ret_refused = exception->refused;
    return HG_OK;
}
