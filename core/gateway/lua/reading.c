/* reading.c - a route reads an answer to its end: resp:each, resp:text, resp:json. Afterwards it
 * is in memory, and may still be returned. */
#include "base/buffer.h"
#include "base/text.h"
#include "gateway/lua/texts.h"
#include "gateway/pipe.h"

enum {
    READ_MAX = 4 * 1024 * 1024, /* of a stream, for it is kept */
    AHEAD_MAX = 64 * 1024       /* beyond what the function has seen */
};

enum purpose {
    READ_EACH,
    READ_TEXT,
    READ_JSON
};

struct reading {
    struct answer *answer;
    enum purpose purpose;
    struct pipe pipe;
    struct buffer events;
    size_t seen; /* bytes of them that the function has had */
    struct text_event event;
    struct routine_handle waiter;
    bool waiting, ended;
    struct fault fault;
    struct dialect_texts texts; /* of a whole answer */
    size_t at;
};

static void reading_done(void *arg)
{
    struct reading *reading = arg;

    text_event_done(&reading->event);
    buffer_done(&reading->events);
}

/* ---- what has been asked for ----------------------------------------------------------------- */

static hg_str whole_text(lua_State *L, struct answer *answer)
{
    struct request *request = answer->request;
    hg_str text = chain_flat(answer->body, request->arena);
    struct chain *whole = chain_new(request->arena);

    if (!answer->is_stream)
        return text;
    if (!dialect_to_whole(request->dialect, request->arena, request->asked.kind, text, whole))
        luaL_error(L, "this stream cannot be read as a whole");
    return chain_flat(whole, request->arena);
}

static int push_result(lua_State *L, struct answer *answer, enum purpose purpose)
{
    struct arena *arena = answer->request->arena;
    size_t before = arena_used(arena);
    hg_json doc;

    if (purpose == READ_EACH) {
        lua_settop(L, 1);
        return 1;
    }
    hg_str text = whole_text(L, answer);

    if (purpose == READ_TEXT)
        lua_push_text(L, text);
    else if (json_parse(arena, text, &doc, NULL))
        lua_push_json(L, arena, doc);
    else
        return 0;
    lua_charge(L, arena, before);
    return 1;
}

/* ---- a stream -------------------------------------------------------------------------------- */

static int reading_go(lua_State *L, struct reading *reading);

static int reading_resumed(lua_State *L, void *arg)
{
    return reading_go(L, arg);
}

static void reading_wake(struct reading *reading)
{
    if (!reading->waiting)
        return;
    reading->waiting = false;
    routine_wake(reading->waiter, reading_resumed, reading);
}

static void on_events(void *arg, hg_str events)
{
    struct reading *reading = arg;

    if (reading->ended)
        return;
    buffer_add(&reading->events, events.p, events.n);
    if (reading->events.len > READ_MAX) {
        reading->ended = true;
        reading->fault =
            (struct fault){.kind = FAULT_INTERNAL,
                           .message = HG_S("the stream is too long to be read by a route")};
        pipe_stop(&reading->pipe);
        reading_wake(reading);
    } else if (reading->pipe.attempt && reading->events.len - reading->seen > AHEAD_MAX) {
        attempt_pause(reading->pipe.attempt, true);
    }
}

static void on_pause(void *arg)
{
    reading_wake(arg);
}

static void on_end(void *arg, const struct fault *fault)
{
    struct reading *reading = arg;
    const struct attempt *attempt = reading->pipe.attempt;

    if (reading->ended)
        return;
    reading->ended = true;
    if (fault)
        reading->fault = *fault;
    else if (attempt && attempt->seen_error)
        reading->fault = (struct fault){.kind = FAULT_UPSTREAM_5XX,
                                        .code = attempt->error_type,
                                        .message = attempt->error_message,
                                        .target = text_of(attempt->target->name)};
    reading_wake(reading);
}

static const struct pipe_sink sink = {on_events, on_pause, on_end};

static void reading_cancel(void *arg)
{
    struct reading *reading = arg;

    reading->ended = true;
    pipe_stop(&reading->pipe);
}

static int reading_go_on(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return reading_go(L, (struct reading *)context); // NOLINT(performance-no-int-to-ptr)
}

