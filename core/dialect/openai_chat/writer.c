/* Answers written from normalised events, for providers with a wire of their own: chunk by chunk,
 * or kept and written as a whole at the end. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "json/write.h"

enum {
    CHOICES_MAX = 128,
    TOOLS_MAX = 128
};

struct tool {
    hg_str id, name;
    struct chain *args; /* whole answers: escaped */
    bool started, has_args;
};

struct choice {
    struct chain *text, *reasoning;  /* whole answers: escaped */
    struct chain *citations, *media; /* whole answers: elements of a list */
    struct tool *tools;
    uint32_t tool_count, tool_room;
    uint32_t finish;
    bool begun;
};

/* A member of the root of a whole answer. */
struct extra {
    struct extra *next;
    hg_str name, raw;
};

struct dialect_writer {
    struct arena *arena;
    uint32_t kind;
    bool is_stream, with_usage, failed;
    hg_str id, model;
    int64_t created;
    struct choice *choices;
    uint32_t choice_count;
    struct extra *extra; /* the newest first */
    hg_usage usage;
    hg_str error_type, error_message;
};

struct dialect_writer *openai_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage)
{
    struct dialect_writer *writer = arena_zalloc(arena, sizeof *writer);

    writer->arena = arena;
    writer->kind = kind;
    writer->is_stream = is_stream;
    writer->with_usage = with_usage;
    writer->created = clock_wall_us() / 1000000;
    return writer;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static struct choice *choice_of(struct dialect_writer *writer, uint32_t number)
{
    if (number >= CHOICES_MAX)
        return NULL;
    if (number >= writer->choice_count) {
        struct choice *more = arena_zalloc(writer->arena, (number + 1) * sizeof *more);

        for (uint32_t i = 0; i < writer->choice_count; i++)
            more[i] = writer->choices[i];
        writer->choices = more;
        writer->choice_count = number + 1;
    }
    return &writer->choices[number];
}

static struct tool *tool_of(struct dialect_writer *writer, struct choice *choice, uint32_t number)
{
    if (number >= TOOLS_MAX)
        return NULL;
    if (number >= choice->tool_count) {
        struct tool *more = arena_zalloc(writer->arena, (number + 1) * sizeof *more);

        for (uint32_t i = 0; i < choice->tool_count; i++)
            more[i] = choice->tools[i];
        choice->tools = more;
        choice->tool_count = number + 1;
    }
    return &choice->tools[number];
}

static void keep(struct dialect_writer *writer, struct chain **where, hg_str text)
{
    if (!*where)
        *where = chain_new(writer->arena);
    json_escape(*where, text);
}

static hg_str random_id(struct arena *arena)
{
    static const char hex[] = "0123456789abcdef";
    char text[9 + 24] = "chatcmpl-";
    uint8_t bytes[12];

    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        text[9 + 2 * i] = hex[bytes[i] >> 4];
        text[10 + 2 * i] = hex[bytes[i] & 15];
    }
    return arena_text(arena, (hg_str){text, sizeof text});
}

/* ---- members that a chunk and a whole answer share ------------------------------------------- */

static hg_str object_name(const struct dialect_writer *writer)
{
    if (writer->kind == HG_R_EMBED)
        return HG_S("list");
    if (writer->kind == HG_R_COMPLETE)
        return HG_S("text_completion");
    return writer->is_stream ? HG_S("chat.completion.chunk") : HG_S("chat.completion");
}

static void root_begin(struct dialect_writer *writer, struct chain *out)
{
    json_obj(out);
    if (writer->kind != HG_R_EMBED) {
        if (!writer->id.n)
            writer->id = random_id(writer->arena);
        JSON_KEY(out, "id");
        json_put_str(out, writer->id);
        JSON_KEY(out, "created");
        json_put_i64(out, writer->created);
    }
    JSON_KEY(out, "object");
    json_put_str(out, object_name(writer));
    JSON_KEY(out, "model");
    json_put_str(out, writer->model);
}

