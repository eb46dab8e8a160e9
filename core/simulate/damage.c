#include "simulate/damage.h"

#include "base/text.h"
#include "simulate/fault.h"

bool damage_is_foreign(const struct rule *rule)
{
    return rule->body.n || rule->raw.n || rule->garbage.n;
}

bool damage_is_whole(const struct rule *rule)
{
    return fault_is_wanted(rule) || damage_is_foreign(rule);
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
static void put_error_event(const struct ask *ask, struct reply *reply)
{
    struct fault fault = fault_of(reply->arena, ask->dialect, ask->rule, 500);
    uint64_t events = 0;
    size_t keep = 0;

    while (keep < reply->count && events < ask->rule->error_event_at)
        events += reply->pieces[keep++].is_event;
    reply->count = keep;
    fault_event(reply, ask->dialect, &fault);
}

static void put_error_in_200(const struct ask *ask, struct reply *reply)
{
    struct fault fault = fault_of(reply->arena, ask->dialect, ask->rule, 500);
    bool is_stream = reply->is_stream;

    reply_clear(reply);
    if (is_stream)
        fault_event(reply, ask->dialect, &fault);
    else
        fault_answer(reply, ask->dialect, &fault);
    reply->status = 200;
}

static void put_error(const struct ask *ask, struct reply *reply)
{
    struct fault fault = fault_of(reply->arena, ask->dialect, ask->rule, 500);

    fault_answer(reply, ask->dialect, &fault);
}

static void add_lines(const struct rule *rule, struct reply *reply)
{
    reply->headers =
        arena_fmt(reply->arena, "%.*s%.*s", TEXT_ARG(reply->headers), TEXT_ARG(rule->headers));
    if (rule->retry_after.n)
        reply_header(reply, HG_S("retry-after"), rule->retry_after);
    if (rule->retry_after_ms.n)
        reply_header(reply, HG_S("retry-after-ms"), rule->retry_after_ms);
}

void damage_apply(const struct ask *ask, struct reply *reply)
{
    const struct rule *rule = ask->rule;

    if (rule->garbage.n)
        put_garbage(reply, rule->garbage);
    else if (rule->body.n)
        replace(reply, HG_S("application/json"), rule->body);
    else if (fault_is_wanted(rule))
        put_error(ask, reply);
    else if (rule->error_in_200)
        put_error_in_200(ask, reply);
    else if (rule->error_event_at != UNSET && reply->is_stream)
        put_error_event(ask, reply);
    if (rule->status != UNSET)
        reply->status = (unsigned)rule->status;
    if (rule->content_type.n)
        reply->content_type = rule->content_type;
    add_lines(rule, reply);
}
