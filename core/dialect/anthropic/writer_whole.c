/* A body at the end, from what was kept. */
#include "base/text.h"
#include "dialect/anthropic/writer.h"
#include "dialect/chat.h"
#include "json/write.h"

static void text_put(const struct content_block *block, struct chain *out)
{
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("text"));
    JSON_KEY(out, "text");
    json_put_str(out, buffer_text(&block->text));
    if (block->citations) {
        json_end(block->citations);
        JSON_KEY(out, "citations");
        json_put_raw(out, chain_flat(block->citations, out->arena));
    }
}

static void thinking_put(const struct content_block *block, struct chain *out)
{
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("thinking"));
    JSON_KEY(out, "thinking");
    json_put_str(out, buffer_text(&block->text));
    JSON_KEY(out, "signature");
    json_put_str(out, block->signature);
}

static void redacted_put(const struct content_block *block, struct chain *out)
{
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("redacted_thinking"));
    JSON_KEY(out, "data");
    json_put_str(out, buffer_text(&block->text));
}

static void call_put(const struct content_block *block, struct chain *out)
{
    const struct chat_part call = {.args = chat_plain(buffer_text(&block->text))};

    JSON_KEY(out, "type");
    json_put_str(out, HG_S("tool_use"));
    JSON_KEY(out, "id");
    json_put_str(out, block->id);
    JSON_KEY(out, "name");
    json_put_str(out, block->name);
    JSON_KEY(out, "input");
    chat_put_args_object(out->arena, out, &call);
}

static void (*const block_puts[BLOCK_KINDS])(const struct content_block *block,
                                             struct chain *out) = {
    [BLOCK_TEXT] = text_put,
    [BLOCK_THINKING] = thinking_put,
    [BLOCK_REDACTED] = redacted_put,
    [BLOCK_CALL] = call_put,
};

void anthropic_whole_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->has_failed) {
        hg_str body = anthropic_error_body(writer->arena, 502, writer->error_type, HG_S(""),
                                           writer->error_message);

        chain_put_const(out, body.p, body.n);
        return;
    }
    anthropic_message_begin(writer, out);
    JSON_KEY(out, "content");
    json_arr(out);
    for (const struct content_block *block = writer->blocks; block; block = block->next) {
        json_obj(out);
        block_puts[block->kind](block, out);
        json_end(out);
    }
    json_end(out);
    anthropic_stop_put(writer, out);
    JSON_KEY(out, "usage");
    anthropic_usage_put(&writer->usage, out);
    json_end(out);
}
