/* Answers written from normalised events: which block an event belongs to, and what is kept. */
#include "dialect/anthropic/writer.h"

#include "base/digest.h"
#include "base/text.h"
#include "json/write.h"

static void blocks_done(void *arg)
{
    struct dialect_writer *writer = arg;

    for (struct content_block *block = writer->blocks; block; block = block->next)
        buffer_done(&block->text);
}

/* Usage is always told in this format. */
struct dialect_writer *anthropic_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                            bool with_usage)
{
    struct dialect_writer *writer = arena_zalloc(arena, sizeof *writer);

    (void)kind;
    (void)with_usage;
    writer->arena = arena;
    writer->is_stream = is_stream;
    arena_on_end(arena, blocks_done, writer);
    return writer;
}

/* ---- members that a stream and a whole answer share ------------------------------------------ */

static hg_str made_id(struct arena *arena, hg_str prefix)
{
    static const char hex[] = "0123456789abcdef";
    char text[24];
    uint8_t bytes[12];

    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        text[2 * i] = hex[bytes[i] >> 4];
        text[2 * i + 1] = hex[bytes[i] & 15];
    }
    return arena_fmt(arena, "%.*s%.24s", TEXT_ARG(prefix), text);
}

static hg_str message_id(struct dialect_writer *writer)
{
    if (!writer->id.n)
        return made_id(writer->arena, HG_S("msg_"));
    if (text_starts(writer->id, HG_S("msg_")))
        return writer->id;
    return arena_fmt(writer->arena, "msg_%.*s", TEXT_ARG(writer->id));
}

void anthropic_message_begin(struct dialect_writer *writer, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, message_id(writer));
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("message"));
    JSON_KEY(out, "role");
    json_put_str(out, HG_S("assistant"));
    JSON_KEY(out, "model");
    json_put_str(out, writer->model);
}

void anthropic_stop_put(struct dialect_writer *writer, struct chain *out)
{
    uint32_t finish = writer->finish;

    /* A turn that called is one of calls, whatever the provider says of it. */
    if (writer->has_calls && finish != HG_FIN_LENGTH && finish != HG_FIN_FILTER)
        finish = HG_FIN_TOOLS;
    JSON_KEY(out, "stop_reason");
    json_put_str(out, anthropic_stop_reason(finish, writer->native, writer->stop_sequence.n > 0));
    JSON_KEY(out, "stop_sequence");
    if (writer->stop_sequence.n)
        json_put_str(out, writer->stop_sequence);
    else
        json_put_null(out);
    if (writer->stop_details.n) {
        JSON_KEY(out, "stop_details");
        json_put_raw(out, writer->stop_details);
    }
    if (writer->container.n) {
        JSON_KEY(out, "container");
        json_put_raw(out, writer->container);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static struct content_block *block_add(struct dialect_writer *writer, enum block_kind kind,
                                       uint32_t index)
{
    struct content_block *block = arena_zalloc(writer->arena, sizeof *block);

    block->kind = kind;
    block->index = index;
    if (writer->blocks)
        writer->last->next = block;
    else
        writer->blocks = block;
    return writer->last = block;
}

static struct content_block *last_of(const struct dialect_writer *writer, enum block_kind kind)
{
    struct content_block *last = writer->blocks ? writer->last : NULL;

    return last && last->kind == kind ? last : NULL;
}

static struct content_block *call_of(const struct dialect_writer *writer, uint32_t index)
{
    struct content_block *block = writer->blocks;

    while (block && !(block->kind == BLOCK_CALL && block->index == index && !block->is_over))
        block = block->next;
    return block;
}

static void keep(struct dialect_writer *writer, struct content_block *block, enum piece piece,
                 hg_str text)
{
    switch (piece) {
    case PIECE_TEXT:
        buffer_add(&block->text, text.p, text.n);
        break;
    case PIECE_CITATION:
        if (!block->citations) {
            block->citations = chain_new(writer->arena);
            json_arr(block->citations);
        }
        json_put_raw(block->citations, text);
        break;
    case PIECE_SIGNATURE:
        block->signature = arena_text(writer->arena, text);
        break;
    }
}

static void piece_give(struct dialect_writer *writer, struct content_block *block, enum piece piece,
                       hg_str text, struct chain *out)
{
    if (!text.n)
        return;
    if (block->is_open)
        anthropic_piece_put(writer, piece, text, out);
    else
        keep(writer, block, piece, text);
}

/* ---- events ------------------------------------------------------------------------------------
 */

static void text_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct content_block *block = last_of(writer, BLOCK_TEXT);

    if (!event->text.n)
        return;
    if (!block)
        block = block_add(writer, BLOCK_TEXT, 0);
    piece_give(writer, block, PIECE_TEXT, event->text, out);
}

/* The block that goes on with this thought. What was signed is whole. A signature alone belongs to
 * the thought before it, or to one that is not shown; while text flows, it belongs to nothing. */
static struct content_block *thought_of(struct dialect_writer *writer, const hg_event *event)
{
    struct content_block *last = last_of(writer, BLOCK_THINKING);

    if (last && !last->is_signed && (last->index == event->index || !event->text.n))
        return last;
    if (!event->text.n && last_of(writer, BLOCK_TEXT))
        return NULL;
    return block_add(writer, BLOCK_THINKING, event->index);
}

static void reasoning_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct content_block *block;

    if ((event->text.n || event->id.n) && (block = thought_of(writer, event))) {
        piece_give(writer, block, PIECE_TEXT, event->text, out);
        piece_give(writer, block, PIECE_SIGNATURE, event->id, out);
        block->is_signed |= event->id.n > 0;
    }
    if (event->name.n) {
        block = block_add(writer, BLOCK_REDACTED, event->index);
        piece_give(writer, block, PIECE_TEXT, event->name, out);
        block->is_over = true;
    }
}

