/* What events say is kept block by block, and written when the answer has ended. */
#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/converse/writer.h"
#include "json/write.h"

/* ---- keeping -----------------------------------------------------------------------------------
 */

static struct block_kept *block_add(struct dialect_writer *writer, enum block_kind kind,
                                    uint32_t key)
{
    struct block_kept *block = arena_zalloc(writer->arena, sizeof *block);

    block->kind = kind;
    block->key = key;
    block->text = chain_new(writer->arena);
    *writer->blocks_end = block;
    writer->blocks_end = &block->next;
    return writer->last = block;
}

/* The last block if it goes on, else a new one. */
static struct block_kept *block_for(struct dialect_writer *writer, enum block_kind kind,
                                    uint32_t key)
{
    struct block_kept *last = writer->last;

    return last && last->kind == kind && last->key == key ? last : block_add(writer, kind, key);
}

static struct block_kept *tool_of(struct dialect_writer *writer, uint32_t key)
{
    for (struct block_kept *block = writer->blocks; block; block = block->next)
        if (block->kind == BLOCK_TOOL && block->key == key)
            return block;
    return NULL;
}

static void reasoning_keep(struct dialect_writer *writer, const hg_event *event)
{
    if (event->text.n || event->id.n) {
        struct block_kept *block = block_for(writer, BLOCK_REASONING, event->index);

        json_escape(block->text, event->text);
        if (event->id.n)
            block->signature = arena_text(writer->arena, event->id);
    }
    if (event->name.n)
        block_add(writer, BLOCK_REDACTED, event->index)->data =
            converse_blob_of(writer->arena, arena_text(writer->arena, event->name));
}

static void tool_keep(struct dialect_writer *writer, const hg_event *event)
{
    struct block_kept *block;

    if (tool_of(writer, event->index))
        return;
    block = block_add(writer, BLOCK_TOOL, event->index);
    block->id = arena_text(writer->arena, event->id);
    block->name = arena_text(writer->arena, event->name);
}

static void citation_keep(struct dialect_writer *writer, const hg_event *event)
{
    hg_str citation = converse_citation_of(writer->arena, event->text);
    struct block_kept *block;

    if (!citation.n)
        return;
    block = block_for(writer, BLOCK_TEXT, 0);
    if (!block->citations) {
        block->citations = chain_new(writer->arena);
        json_arr(block->citations);
    }
    json_put_raw(block->citations, citation);
}

static void image_keep(struct dialect_writer *writer, const hg_event *event)
{
    struct block_kept *block;

    if (!text_starts(event->name, HG_S("image/")))
        return;
    block = block_add(writer, BLOCK_IMAGE, 0);
    block->name = arena_text(writer->arena, converse_image_format_of(event->name));
    block->data = arena_text(writer->arena, event->text);
}

void converse_whole_write(struct dialect_writer *writer, const hg_event *event)
{
    struct block_kept *tool;

    switch (event->type) {
    case HG_EV_TEXT:
    case HG_EV_REFUSAL:
        if (event->text.n)
            json_escape(block_for(writer, BLOCK_TEXT, 0)->text, event->text);
        break;
    case HG_EV_REASONING:
        reasoning_keep(writer, event);
        break;
    case HG_EV_TOOL_START:
        tool_keep(writer, event);
        break;
    case HG_EV_TOOL_ARGS:
        if ((tool = tool_of(writer, event->index)))
            chain_put(tool->text, event->text.p, event->text.n);
        break;
    case HG_EV_CITATION:
        citation_keep(writer, event);
        break;
    case HG_EV_MEDIA:
        image_keep(writer, event);
        break;
    default:
        break;
    }
}

/* ---- writing ------------------------------------------------------------------------------------
 */

static void escaped_put(struct chain *out, const struct chain *text)
{
    hg_str flat = chain_flat(text, out->arena);

    json_str_begin(out);
    chain_put(out, flat.p, flat.n);
    json_str_end(out);
}

