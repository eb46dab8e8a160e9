/* headgate.http/1 over http/outbound.h. Where connections come from and whom they may reach is the
 * gateway's business (plugin_host_setup.upstream); this file makes the message and keeps the
 * exchange tied to its op. */
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/outbound.h"
#include "plugin/parts.h"

#define CONNECT_TIMEOUT    (10 * NS_PER_S)
#define FIRST_BYTE_TIMEOUT (60 * NS_PER_S)
#define IDLE_TIMEOUT       (60 * NS_PER_S)

enum {
    BODY_MAX = 10 << 20,
    BODY_FIRST = 4096
};

/* One exchange; lives in its op's memory. */
struct hg_http {
    struct owned owned;
    struct op *op;
    hg_op handle;
    struct outbound *outbound; /* NULL: over */
    void *arg;

    void (*on_fetched)(void *arg, hg_op, const hg_http_resp *); /* NULL: a stream */
    hg_http_stream stream;

    struct head head;    /* a copy, for fetch */
    struct block *block; /* the body so far, for fetch */
    size_t len;
};

/* ---- the place ---------------------------------------------------------------------------------
 */

struct place {
    bool is_tls;
    hg_str host; /* without brackets */
    hg_str authority;
    uint16_t port;
    hg_str path; /* with the query; may begin with "?" */
};

static bool is_printable(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
            return false;
    return true;
}

static hg_str text_from(hg_str text, size_t at)
{
    return (hg_str){text.p + at, text.n - at};
}

static bool host_is_right(hg_str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%",
                    host.p[i]))
            return false;
    return host.n > 0 && host.n < 256;
}

static bool authority_read(struct place *place)
{
    hg_str rest = place->authority, port = HG_S("");
    uint64_t number = place->is_tls ? 443 : 80;

    if (rest.n && rest.p[0] == '[') {
        bool is_closed = memchr(rest.p, ']', rest.n) != NULL;

        place->host = text_cut(text_from(rest, 1), ']', &rest);
        if (!is_closed || (rest.n && rest.p[0] != ':'))
            return false;
        port = rest.n ? text_from(rest, 1) : rest;
    } else {
        place->host = text_cut(rest, ':', &port);
        if (memchr(port.p ? port.p : "", ':', port.n))
            return false;
    }
    if (port.n && (!text_to_u64(port, &number) || number == 0 || number > 65535))
        return false;
    place->port = (uint16_t)number;
    return host_is_right(place->host);
}

static bool url_read(hg_str url, struct place *ret_place)
{
    hg_str rest;

    *ret_place = (struct place){0};
    if (url.n >= 8 && text_is_nocase((hg_str){url.p, 8}, HG_S("https://")))
        ret_place->is_tls = true, rest = text_from(url, 8);
    else if (url.n >= 7 && text_is_nocase((hg_str){url.p, 7}, HG_S("http://")))
        rest = text_from(url, 7);
    else
        return false;
    size_t n = 0;

    while (n < rest.n && !strchr("/?#", rest.p[n]))
        n++;
    ret_place->authority = (hg_str){rest.p, n};
    hg_str fragment;

    ret_place->path = text_cut(text_from(rest, n), '#', &fragment);
    return is_printable(url) && authority_read(ret_place);
}

/* ---- the message -------------------------------------------------------------------------------
 */

static bool is_token(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~",
                    text.p[i]) ||
            !text.p[i])
            return false;
    return text.n > 0;
}

/* Fields of which HTTP itself is made: a plugin that sets them could cut the message in two. */
static bool is_ours(hg_str name)
{
    static const char *const names[] = {"host",       "content-length", "transfer-encoding",
                                        "connection", "keep-alive",     "upgrade",
                                        "te",         "trailer",        "expect"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is_nocase(name, text_of(names[i])))
            return true;
    return false;
}

static bool value_is_right(hg_str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
            return false;
    return true;
}

