#include "dialect/watch.h"

#include "base/text.h"

struct watch {
    struct arena *arena, *scratch;
    const struct dialect *dialect;
    struct dialect_reader *reader;
    struct dialect_event *event; /* being filled */
    struct chain *text;
};

static void text_add(struct watch *watch, hg_str text)
{
    if (text.n)
        watch->event->has_content = true;
    chain_put(watch->text, text.p, text.n);
}

static void on_event(void *arg, const hg_event *event)
{
    struct watch *watch = arg;
    struct dialect_event *ret = watch->event;
    struct arena *arena = watch->scratch;

    switch (event->type) {
    case HG_EV_START:
        ret->id = arena_text(arena, event->id);
        ret->model = arena_text(arena, event->name);
        break;
    case HG_EV_TEXT:
    case HG_EV_REASONING:
    case HG_EV_REFUSAL:
    case HG_EV_TOOL_ARGS:
        text_add(watch, event->text);
        break;
    case HG_EV_TOOL_START:
    case HG_EV_MEDIA:
    case HG_EV_CITATION:
        ret->has_content = true;
        break;
    case HG_EV_USAGE:
        ret->has_usage = true;
        ret->usage = *event->usage;
        break;
    case HG_EV_FINISH:
        ret->finish = event->finish;
        break;
    case HG_EV_ERROR:
        ret->is_error = !text_is(event->name, DIALECT_BROKEN);
        ret->is_valid = ret->is_error;
        ret->error_type = arena_text(arena, event->name);
        ret->error_message = arena_text(arena, event->text);
        break;
    default:
        break;
    }
}

struct watch *watch_new(struct arena *arena, const struct dialect *dialect, uint32_t kind)
{
    struct watch *watch = arena_zalloc(arena, sizeof *watch);

    watch->arena = arena;
    watch->dialect = dialect;
    watch->reader = dialect->reader_new(arena, kind, &(struct dialect_sink){on_event, watch});
    return watch;
}

static void begin(struct watch *watch, struct arena *scratch, struct dialect_event *event)
{
    *event = (struct dialect_event){.is_valid = true};
    watch->scratch = scratch;
    watch->event = event;
    watch->text = chain_new(scratch);
}

void watch_frame(struct watch *watch, struct arena *scratch, hg_str event, hg_str data,
                 struct dialect_event *ret)
{
    begin(watch, scratch, ret);
    watch->dialect->reader_frame(watch->reader, scratch, event, data);
    ret->text = chain_flat(watch->text, scratch);
    ret->is_done = watch->dialect->is_end && watch->dialect->is_end(event, data);
}

void watch_whole(struct watch *watch, hg_json doc, struct dialect_answer *ret)
{
    struct dialect_event event;

    begin(watch, watch->arena, &event);
    watch->dialect->reader_whole(watch->reader, watch->arena, doc);
    *ret = (struct dialect_answer){.is_valid = event.is_valid && event.finish && !event.is_error,
                                   .is_error = event.is_error,
                                   .has_usage = event.has_usage,
                                   .finish = event.finish,
                                   .model = event.model,
                                   .id = event.id,
                                   .error_type = event.error_type,
                                   .error_message = event.error_message,
                                   .usage = event.usage};
}
