/* texts.c - the texts of an answer, one by one, for functions of a route: resp:map. */
#include "gateway/lua/texts.h"

#include "base/buffer.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "gateway/stage.h"
#include "json/index.h"

enum {
    QUEUE_HIGH = 64 * 1024 /* of events that wait for the function: stop reading */
};

void texts_check(lua_State *L, const struct answer *answer)
{
    if (answer->is_spent)
        luaL_error(L, "this response has been read in part: it can do nothing more");
    if ((!answer->body && !answer->is_stream) || (answer->attempt && answer->attempt->raw))
        luaL_error(L, "this kind of answer passes through unread: it has no texts");
}

/* ---- an event -------------------------------------------------------------------------------- */

size_t text_event_read(struct text_event *event, const struct dialect *dialect, hg_str events)
{
    size_t n = frame_first(dialect->framing, events);
    hg_json doc;

    text_event_done(event);
    event->arena = arena_new();
    event->bytes = arena_text(event->arena, (hg_str){events.p, n && n <= events.n ? n : events.n});
    if (frame_parse(event->arena, dialect->framing, event->bytes, &event->frame) &&
        event->frame.has_data && json_parse(event->arena, text_trim(event->frame.data), &doc, NULL))
        event->text = texts_of_event(dialect, event->arena, doc);
    return event->bytes.n;
}

void text_event_done(struct text_event *event)
{
    arena_free(&event->arena);
    *event = (struct text_event){0};
}

/* ---- what the function says ------------------------------------------------------------------ */

/* True with the text to put in place of the one it was given; the value is at the top. */
static bool replacement(lua_State *L, hg_str *ret)
{
    if (!lua_toboolean(L, -1))
        return false;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a function of resp:map returns a text, or nil to keep it, not a %s",
                   luaL_typename(L, -1));
    *ret = lua_text_at(L, -1);
    return true;
}

/* ---- a whole answer -------------------------------------------------------------------------- */

struct whole_map {
    struct answer *answer;
    hg_json doc;
    struct dialect_texts texts;
    hg_edit *edits;
    size_t at, changed;
};

static void whole_called(lua_State *L, struct whole_map *map)
{
    struct arena *arena = map->answer->request->arena;
    hg_str with;

    if (replacement(L, &with)) {
        engine_charge(L, with.n);
        map->edits[map->changed++] = (hg_edit){.text = (uint32_t)map->at,
                                               .n = map->texts.list[map->at].text.n,
                                               .with = arena_text(arena, with)};
    }
    map->at++;
}

static void whole_finish(struct whole_map *map)
{
    struct request *request = map->answer->request;
    struct chain *out = chain_new(request->arena);

    if (!map->changed)
        return;
    texts_edit_answer(request->dialect, request->arena, request->asked.kind, map->doc,
                      &(struct dialect_edits){map->edits, map->changed}, out);
    answer_set_body(map->answer, out);
}

static int whole_go_on(lua_State *L, int status, lua_KContext context);

static int whole_go(lua_State *L, struct whole_map *map)
{
    while (map->at < map->texts.count) {
        lua_settop(L, 2);
        lua_pushvalue(L, 2);
        lua_push_text(L, map->texts.list[map->at].text);
        lua_callk(L, 1, 1, (lua_KContext)map, whole_go_on);
        whole_called(L, map);
    }
    whole_finish(map);
    lua_settop(L, 1);
    return 1;
}

static int whole_go_on(lua_State *L, int status, lua_KContext context)
{
    struct whole_map *map = (struct whole_map *)context; // NOLINT(performance-no-int-to-ptr)

    (void)status;
    whole_called(L, map);
    return whole_go(L, map);
}

struct dialect_texts lua_answer_texts(struct answer *answer, hg_json *ret_doc)
{
    struct request *request = answer->request;
    struct arena *arena = request->arena;

    json_parse(arena, chain_flat(answer->body, arena), ret_doc, NULL);
    return texts_of_answer(request->dialect, arena, request->asked.kind, *ret_doc);
}

static int map_whole(lua_State *L, struct answer *answer)
{
    struct arena *arena = answer->request->arena;
    size_t before = arena_used(arena);
    struct whole_map *map = arena_zalloc(arena, sizeof *map);

    map->answer = answer;
    map->texts = lua_answer_texts(answer, &map->doc);
    map->edits = arena_zalloc(arena, (map->texts.count + 1) * sizeof *map->edits);
    lua_charge(L, arena, before);
    return whole_go(L, map);
}

/* ---- a stream: a stage with a routine of its own --------------------------------------------- */

struct mapping {
    struct request *request;
    struct answer *answer;
    int function; /* a reference */
    struct routine *routine;
    struct routine_handle waiter;
    bool started, waiting;         /* the routine; for more events */
    bool ended, over;              /* no more will come; nobody is to be told anything */
    struct dialect_repeat *repeat; /* NULL: nothing is repeated */
    bool edited; /* from then on every event is written anew, see guard_stream.c */
    bool paused;
    struct buffer queue;
    struct text_event event; /* the one at work */
    void (*on_events)(void *arg, hg_str events);
    void (*on_end)(void *arg, const struct fault *fault);
    void *arg;
};

static void mapping_forget(struct mapping *map)
{
    struct gateway *gateway = map->request->gateway;

    if (gateway->engine && map->function != LUA_NOREF)
        engine_unref(gateway->engine, &map->function);
    text_event_done(&map->event);
    buffer_done(&map->queue);
}

static void mapping_pause(struct mapping *map, bool pause)
{
    struct attempt *attempt = map->answer->body ? NULL : map->answer->attempt;

    if (map->paused == pause || !attempt)
        return;
    map->paused = pause;
    attempt_pause(attempt, pause);
}

