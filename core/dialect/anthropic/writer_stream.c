/* Events of a stream. What a delta has before its text is written once for each block. */
#include "base/text.h"
#include "dialect/anthropic/writer.h"
#include "json/write.h"

/* Copied, not borrowed: many small pieces make one segment. */
#define PUT(out, lit) chain_put(out, lit, sizeof(lit) - 1)

static void event_begin(struct chain *out, const char *type)
{
    PUT(out, "event: ");
    chain_put(out, type, strlen(type));
    PUT(out, "\ndata: ");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, text_of(type));
}

static void event_end(struct chain *out)
{
    json_end(out);
    PUT(out, "\n\n");
}

static void message_start(struct dialect_writer *writer, struct chain *out)
{
    if (writer->is_started)
        return;
    writer->is_started = true;
    event_begin(out, "message_start");
    JSON_KEY(out, "message");
    anthropic_message_begin(writer, out);
    JSON_KEY(out, "content");
    json_put_raw(out, HG_S("[]"));
    JSON_KEY(out, "stop_reason");
    json_put_null(out);
    JSON_KEY(out, "stop_sequence");
    json_put_null(out);
    JSON_KEY(out, "usage");
    anthropic_usage_put(&writer->usage, out);
    json_end(out);
    event_end(out);
}

/* ---- deltas ------------------------------------------------------------------------------------
 */

static const char *const delta_words[BLOCK_KINDS] = {
    [BLOCK_TEXT] = "text_delta\",\"text\":\"",
    [BLOCK_THINKING] = "thinking_delta\",\"thinking\":\"",
    [BLOCK_REDACTED] = "",
    [BLOCK_CALL] = "input_json_delta\",\"partial_json\":\"",
};

/* event: ... "delta":{"type":" */
static void delta_begin(const struct dialect_writer *writer, struct chain *out)
{
    chain_put(out, writer->prefix.p, writer->prefix.n);
}

static void prefix_make(struct dialect_writer *writer)
{
    writer->prefix =
        arena_fmt(writer->arena,
                  "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                  "\"index\":%u,\"delta\":{\"type\":\"",
                  writer->number);
}

void anthropic_piece_put(struct dialect_writer *writer, enum piece piece, hg_str text,
                         struct chain *out)
{
    const char *words = delta_words[writer->blocks->kind];

    delta_begin(writer, out);
    switch (piece) {
    case PIECE_TEXT:
        chain_put(out, words, strlen(words));
        json_escape(out, text);
        PUT(out, "\"}}\n\n");
        break;
    case PIECE_CITATION:
        PUT(out, "citations_delta\",\"citation\":");
        chain_put(out, text.p, text.n);
        PUT(out, "}}\n\n");
        break;
    case PIECE_SIGNATURE:
        PUT(out, "signature_delta\",\"signature\":\"");
        json_escape(out, text);
        PUT(out, "\"}}\n\n");
        break;
    }
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static void string_member(struct chain *out, hg_str key, hg_str text)
{
    json_key(out, key);
    json_put_str(out, text);
}

static void block_put(const struct content_block *block, struct chain *out)
{
    json_obj(out);
    switch (block->kind) {
    case BLOCK_TEXT:
        string_member(out, HG_S("type"), HG_S("text"));
        string_member(out, HG_S("text"), HG_S(""));
        break;
    case BLOCK_THINKING:
        string_member(out, HG_S("type"), HG_S("thinking"));
        string_member(out, HG_S("thinking"), HG_S(""));
        string_member(out, HG_S("signature"), HG_S(""));
        break;
    case BLOCK_REDACTED:
        string_member(out, HG_S("type"), HG_S("redacted_thinking"));
        string_member(out, HG_S("data"), buffer_text(&block->text));
        break;
    default:
        string_member(out, HG_S("type"), HG_S("tool_use"));
        string_member(out, HG_S("id"), block->id);
        string_member(out, HG_S("name"), block->name);
        JSON_KEY(out, "input");
        json_put_raw(out, HG_S("{}"));
        break;
    }
    json_end(out);
}

/* What came before its turn. */
static void kept_put(struct dialect_writer *writer, struct content_block *block, struct chain *out)
{
    hg_json_it it = {{0, 0}};
    hg_json list, citation;

    if (block->text.len && block->kind != BLOCK_REDACTED)
        anthropic_piece_put(writer, PIECE_TEXT, buffer_text(&block->text), out);
    if (block->citations) {
        json_end(block->citations);
        if (json_parse(writer->arena, chain_flat(block->citations, writer->arena), &list, NULL))
            while (json_next(list, &it, NULL, &citation))
                anthropic_piece_put(writer, PIECE_CITATION, json_raw(citation), out);
    }
    if (block->signature.n)
        anthropic_piece_put(writer, PIECE_SIGNATURE, block->signature, out);
}

static void block_open(struct dialect_writer *writer, struct content_block *block,
                       struct chain *out)
{
    message_start(writer, out);
    event_begin(out, "content_block_start");
    JSON_KEY(out, "index");
    json_put_u64(out, writer->number);
    JSON_KEY(out, "content_block");
    block_put(block, out);
    event_end(out);
    prefix_make(writer);
    kept_put(writer, block, out);
    buffer_done(&block->text);
    block->is_open = true;
}

static void block_close(struct dialect_writer *writer, struct content_block *block,
                        struct chain *out)
{
    event_begin(out, "content_block_stop");
    JSON_KEY(out, "index");
    json_put_u64(out, writer->number);
    event_end(out);
    writer->number++;
    writer->blocks = block->next;
}

void anthropic_stream_advance(struct dialect_writer *writer, struct chain *out)
{
    struct content_block *block;

    while ((block = writer->blocks)) {
        if (!block->is_open)
            block_open(writer, block, out);
        if (!block->is_over && !block->is_signed && (block->kind == BLOCK_CALL || !block->next))
            return;
        block_close(writer, block, out);
    }
}

/* The last usage is the whole one: the stop reason has waited for it. */
void anthropic_stream_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->has_failed)
        return;
    message_start(writer, out);
    event_begin(out, "message_delta");
    JSON_KEY(out, "delta");
    json_obj(out);
    anthropic_stop_put(writer, out);
    json_end(out);
    JSON_KEY(out, "usage");
    anthropic_usage_put(&writer->usage, out);
    event_end(out);
    event_begin(out, "message_stop");
    event_end(out);
}
