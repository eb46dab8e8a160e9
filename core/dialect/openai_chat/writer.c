/* Answers written from normalised events, for providers with a wire of their own: chunk by chunk,
 * or kept and written as a whole at the end. */
#include "dialect/openai_chat/writer.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "json/write.h"

enum {
    CHOICES_MAX = 128,
    TOOLS_MAX = 128,
    THOUGHTS_MAX = 256
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

struct choice *writer_choice(struct dialect_writer *writer, uint32_t number)
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

struct tool *writer_tool(struct dialect_writer *writer, struct choice *choice, uint32_t number)
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

struct thought *writer_thought(struct dialect_writer *writer, struct choice *choice,
                               uint32_t number)
{
    if (number >= THOUGHTS_MAX)
        return NULL;
    if (number >= choice->thought_count) {
        struct thought *more = arena_zalloc(writer->arena, (number + 1) * sizeof *more);

        for (uint32_t i = 0; i < choice->thought_count; i++)
            more[i] = choice->thoughts[i];
        choice->thoughts = more;
        choice->thought_count = number + 1;
    }
    return &choice->thoughts[number];
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

void writer_root_begin(struct dialect_writer *writer, struct chain *out)
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
hg_str writer_finish_word(uint32_t finish)
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

void writer_usage_put(struct dialect_writer *writer, struct chain *out)
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
void writer_media_put(struct chain *out, const hg_event *event)
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

void writer_detail_put(struct chain *out, uint32_t number, hg_str text, hg_str signature,
                       hg_str encrypted)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, encrypted.n ? HG_S("reasoning.encrypted") : HG_S("reasoning.text"));
    if (text.n) {
        JSON_KEY(out, "text");
        json_put_str(out, text);
    }
    if (encrypted.n) {
        JSON_KEY(out, "data");
        json_put_str(out, encrypted);
    }
    if (signature.n) {
        JSON_KEY(out, "signature");
        json_put_str(out, signature);
    }
    JSON_KEY(out, "index");
    json_put_u64(out, number);
    json_end(out);
}

void writer_signature_put(struct chain *out, hg_str signature)
{
    JSON_KEY(out, "extra_content");
    json_obj(out);
    JSON_KEY(out, "google");
    json_obj(out);
    JSON_KEY(out, "thought_signature");
    json_put_str(out, signature);
    json_end(out);
    json_end(out);
}

bool writer_is_json(hg_str text)
{
    return text.n && json_measure(text) == text.n;
}

/* Names that we write ourselves. */
bool writer_is_own_name(hg_str name)
{
    static const char *const names[] = {"id", "object", "created", "model", "choices", "usage"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, text_of(names[i])))
            return true;
    return false;
}

/* ---- both ------------------------------------------------------------------------------------ */

void openai_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (writer->failed || !writer_choice(writer, event->choice))
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
    case HG_EV_EXTRA:
        if (text_is(event->name, HG_S("created")))
            dialect_read_created(event->text, &writer->created);
        break;
    default:
        break;
    }
    if (writer->is_stream)
        writer_stream_write(writer, event, out);
    else
        writer_whole_write(writer, event);
    writer->failed = event->type == HG_EV_ERROR;
}

void openai_write_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->is_stream)
        writer_stream_end(writer, out);
    else
        writer_whole_end(writer, out);
}
