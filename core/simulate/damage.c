#include "simulate/damage.h"

#include <jansson.h>

#include "base/text.h"

static bool is_error(const struct rule *rule)
{
    return rule->status != UNSET && rule->status >= 400;
}

bool damage_is_whole(const struct rule *rule)
{
    return is_error(rule) || rule->body.n || rule->raw.n || rule->garbage.n;
}

static json_t *error_of(const struct rule *rule, unsigned status)
{
    return reply_error_object(status, rule->error_type, rule->error_code, (hg_str){0},
                              rule->error_message);
}

static void replace(struct reply *reply, hg_str content_type, hg_str body)
{
    reply_clear(reply);
    reply->content_type = content_type;
    if (body.n)
        reply_add(reply, body, false);
}

/* What garbage puts in the body's place; bytes, head and chunk are the sender's. */
static void put_garbage(struct reply *reply, hg_str kind)
{
    if (text_is(kind, HG_S("json")))
        replace(reply, HG_S("application/json"), HG_S("{\"id\": \"chatcmpl-1\", \"choices\": [{"));
    else if (text_is(kind, HG_S("sse")))
        replace(reply, HG_S("text/event-stream"),
                HG_S("data: {\"id\": \"chatcmpl-1\", \"choices\": [{\n\ndata: nonsense\n\n"));
    else if (text_is(kind, HG_S("html")))
        replace(reply, HG_S("text/html; charset=utf-8"),
                HG_S("<!DOCTYPE html><html><head><title>Welcome</title></head>"
                     "<body><h1>It works.</h1></body></html>\n"));
    else if (text_is(kind, HG_S("empty")))
        replace(reply, HG_S("application/json"), (hg_str){0});
    else
        replace(reply, HG_S("application/json"), HG_S("{}"));
}

/* The events before the `at`-th stay; the error is the last. */
static void put_error_event(const struct rule *rule, struct reply *reply)
{
    uint64_t events = 0;
    size_t keep = 0;

    while (keep < reply->count && events < rule->error_event_at)
        events += reply->pieces[keep++].is_event;
    reply->count = keep;
    reply_event(reply, error_of(rule, 500));
}

static void put_error_in_200(const struct rule *rule, struct reply *reply)
{
    bool is_stream = reply->is_stream;

    reply_clear(reply);
    if (is_stream)
        reply_event(reply, error_of(rule, 500));
    else
        reply_json(reply, error_of(rule, 500));
}

static void add_lines(const struct rule *rule, struct reply *reply)
{
    struct arena *arena = reply->arena;

    reply->headers =
        arena_fmt(arena, "%.*s%.*s", TEXT_ARG(reply->headers), TEXT_ARG(rule->headers));
    if (rule->retry_after.n)
        reply->headers = arena_fmt(arena, "%.*sretry-after: %.*s\r\n", TEXT_ARG(reply->headers),
                                   TEXT_ARG(rule->retry_after));
    if (rule->retry_after_ms.n)
        reply->headers = arena_fmt(arena, "%.*sretry-after-ms: %.*s\r\n", TEXT_ARG(reply->headers),
                                   TEXT_ARG(rule->retry_after_ms));
}

void damage_apply(const struct rule *rule, struct reply *reply)
{
    if (rule->garbage.n)
        put_garbage(reply, rule->garbage);
    else if (rule->body.n)
        replace(reply, HG_S("application/json"), rule->body);
    else if (is_error(rule))
        reply_error(reply, (unsigned)rule->status, rule->error_type, rule->error_code, (hg_str){0},
                    rule->error_message);
    else if (rule->error_in_200)
        put_error_in_200(rule, reply);
    else if (rule->error_event_at != UNSET && reply->is_stream)
        put_error_event(rule, reply);
    if (rule->status != UNSET)
        reply->status = (unsigned)rule->status;
    if (rule->content_type.n)
        reply->content_type = rule->content_type;
    add_lines(rule, reply);
}
