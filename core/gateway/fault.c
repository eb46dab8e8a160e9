#include "gateway/fault.h"

#include "base/ensure.h"
#include "base/text.h"

static const struct {
    const char *name;
    int status;
    const char *type;
} kinds[FAULT_COUNT] = {
    [FAULT_NONE] = {"none", 200, ""},
    [FAULT_TIMEOUT] = {"timeout", 504, "upstream_timeout"},
    [FAULT_RATE_LIMITED] = {"rate_limited", 429, "rate_limit_error"},
    [FAULT_UPSTREAM_5XX] = {"upstream_5xx", 502, "upstream_error"},
    [FAULT_UPSTREAM_4XX] = {"upstream_4xx", 502, "upstream_error"},
    [FAULT_CONNECT] = {"connect", 502, "upstream_unreachable"},
    [FAULT_PROTOCOL] = {"protocol", 502, "upstream_protocol_error"},
    [FAULT_DENIED] = {"denied", 403, "permission_error"},
    [FAULT_BUDGET] = {"budget", 402, "insufficient_quota"},
    [FAULT_BAD_REQUEST] = {"bad_request", 400, "invalid_request_error"},
    [FAULT_AUTH] = {"auth", 401, "authentication_error"},
    [FAULT_CANCELLED] = {"cancelled", 499, "request_cancelled"},
    [FAULT_INTERNAL] = {"internal", 500, "internal_error"},
    [FAULT_NO_ROUTE] = {"no_route", 404, "invalid_request_error"},
};

hg_str fault_name(enum fault_kind kind)
{
    ensure(kind < FAULT_COUNT);
    return text_of(kinds[kind].name);
}

enum fault_kind fault_named(hg_str name)
{
    for (int kind = FAULT_TIMEOUT; kind < FAULT_COUNT; kind++)
        if (text_is(name, text_of(kinds[kind].name)))
            return (enum fault_kind)kind;
    return FAULT_INTERNAL;
}

int fault_status(const struct fault *fault)
{
    return fault->status >= 200 && fault->status <= 599 ? fault->status : kinds[fault->kind].status;
}

hg_str fault_type(const struct fault *fault)
{
    return text_of(kinds[fault->kind].type);
}

enum fault_kind fault_of_rc(hg_rc rc)
{
    switch (rc) {
    case HG_E_INPUT:
    case HG_E_TOOBIG:
    case HG_E_UNSUPPORTED: /* here: another target may know it */
        return FAULT_BAD_REQUEST;
    case HG_E_AUTH:
        return FAULT_AUTH;
    case HG_E_DENIED:
        return FAULT_DENIED;
    case HG_E_RATE:
        return FAULT_RATE_LIMITED;
    case HG_E_UPSTREAM:
        return FAULT_UPSTREAM_5XX;
    case HG_E_TIMEOUT:
        return FAULT_TIMEOUT;
    case HG_E_CANCELLED:
        return FAULT_CANCELLED;
    case HG_E_CONNECT:
        return FAULT_CONNECT;
    default:
        return FAULT_INTERNAL;
    }
}

enum fault_kind fault_of_outbound(enum outbound_fault fault)
{
    switch (fault) {
    case OUTBOUND_OK:
        return FAULT_NONE;
    case OUTBOUND_CONNECT:
    case OUTBOUND_NO_DESCRIPTORS:
        return FAULT_CONNECT;
    case OUTBOUND_CONNECT_TIMEOUT:
    case OUTBOUND_FIRST_BYTE_TIMEOUT:
    case OUTBOUND_IDLE_TIMEOUT:
    case OUTBOUND_TOTAL_TIMEOUT:
        return FAULT_TIMEOUT;
    case OUTBOUND_CLOSED:
    case OUTBOUND_PROTOCOL:
    case OUTBOUND_TOO_LARGE:
        return FAULT_PROTOCOL;
    }
    return FAULT_INTERNAL;
}

enum fault_kind fault_of_status(int status)
{
    if (status == 429)
        return FAULT_RATE_LIMITED;
    if (status == 408 || status == 504)
        return FAULT_TIMEOUT;
    return status >= 500 ? FAULT_UPSTREAM_5XX : FAULT_UPSTREAM_4XX;
}

/* Providers' own words for classes that a route treats apart. */
enum fault_kind fault_of_error(hg_str type)
{
    static const struct {
        const char *word;
        enum fault_kind kind;
    } words[] = {{"rate_limit_error", FAULT_RATE_LIMITED},
                 {"rate_limit_exceeded", FAULT_RATE_LIMITED},
                 {"RESOURCE_EXHAUSTED", FAULT_RATE_LIMITED},
                 {"throttlingException", FAULT_RATE_LIMITED},
                 {"invalid_request_error", FAULT_UPSTREAM_4XX},
                 {"INVALID_ARGUMENT", FAULT_UPSTREAM_4XX},
                 {"validationException", FAULT_UPSTREAM_4XX},
                 {"authentication_error", FAULT_UPSTREAM_4XX},
                 {"timeout_error", FAULT_TIMEOUT},
                 {"modelTimeoutException", FAULT_TIMEOUT},
                 {"upstream_protocol_error", FAULT_PROTOCOL}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(type, text_of(words[i].word)))
            return words[i].kind;
    return FAULT_UPSTREAM_5XX;
}
