/* Events of a stream, written as they come. Invariants: messageStart first and once; blocks have
 * consecutive numbers and end before the next one begins; then messageStop, and metadata last.
 * Blocks of text and reasoning have no start event, as with Bedrock itself. */
#include <headgate/provider.h>

#include "base/text.h"
#include "dialect/converse/writer.h"
#include "http/frame.h"
#include "json/write.h"

/* ---- events ------------------------------------------------------------------------------------
 */

/* An event's object is written into a chain of its own, because its length goes before it. */
static struct chain *event_begin(struct chain *out)
{
    struct chain *event = chain_new(out->arena);

    json_obj(event);
    return event;
}

static void event_end(struct chain *event, hg_str name, struct chain *out)
{
    json_end(event);
    frame_put(HG_FRAME_AWS, name, chain_flat(event, out->arena), out);
}

static struct chain *block_event_begin(const struct dialect_writer *writer, struct chain *out)
{
    struct chain *event = event_begin(out);

    JSON_KEY(event, "contentBlockIndex");
    json_put_u64(event, writer->next_block);
    return event;
}

static struct chain *delta_begin(const struct dialect_writer *writer, struct chain *out)
{
    struct chain *event = block_event_begin(writer, out);

    JSON_KEY(event, "delta");
    json_obj(event);
    return event;
}

static void delta_end(struct chain *event, struct chain *out)
{
    json_end(event);
    event_end(event, HG_S("contentBlockDelta"), out);
}