/* There is no other word than these in this format. */
static hg_str finish_word(uint32_t finish)
{
    switch (finish) {
    case HG_FIN_LENGTH:
        return HG_S("length");
    case HG_FIN_TOOLS:
        return HG_S("tool_calls");
    case HG_FIN_FILTER:
        return HG_S("content_filter");
    default:
        return HG_S("stop");
    }
}

static void count_put(struct chain *out, const hg_usage *usage, uint32_t flag, hg_str key,
                      uint64_t count)
{
    if (!(usage->flags & flag))
        return;
    json_key(out, key);
    json_put_u64(out, count);
}

static void usage_put(struct dialect_writer *writer, struct chain *out)
{
    const hg_usage *usage = &writer->usage;

    JSON_KEY(out, "usage");
    json_obj(out);
    JSON_KEY(out, "prompt_tokens");
    json_put_u64(out, usage->input);
    if (writer->kind != HG_R_EMBED) {
        JSON_KEY(out, "completion_tokens");
        json_put_u64(out, usage->output);
    }
    JSON_KEY(out, "total_tokens");
    json_put_u64(out, usage->input + usage->output);
    if (usage->flags & (HG_U_CACHED | HG_U_CACHE_WRITE | HG_U_AUDIO_IN)) {
        JSON_KEY(out, "prompt_tokens_details");
        json_obj(out);
        count_put(out, usage, HG_U_CACHED, HG_S("cached_tokens"), usage->cached_input);
        count_put(out, usage, HG_U_CACHE_WRITE, HG_S("cache_write_tokens"), usage->cache_write);
        count_put(out, usage, HG_U_AUDIO_IN, HG_S("audio_tokens"), usage->audio_in);
        json_end(out);
    }
    if (usage->flags & (HG_U_REASONING | HG_U_AUDIO_OUT)) {
        JSON_KEY(out, "completion_tokens_details");
        json_obj(out);
        count_put(out, usage, HG_U_REASONING, HG_S("reasoning_tokens"), usage->reasoning);
        count_put(out, usage, HG_U_AUDIO_OUT, HG_S("audio_tokens"), usage->audio_out);
        json_end(out);
    }
    json_end(out);
}

/* {"type":"image_url","image_url":{"url":"data:image/png;base64,..."}} */
static void media_put(struct chain *out, const hg_event *event)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("image_url"));
    JSON_KEY(out, "image_url");
    json_obj(out);
    JSON_KEY(out, "url");
    json_put_str(out, arena_fmt(out->arena, "data:%.*s;base64,%.*s", TEXT_ARG(event->name),
                                TEXT_ARG(event->text)));
    json_end(out);
    json_end(out);
}

static bool is_json(hg_str text)
{
    return text.n && json_measure(text) == text.n;
}

/* Names that we write ourselves. */
static bool is_own_name(hg_str name)
{
    static const char *const names[] = {"id", "object", "created", "model", "choices", "usage"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, text_of(names[i])))
            return true;
    return false;
}

/* ---- a stream -------------------------------------------------------------------------------- */

static void chunk_begin(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct choice *choice = choice_of(writer, event->choice);

    CHAIN_PUT_LIT(out, "data: ");
    root_begin(writer, out);
    JSON_KEY(out, "choices");
    json_arr(out);
    json_obj(out);
    JSON_KEY(out, "index");
    json_put_u64(out, event->choice);
    if (writer->kind == HG_R_COMPLETE)
        return;
    JSON_KEY(out, "delta");
    json_obj(out);
    if (!choice->begun) {
        JSON_KEY(out, "role");
        json_put_str(out, HG_S("assistant"));
    }
    choice->begun = true;
}

static void chunk_end(struct dialect_writer *writer, uint32_t finish, struct chain *out)
{
    if (writer->kind != HG_R_COMPLETE)
        json_end(out);
    JSON_KEY(out, "finish_reason");
    if (finish)
        json_put_str(out, finish_word(finish));
    else
        json_put_null(out);
    json_end(out);
    json_end(out);
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
}

