/* What events say is kept, texts escaped already, and written when the answer has ended. */
#include "dialect/cohere/writer.h"

#include "base/text.h"
#include "json/write.h"

static struct chain *list_of(struct dialect_writer *writer, struct chain **list)
{
    if (!*list) {
        *list = chain_new(writer->arena);
        json_arr(*list);
    }
    return *list;
}

static void block_end(struct dialect_writer *writer)
{
    if (writer->open == BLOCK_NONE)
        return;
    writer->open = BLOCK_NONE;
    json_str_end(writer->content);
    json_end(writer->content);
}

static void piece_keep(struct dialect_writer *writer, const hg_event *event, enum piece block)
{
    bool is_other = block == BLOCK_THINKING && writer->thoughts != event->index;
    struct chain *content = list_of(writer, &writer->content);

    if (!event->text.n)
        return;
    if (writer->open != block || is_other) {
        block_end(writer);
        writer->open = block;
        json_obj(content);
        JSON_KEY(content, "type");
        json_put_str(content, cohere_writer_block_word(block));
        json_key(content, cohere_writer_block_word(block));
        json_str_begin(content);
    }
    writer->thoughts = event->index;
    json_escape(content, event->text);
}

static void call_keep(struct dialect_writer *writer, const hg_event *event)
{
    struct call *call = cohere_writer_call(writer, event->index);

    if (!call)
        return;
    if (event->type == HG_EV_TOOL_START && !call->is_started) {
        call->is_started = true;
        call->id = arena_text(writer->arena, event->id);
        call->name = arena_text(writer->arena, event->name);
        call->args = chain_new(writer->arena);
    } else if (event->type == HG_EV_TOOL_ARGS && call->is_started) {
        json_escape(call->args, event->text);
    }
}

static void extra_keep(struct dialect_writer *writer, const hg_event *event)
{
    bool is_citations = text_is(event->name, COHERE_CITATIONS);
    hg_json_it it = {{0, 0}};
    hg_json doc, one;

    if (!is_citations && !text_is(event->name, HG_S("logprobs")))
        return;
    if (!json_parse(writer->arena, arena_text(writer->arena, event->text), &doc, NULL))
        return;
    writer->has_own_citations |= is_citations;
    if (!is_citations)
        doc = json_member(doc, HG_S("content"));
    while (doc.kind == HG_J_ARR && json_next(doc, &it, NULL, &one)) {
        if (is_citations)
            json_put_raw(list_of(writer, &writer->citations), json_raw(one));
        else if (json_member(one, HG_S("token")).kind == HG_J_STR &&
                 json_member(one, HG_S("logprob")).kind == HG_J_NUM)
            cohere_writer_logprob_put(one, list_of(writer, &writer->logprobs));
    }
}

void cohere_writer_whole_write(struct dialect_writer *writer, const hg_event *event)
{
    switch (event->type) {
    case HG_EV_TEXT:
        piece_keep(writer, event, BLOCK_TEXT);
        break;
    case HG_EV_REASONING:
        piece_keep(writer, event, BLOCK_THINKING);
        break;
    case HG_EV_TOOL_START:
    case HG_EV_TOOL_ARGS:
        call_keep(writer, event);
        break;
    case HG_EV_CITATION:
        if (!writer->has_own_citations)
            cohere_citation_write(writer->arena, event->text, list_of(writer, &writer->citations));
        break;
    case HG_EV_EXTRA:
        extra_keep(writer, event);
        break;
    default:
        break;
    }
}

static void list_put(struct chain *out, hg_str key, struct chain *list)
{
    if (!list)
        return;
    json_end(list);
    json_key(out, key);
    json_put_raw(out, chain_flat(list, out->arena));
}

static void calls_put(const struct dialect_writer *writer, struct chain *out)
{
    JSON_KEY(out, "tool_calls");
    json_arr(out);
    for (uint32_t i = 0; i < writer->call_count; i++) {
        const struct call *call = &writer->calls[i];

        if (!call->is_started)
            continue;
        json_obj(out);
        JSON_KEY(out, "id");
        json_put_str(out, call->id);
        JSON_KEY(out, "type");
        json_put_str(out, HG_S("function"));
        JSON_KEY(out, "function");
        json_obj(out);
        JSON_KEY(out, "name");
        json_put_str(out, call->name);
        JSON_KEY(out, "arguments");
        json_str_begin(out);
        if (call->args->len)
            chain_put_chain(out, call->args, 0, call->args->len);
        else
            CHAIN_PUT_LIT(out, "{}");
        json_str_end(out);
        json_end(out);
        json_end(out);
    }
    json_end(out);
}

static void message_put(struct dialect_writer *writer, struct chain *out)
{
    JSON_KEY(out, "message");
    json_obj(out);
    JSON_KEY(out, "role");
    json_put_str(out, HG_S("assistant"));
    block_end(writer);
    if (!writer->call_count)
        list_of(writer, &writer->content);
    list_put(out, HG_S("content"), writer->content);
    if (writer->call_count)
        calls_put(writer, out);
    list_put(out, HG_S("citations"), writer->citations);
    json_end(out);
}

void cohere_writer_whole_end(struct dialect_writer *writer, struct chain *out)
{
    hg_str body;

    if (!writer->failed && !writer->finish) {
        writer->error_type = DIALECT_BROKEN;
        writer->error_message = HG_S("the answer ended without a finish");
    }
    if (writer->failed || !writer->finish) {
        body = cohere_error_body(writer->arena, 502, writer->error_type, HG_S(""),
                                 writer->error_message);
        chain_put_const(out, body.p, body.n);
        return;
    }
    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, cohere_writer_id(writer));
    message_put(writer, out);
    JSON_KEY(out, "finish_reason");
    json_put_str(out, cohere_finish_word(writer->finish));
    cohere_writer_usage_put(writer, out);
    list_put(out, HG_S("logprobs"), writer->logprobs);
    json_end(out);
}