static void message_start(struct dialect_writer *writer, struct chain *out)
{
    struct chain *event;

    if (writer->is_started)
        return;
    writer->is_started = true;
    event = event_begin(out);
    JSON_KEY(event, "role");
    json_put_str(event, HG_S("assistant"));
    event_end(event, HG_S("messageStart"), out);
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static void args_put(struct dialect_writer *writer, hg_str args, struct chain *out)
{
    struct chain *event = delta_begin(writer, out);

    JSON_KEY(event, "toolUse");
    json_obj(event);
    JSON_KEY(event, "input");
    json_put_str(event, args);
    json_end(event);
    delta_end(event, out);
    writer->has_args = true;
}

/* Readers parse the arguments they get, so there are some. */
static void block_stop(struct dialect_writer *writer, struct chain *out)
{
    if (writer->open == BLOCK_NONE)
        return;
    if (writer->open == BLOCK_TOOL && !writer->has_args)
        args_put(writer, HG_S("{}"), out);
    event_end(block_event_begin(writer, out), HG_S("contentBlockStop"), out);
    writer->open = BLOCK_NONE;
    writer->next_block++;
}

/* True if the block had to be opened. */
static bool block_open(struct dialect_writer *writer, enum block_kind kind, uint32_t key,
                       struct chain *out)
{
    if (writer->open == kind && writer->key == key)
        return false;
    block_stop(writer, out);
    message_start(writer, out);
    writer->open = kind;
    writer->key = key;
    writer->has_args = false;
    return true;
}

static void text_write(struct dialect_writer *writer, const hg_event *source, struct chain *out)
{
    struct chain *event;

    if (!source->text.n)
        return;
    block_open(writer, BLOCK_TEXT, 0, out);
    event = delta_begin(writer, out);
    JSON_KEY(event, "text");
    json_put_str(event, source->text);
    delta_end(event, out);
}

static void reasoning_put(struct dialect_writer *writer, hg_str key, hg_str text, struct chain *out)
{
    struct chain *event = delta_begin(writer, out);

    JSON_KEY(event, "reasoningContent");
    json_obj(event);
    json_key(event, key);
    json_put_str(event, text);
    json_end(event);
    delta_end(event, out);
}

static void reasoning_write(struct dialect_writer *writer, const hg_event *source,
                            struct chain *out)
{
    if (source->text.n || source->id.n)
        block_open(writer, BLOCK_REASONING, source->index, out);
    if (source->text.n)
        reasoning_put(writer, HG_S("text"), source->text, out);
    if (source->id.n)
        reasoning_put(writer, HG_S("signature"), source->id, out);
    if (!source->name.n)
        return;
    block_open(writer, BLOCK_REDACTED, source->index, out);
    reasoning_put(writer, HG_S("redactedContent"), converse_blob_of(out->arena, source->name), out);
}

static void start_begin(struct dialect_writer *writer, const char *key, struct chain **event,
                        struct chain *out)
{
    *event = block_event_begin(writer, out);
    JSON_KEY(*event, "start");
    json_obj(*event);
    json_key(*event, text_of(key));
    json_obj(*event);
}

static void start_end(struct chain *event, struct chain *out)
{
    json_end(event);
    json_end(event);
    event_end(event, HG_S("contentBlockStart"), out);
}

static void tool_start(struct dialect_writer *writer, const hg_event *source, struct chain *out)
{
    struct chain *event;

    block_stop(writer, out);
    block_open(writer, BLOCK_TOOL, source->index, out);
    start_begin(writer, "toolUse", &event, out);
    JSON_KEY(event, "toolUseId");
    json_put_str(event, source->id);
    JSON_KEY(event, "name");
    json_put_str(event, source->name);
    start_end(event, out);
}

static void error_write(struct dialect_writer *writer, hg_str type, hg_str message,
                        struct chain *out)
{
    hg_str frame = converse_error_event(out->arena, type, HG_S(""), message);

    chain_put_const(out, frame.p, frame.n);
    writer->is_failed = true;
}

/* Arguments of a call that has been closed cannot be told any more, and without them the call is
 * another one: that is no answer to go on with. */
static void tool_args(struct dialect_writer *writer, const hg_event *source, struct chain *out)
{
    if (!source->text.n)
        return;
    if (writer->open == BLOCK_TOOL && writer->key == source->index)
        args_put(writer, source->text, out);
    else
        error_write(writer, DIALECT_BROKEN,
                    HG_S("the provider mixed the arguments of several calls"), out);
}

static void image_write(struct dialect_writer *writer, const hg_event *source, struct chain *out)
{
    struct chain *event;

    block_stop(writer, out);
    block_open(writer, BLOCK_IMAGE, 0, out);
    start_begin(writer, "image", &event, out);
    JSON_KEY(event, "format");
    json_put_str(event, converse_image_format_of(source->name));
    start_end(event, out);
    event = delta_begin(writer, out);
    JSON_KEY(event, "image");
    json_obj(event);
    JSON_KEY(event, "source");
    json_obj(event);
    JSON_KEY(event, "bytes");
    json_put_str(event, source->text);
    json_end(event);
    json_end(event);
    delta_end(event, out);
    block_stop(writer, out);
}

static void citation_write(struct dialect_writer *writer, const hg_event *source, struct chain *out)
{
    hg_str citation = converse_citation_of(out->arena, source->text);
    struct chain *event;

    if (!citation.n)
        return;
    block_open(writer, BLOCK_TEXT, 0, out);
    event = delta_begin(writer, out);
    JSON_KEY(event, "citation");
    json_put_raw(event, citation);
    delta_end(event, out);
}

static void message_stop(struct dialect_writer *writer, struct chain *out)
{
    struct chain *event;

    block_stop(writer, out);
    message_start(writer, out);
    event = event_begin(out);
    JSON_KEY(event, "stopReason");
    json_put_str(event, converse_stop_reason(writer));
    if (writer->fields.n) {
        JSON_KEY(event, "additionalModelResponseFields");
        json_put_raw(event, writer->fields);
    }
    event_end(event, HG_S("messageStop"), out);
}

void converse_stream_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    switch (event->type) {
    case HG_EV_START:
        message_start(writer, out);
        break;
    case HG_EV_TEXT:
    case HG_EV_REFUSAL:
        text_write(writer, event, out);
        break;
    case HG_EV_REASONING:
        reasoning_write(writer, event, out);
        break;
    case HG_EV_TOOL_START:
        tool_start(writer, event, out);
        break;
    case HG_EV_TOOL_ARGS:
        tool_args(writer, event, out);
        break;
    case HG_EV_TOOL_END:
        if (writer->open == BLOCK_TOOL && writer->key == event->index)
            block_stop(writer, out);
        break;
    case HG_EV_CITATION:
        citation_write(writer, event, out);
        break;
    case HG_EV_MEDIA:
        if (text_starts(event->name, HG_S("image/")))
            image_write(writer, event, out);
        break;
    case HG_EV_FINISH:
        message_stop(writer, out);
        break;
    case HG_EV_ERROR:
        error_write(writer, event->name, event->text, out);
        break;
    default:
        break;
    }
}

/* Without a finish it was no whole answer, and must not look like one. */
void converse_stream_end(struct dialect_writer *writer, struct chain *out)
{
    struct chain *event;

    if (writer->is_failed || !writer->is_finished)
        return;
    event = event_begin(out);
    converse_metadata_put(writer, event);
    event_end(event, HG_S("metadata"), out);
}