static void text_chunk(struct dialect_writer *writer, const hg_event *event, hg_str key,
                       struct chain *out)
{
    if (!event->text.n)
        return;
    chunk_begin(writer, event, out);
    json_key(out, writer->kind == HG_R_COMPLETE ? HG_S("text") : key);
    json_put_str(out, event->text);
    chunk_end(writer, 0, out);
}

static void function_put(hg_str name, hg_str args, struct chain *out)
{
    JSON_KEY(out, "function");
    json_obj(out);
    if (name.n) {
        JSON_KEY(out, "name");
        json_put_str(out, name);
    }
    JSON_KEY(out, "arguments");
    json_put_str(out, args);
    json_end(out);
}

static void tool_chunk(struct dialect_writer *writer, const hg_event *event, hg_str args,
                       struct chain *out)
{
    bool starts = event->type == HG_EV_TOOL_START;

    chunk_begin(writer, event, out);
    JSON_KEY(out, "tool_calls");
    json_arr(out);
    json_obj(out);
    JSON_KEY(out, "index");
    json_put_u64(out, event->index);
    if (starts) {
        JSON_KEY(out, "id");
        json_put_str(out, event->id);
        JSON_KEY(out, "type");
        json_put_str(out, HG_S("function"));
    }
    function_put(starts ? event->name : HG_S(""), args, out);
    json_end(out);
    json_end(out);
    chunk_end(writer, 0, out);
}

static void list_chunk(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (writer->kind == HG_R_COMPLETE)
        return;
    chunk_begin(writer, event, out);
    json_key(out, event->type == HG_EV_MEDIA ? HG_S("images") : HG_S("annotations"));
    json_arr(out);
    if (event->type == HG_EV_MEDIA)
        media_put(out, event);
    else
        json_put_raw(out, event->text);
    json_end(out);
    chunk_end(writer, 0, out);
}

/* Calls that never got an argument get an empty object: readers parse what they get. */
static void finish_chunk(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct choice *choice = choice_of(writer, event->choice);

    if (choice->finish)
        return;
    for (uint32_t i = 0; i < choice->tool_count; i++) {
        hg_event args = {.type = HG_EV_TOOL_ARGS, .choice = event->choice, .index = i};

        if (choice->tools[i].started && !choice->tools[i].has_args)
            tool_chunk(writer, &args, HG_S("{}"), out);
    }
    choice->finish = event->finish ? event->finish : HG_FIN_OTHER;
    chunk_begin(writer, event, out);
    if (writer->kind == HG_R_COMPLETE) {
        JSON_KEY(out, "text");
        json_put_str(out, HG_S(""));
    }
    chunk_end(writer, choice->finish, out);
}

/* A chunk of no choice: the usage, or a member that has no place of its own. */
static void bare_chunk(struct dialect_writer *writer, const hg_event *extra, struct chain *out)
{
    CHAIN_PUT_LIT(out, "data: ");
    root_begin(writer, out);
    JSON_KEY(out, "choices");
    json_arr(out);
    json_end(out);
    if (extra) {
        json_key(out, extra->name);
        json_put_raw(out, extra->text);
    } else {
        usage_put(writer, out);
    }
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
}

