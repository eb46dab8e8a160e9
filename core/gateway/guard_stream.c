/* guard_stream.c - guards on a stream, window by window.
 *
 *   events   [ev 1][ev 2][ev 3][ev 4]      held until their text has passed (GUARD_HOLD), or let
 *   text      ····· ····· ····· ·····      through at once (GUARD_WATCH)
 *                  └ overlap ┘└ new ┘      a window: what is new, and the end of what was seen, so
 *                                          that nothing hides on a border
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/guard_run.h"
#include "gateway/stage.h"
#include "http/frame.h"
#include "plugin/host.h"
#include "plugin/registry.h"
#include "json/index.h"

enum {
    WINDOW_DEFAULT = 400,
    OVERLAP_DEFAULT = 100
};

/* An event that is held: where its bytes and its text lie in the buffers. */
struct held {
    size_t bytes, text;
};

struct guard_use {
    struct guard_run run;
    struct answer *answer;
    struct gateway_instance *guards[GUARDS_MAX];
    void *streams[GUARDS_MAX];
    enum guard_mode mode;
    size_t window, overlap;

    struct buffer events, text; /* of the held events; text also the overlap in GUARD_WATCH */
    struct held *held;
    size_t held_count, held_room;
    size_t seen;      /* bytes of `text` that a window has covered */
    size_t asked;     /* where the window ends that is judged; more may come meanwhile */
    uint64_t text_at; /* of the first byte of `text` in the whole answer */
    hg_text in_text;
    bool checking, ended, over;
    struct dialect_repeat *repeat; /* NULL: nothing is repeated, or nothing can be changed */
    bool edited; /* some servers repeat earlier text in every event: see event_hold */

    void (*on_events)(void *arg, hg_str events);
    void (*on_end)(void *arg, const struct fault *fault);
    void *arg;
};

static void advance(struct guard_use *use);

static void use_stop(void *self)
{
    struct guard_use *use = self;

    use->over = true;
    guard_run_cancel(&use->run);
}

static void use_free(void *arg)
{
    struct guard_use *use = arg;

    use_stop(use);
    buffer_done(&use->events);
    buffer_done(&use->text);
    free(use->held);
    use->held = NULL;
    use->held_count = use->held_room = 0;
}

/* ---- letting events go ----------------------------------------------------------------------- */

/* Takes the first `count` events and their text off the front. */
static void held_drop(struct guard_use *use, size_t count)
{
    size_t bytes = 0, text = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += use->held[i].bytes;
        text += use->held[i].text;
    }
    memmove(use->held, use->held + count, (use->held_count - count) * sizeof *use->held);
    use->held_count -= count;
    buffer_take(&use->events, bytes);
    buffer_take(&use->text, text);
    use->text_at += text;
    use->seen -= use->seen < text ? use->seen : text;
}

/* Lets go of the events whose text ends at or before byte `end` of the text. */
static void release(struct guard_use *use, size_t end)
{
    size_t count = 0, bytes = 0, text = 0;

    while (count < use->held_count && text + use->held[count].text <= end) {
        text += use->held[count].text;
        bytes += use->held[count++].bytes;
    }
    if (!count)
        return;
    struct arena *arena = arena_new();

    use->on_events(use->arg, texts_repeat(use->run.request->dialect, use->repeat, arena,
                                          (hg_str){buffer_at(&use->events), bytes}));
    arena_free(&arena);
    held_drop(use, count);
}

/* ---- edits ----------------------------------------------------------------------------------- */

/* The edits, made in one event after the other. */
struct edit_walk {
    const hg_edit *edits; /* sorted, those that are left */
    size_t count;
    size_t at; /* up to here the old text is dealt with */
};

/* The text of an event that begins at `from`. What is put in belongs to the event that holds the
 * place; what is put in behind everything, to the last one. */
static hg_str text_edited(struct edit_walk *walk, struct arena *arena, hg_str text, size_t from,
                          bool is_last)
{
    struct chain *out = chain_new(arena);
    size_t to = from + text.n;

    for (; walk->count && (walk->edits->at < to || is_last); walk->edits++, walk->count--) {
        const hg_edit *edit = walk->edits;

        if (edit->at > walk->at)
            chain_put_const(out, text.p + (walk->at - from), edit->at - walk->at);
        chain_put_const(out, edit->with.p, edit->with.n);
        if (edit->at + edit->n > walk->at)
            walk->at = edit->at + edit->n;
    }
    if (to > walk->at) {
        chain_put_const(out, text.p + (walk->at - from), to - walk->at);
        walk->at = to;
    }
    return chain_flat(out, arena);
}

