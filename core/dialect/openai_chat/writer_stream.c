/* One chunk for each event, written at once. */
#include "dialect/openai_chat/writer.h"

#include "base/text.h"
#include "json/write.h"

static void chunk_begin(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct choice *choice = writer_choice(writer, event->choice);

    CHAIN_PUT_LIT(out, "data: ");
    writer_root_begin(writer, out);
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
        json_put_str(out, writer_finish_word(finish));
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

/* The text under the name that all readers know, and once more beside what goes with it, for those
 * who send it back. */
static void reasoning_chunk(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (!event->text.n && !event->id.n && !event->name.n)
        return;
    chunk_begin(writer, event, out);
    if (event->text.n) {
        JSON_KEY(out, "reasoning_content");
        json_put_str(out, event->text);
    }
    JSON_KEY(out, "reasoning_details");
    json_arr(out);
    writer_detail_put(out, event->index, event->text, event->id, event->name);
    json_end(out);
    chunk_end(writer, 0, out);
}

/* Of one choice: logprobs stand beside the delta, audio in it. */
static void choice_extra_chunk(struct dialect_writer *writer, const hg_event *event,
                               struct chain *out)
{
    bool is_audio = text_is(event->name, HG_S("audio"));

    if (writer->kind == HG_R_COMPLETE)
        return;
    chunk_begin(writer, event, out);
    if (!is_audio)
        json_end(out);
    json_key(out, event->name);
    json_put_raw(out, event->text);
    if (is_audio)
        json_end(out);
    JSON_KEY(out, "finish_reason");
    json_put_null(out);
    json_end(out);
    json_end(out);
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
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
    if (starts && event->text.n)
        writer_signature_put(out, event->text);
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
        writer_media_put(out, event);
    else
        json_put_raw(out, event->text);
    json_end(out);
    chunk_end(writer, 0, out);
}

/* Calls that never got an argument get an empty object: readers parse what they get. */
static void finish_chunk(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct choice *choice = writer_choice(writer, event->choice);

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
    writer_root_begin(writer, out);
    JSON_KEY(out, "choices");
    json_arr(out);
    json_end(out);
    if (extra) {
        json_key(out, extra->name);
        json_put_raw(out, extra->text);
    } else {
        writer_usage_put(writer, out);
    }
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
}

void writer_stream_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct choice *choice = writer_choice(writer, event->choice);
    struct tool *tool = NULL;
    hg_str error;

    if (event->type == HG_EV_TOOL_START || event->type == HG_EV_TOOL_ARGS)
        tool = writer_tool(writer, choice, event->index);

    switch (event->type) {
    case HG_EV_TEXT:
        text_chunk(writer, event, HG_S("content"), out);
        break;
    case HG_EV_REASONING:
        if (writer->kind == HG_R_CHAT)
            reasoning_chunk(writer, event, out);
        break;
    case HG_EV_REFUSAL:
        if (writer->kind == HG_R_CHAT)
            text_chunk(writer, event, HG_S("refusal"), out);
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
        if (writer_is_json(event->text))
            list_chunk(writer, event, out);
        break;
    case HG_EV_MEDIA:
        list_chunk(writer, event, out);
        break;
    case HG_EV_FINISH:
        finish_chunk(writer, event, out);
        break;
    case HG_EV_EXTRA:
        if (!writer_is_json(event->text) || writer_is_own_name(event->name))
            break;
        if (text_is(event->name, HG_S("logprobs")) || text_is(event->name, HG_S("audio")))
            choice_extra_chunk(writer, event, out);
        else
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

void writer_stream_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->failed)
        return;
    if (writer->with_usage && writer->usage.flags)
        bare_chunk(writer, NULL, out);
    CHAIN_PUT_LIT(out, "data: [DONE]\n\n");
}