static void stream_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct choice *choice = choice_of(writer, event->choice);
    struct tool *tool = tool_of(writer, choice, event->index);
    hg_str error;

    switch (event->type) {
    case HG_EV_TEXT:
        text_chunk(writer, event, HG_S("content"), out);
        break;
    case HG_EV_REASONING:
        if (writer->kind == HG_R_CHAT)
            text_chunk(writer, event, HG_S("reasoning_content"), out);
        break;
    case HG_EV_TOOL_START:
        if (tool && !tool->started) {
            tool->started = true;
            tool_chunk(writer, event, HG_S(""), out);
        }
        break;
    case HG_EV_TOOL_ARGS:
        if (tool && tool->started && event->text.n) {
            tool->has_args = true;
            tool_chunk(writer, event, event->text, out);
        }
        break;
    case HG_EV_CITATION:
        if (is_json(event->text))
            list_chunk(writer, event, out);
        break;
    case HG_EV_MEDIA:
        list_chunk(writer, event, out);
        break;
    case HG_EV_FINISH:
        finish_chunk(writer, event, out);
        break;
    case HG_EV_EXTRA:
        if (is_json(event->text) && !is_own_name(event->name))
            bare_chunk(writer, event, out);
        break;
    case HG_EV_ERROR:
        error = openai_error_event(writer->arena, event->name, (hg_str){0}, event->text);
        chain_put_const(out, error.p, error.n);
        break;
    default:
        break;
    }
}

/* ---- a whole answer -------------------------------------------------------------------------- */

static void list_keep(struct dialect_writer *writer, struct chain **where, const hg_event *event)
{
    if (!*where) {
        *where = chain_new(writer->arena);
        json_arr(*where);
    }
    if (event->type == HG_EV_MEDIA)
        media_put(*where, event);
    else if (is_json(event->text))
        json_put_raw(*where, event->text);
}

/* A name that comes again has the new value. */
static void extra_keep(struct dialect_writer *writer, const hg_event *event)
{
    struct extra *extra = writer->extra;

    if (!is_json(event->text) || is_own_name(event->name))
        return;
    while (extra && !text_is(extra->name, event->name))
        extra = extra->next;
    if (!extra) {
        extra = arena_zalloc(writer->arena, sizeof *extra);
        extra->name = arena_text(writer->arena, event->name);
        extra->next = writer->extra;
        writer->extra = extra;
    }
    extra->raw = arena_text(writer->arena, event->text);
}

static void whole_write(struct dialect_writer *writer, const hg_event *event)
{
    struct choice *choice = choice_of(writer, event->choice);
    struct tool *tool = tool_of(writer, choice, event->index);

    switch (event->type) {
    case HG_EV_TEXT:
        keep(writer, &choice->text, event->text);
        break;
    case HG_EV_REASONING:
        keep(writer, &choice->reasoning, event->text);
        break;
    case HG_EV_TOOL_START:
        if (tool && !tool->started) {
            tool->started = true;
            tool->id = arena_text(writer->arena, event->id);
            tool->name = arena_text(writer->arena, event->name);
        }
        break;
    case HG_EV_TOOL_ARGS:
        if (tool && tool->started)
            keep(writer, &tool->args, event->text);
        break;
    case HG_EV_CITATION:
        list_keep(writer, &choice->citations, event);
        break;
    case HG_EV_MEDIA:
        list_keep(writer, &choice->media, event);
        break;
    case HG_EV_FINISH:
        if (!choice->finish)
            choice->finish = event->finish ? event->finish : HG_FIN_OTHER;
        break;
    case HG_EV_EXTRA:
        extra_keep(writer, event);
        break;
    default:
        break;
    }
}

/* A kept text as a string, from what is escaped already. */
static void kept_put(struct chain *out, const struct chain *kept, hg_str otherwise)
{
    struct chain *string = chain_new(out->arena);

    if (!kept || !kept->len) {
        json_put_raw(out, otherwise);
        return;
    }
    CHAIN_PUT_LIT(string, "\"");
    chain_put_chain(string, kept, 0, kept->len);
    CHAIN_PUT_LIT(string, "\"");
    json_put_raw(out, chain_flat(string, out->arena));
}

static void tools_put(const struct choice *choice, struct chain *out)
{
    JSON_KEY(out, "tool_calls");
    json_arr(out);
    for (uint32_t i = 0; i < choice->tool_count; i++) {
        const struct tool *tool = &choice->tools[i];

        if (!tool->started)
            continue;
        json_obj(out);
        JSON_KEY(out, "id");
        json_put_str(out, tool->id);
        JSON_KEY(out, "type");
        json_put_str(out, HG_S("function"));
        JSON_KEY(out, "function");
        json_obj(out);
        JSON_KEY(out, "name");
        json_put_str(out, tool->name);
        JSON_KEY(out, "arguments");
        kept_put(out, tool->args, HG_S("\"{}\""));
        json_end(out);
        json_end(out);
    }
    json_end(out);
}