/* The next event off the queue. False if there is none. */
static bool event_next(struct mapping *map)
{
    if (!map->queue.len)
        return false;
    buffer_take(&map->queue,
                text_event_read(&map->event, map->request->dialect, buffer_text(&map->queue)));
    if (map->queue.len < QUEUE_HIGH / 2)
        mapping_pause(map, false);
    return true;
}

static void event_pass(struct mapping *map)
{
    struct text_event *event = &map->event;

    if (!map->over)
        map->on_events(
            map->arg, texts_repeat(map->request->dialect, map->repeat, event->arena, event->bytes));
}

static void event_called(lua_State *L, struct mapping *map)
{
    struct text_event *event = &map->event;
    hg_str text = event->text;

    if (replacement(L, &text))
        map->edited = true;
    if (map->edited) {
        struct chain *out = chain_new(event->arena);

        texts_swap_event(map->request->dialect, event->arena, event->frame.event, event->frame.data,
                         text, out);
        event->bytes = chain_flat(out, event->arena);
    }
    event_pass(map);
}

static int mapping_go_on(lua_State *L, int status, lua_KContext context);
static int mapping_resumed(lua_State *L, void *arg);

static int mapping_go(lua_State *L, struct mapping *map)
{
    while (!map->over && event_next(map)) {
        if (!map->event.text.n) {
            event_pass(map);
            continue;
        }
        lua_settop(L, 2);
        lua_pushvalue(L, 2);
        lua_push_text(L, map->event.text);
        lua_callk(L, 1, 1, (lua_KContext)map, mapping_go_on);
        event_called(L, map);
    }
    if (map->over || map->ended)
        return 0;
    map->waiter = routine_handle(routine_of(L));
    map->waiting = true;
    return routine_wait(L, NULL, NULL);
}

static int mapping_go_on(lua_State *L, int status, lua_KContext context)
{
    struct mapping *map = (struct mapping *)context; // NOLINT(performance-no-int-to-ptr)

    (void)status;
    event_called(L, map);
    return mapping_go(L, map);
}

static int mapping_resumed(lua_State *L, void *arg)
{
    return mapping_go(L, arg);
}

/* What the routine runs: (mapping, function). */
int texts_map_main(lua_State *L)
{
    struct mapping *map = lua_touserdata(L, 1);

    map->routine = routine_of(L);
    return mapping_go(L, map);
}

static int push_mapping(lua_State *L, void *arg)
{
    struct mapping *map = arg;

    lua_pushlightuserdata(L, map);
    lua_rawgeti(L, LUA_REGISTRYINDEX, map->function);
    return 2;
}

static void on_mapping_end(struct routine *routine, lua_State *L, enum routine_outcome outcome,
                           void *arg)
{
    struct mapping *map = arg;
    bool tell = !map->over && outcome != ROUTINE_CANCELLED;

    (void)L;
    map->routine = NULL;
    map->over = true;
    mapping_forget(map);
    if (tell && outcome != ROUTINE_DONE)
        lua_take_bug(map->request, routine, outcome);
    if (tell)
        map->on_end(map->arg, outcome == ROUTINE_DONE ? NULL : &map->request->fault);
    request_unref(&map->request);
}

/* Starts the routine, or goes on with it. */
static void mapping_run(struct mapping *map)
{
    struct request *request = request_ref(map->request);

    if (!map->started) {
        map->started = true;
        map->request = request_ref(request);
        routine_start(request->gateway->engine,
                      &(struct routine_setup){.function = request->gateway->map_function,
                                              .push = push_mapping,
                                              .on_end = on_mapping_end,
                                              .arg = map});
    } else if (map->waiting) {
        map->waiting = false;
        routine_wake(map->waiter, mapping_resumed, map);
    }
    request_unref(&request);
}

static void stage_start(void *self, void (*on_events)(void *arg, hg_str events),
                        void (*on_end)(void *arg, const struct fault *fault), void *arg)
{
    struct mapping *map = self;

    map->on_events = on_events;
    map->on_end = on_end;
    map->arg = arg;
}

static void stage_events(void *self, hg_str events)
{
    struct mapping *map = self;

    if (map->over)
        return;
    buffer_add(&map->queue, events.p, events.n);
    if (map->queue.len > QUEUE_HIGH)
        mapping_pause(map, true);
    mapping_run(map);
}

static void stage_end(void *self, bool whole)
{
    struct mapping *map = self;

    (void)whole;
    if (map->over)
        return;
    map->ended = true;
    if (map->started) {
        mapping_run(map);
        return;
    }
    map->over = true;
    mapping_forget(map);
    map->on_end(map->arg, NULL);
}

static void stage_stop(void *self)
{
    struct mapping *map = self;

    if (map->over)
        return;
    map->over = true;
    if (map->routine)
        routine_cancel(map->routine);
    else if (!map->started)
        mapping_forget(map);
}

static const struct stage_kind map_stage = {
    .start = stage_start, .events = stage_events, .end = stage_end, .stop = stage_stop};

static int map_stream(lua_State *L, struct answer *answer)
{
    struct mapping *map = arena_zalloc(answer->request->arena, sizeof *map);

    map->request = answer->request;
    if (map->request->dialect->repeat_new)
        map->repeat = map->request->dialect->repeat_new(map->request->arena);
    map->answer = answer;
    lua_pushvalue(L, 2);
    map->function = luaL_ref(L, LUA_REGISTRYINDEX);
    answer_add_stage(answer, &map_stage, map);
    lua_settop(L, 1);
    return 1;
}

/* resp:map(f): resp. */
int response_map(lua_State *L)
{
    struct answer *answer = lua_check_response(L, 1);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    texts_check(L, answer);
    return answer->is_stream ? map_stream(L, answer) : map_whole(L, answer);
}
