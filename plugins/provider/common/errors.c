/* Decides what an error means: first by the vendor's own word, then by status; the wording of the
 * message only refines a refusal and never turns one into a rate limit. */
#include "errors.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "delay.h"
#include "mask.h"
#include "said.h"
#include "words.h"

enum {
    FOLDED_MAX = 4000,
    WORD_MAX = 64
};

enum fault {
    FAULT_INPUT,
    FAULT_CONTEXT,
    FAULT_POLICY,
    FAULT_AUTH,
    FAULT_QUOTA,
    FAULT_DENIED,
    FAULT_NOT_FOUND,
    FAULT_CONFLICT,
    FAULT_TOOBIG,
    FAULT_RATE,
    FAULT_OVERLOAD,
    FAULT_UPSTREAM,
    FAULT_TIMEOUT
};

static bool is_one_of(hg_str word, const char *const *words)
{
    for (; *words; words++) {
        if (strlen(*words) == word.n && strncasecmp(*words, word.p, word.n) == 0)
            return true;
    }
    return false;
}

static bool said_one_of(const struct said *said, const char *const *words)
{
    return is_one_of(said->code, words) || is_one_of(said->type, words);
}

static bool holds_one_of(const char *text, const char *const *pieces)
{
    for (; *pieces; pieces++) {
        if (strstr(text, *pieces))
            return true;
    }
    return false;
}

static const char *const quota_words[] = {"insufficient_quota",
                                          "billing_hard_limit_reached",
                                          "exceeded_current_quota_error",
                                          "credits_exhausted",
                                          "usage_limit_reached",
                                          "Arrearage",
                                          "1113",
                                          "1304",
                                          "1308",
                                          "1309",
                                          "1310",
                                          "1311",
                                          "1313",
                                          NULL};
static const char *const quota_texts[] = {"insufficient balance",
                                          "credit balance is too low",
                                          "out of credits",
                                          "insufficient credit",
                                          "used all available credits",
                                          "no credits",
                                          NULL};
static const char *const policy_words[] = {"content_filter",
                                           "content_policy_violation",
                                           "ResponsibleAIPolicyViolation",
                                           "data_inspection_failed",
                                           "DataInspectionFailed",
                                           "moderation_blocked",
                                           "1300",
                                           "1301",
                                           NULL};
static const char *const policy_texts[] = {"safety system", "violating our usage policy", NULL};
static const char *const auth_words[] = {"invalid_api_key", "invalid_authentication_error",
                                         "InvalidApiKey", NULL};
static const char *const auth_texts[] = {"incorrect api key", "invalid api key", "invalid_api_key",
                                         NULL};
static const char *const rate_words[] = {"rate_limit_exceeded",
                                         "rate_limit_error",
                                         "rate_limit_reached_error",
                                         "Throttling",
                                         "Throttling.RateQuota",
                                         "RateLimitReached",
                                         "1302",
                                         "1303",
                                         NULL};
static const char *const overload_words[] = {
    "engine_overloaded_error", "overloaded_error", "overloaded", "1305", "1312", NULL};
static const char *const context_words[] = {"context_length_exceeded", "too_many_prompt_tokens",
                                            "model_context_window_exceeded", "1261", NULL};
static const char *const context_texts[] = {"maximum context length",
                                            "context_length_exceeded",
                                            "reduce the length of",
                                            "prompt is too long",
                                            "prompt too long",
                                            "exceed context limit",
                                            "max context length",
                                            "input is too long for requested model",
                                            "too many input tokens",
                                            "exceeds the maximum number of tokens allowed",
                                            "too large for model with",
                                            "`inputs` tokens + `max_new_tokens` must be",
                                            "is longer than the model's context length",
                                            "input tokens exceed the configured limit",
                                            "exceeds the available context size",
                                            "exceeded model token limit",
                                            "range of input length should be",
                                            "maximum prompt length is",
                                            NULL};
static const char *const other_words[] = {"model_not_found", "ModelNotFound",
                                          "unsupported_parameter", "unsupported_value", NULL};

static bool is_context(const struct said *said, const char *text, int64_t status)
{
    static const char *const not_words[] = {"string_above_max_length", NULL};

    if (status != 400 && status != 403 && status != 413 && status != 422 && status != 500)
        return false;
    if (said_one_of(said, not_words))
        return false;
    return said_one_of(said, context_words) || holds_one_of(text, context_texts) ||
           (strstr(text, "current length is") && strstr(text, "while limit is")) ||
           (strstr(text, "maximum input length is") && strstr(text, "tokens"));
}