/* Where a place of the old text is in the new one; one inside of an edit is where that begins. */
static size_t place_moved(const hg_edit *edits, size_t count, size_t place)
{
    size_t gone = 0, come = 0;

    for (; count && edits->at + edits->n <= place; edits++, count--) {
        gone += edits->n;
        come += edits->with.n;
    }
    return (count && edits->at < place ? edits->at : place) - gone + come;
}

static void event_rewrite(struct guard_use *use, struct arena *arena, hg_str bytes, hg_str text,
                          struct chain *out)
{
    const struct dialect *dialect = use->run.request->dialect;
    struct frame frame;

    if (frame_parse(arena, dialect->framing, bytes, &frame))
        texts_swap_event(dialect, arena, frame.event, frame.data, text, out);
}

/* The last event that has text; held_count if there is none. */
static size_t last_with_text(const struct guard_use *use)
{
    for (size_t i = use->held_count; i-- > 0;)
        if (use->held[i].text)
            return i;
    return use->held_count;
}

/* Writes the held events anew, with the edits in them. */
static void stream_edit(struct guard_run *run, const struct dialect_edits *edits)
{
    struct guard_use *use = (struct guard_use *)(void *)run;

    if (use->mode == GUARD_WATCH) /* what has gone out cannot be changed */
        return;
    struct arena *arena = arena_new();
    struct edit_walk walk = {edits_sorted(arena, edits), edits->count, 0};
    struct buffer events = {0}, text = {0};
    size_t bytes_at = 0, text_at = 0, last = last_with_text(use);

    use->edited = true;
    use->seen = place_moved(walk.edits, walk.count, use->seen);
    use->asked = place_moved(walk.edits, walk.count, use->asked);
    for (size_t i = 0; i < use->held_count; i++) {
        struct held *held = &use->held[i];
        hg_str bytes = {buffer_at(&use->events) + bytes_at, held->bytes};
        hg_str own = {buffer_at(&use->text) + text_at, held->text};

        bytes_at += held->bytes;
        if (own.n) {
            struct chain *out = chain_new(arena);

            own = text_edited(&walk, arena, own, text_at, i == last);
            event_rewrite(use, arena, bytes, own, out);
            bytes = chain_flat(out, arena);
        }
        text_at += held->text;
        *held = (struct held){bytes.n, own.n};
        buffer_add(&events, bytes.p, bytes.n);
        buffer_add(&text, own.p, own.n);
    }
    buffer_done(&use->events);
    buffer_done(&use->text);
    use->events = events;
    use->text = text;
    arena_free(&arena);
}

/* ---- windows --------------------------------------------------------------------------------- */

static void window_prepare(struct guard_run *run)
{
    struct guard_use *use = (struct guard_use *)(void *)run;
    size_t from = use->seen > use->overlap ? use->seen - use->overlap : 0;

    /* Edits count from the start of the held text, so that is what the guard is shown. */
    if (use->mode == GUARD_HOLD)
        from = 0;
    use->in_text = (hg_text){.role = HG_ROLE_ASSISTANT,
                             .text = {buffer_at(&use->text) + from, use->asked - from}};
    run->in.texts = &use->in_text;
    run->in.n_texts = 1;
    run->in.window_at = use->text_at + from;
    run->in.overlap = (uint32_t)(use->seen - from);
    run->in.last = use->ended && use->asked == use->text.len;
}

static void window_passed(struct guard_use *use)
{
    use->seen = use->asked;
    if (use->mode == GUARD_WATCH) {
        if (use->seen > use->overlap) {
            size_t gone = use->seen - use->overlap;

            buffer_take(&use->text, gone);
            use->text_at += gone;
            use->seen -= gone;
        }
        return;
    }
    release(use, use->seen > use->overlap ? use->seen - use->overlap : 0);
}

static void stream_over(struct guard_use *use, const struct fault *fault)
{
    use->over = true;
    use->on_end(use->arg, fault);
}

/* False if it is over: then `use` may be gone. */
static bool window_done(struct guard_use *use)
{
    use->checking = false;
    if (use->run.fault.kind != FAULT_NONE) {
        stream_over(use, &use->run.fault);
        return false;
    }
    window_passed(use);
    return true;
}

static void on_window(struct guard_run *run)
{
    struct guard_use *use = (struct guard_use *)(void *)run;

    if (window_done(use))
        advance(use);
}

