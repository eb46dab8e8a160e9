#include "token.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "words.h"

#define SECOND INT64_C(1000000000)

enum {
    MARGIN = 300,  /* seconds before its end that a token is renewed */
    LAST = 10,     /* seconds before its end that it is used no more */
    AGAIN = 15,    /* seconds until a renewal that failed is tried again */
    PATIENCE = 30, /* seconds: if this one is refused so soon after another, the age is not why */
    TIMEOUT = 20,
    ANSWER_MAX = 64 * 1024,
    WORD_MAX = 200
};

struct token_wait {
    struct token *token;
    struct token_wait *next, **link; /* link: NULL when it is in no list */
    hg_op op;
    void (*ready)(void *arg, hg_op op, hg_rc rc);
    void *arg;
};

/* ---- who waits ---------------------------------------------------------------------------- */

static void wait_unlink(struct token_wait *wait)
{
    if (!wait->link)
        return;
    *wait->link = wait->next;
    if (wait->next)
        wait->next->link = wait->link;
    wait->link = NULL;
}

static void on_op_end(void *arg)
{
    wait_unlink(arg);
}

static void wait_add(struct token *token, hg_op op, void (*ready)(void *, hg_op, hg_rc), void *arg)
{
    struct token_wait *wait = token->host->alloc(op, sizeof *wait);

    *wait = (struct token_wait){token, token->waiting, &token->waiting, op, ready, arg};
    if (wait->next)
        wait->next->link = &wait->next;
    token->waiting = wait;
    token->host->at_end(op, on_op_end, wait);
}

/* Those who come while this runs wait for the next exchange: they are not in the list taken. */
static void waits_answer(struct token *token, hg_rc rc, hg_str why)
{
    struct token_wait *list = token->waiting;

    token->waiting = NULL;
    if (list)
        list->link = &list;
    while (list) {
        struct token_wait *wait = list;

        wait_unlink(wait);
        if (rc != HG_OK)
            token->host->fail(wait->op, rc, "token: %.*s", (int)why.n, why.p);
        wait->ready(wait->arg, wait->op, rc);
    }
}

/* ---- the answer --------------------------------------------------------------------------- */

static void value_forget(struct token *token)
{
    if (token->value)
        explicit_bzero(token->value, strlen(token->value));
    free(token->value);
    token->value = NULL;
    token->end = 0;
}

static void times_set(struct token *token, int64_t seconds)
{
    hg_ns now = token->host->now();
    int64_t margin = seconds > 2 * MARGIN ? MARGIN : seconds / 4;

    token->renew = now + (seconds - margin) * SECOND;
    token->end = now + (seconds > 2 * LAST ? seconds - LAST : seconds) * SECOND;
}

/* Some write their numbers as texts. 0: there is none. */
static int64_t number_of(struct token *token, hg_op op, hg_json value)
{
    hg_str text;

    if (value.kind != HG_J_STR)
        return token->host->json->i64(value, 0);
    text = token->host->json->str(op, value);
    return strtoll(token->host->fmt(op, "%.*s", (int)text.n, text.p).p, NULL, 10);
}

static bool value_take(struct token *token, hg_op op, hg_json root)
{
    const hg_json_api *json = token->host->json;
    hg_str value = json->str(op, json->get(root, "/access_token"));
    int64_t seconds = number_of(token, op, json->get(root, "/expires_in"));

    if (!seconds) /* some say the moment instead, in seconds since 1970 */
        seconds = number_of(token, op, json->get(root, "/expires_on")) - (int64_t)time(NULL);
    if (seconds < 1 || seconds > 30 * 86400)
        seconds = 3600;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] <= ' ' || value.p[i] > '~')
            return false;
    }
    char *copy = value.n ? malloc(value.n + 1) : NULL;

    if (!copy)
        return false;
    *word_put(copy, value) = '\0';
    value_forget(token);
    token->value = copy;
    token->number++;
    times_set(token, seconds);
    return true;
}

static hg_rc class_of(const hg_http_resp *resp)
{
    if (resp->rc != HG_OK)
        return resp->rc;
    if (resp->status == 429)
        return HG_E_RATE;
    return resp->status >= 400 && resp->status < 500 ? HG_E_AUTH : HG_E_UPSTREAM;
}