static hg_rc message_check(hg_op op, const hg_http_req *req)
{
    if (!is_token(req->method))
        return op_fail(op, HG_E_INTERNAL, "the method of an HTTP request is no word");
    for (size_t i = 0; i < req->n_headers; i++) {
        const hg_header *header = &req->headers[i];

        if (!is_token(header->name))
            return op_fail(op, HG_E_INTERNAL, "the name of header %zu is no word", i);
        if (is_ours(header->name))
            return op_fail(op, HG_E_INTERNAL, "header %.*s is set by the gateway",
                           TEXT_ARG(header->name));
        if (!value_is_right(header->value))
            return op_fail(op, HG_E_INTERNAL, "the value of header %.*s has a line end in it",
                           TEXT_ARG(header->name));
    }
    const struct chain *body = (const struct chain *)req->body;

    if (body && (body->broken || body->depth))
        return op_fail(op, HG_E_INTERNAL, "the body of an HTTP request was written wrongly");
    return HG_OK;
}

static bool has_header(const hg_http_req *req, hg_str name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (text_is_nocase(req->headers[i].name, name))
            return true;
    return false;
}

static hg_str message_head(struct arena *arena, const hg_http_req *req, const struct place *place)
{
    const struct chain *body = (const struct chain *)req->body;
    size_t size = req->method.n + place->path.n + place->authority.n + 256;

    for (size_t i = 0; i < req->n_headers; i++)
        size += req->headers[i].name.n + req->headers[i].value.n + 4;
    char *start = arena_alloc(arena, size), *at = start;

    at = put_text(at, req->method);
    *at++ = ' ';
    if (!place->path.n || place->path.p[0] != '/')
        *at++ = '/';
    at = put_text(at, place->path);
    at = put_text(at, HG_S(" HTTP/1.1\r\nhost: "));
    at = put_text(at, place->authority);
    at = put_text(at, HG_S("\r\n"));
    if (!has_header(req, HG_S("user-agent")))
        at = put_text(at, HG_S("user-agent: headgate\r\n"));
    for (size_t i = 0; i < req->n_headers; i++) {
        at = put_text(at, req->headers[i].name);
        at = put_text(at, HG_S(": "));
        at = put_text(at, req->headers[i].value);
        at = put_text(at, HG_S("\r\n"));
    }
    if (body || text_is(req->method, HG_S("POST")) || text_is(req->method, HG_S("PUT"))) {
        at = put_text(at, HG_S("content-length: "));
        at = put_u64(at, body ? body->len : 0);
        at = put_text(at, HG_S("\r\n"));
    }
    at = put_text(at, HG_S("\r\n"));
    return (hg_str){start, (size_t)(at - start)};
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static hg_rc rc_of(enum outbound_fault fault)
{
    switch (fault) {
    case OUTBOUND_OK:
        return HG_OK;
    case OUTBOUND_CONNECT:
    case OUTBOUND_CONNECT_TIMEOUT:
    case OUTBOUND_NO_DESCRIPTORS:
        return HG_E_CONNECT;
    case OUTBOUND_FIRST_BYTE_TIMEOUT:
    case OUTBOUND_IDLE_TIMEOUT:
    case OUTBOUND_TOTAL_TIMEOUT:
        return HG_E_TIMEOUT;
    case OUTBOUND_CLOSED:
    case OUTBOUND_PROTOCOL:
        return HG_E_UPSTREAM;
    case OUTBOUND_TOO_LARGE:
        return HG_E_TOOBIG;
    }
    return HG_E_INTERNAL;
}

static void block_drop(void *arg)
{
    struct hg_http *http = arg;

    block_unref(http->block);
}

static void body_add(struct hg_http *http, hg_str data)
{
    struct block *block = http->block;

    if (!block || data.n > block->size - http->len) {
        size_t need = http->len + data.n, size = block ? 2 * block->size : BODY_FIRST;
        struct block *more = block_new(size < need ? need : size);

        if (block)
            memcpy(more->bytes, block->bytes, http->len);
        block_unref(block);
        http->block = more;
    }
    memcpy(http->block->bytes + http->len, data.p, data.n);
    http->len += data.n;
}

static void head_copy(struct arena *arena, struct head *to, const struct head *from)
{
    *to = *from;
    to->fields = arena_alloc(arena, from->field_count * sizeof *to->fields + 1);
    for (unsigned i = 0; i < from->field_count; i++)
        to->fields[i] =
            (struct field){arena_text(arena, from->fields[i].name),
                           arena_text(arena, from->fields[i].value), from->fields[i].id};
    to->target = to->path = to->query = to->host = HG_S("");
    to->content_type = arena_text(arena, from->content_type);
}

/* ---- a whole answer ----------------------------------------------------------------------------
 */

static void on_fetch_head(void *arg, const struct head *head)
{
    struct hg_http *http = arg;

    head_copy(op_arena(http->op), &http->head, head);
}

static void on_fetch_data(void *arg, hg_str data)
{
    body_add(arg, data);
}

static void fetched(struct hg_http *http, hg_rc rc)
{
    struct op *op = http->op;
    struct chain *body = chain_new(op_arena(op));

    if (http->len)
        chain_put_block(body, http->block, http->block->bytes, http->len);
    hg_http_resp resp = {
        .size = sizeof resp,
        .status = http->head.status,
        .rc = rc,
        .headers = headers_of_head(&http->head),
        .body = body_of_chain(body),
    };

    op_callback_enter(op, "http");
    http->on_fetched(http->arg, http->handle, &resp);
    op_callback_leave(op);
}

static void on_fetch_end(void *arg, enum outbound_fault fault, const char *reason)
{
    struct hg_http *http = arg;

    (void)reason;
    http->outbound = NULL;
    op_disown(&http->owned);
    fetched(http, rc_of(fault));
}

static const struct outbound_events fetch_events = {
    .on_head = on_fetch_head, .on_data = on_fetch_data, .on_end = on_fetch_end};

/* ---- a stream ----------------------------------------------------------------------------------
 */

static void stream_ended(struct hg_http *http, hg_rc rc)
{
    op_disown(&http->owned);
    if (!http->stream.end)
        return;
    op_callback_enter(http->op, "http");
    http->stream.end(http->arg, http->handle, rc);
    op_callback_leave(http->op);
}

/* What the plugin made of a piece. By then its op may have ended, and the exchange with it. */
static void stream_goes_on(struct hg_http *http, hg_rc rc)
{
    if (rc >= 0 || !http->outbound)
        return;
    outbound_cancel(&http->outbound);
    stream_ended(http, rc);
}

static void on_stream_head(void *arg, const struct head *head)
{
    struct hg_http *http = arg;
    hg_http_resp resp = {.size = sizeof resp,
                         .status = head->status,
                         .headers = headers_of_head(head),
                         .body = host_no_req.body(NULL)};
    hg_rc rc;

    if (!http->stream.head)
        return;
    op_callback_enter(http->op, "http");
    rc = http->stream.head(http->arg, http->handle, &resp);
    op_callback_leave(http->op);
    stream_goes_on(http, rc);
}

/* The plugin may share the bytes (put_body), so they need an owner. */
static void on_stream_data(void *arg, hg_str data)
{
    struct hg_http *http = arg;
    struct block *block = block_new(data.n);
    struct chain piece = {.count = 1, .room = CHAIN_INLINE, .len = data.n};
    hg_rc rc = HG_OK;

    memcpy(block->bytes, data.p, data.n);
    piece.first[0] = (struct segment){block->bytes, data.n, block};
    piece.segments = piece.first;
    op_callback_enter(http->op, "http");
    if (http->stream.data)
        rc = http->stream.data(http->arg, http->handle, body_of_chain(&piece));
    op_callback_leave(http->op);
    block_unref(block);
    stream_goes_on(http, rc);
}

static void on_stream_end(void *arg, enum outbound_fault fault, const char *reason)
{
    struct hg_http *http = arg;

    (void)reason;
    http->outbound = NULL;
    stream_ended(http, rc_of(fault));
}

static const struct outbound_events stream_events = {
    .on_head = on_stream_head, .on_data = on_stream_data, .on_end = on_stream_end};

/* ---- the service -------------------------------------------------------------------------------
 */

static void http_end(struct owned *owned)
{
    struct hg_http *http = (struct hg_http *)owned;

    outbound_cancel(&http->outbound);
}

static hg_ns or_default(hg_ns value, hg_ns otherwise)
{
    return value > 0 ? value : otherwise;
}

static void exchange_send(struct hg_http *http, struct upstream *upstream, const hg_http_req *req,
                          const struct place *place, const struct outbound_events *events)
{
    struct op *op = http->op;
    struct arena *arena = op_arena(op);
    struct outbound_request request = {
        .head = message_head(arena, req, place),
        .body = (const struct chain *)req->body,
        .is_head = text_is(req->method, HG_S("HEAD")),
        .is_safe = text_is(req->method, HG_S("HEAD")) || text_is(req->method, HG_S("GET")),
        .connect_timeout = or_default(req->connect_timeout, CONNECT_TIMEOUT),
        .first_byte_timeout = or_default(req->first_byte_timeout, FIRST_BYTE_TIMEOUT),
        .idle_timeout = or_default(req->idle_timeout, IDLE_TIMEOUT),
        .deadline = req->total_timeout > 0 ? clock_now() + req->total_timeout : 0,
        .max_body = req->max_body ? req->max_body : BODY_MAX,
    };

    if (op->deadline && (!request.deadline || op->deadline < request.deadline))
        request.deadline = op->deadline;
    http->owned.end = http_end;
    op_own(op, &http->owned);
    http->outbound = outbound_send(upstream, arena, &request, events, http);
}

/* A request as the plugin's header knows it, in our size. */
static hg_rc request_take(hg_op handle, const hg_http_req *from, hg_http_req *to)
{
    if (from->size < offsetof(hg_http_req, max_body) + sizeof from->max_body)
        return op_fail(handle, HG_E_INTERNAL, "hg_http_req.size is not set");
    *to = (hg_http_req){0};
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    return message_check(handle, to);
}

static hg_rc begin(struct hg_http *http, const hg_http_req *given,
                   const struct outbound_events *events)
{
    struct plugin_host *host = http->op->host;
    struct place place;
    hg_http_req req;
    struct error error;
    hg_rc rc = request_take(http->handle, given, &req);

    if (rc < 0)
        return rc;
    if (!url_read(req.url, &place))
        return op_fail(http->handle, HG_E_INTERNAL, "a URL is not http:// or https:// with a host");
    if (!host->setup.upstream)
        return op_fail(http->handle, HG_E_UNSUPPORTED, "this process makes no HTTP requests");
    char *name = arena_cstr(op_arena(http->op), place.host);
    struct upstream *upstream =
        host->setup.upstream(host->setup.arg, place.is_tls, name, place.port, &error);

    if (!upstream)
        return op_fail(http->handle, HG_E_CONNECT, "%s", error.text);
    exchange_send(http, upstream, &req, &place, events);
    return HG_PENDING;
}

static struct hg_http *http_new(hg_op owner, const char *use)
{
    struct op *op = op_find(owner, use);

    if (!op)
        return NULL;
    struct hg_http *http = arena_zalloc(op_arena(op), sizeof *http);

    http->op = op;
    http->handle = owner;
    return http;
}

static hg_rc http_fetch(hg_op owner, const hg_http_req *req,
                        void (*cb)(void *arg, hg_op, const hg_http_resp *), void *arg)
{
    struct hg_http *http = http_new(owner, "fetch");

    if (!http)
        return HG_E_CANCELLED;
    http->on_fetched = cb;
    http->arg = arg;
    hg_rc rc = begin(http, req, &fetch_events);

    if (rc == HG_PENDING)
        arena_on_end(op_arena(http->op), block_drop, http);
    return rc;
}

static hg_rc http_stream(hg_op owner, const hg_http_req *req, const hg_http_stream *stream,
                         void *arg, hg_http **ret_http)
{
    struct hg_http *http = http_new(owner, "stream");

    if (!http)
        return HG_E_CANCELLED;
    if (stream->size < sizeof http->stream)
        return op_fail(owner, HG_E_INTERNAL, "hg_http_stream.size is not set");
    memcpy(&http->stream, stream, sizeof http->stream);
    http->arg = arg;
    hg_rc rc = begin(http, req, &stream_events);

    if (rc == HG_PENDING && ret_http)
        *ret_http = http;
    return rc;
}

static void http_pause(hg_http *http, int on)
{
    if (http && http->outbound)
        outbound_pause(http->outbound, on != 0);
}

static hg_str http_header(const hg_headers *headers, const char *name)
{
    return headers ? head_field((const struct head *)headers, text_of(name)) : HG_S("");
}

const hg_http_api service_http = {
    .size = sizeof service_http,
    .fetch = http_fetch,
    .stream = http_stream,
    .pause = http_pause,
    .header = http_header,
};