/* Checks while there is something to check. */
static void advance(struct guard_use *use)
{
    while (!use->checking) {
        size_t fresh = use->text.len - use->seen;

        if (fresh < use->window && !(use->ended && fresh > 0)) {
            if (!use->ended)
                return;
            release(use, SIZE_MAX);
            stream_over(use, NULL);
            return;
        }
        use->checking = true;
        use->asked = use->text.len;
        if (!guard_run_start(&use->run))
            return;
        if (!window_done(use))
            return;
    }
}

/* ---- the relay's side ------------------------------------------------------------------------ */

static void *stream_memory(struct request *request, const hg_guard *functions)
{
    return functions && functions->stream_size
               ? arena_zalloc(request->arena, functions->stream_size)
               : NULL;
}

static void use_start(void *self, void (*on_events)(void *arg, hg_str events),
                      void (*on_end)(void *arg, const struct fault *fault), void *arg)
{
    struct guard_use *use = self;

    use->on_events = on_events;
    use->on_end = on_end;
    use->arg = arg;
}

static void event_hold(struct guard_use *use, hg_str bytes)
{
    const struct dialect *dialect = use->run.request->dialect;
    struct arena *arena = arena_new();
    struct frame frame = {0};
    hg_str text = {NULL, 0};
    hg_json doc;

    if (frame_parse(arena, dialect->framing, bytes, &frame) && frame.has_data &&
        json_parse(arena, text_trim(frame.data), &doc, NULL))
        text = texts_of_event(dialect, arena, doc);
    buffer_add(&use->text, text.p, text.n);
    if (use->edited && text.n) {
        /* An event may hold more than what it adds, and that must not bring back what was taken
         * out: from the first edit on, every event is written anew with its own text alone. */
        struct chain *out = chain_new(arena);

        texts_swap_event(dialect, arena, frame.event, frame.data, text, out);
        bytes = chain_flat(out, arena);
    }
    if (use->mode == GUARD_WATCH) {
        use->on_events(use->arg, bytes);
    } else {
        if (use->held_count == use->held_room) {
            use->held_room = use->held_room ? use->held_room * 2 : 32;
            use->held = xrealloc(use->held, use->held_room * sizeof *use->held);
        }
        use->held[use->held_count++] = (struct held){bytes.n, text.n};
        buffer_add(&use->events, bytes.p, bytes.n);
    }
    arena_free(&arena);
}

static void use_events(void *self, hg_str events)
{
    struct guard_use *use = self;

    while (events.n && !use->over) {
        size_t n = frame_first(use->run.request->dialect->framing, events);

        n = n && n <= events.n ? n : events.n;
        event_hold(use, (hg_str){events.p, n});
        events = (hg_str){events.p + n, events.n - n};
    }
    if (!use->over)
        advance(use);
}

static void use_end(void *self, bool whole)
{
    struct guard_use *use = self;

    (void)whole;
    if (use->over)
        return;
    /* A broken stream is judged like a whole one: what is held must still pass. */
    use->ended = true;
    advance(use);
}

static const struct stage_kind guard_stage = {
    .start = use_start, .events = use_events, .end = use_end, .stop = use_stop};

/* ---- the route's side ------------------------------------------------------------------------ */

void guard_use_new(struct answer *answer, struct gateway_instance *const *guards, unsigned count,
                   const struct guard_options *options)
{
    struct request *request = answer->request;
    struct guard_use *use = arena_zalloc(request->arena, sizeof *use);

    use->answer = answer;
    use->mode = options->mode;
    if (use->mode != GUARD_WATCH && request->dialect->repeat_new)
        use->repeat = request->dialect->repeat_new(request->arena);
    use->window = WINDOW_DEFAULT;
    use->overlap = OVERLAP_DEFAULT;
    for (unsigned i = 0; i < count && i < GUARDS_MAX; i++) {
        const hg_guard *functions = instance_iface(guards[i]->instance, HG_GUARD);

        use->guards[i] = guards[i];
        use->streams[i] = stream_memory(request, functions);
        if (functions && functions->window_chars)
            use->window = functions->window_chars;
        if (functions && functions->overlap_chars > use->overlap)
            use->overlap = functions->overlap_chars;
    }
    use->run = (struct guard_run){.request = request,
                                  .guards = use->guards,
                                  .count = count < GUARDS_MAX ? count : GUARDS_MAX,
                                  .on_error = options->on_error,
                                  .in = {.size = sizeof use->run.in,
                                         .stage = HG_STAGE_WINDOW,
                                         .req = req_of_view(&request->view)},
                                  .streams = use->streams,
                                  .prepare = window_prepare,
                                  .edit = stream_edit,
                                  .on_done = on_window};
    arena_on_end(request->arena, use_free, use);
    answer_add_stage(answer, &guard_stage, use);
}
