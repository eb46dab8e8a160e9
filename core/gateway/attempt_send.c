#include "base/clock.h"
#include "base/text.h"
#include "gateway/attempt_parts.h"
#include "gateway/gateway.h"
#include "gateway/upgrade.h"
#include "gateway/upload.h"
#include "gateway/upstreams.h"
#include "gateway/url.h"
#include "plugin/registry.h"
#include "json/write.h"

/* A line end in a field would be a field of somebody else's choice. */
static bool fields_are_clean(const hg_http_req *http)
{
    if (!http->method.n || text_has_control(http->method) || text_has_control(http->url))
        return false;
    for (size_t i = 0; i < http->n_headers; i++)
        if (!http->headers[i].name.n || text_has_control(http->headers[i].name) ||
            text_has_control(http->headers[i].value))
            return false;
    return true;
}

/* The pool for the URL's place. Nearly always it is the same as the last time. */
static struct upstream *upstream_find(struct attempt *attempt, hg_str url, struct url *ret_parts)
{
    struct target *target = attempt->target;
    struct error error;

    if (!url_split(url, ret_parts)) {
        attempt_fail(attempt, FAULT_INTERNAL, "%s: its plugin made a URL that is none",
                     target->name);
        return NULL;
    }
    hg_str origin = {url.p, (size_t)(ret_parts->path.p - url.p)};

    if (ret_parts->path.p < url.p || ret_parts->path.p > url.p + url.n)
        origin = url; /* no path in it */
    if (target->upstream && text_is(origin, target->origin))
        return target->upstream;
    struct upstream *upstream =
        upstreams_get(attempt->request->gateway->upstreams, &target->config->upstream,
                      ret_parts->is_tls, ret_parts->host, ret_parts->port, &error);

    if (!upstream) {
        attempt_fail(attempt, FAULT_CONNECT, "%s: %s", target->name, error.text);
        return NULL;
    }
    target_remember(target, origin, upstream);
    return upstream;
}

/* `length` less than 0: chunked. */
static hg_str head_write(struct attempt *attempt, const struct url *url, int64_t length)
{
    const hg_http_req *http = &attempt->http;
    size_t room = http->method.n + url->path.n + url->authority.n + 160;
    bool names_coding = false;

    for (size_t i = 0; i < http->n_headers; i++)
        room += http->headers[i].name.n + http->headers[i].value.n + 4;
    char *start = arena_alloc(attempt->request->arena, room);
    char *at = put_text(start, http->method);

    *at++ = ' ';
    if (url->path.n && *url->path.p != '/')
        *at++ = '/';
    at = put_text(at, url->path);
    at = put_text(at, HG_S(" HTTP/1.1\r\nhost: "));
    at = put_text(at, url->authority);
    for (size_t i = 0; i < http->n_headers; i++) {
        names_coding |= text_is_nocase(http->headers[i].name, HG_S("accept-encoding"));
        at = put_text(at, HG_S("\r\n"));
        at = put_text(at, http->headers[i].name);
        at = put_text(at, HG_S(": "));
        at = put_text(at, http->headers[i].value);
    }
    if (!names_coding)
        at = put_text(at, HG_S("\r\naccept-encoding: identity"));
    if (length < 0) {
        at = put_text(at, HG_S("\r\ntransfer-encoding: chunked"));
    } else if (length || text_is(http->method, HG_S("POST"))) {
        at = put_text(at, HG_S("\r\ncontent-length: "));
        at = put_u64(at, (uint64_t)length);
    }
    at = put_text(at, HG_S("\r\n\r\n"));
    return (hg_str){start, (size_t)(at - start)};
}

/* Whether the same request may go out twice when a pooled connection turns out to be dead. Asking a
 * model changes nothing on the other side; an upload or a job might. */
static bool is_repeatable(const struct attempt *attempt)
{
    return attempt->request->asked.kind != HG_R_RAW || text_is(attempt->http.method, HG_S("GET")) ||
           text_is(attempt->http.method, HG_S("HEAD"));
}

/* Of the whole body, of which the attempt may have changed the beginning. */
static int64_t body_length(const struct attempt *attempt, const struct chain *body)
{
    const struct request *request = attempt->request;
    int64_t here = body ? (int64_t)body->len : 0;

    if (!request->upload)
        return here;
    return request->upload->length < 0
               ? -1
               : request->upload->length - (int64_t)request->body->len + here;
}

static hg_ns shorter(hg_ns mine, hg_ns plugin)
{
    return plugin && (!mine || plugin < mine) ? plugin : mine;
}

void attempt_send(struct attempt *attempt)
{
    const hg_http_req *http = &attempt->http;
    const struct chain *body = (const struct chain *)http->body;
    struct outbound_request *sending = &attempt->sending;
    struct url url;

    if (attempt->refusal.n) {
        attempt_fail(attempt, FAULT_BAD_REQUEST, "%s: %.*s", attempt->target->name,
                     TEXT_ARG(attempt->refusal));
        return;
    }
    if (attempt->request->asked.kind == HG_R_REALTIME)
        upgrade_ask(attempt);
    if (!fields_are_clean(http) || (body && !json_ok(body))) {
        attempt_fail(attempt, FAULT_INTERNAL, "%s: its plugin made a malformed request",
                     attempt->target->name);
        return;
    }
    if (attempt->request->upload && !upload_follows(attempt, body)) {
        attempt_fail(attempt, FAULT_BAD_REQUEST, "%s: it takes no body that is streamed",
                     attempt->target->name);
        return;
    }
    struct upstream *upstream = upstream_find(attempt, http->url, &url);

    if (!upstream)
        return;
    int64_t length = body_length(attempt, body);

    sending->head = head_write(attempt, &url, length);
    sending->body = body && body->len ? body : NULL;
    sending->is_open = attempt->request->upload != NULL;
    sending->is_chunked = length < 0;
    sending->is_head = text_is(http->method, HG_S("HEAD"));
    sending->is_safe = is_repeatable(attempt);
    sending->connect_timeout = shorter(sending->connect_timeout, http->connect_timeout);
    sending->first_byte_timeout = shorter(sending->first_byte_timeout, http->first_byte_timeout);
    sending->idle_timeout = shorter(sending->idle_timeout, http->idle_timeout);
    if (http->total_timeout)
        sending->deadline =
            sending->deadline && sending->deadline < attempt->began + http->total_timeout
                ? sending->deadline
                : attempt->began + http->total_timeout;
    sending->max_body = http->max_body;
    attempt->state = ATTEMPT_SENT;
    attempt->outbound =
        outbound_send(upstream, attempt->request->arena, sending, &attempt_events, attempt);
    attempt->times = outbound_times(attempt->outbound);
}