/* Shows the function the texts that are there. */
static void events_show(lua_State *L, struct reading *reading)
{
    while (reading->seen < reading->events.len) {
        hg_str rest = {buffer_at(&reading->events) + reading->seen,
                       reading->events.len - reading->seen};

        reading->seen += text_event_read(&reading->event, reading->answer->request->dialect, rest);
        if (!reading->event.text.n)
            continue;
        lua_settop(L, 2);
        lua_pushvalue(L, 2);
        lua_push_text(L, reading->event.text);
        lua_callk(L, 1, 0, (lua_KContext)reading, reading_go_on);
    }
}

static int reading_finish(lua_State *L, struct reading *reading)
{
    struct answer *answer = reading->answer;
    struct chain *body;

    text_event_done(&reading->event);
    if (reading->fault.kind != FAULT_NONE)
        return lua_push_failure(L, &reading->fault);
    body = chain_new(answer->request->arena);
    chain_put_const(body, buffer_at(&reading->events), reading->events.len);
    answer_set_body(answer, body);
    answer->stages = NULL; /* it has been through them */
    answer->is_spent = false;
    return push_result(L, answer, reading->purpose);
}

static int reading_go(lua_State *L, struct reading *reading)
{
    struct attempt *attempt = reading->pipe.attempt;

    if (reading->purpose == READ_EACH)
        events_show(L, reading);
    reading->seen = reading->events.len;
    if (reading->ended)
        return reading_finish(L, reading);
    if (attempt && attempt->paused)
        attempt_pause(attempt, false);
    reading->waiter = routine_handle(routine_of(L));
    reading->waiting = true;
    return routine_wait(L, reading_cancel, reading);
}

static int stream_gather(lua_State *L, struct answer *answer, enum purpose purpose)
{
    struct reading *reading = arena_zalloc(answer->request->arena, sizeof *reading);

    routine_check_wait(L);
    reading->answer = answer;
    reading->purpose = purpose;
    arena_on_end(answer->request->arena, reading_done, reading);
    answer->is_spent = true;
    pipe_start(&reading->pipe, answer, &sink, reading);
    return reading_go(L, reading);
}

/* ---- a whole answer -------------------------------------------------------------------------- */

static int whole_go(lua_State *L, struct reading *reading);

static int whole_go_on(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return whole_go(L, (struct reading *)context); // NOLINT(performance-no-int-to-ptr)
}

static int whole_go(lua_State *L, struct reading *reading)
{
    while (reading->at < reading->texts.count) {
        lua_settop(L, 2);
        lua_pushvalue(L, 2);
        lua_push_text(L, reading->texts.list[reading->at++].text);
        lua_callk(L, 1, 0, (lua_KContext)reading, whole_go_on);
    }
    return push_result(L, reading->answer, READ_EACH);
}

static int whole_each(lua_State *L, struct answer *answer)
{
    struct arena *arena = answer->request->arena;
    size_t before = arena_used(arena);
    struct reading *reading = arena_zalloc(arena, sizeof *reading);
    hg_json doc;

    reading->answer = answer;
    reading->texts = lua_answer_texts(answer, &doc);
    lua_charge(L, arena, before);
    return whole_go(L, reading);
}

/* ---- methods --------------------------------------------------------------------------------- */

/* resp:each(f): resp, or nil and an error if the stream breaks. */
int response_each(lua_State *L)
{
    struct answer *answer = lua_check_response(L, 1);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    texts_check(L, answer);
    return answer->is_stream ? stream_gather(L, answer, READ_EACH) : whole_each(L, answer);
}

static int response_read(lua_State *L, enum purpose purpose)
{
    struct answer *answer = lua_check_response(L, 1);

    lua_settop(L, 1);
    texts_check(L, answer);
    if (answer->body && !answer->stages)
        return push_result(L, answer, purpose);
    return stream_gather(L, answer, purpose);
}

/* resp:text(), resp:json(): the body of an answer as if it were no stream; or nil and an error. */
int response_text(lua_State *L)
{
    return response_read(L, READ_TEXT);
}

int response_json(lua_State *L)
{
    return response_read(L, READ_JSON);
}