static void call_begin(struct dialect_writer *writer, const hg_event *event)
{
    struct content_block *block;

    if (call_of(writer, event->index))
        return;
    block = block_add(writer, BLOCK_CALL, event->index);
    block->id =
        event->id.n ? arena_text(writer->arena, event->id) : made_id(writer->arena, HG_S("toolu_"));
    block->name = arena_text(writer->arena, event->name);
    writer->has_calls = true;
}

/* Some tell their sources behind all that was said and called; a block of a stream is over then. */
static struct content_block *cited_block(const struct dialect_writer *writer)
{
    struct content_block *found = last_of(writer, BLOCK_TEXT);

    if (found || writer->is_stream)
        return found;
    for (struct content_block *block = writer->blocks; block; block = block->next)
        if (block->kind == BLOCK_TEXT)
            found = block;
    return found;
}

static void citation_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct content_block *block = cited_block(writer);

    if (block)
        piece_give(writer, block, PIECE_CITATION,
                   anthropic_citation_write(writer->arena, event->text), out);
}

static void content_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct content_block *call = NULL;

    if (event->type == HG_EV_TOOL_ARGS || event->type == HG_EV_TOOL_END)
        call = call_of(writer, event->index);
    switch (event->type) {
    case HG_EV_TEXT:
    case HG_EV_REFUSAL: /* what it says instead is said all the same */
        text_write(writer, event, out);
        break;
    case HG_EV_REASONING:
        reasoning_write(writer, event, out);
        break;
    case HG_EV_CITATION:
        citation_write(writer, event, out);
        break;
    case HG_EV_TOOL_START:
        call_begin(writer, event);
        break;
    case HG_EV_TOOL_ARGS:
        if (call)
            piece_give(writer, call, PIECE_TEXT, event->text, out);
        break;
    case HG_EV_TOOL_END:
        if (call)
            call->is_over = true;
        break;
    default:
        return;
    }
    if (writer->is_stream)
        anthropic_stream_advance(writer, out);
}

static void finish_note(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    writer->finish = event->finish ? event->finish : HG_FIN_OTHER;
    writer->native = arena_text(writer->arena, event->name);
    writer->stop_sequence = arena_text(writer->arena, event->text);
    for (struct content_block *block = writer->blocks; block; block = block->next)
        block->is_over = true;
    if (writer->is_stream)
        anthropic_stream_advance(writer, out);
}

static void extra_note(struct dialect_writer *writer, const hg_event *event)
{
    if (json_measure(event->text) != event->text.n)
        return;
    if (text_is(event->name, HG_S("stop_details")))
        writer->stop_details = arena_text(writer->arena, event->text);
    else if (text_is(event->name, HG_S("container")))
        writer->container = arena_text(writer->arena, event->text);
}

static void error_note(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    writer->has_failed = true;
    writer->error_type = arena_text(writer->arena, event->name);
    writer->error_message = arena_text(writer->arena, event->text);
    if (writer->is_stream) {
        hg_str error = anthropic_error_event(writer->arena, event->name, HG_S(""), event->text);

        chain_put_const(out, error.p, error.n);
    }
}

/* This format has one choice. */
void anthropic_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (writer->has_failed || event->choice)
        return;
    switch (event->type) {
    case HG_EV_START:
        writer->id = arena_text(writer->arena, event->id);
        writer->model = arena_text(writer->arena, event->name);
        break;
    case HG_EV_USAGE:
        if (event->usage)
            writer->usage = *event->usage;
        break;
    case HG_EV_FINISH:
        if (!writer->finish)
            finish_note(writer, event, out);
        break;
    case HG_EV_EXTRA:
        extra_note(writer, event);
        break;
    case HG_EV_ERROR:
        error_note(writer, event, out);
        break;
    default:
        if (!writer->finish)
            content_write(writer, event, out);
    }
}

void anthropic_write_end(struct dialect_writer *writer, struct chain *out)
{
    if (!writer->has_failed && !writer->finish)
        error_note(writer,
                   &(hg_event){.name = HG_S("api_error"),
                               .text = HG_S("the answer ended without a finish")},
                   out);
    if (writer->is_stream)
        anthropic_stream_end(writer, out);
    else
        anthropic_whole_end(writer, out);
}