static enum fault fault_of_status(int64_t status)
{
    switch (status) {
    case 401:
        return FAULT_AUTH;
    case 402:
    case 412: /* a suspended account, where it is used at all */
        return FAULT_QUOTA;
    case 403:
        return FAULT_DENIED;
    case 404:
    case 410:
        return FAULT_NOT_FOUND;
    case 408:
    case 504:
    case 524:
        return FAULT_TIMEOUT;
    case 409:
        return FAULT_CONFLICT;
    case 413:
        return FAULT_TOOBIG;
    case 429:
        return FAULT_RATE;
    case 498: /* groq: no flexible capacity now */
    case 503:
    case 529:
        return FAULT_OVERLOAD;
    case 424:
        return FAULT_UPSTREAM;
    default:
        return status >= 400 && status < 499 ? FAULT_INPUT : FAULT_UPSTREAM;
    }
}

static bool same(hg_str a, hg_str b)
{
    return a.n == b.n && a.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* What the vendor's own words mean; false if it has none for this. */
static bool fault_of_words(const struct said *said, int64_t status, const char *words,
                           enum fault *ret_fault)
{
    static const char *const names[] = {
        [FAULT_INPUT] = "input",       [FAULT_CONTEXT] = "context",   [FAULT_POLICY] = "policy",
        [FAULT_AUTH] = "auth",         [FAULT_QUOTA] = "quota",       [FAULT_DENIED] = "denied",
        [FAULT_NOT_FOUND] = "missing", [FAULT_CONFLICT] = "conflict", [FAULT_TOOBIG] = "toobig",
        [FAULT_RATE] = "rate",         [FAULT_OVERLOAD] = "overload", [FAULT_UPSTREAM] = "upstream",
        [FAULT_TIMEOUT] = "timeout"};
    char number[24];

    snprintf(number, sizeof number, "%d", (int)status);
    while (words && *words) {
        size_t key = strcspn(words, "="), n = strcspn(words, " ");
        hg_str word = {words, key}, meaning = {words + key + 1, n - key - 1};

        words += n + (words[n] == ' ');
        if (!same(said->code, word) && !same(said->type, word) && !same(word_of(number), word))
            continue;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (word_is(meaning, names[i])) {
                *ret_fault = (enum fault)i;
                return true;
            }
        }
    }
    return false;
}

static enum fault fault_of(const struct said *said, const char *text, int64_t status)
{
    bool refused = status >= 400 && status < 500;

    if (said_one_of(said, quota_words))
        return FAULT_QUOTA;
    if (is_context(said, text, status))
        return FAULT_CONTEXT;
    if (said_one_of(said, policy_words) || (refused && holds_one_of(text, policy_texts)))
        return FAULT_POLICY;
    if (said_one_of(said, auth_words) || (status == 400 && holds_one_of(text, auth_texts)))
        return FAULT_AUTH;
    if (said_one_of(said, overload_words))
        return FAULT_OVERLOAD;
    if (said_one_of(said, rate_words))
        return status == 413 ? FAULT_TOOBIG : FAULT_RATE; /* 413: one request above the limit */
    if ((status == 400 || status == 403 || status == 429) && holds_one_of(text, quota_texts))
        return FAULT_QUOTA;
    return fault_of_status(status);
}

struct meaning {
    hg_rc code;
    uint32_t status; /* 0: as the vendor's */
    uint32_t flags;
    const char *type; /* our word for it; NULL: the vendor's, or by default ... */
    const char *type_dflt;
};

#define AGAIN (HG_ERR_RETRY | HG_ERR_OTHER_TARGET)
#define OTHER HG_ERR_OTHER_TARGET

