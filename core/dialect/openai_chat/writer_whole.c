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
    struct tool *tool = writer_tool(writer, choice, event->index);

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
