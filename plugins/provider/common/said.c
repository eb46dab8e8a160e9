#include "said.h"

#include <string.h>

#include "delay.h"

enum {
    RAW_MAX = 500
};

struct reading {
    const hg_host *host;
    hg_op op;
    hg_json root;
    struct said said;
};

static hg_json get(const struct reading *r, hg_json from, const char *place)
{
    return r->host->json->get(from, place);
}

static hg_str str(const struct reading *r, hg_json value)
{
    return r->host->json->str(r->op, value);
}

/* The first of the members that is a string with something in it. */
static hg_str first_str(const struct reading *r, hg_json from, const char *const *places)
{
    for (; *places; places++) {
        hg_str text = str(r, get(r, from, *places));

        if (text.n)
            return text;
    }
    return (hg_str){0};
}

/* Codes are words or numbers; numbers are sometimes written as words. */
static void code_read(struct reading *r, hg_json code)
{
    r->said.code = code.kind == HG_J_NUM ? r->host->json->raw(code) : str(r, code);
    r->said.number = r->host->json->i64(code, 0);
    if (code.kind == HG_J_STR && r->said.code.n && r->said.code.n < 8) {
        int64_t number = 0;

        for (size_t i = 0; i < r->said.code.n; i++) {
            unsigned digit = (unsigned char)r->said.code.p[i] - (unsigned)'0';

            if (digit > 9)
                return;
            number = number * 10 + digit;
        }
        r->said.number = number;
    }
}

static bool holds(hg_str text, const char *piece)
{
    return text.n && memmem(text.p, text.n, piece, strlen(piece));
}

/* Google's: {"retryDelay":"12.5s"}, and a quota of a day, which waiting does not help against. */
static void details_read(struct reading *r, hg_json details)
{
    hg_json_it it = {0}, inner = {0};
    hg_json detail, violation;

    while (details.kind == HG_J_ARR && r->host->json->next(details, &it, NULL, &detail)) {
        hg_json violations = get(r, detail, "/violations");

        delay_parse(str(r, get(r, detail, "/retryDelay")), 0, &r->said.wait);
        inner = (hg_json_it){0};
        while (violations.kind == HG_J_ARR &&
               r->host->json->next(violations, &inner, NULL, &violation)) {
            if (holds(str(r, get(r, violation, "/quotaId")), "PerDay"))
                r->said.type = r->said.code = HG_S("insufficient_quota");
        }
    }
}

/* {"error":{"message","type","code"}}; OpenRouter puts the inner provider's text into metadata. */
static bool error_read_object(struct reading *r, hg_json error)
{
    static const char *const messages[] = {"/message",           "/msg",   "/detail",
                                           "/error_description", "/error", NULL};

    if (error.kind != HG_J_OBJ)
        return false;
    hg_str raw = str(r, get(r, error, "/metadata/raw"));

    r->said.type = str(r, get(r, error, "/type"));
    if (!r->said.type.n)
        r->said.type = str(r, get(r, error, "/status"));
    r->said.message = first_str(r, error, messages);
    code_read(r, get(r, error, "/code"));
    details_read(r, get(r, error, "/details"));
    if (raw.n)
        r->said.message =
            r->host->fmt(r->op, "%.*s: %.*s", (int)r->said.message.n, r->said.message.p,
                         (int)(raw.n < RAW_MAX ? raw.n : RAW_MAX), raw.p);
    return true;
}

/* {"error":"text","code":...} */
static bool error_read_text(struct reading *r, hg_json error)
{
    if (error.kind != HG_J_STR)
        return false;
    r->said.message = str(r, error);
    r->said.type = str(r, get(r, r->root, "/error_type"));
    code_read(r, get(r, r->root, "/code"));
    return r->said.message.n > 0;
}

/* FastAPI: {"detail":"text"} or {"detail":[{"loc":["body","model"],"msg":"field required"}]} */
static bool error_read_detail(struct reading *r, hg_json detail)
{
    hg_json_it it = {0};
    hg_json part;
    hg_str where = {0};

    if (detail.kind == HG_J_STR) {
        r->said.message = str(r, detail);
        return r->said.message.n > 0;
    }
    if (detail.kind == HG_J_OBJ)
        return error_read_object(r, detail);
    if (detail.kind != HG_J_ARR)
        return false;
    hg_json loc = get(r, detail, "/0/loc");

    while (loc.kind == HG_J_ARR && where.n < RAW_MAX &&
           r->host->json->next(loc, &it, NULL, &part)) {
        hg_str word = part.kind == HG_J_STR ? str(r, part) : r->host->json->raw(part);

        where = r->host->fmt(r->op, "%.*s%s%.*s", (int)where.n, where.n ? where.p : "",
                             where.n ? "." : "", (int)(word.n < RAW_MAX ? word.n : RAW_MAX),
                             word.n ? word.p : "");
    }
    hg_str msg = str(r, get(r, detail, "/0/msg"));

    r->said.type = HG_S("invalid_request_error");
    r->said.message = where.n ? r->host->fmt(r->op, "%.*s: %.*s", (int)where.n, where.p, (int)msg.n,
                                             msg.n ? msg.p : "")
                              : msg;
    return r->said.message.n > 0;
}

/* {"errors":[{"code":7003,"message":"..."}]} or {"errors":["text"]}; Cloudflare's say in a 200 that
 * there was no success */
static bool error_read_list(struct reading *r, hg_json errors)
{
    if (errors.kind != HG_J_ARR)
        return false;
    hg_json first = get(r, errors, "/0");

    if (first.kind == HG_J_STR)
        r->said.message = str(r, first);
    return first.kind == HG_J_OBJ ? error_read_object(r, first) : r->said.message.n > 0;
}