static void token_answered(void *arg, hg_op op, const hg_http_resp *resp)
{
    struct token *token = arg;
    const hg_host *host = token->host;
    hg_json root = {0};
    hg_rc rc = class_of(resp);

    token->is_asking = false;
    if (resp->body && host->json->parse(op, host->body->flat(op, resp->body), &root) != HG_OK)
        root = (hg_json){0};
    if (resp->rc == HG_OK && resp->status == 200 && value_take(token, op, root)) {
        waits_answer(token, HG_OK, (hg_str){0});
        host->done(op, HG_OK);
        return;
    }
    /* "invalid_client": what is said beside it may name what nobody needs to know. */
    hg_str word = host->json->str(op, host->json->get(root, "/error"));
    hg_str why = host->fmt(op, "%.*s answered %d%s%.*s", (int)token->url.n, token->url.p,
                           (int)resp->status, word.n ? ", " : "",
                           (int)(word.n < WORD_MAX ? word.n : WORD_MAX), word.n ? word.p : "");

    token->renew = host->now() + AGAIN * SECOND;
    host->log(token->self, HG_WARN, "token: %.*s", (int)why.n, why.p);
    waits_answer(token, rc == HG_OK ? HG_E_UPSTREAM : rc, why);
    host->done(op, HG_OK);
}

/* ---- asking ------------------------------------------------------------------------------- */

void token_param(const hg_host *host, hg_out *out, const char *name, hg_str value)
{
    static const char hex[] = "0123456789ABCDEF";

    host->body->put(out, name, strlen(name));
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';

        host->body->put(out, is_plain ? (const char *)&value.p[i] : coded, is_plain ? 1 : 3);
    }
}

/* The op of an exchange ended without an answer: its time was up. */
static void on_asking_end(void *arg, hg_rc rc)
{
    struct token *token = arg;

    if (!token->is_asking)
        return;
    token->is_asking = false;
    token->renew = token->host->now() + AGAIN * SECOND;
    waits_answer(token, rc < 0 ? rc : HG_E_TIMEOUT, HG_S("no answer"));
}

const hg_header token_form[2] = {{{"content-type", 12}, {"application/x-www-form-urlencoded", 33}},
                                 {{"accept", 6}, {"application/json", 16}}};

static void credentials_put(struct token *token, hg_op op, hg_http_req *req)
{
    const hg_host *host = token->host;

    req->body = host->out(op);
    token_param(host, req->body, "grant_type=client_credentials&client_id=", token->client_id);
    token_param(host, req->body, "&client_secret=", token->client_secret);
    token_param(host, req->body, "&scope=", token->scope);
}

static hg_rc token_ask(struct token *token)
{
    const hg_host *host = token->host;
    hg_op op = host->background(token->self, TIMEOUT * SECOND, on_asking_end, token);
    hg_http_req req = {.size = sizeof req,
                       .method = HG_S("POST"),
                       .url = token->url,
                       .headers = token_form,
                       .n_headers = 2,
                       .max_body = ANSWER_MAX};
    hg_rc rc = HG_E_CONFIG;

    if (!token->ask)
        credentials_put(token, op, &req);
    if (!token->ask || token->ask(token, op, &req))
        rc = token->http->fetch(op, &req, token_answered, token);
    if (rc == HG_PENDING)
        token->is_asking = true;
    else
        host->done(op, rc);
    return rc;
}

hg_rc token_get(struct token *token, hg_op op, void (*ready)(void *arg, hg_op op, hg_rc rc),
                void *arg)
{
    hg_ns now = token->host->now();
    bool is_good = token->value && now < token->end;

    if (!token->is_asking && (!is_good || now >= token->renew)) {
        hg_rc rc = token_ask(token);

        if (rc != HG_PENDING && !is_good)
            return token->host->fail(op, rc < 0 ? rc : HG_E_INTERNAL, "token: cannot be asked for");
    }
    if (is_good)
        return HG_OK;
    wait_add(token, op, ready, arg);
    return HG_PENDING;
}

bool token_refused(struct token *token, uint32_t number)
{
    hg_ns now = token->host->now();
    bool is_other = !token->value || token->number != number;
    bool is_again = token->refused && now - token->refused < PATIENCE * SECOND;

    if (is_other || is_again)
        return is_other;
    value_forget(token);
    token->refused = now;
    return true;
}

void token_done(struct token *token)
{
    value_forget(token);
}
