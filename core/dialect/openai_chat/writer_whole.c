/* What events say is kept, texts escaped already, and written when the answer has ended. */
#include "dialect/openai_chat/writer.h"

#include "base/text.h"
#include "json/write.h"

static void keep(struct dialect_writer *writer, struct chain **where, hg_str text)
{
    if (!*where)
        *where = chain_new(writer->arena);
    json_escape(*where, text);
}

static void list_keep(struct dialect_writer *writer, struct chain **where, const hg_event *event)
{
    if (!*where) {
        *where = chain_new(writer->arena);
        json_arr(*where);
    }
    if (event->type == HG_EV_MEDIA)
        writer_media_put(*where, event);
    else if (writer_is_json(event->text))
        json_put_raw(*where, event->text);
}

/* The lists of several events make one. */
static void logprobs_keep(struct dialect_writer *writer, struct choice *choice, hg_str raw)
{
    hg_json root, content, item;
    hg_json_it it = {{0, 0}};

    if (!json_parse(writer->arena, arena_text(writer->arena, raw), &root, NULL))
        return;
    content = json_member(root, HG_S("content"));
    if (!choice->logprobs) {
        choice->logprobs = chain_new(writer->arena);
        json_arr(choice->logprobs);
    }
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &item))
        json_put_raw(choice->logprobs, json_raw(item));
}

static void thought_keep(struct dialect_writer *writer, struct choice *choice,
                         const hg_event *event)
{
    struct thought *thought = writer_thought(writer, choice, event->index);

    if (event->text.n)
        keep(writer, &choice->reasoning, event->text);
    if (!thought)
        return;
    if (event->text.n)
        keep(writer, &thought->text, event->text);
    if (event->id.n)
        thought->signature = arena_text(writer->arena, event->id);
    if (event->name.n)
        thought->encrypted = arena_text(writer->arena, event->name);
}

/* A name that comes again has the new value. */
static void extra_keep(struct dialect_writer *writer, const hg_event *event)
{
    struct extra *extra = writer->extra;

    if (!writer_is_json(event->text) || writer_is_own_name(event->name))
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

void writer_whole_write(struct dialect_writer *writer, const hg_event *event)
{
    struct choice *choice = writer_choice(writer, event->choice);
    struct tool *tool = NULL;

    if (event->type == HG_EV_TOOL_START || event->type == HG_EV_TOOL_ARGS)
        tool = writer_tool(writer, choice, event->index);
    switch (event->type) {
    case HG_EV_TEXT:
        keep(writer, &choice->text, event->text);
        break;
    case HG_EV_REASONING:
        thought_keep(writer, choice, event);
        break;
    case HG_EV_REFUSAL:
        keep(writer, &choice->refusal, event->text);
        break;
    case HG_EV_TOOL_START:
        if (tool && !tool->started) {
            tool->started = true;
            tool->id = arena_text(writer->arena, event->id);
            tool->name = arena_text(writer->arena, event->name);
            tool->signature = arena_text(writer->arena, event->text);
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
        if (text_is(event->name, HG_S("logprobs")))
            logprobs_keep(writer, choice, event->text);
        else if (text_is(event->name, HG_S("audio")) && writer_is_json(event->text))
            choice->audio = arena_text(writer->arena, event->text);
        else
            extra_keep(writer, event);
        break;
    default:
        break;
    }
}

/* A kept text as a string, from what is escaped already. */
static void kept_put(struct chain *out, const struct chain *kept, hg_str otherwise)
{
    if (!kept || !kept->len) {
        json_put_raw(out, otherwise);
        return;
    }
    json_str_begin(out);
    chain_put_chain(out, kept, 0, kept->len);
    json_str_end(out);
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
        if (tool->signature.n)
            writer_signature_put(out, tool->signature);
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

/* Only if there is more than the text, which stands in `reasoning_content`. */
static void thoughts_put(const struct choice *choice, struct chain *out)
{
    bool is_signed = false;

    for (uint32_t i = 0; i < choice->thought_count; i++)
        is_signed |= choice->thoughts[i].signature.n || choice->thoughts[i].encrypted.n;
    if (!is_signed)
        return;
    JSON_KEY(out, "reasoning_details");
    json_arr(out);
    for (uint32_t i = 0; i < choice->thought_count; i++) {
        const struct thought *thought = &choice->thoughts[i];
        hg_str text = thought->text
                          ? json_unescape(out->arena, chain_flat(thought->text, out->arena))
                          : HG_S("");

        writer_detail_put(out, i, text, thought->signature, thought->encrypted);
    }
    json_end(out);
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
    kept_put(out, choice->text, has_tools || choice->refusal ? HG_S("null") : HG_S("\"\""));
    if (choice->reasoning) {
        JSON_KEY(out, "reasoning_content");
        kept_put(out, choice->reasoning, HG_S("\"\""));
    }
    thoughts_put(choice, out);
    if (choice->refusal) {
        JSON_KEY(out, "refusal");
        kept_put(out, choice->refusal, HG_S("null"));
    }
    if (choice->audio.n) {
        JSON_KEY(out, "audio");
        json_put_raw(out, choice->audio);
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
        if (choice->logprobs) {
            JSON_KEY(out, "logprobs");
            json_obj(out);
            list_put(out, HG_S("content"), choice->logprobs);
            json_end(out);
        }
        JSON_KEY(out, "finish_reason");
        json_put_str(out, writer_finish_word(choice->finish));
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

void writer_whole_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->failed) {
        hg_str body = openai_error_body(writer->arena, 502, writer->error_type, (hg_str){0},
                                        writer->error_message);

        chain_put_const(out, body.p, body.n);
        return;
    }
    writer_root_begin(writer, out);
    if (writer->kind != HG_R_EMBED)
        choices_put(writer, out);
    extra_put(writer, out);
    if (writer->usage.flags)
        writer_usage_put(writer, out);
    json_end(out);
}