/* {"message":"...","type":...,"code":...}, and names that others have for it. */
/* In a 200 only where it says so: an answer of Spark's with a code that is not 0 is an error, and
 * so is whatever has an error_code. */
static bool is_error_in_success(const struct reading *r)
{
    hg_json code = get(r, r->root, "/code");

    return get(r, r->root, "/error_code").kind != HG_J_NONE ||
           (code.kind == HG_J_NUM && r->host->json->i64(code, 0) != 0 &&
            get(r, r->root, "/choices").kind != HG_J_ARR &&
            get(r, r->root, "/data").kind != HG_J_ARR);
}

static bool error_read_flat(struct reading *r, bool in_success)
{
    static const char *const messages[] = {"/message", "/Message",           "/error_msg",
                                           "/msg",     "/fault/faultstring", NULL};

    if (in_success && !is_error_in_success(r))
        return false;
    r->said.message = first_str(r, r->root, messages);
    r->said.type = str(r, get(r, r->root, "/type"));
    if (!r->said.type.n)
        r->said.type = str(r, get(r, r->root, "/reason"));
    code_read(r, get(r, r->root, "/code"));
    if (!r->said.code.n)
        code_read(r, get(r, r->root, "/error_code"));
    return r->said.message.n > 0;
}

/* {"base_resp":{"status_code":1004,"status_msg":"..."}}, in a 200 as well */
static bool error_read_base_resp(struct reading *r)
{
    static const struct {
        int64_t code, status;
    } known[] = {{1002, 429}, {1004, 401}, {1008, 402}, {1013, 500}, {1026, 400},
                 {1027, 400}, {1039, 429}, {2013, 400}, {2049, 401}};
    int64_t code = r->host->json->i64(get(r, r->root, "/base_resp/status_code"), 0);

    if (code == 0)
        return false;
    r->said.message = str(r, get(r, r->root, "/base_resp/status_msg"));
    r->said.number = 502;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].code == code)
            r->said.number = known[i].status;
    }
    if (code == 1026 || code == 1027)
        r->said.code = HG_S("content_filter");
    return true;
}

/* {"Response":{"Error":{"Code":"...","Message":"..."}}}, Tencent's own */
static bool error_read_response(struct reading *r)
{
    hg_json error = get(r, r->root, "/Response/Error");

    if (error.kind != HG_J_OBJ)
        return false;
    r->said.message = str(r, get(r, error, "/Message"));
    code_read(r, get(r, error, "/Code"));
    return true;
}

/* Hugging Face tells in seconds how long a model still loads. */
static void wait_read(struct reading *r)
{
    double seconds = r->host->json->f64(get(r, r->root, "/estimated_time"), 0);

    if (seconds > 0 && seconds < 86400)
        r->said.wait = (hg_ns)(seconds * 1e9);
}

/* The first choice of an answer may carry an error of its own (OpenRouter). */
static bool error_read_json(struct reading *r, bool in_success)
{
    hg_json error = get(r, r->root, "/error");
    bool failed = !in_success || get(r, r->root, "/success").kind == HG_J_FALSE;

    return error_read_object(r, error) || error_read_text(r, error) || error_read_base_resp(r) ||
           error_read_object(r, get(r, r->root, "/choices/0/error")) ||
           (!in_success && (error_read_detail(r, get(r, r->root, "/detail")) ||
                            error_read_detail(r, get(r, r->root, "/message/detail")))) ||
           (failed && error_read_list(r, get(r, r->root, "/errors"))) || error_read_response(r) ||
           error_read_flat(r, in_success);
}

/* Not JSON: the beginning of what there is, without markup. */
static void error_read_plain(struct reading *r, hg_str body)
{
    char *text = r->host->alloc(r->op, RAW_MAX + 1);
    bool in_tag = false;
    size_t n = 0;

    for (size_t i = 0; i < body.n && n < RAW_MAX; i++) {
        unsigned char c = (unsigned char)body.p[i];

        if (c == '<' || c == '>') {
            in_tag = c == '<';
            c = ' ';
        }
        if (in_tag || (c <= ' ' && (n == 0 || text[n - 1] == ' ')))
            continue;
        text[n++] = c < ' ' || c > '~' ? ' ' : (char)c;
    }
    while (n && text[n - 1] == ' ')
        n--;
    r->said.message = (hg_str){text, n};
}

static bool error_read(struct reading *r, const hg_http_resp *resp)
{
    bool is_json;
    bool in_success = resp->status >= 200 && resp->status < 300;
    hg_str body = resp->body ? r->host->body->flat(r->op, resp->body) : (hg_str){0};

    is_json = body.n && r->host->json->parse(r->op, body, &r->root) == HG_OK;
    if (is_json && r->root.kind == HG_J_ARR) /* some of Google's come in a list */
        r->root = get(r, r->root, "/0");
    if (is_json) {
        wait_read(r);
        if (error_read_json(r, in_success))
            return true;
        if (in_success)
            return false;
    }
    if (in_success)
        r->said.message = HG_S("an answer that is not JSON: is base_url right?");
    else
        error_read_plain(r, is_json ? (hg_str){0} : body);
    return true;
}

bool said_read(const hg_host *host, hg_op op, const hg_http_resp *resp, struct said *ret_said)
{
    struct reading reading = {.host = host, .op = op};

    if (!error_read(&reading, resp))
        return false;
    *ret_said = reading.said;
    return true;
}