static void text_put(struct chain *out, struct block_kept *block)
{
    if (!block->citations) {
        JSON_KEY(out, "text");
        escaped_put(out, block->text);
        return;
    }
    JSON_KEY(out, "citationsContent");
    json_obj(out);
    JSON_KEY(out, "content");
    json_arr(out);
    json_obj(out);
    JSON_KEY(out, "text");
    escaped_put(out, block->text);
    json_end(out);
    json_end(out);
    json_end(block->citations);
    JSON_KEY(out, "citations");
    json_put_raw(out, chain_flat(block->citations, out->arena));
    json_end(out);
}

static void reasoning_put(struct chain *out, const struct block_kept *block)
{
    JSON_KEY(out, "reasoningContent");
    json_obj(out);
    if (block->kind == BLOCK_REDACTED) {
        JSON_KEY(out, "redactedContent");
        json_put_str(out, block->data);
    } else {
        JSON_KEY(out, "reasoningText");
        json_obj(out);
        JSON_KEY(out, "text");
        escaped_put(out, block->text);
        if (block->signature.n) {
            JSON_KEY(out, "signature");
            json_put_str(out, block->signature);
        }
        json_end(out);
    }
    json_end(out);
}

static void tool_put(struct chain *out, const struct block_kept *block)
{
    struct chat_part call = {.kind = CHAT_CALL,
                             .args = chat_plain(chain_flat(block->text, out->arena))};

    JSON_KEY(out, "toolUse");
    json_obj(out);
    JSON_KEY(out, "toolUseId");
    json_put_str(out, block->id);
    JSON_KEY(out, "name");
    json_put_str(out, block->name);
    JSON_KEY(out, "input");
    chat_put_args_object(out->arena, out, &call);
    json_end(out);
}

static void image_put(struct chain *out, const struct block_kept *block)
{
    JSON_KEY(out, "image");
    json_obj(out);
    JSON_KEY(out, "format");
    json_put_str(out, block->name);
    JSON_KEY(out, "source");
    json_obj(out);
    JSON_KEY(out, "bytes");
    json_put_str(out, block->data);
    json_end(out);
    json_end(out);
}

static void block_put(struct chain *out, struct block_kept *block)
{
    json_obj(out);
    switch (block->kind) {
    case BLOCK_REASONING:
    case BLOCK_REDACTED:
        reasoning_put(out, block);
        break;
    case BLOCK_TOOL:
        tool_put(out, block);
        break;
    case BLOCK_IMAGE:
        image_put(out, block);
        break;
    default:
        text_put(out, block);
    }
    json_end(out);
}

static void message_put(struct dialect_writer *writer, struct chain *out)
{
    JSON_KEY(out, "output");
    json_obj(out);
    JSON_KEY(out, "message");
    json_obj(out);
    JSON_KEY(out, "role");
    json_put_str(out, HG_S("assistant"));
    JSON_KEY(out, "content");
    json_arr(out);
    for (struct block_kept *block = writer->blocks; block; block = block->next)
        block_put(out, block);
    json_end(out);
    json_end(out);
    json_end(out);
}

void converse_whole_end(struct dialect_writer *writer, struct chain *out)
{
    hg_str error;

    if (writer->is_failed || !writer->is_finished) {
        error = converse_error_body(writer->arena, 502, writer->error_type, HG_S(""),
                                    writer->is_failed ? writer->error_message
                                                      : HG_S("the answer has no end"));
        chain_put(out, error.p, error.n);
        return;
    }
    json_obj(out);
    message_put(writer, out);
    JSON_KEY(out, "stopReason");
    json_put_str(out, converse_stop_reason(writer));
    converse_metadata_put(writer, out);
    if (writer->fields.n) {
        JSON_KEY(out, "additionalModelResponseFields");
        json_put_raw(out, writer->fields);
    }
    json_end(out);
}