static void list_put(struct chain *out, hg_str key, struct chain *list)
{
    if (!list)
        return;
    json_end(list);
    json_key(out, key);
    json_put_raw(out, chain_flat(list, out->arena));
}

static void message_put(const struct choice *choice, struct chain *out)
{
    bool has_tools = false;

    for (uint32_t i = 0; i < choice->tool_count; i++)
        has_tools |= choice->tools[i].started;
    JSON_KEY(out, "message");
    json_obj(out);
    JSON_KEY(out, "role");
    json_put_str(out, HG_S("assistant"));
    JSON_KEY(out, "content");
    kept_put(out, choice->text, has_tools ? HG_S("null") : HG_S("\"\""));
    if (choice->reasoning) {
        JSON_KEY(out, "reasoning_content");
        kept_put(out, choice->reasoning, HG_S("\"\""));
    }
    if (has_tools)
        tools_put(choice, out);
    list_put(out, HG_S("annotations"), choice->citations);
    list_put(out, HG_S("images"), choice->media);
    json_end(out);
}

static void choices_put(struct dialect_writer *writer, struct chain *out)
{
    JSON_KEY(out, "choices");
    json_arr(out);
    for (uint32_t i = 0; i < writer->choice_count; i++) {
        const struct choice *choice = &writer->choices[i];

        json_obj(out);
        JSON_KEY(out, "index");
        json_put_u64(out, i);
        if (writer->kind == HG_R_COMPLETE) {
            JSON_KEY(out, "text");
            kept_put(out, choice->text, HG_S("\"\""));
        } else {
            message_put(choice, out);
        }
        JSON_KEY(out, "finish_reason");
        json_put_str(out, finish_word(choice->finish));
        json_end(out);
    }
    json_end(out);
}

static void extra_put(const struct dialect_writer *writer, struct chain *out)
{
    for (const struct extra *extra = writer->extra; extra; extra = extra->next) {
        json_key(out, extra->name);
        json_put_raw(out, extra->raw);
    }
}

static void whole_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->failed) {
        hg_str body = openai_error_body(writer->arena, 502, writer->error_type, (hg_str){0},
                                        writer->error_message);

        chain_put_const(out, body.p, body.n);
        return;
    }
    root_begin(writer, out);
    if (writer->kind != HG_R_EMBED)
        choices_put(writer, out);
    extra_put(writer, out);
    if (writer->usage.flags)
        usage_put(writer, out);
    json_end(out);
}

/* ---- both ------------------------------------------------------------------------------------ */

void openai_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (writer->failed || !choice_of(writer, event->choice))
        return;
    switch (event->type) {
    case HG_EV_START:
        writer->id = arena_text(writer->arena, event->id);
        writer->model = arena_text(writer->arena, event->name);
        return;
    case HG_EV_USAGE:
        if (event->usage)
            writer->usage = *event->usage;
        return;
    case HG_EV_ERROR:
        writer->error_type = arena_text(writer->arena, event->name);
        writer->error_message = arena_text(writer->arena, event->text);
        break;
    default:
        break;
    }
    if (writer->is_stream)
        stream_write(writer, event, out);
    else
        whole_write(writer, event);
    writer->failed = event->type == HG_EV_ERROR;
}

/* A stream that failed has no end mark: its readers would take it for a whole one. */
void openai_write_end(struct dialect_writer *writer, struct chain *out)
{
    if (!writer->is_stream) {
        whole_end(writer, out);
        return;
    }
    if (writer->failed)
        return;
    if (writer->with_usage && writer->usage.flags)
        bare_chunk(writer, NULL, out);
    CHAIN_PUT_LIT(out, "data: [DONE]\n\n");
}