static const struct meaning meanings[] = {
    [FAULT_INPUT] = {HG_E_INPUT, 0, 0, NULL, "invalid_request_error"},
    [FAULT_CONTEXT] = {HG_E_INPUT, 400, OTHER, "context_length_exceeded", NULL},
    [FAULT_POLICY] = {HG_E_INPUT, 400, 0, "content_policy_violation", NULL},
    [FAULT_AUTH] = {HG_E_AUTH, 401, OTHER, NULL, "authentication_error"},
    [FAULT_QUOTA] = {HG_E_RATE, 0, OTHER, "insufficient_quota", NULL},
    [FAULT_DENIED] = {HG_E_DENIED, 0, OTHER, NULL, "permission_error"},
    [FAULT_NOT_FOUND] = {HG_E_INPUT, 0, OTHER, NULL, "not_found_error"},
    [FAULT_CONFLICT] = {HG_E_INPUT, 0, AGAIN, NULL, "conflict"},
    [FAULT_TOOBIG] = {HG_E_TOOBIG, 0, OTHER, NULL, "request_too_large"},
    [FAULT_RATE] = {HG_E_RATE, 429, AGAIN, NULL, "rate_limit_error"},
    [FAULT_OVERLOAD] = {HG_E_UPSTREAM, 503, AGAIN, NULL, "overloaded_error"},
    [FAULT_UPSTREAM] = {HG_E_UPSTREAM, 0, AGAIN, NULL, "server_error"},
    [FAULT_TIMEOUT] = {HG_E_TIMEOUT, 504, AGAIN, NULL, "timeout_error"}};

/* The status of an answer, or the one that an error inside a 200 speaks of. */
static int64_t status_of(const struct said *said, const hg_http_resp *resp)
{
    if (resp->status >= 400 && resp->status < 600)
        return resp->status;
    if (resp->status >= 200 && resp->status < 300 && said->number >= 400 && said->number < 600)
        return said->number;
    return 502;
}

/* What clients get: no status above 511 (CDNs have their own), and none of ours for a class. */
static uint32_t status_shown(const struct meaning *meaning, enum fault fault, int64_t status)
{
    if (meaning->status)
        return meaning->status;
    if (fault == FAULT_QUOTA)
        return status == 402 ? 402 : 429;
    if (fault == FAULT_UPSTREAM && (status < 500 || status > 511))
        return 502;
    return (uint32_t)status;
}

static hg_str type_of(const struct said *said, const struct meaning *meaning)
{
    if (meaning->type)
        return (hg_str){meaning->type, strlen(meaning->type)};
    if (said->code.n && said->number == 0 && said->code.n <= WORD_MAX)
        return said->code;
    if (said->type.n && said->type.n <= WORD_MAX)
        return said->type;
    return (hg_str){meaning->type_dflt, strlen(meaning->type_dflt)};
}

/* A vendor's own wish about retrying. */
static uint32_t flags_wanted(const hg_http_api *http, const hg_http_resp *resp, uint32_t flags)
{
    hg_str wish = http ? http->header(resp->headers, "x-should-retry") : (hg_str){0};

    if (wish.n == 4 && strncasecmp(wish.p, "true", 4) == 0)
        return flags | HG_ERR_RETRY;
    if (wish.n == 5 && strncasecmp(wish.p, "false", 5) == 0)
        return flags & ~HG_ERR_RETRY;
    return flags;
}

/* In lower case and NUL-terminated, for strstr. */
static const char *text_folded(const hg_host *host, hg_op op, hg_str text)
{
    size_t n = text.n < FOLDED_MAX ? text.n : FOLDED_MAX;
    char *folded = host->alloc(op, n + 1);

    for (size_t i = 0; i < n; i++)
        folded[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20)
                    : text.p[i]                          ? text.p[i]
                                                         : ' ';
    return folded;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

hg_rc error_map(const hg_host *host, const hg_http_api *http, hg_op op, const hg_http_resp *resp,
                hg_str secret, const char *words, hg_error *out)
{
    struct said said;

    if (resp->status == 0 || !said_read(host, op, resp, &said))
        return HG_SKIP;
    int64_t status = status_of(&said, resp);
    enum fault fault;

    if (!fault_of_words(&said, status, words, &fault))
        fault = fault_of(&said, text_folded(host, op, said.message), status);
    const struct meaning *meaning = &meanings[fault];

    out->code = meaning->code;
    out->http_status = status_shown(meaning, fault, status);
    out->flags = meaning->flags | (said_one_of(&said, other_words) ? OTHER : 0);
    out->flags = flags_wanted(http, resp, out->flags);
    out->type = type_of(&said, meaning);
    out->retry_after = delay_asked(http, resp->headers, said.message, wall_ms());
    if (!out->retry_after)
        out->retry_after = said.wait;
    out->message = mask_secrets(host, op, said.message, secret);
    if (!out->message.n)
        out->message = host->fmt(op, "the provider answered %d", (int)resp->status);
    if (fault == FAULT_QUOTA && status == 402 && out->retry_after)
        out->flags |= HG_ERR_RETRY; /* a spending limit that comes back by itself */
    return HG_OK;
}
