/* Answers written from normalised events, as a stream or whole. */
#include "dialect/openai_responses/writer.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "json/write.h"

struct dialect_writer *responses_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                            bool with_usage)
{
    static const char hex[] = "0123456789abcdef";
    struct dialect_writer *writer = arena_zalloc(arena, sizeof *writer);
    uint8_t bytes[sizeof writer->base / 2];

    (void)kind;
    (void)with_usage; /* it is a part of every response */
    writer->arena = arena;
    writer->is_stream = is_stream;
    writer->created = clock_wall_us() / 1000000;
    writer->began = clock_now();
    writer->outputs_end = &writer->outputs;
    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        writer->base[2 * i] = hex[bytes[i] >> 4];
        writer->base[2 * i + 1] = hex[bytes[i] & 15];
    }
    writer->id = arena_fmt(arena, "resp_%.*s", (int)sizeof writer->base, writer->base);
    return writer;
}

void responses_writer_asked(struct dialect_writer *writer, hg_json request)
{
    writer->asked = request;
    writer->wants_summary = json_get(request, "/reasoning/summary").kind == HG_J_STR;
}

void responses_writer_event_begin(struct dialect_writer *writer, const char *type,
                                  struct chain *out)
{
    CHAIN_PUT_LIT(out, "event: ");
    chain_put_const(out, type, strlen(type));
    CHAIN_PUT_LIT(out, "\ndata: ");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, text_of(type));
    JSON_KEY(out, "sequence_number");
    json_put_u64(out, writer->sequence++);
}

void responses_writer_event_end(struct chain *out)
{
    json_end(out);
    CHAIN_PUT_LIT(out, "\n\n");
}

void responses_writer_kept_put(struct chain *out, const struct chain *kept)
{
    json_str_begin(out);
    if (kept)
        chain_put_chain(out, kept, 0, kept->len);
    json_str_end(out);
}

/* The ids of items go with that of the response, if it has as many letters and digits as ours. */
static void base_take(struct dialect_writer *writer, hg_str id)
{
    const size_t n = sizeof writer->base;
    const char *from = id.p + id.n - n;

    if (id.n < sizeof "resp_" - 1 + n)
        return;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)from[i]))
            return;
    memcpy(writer->base, from, n);
}

/* Clients tell kinds of ids by what they begin with. */
static void on_start(struct dialect_writer *writer, const hg_event *event)
{
    if (writer->is_begun)
        return;
    writer->model = arena_text(writer->arena, event->name);
    if (text_starts(event->id, HG_S("resp_"))) {
        writer->id = arena_text(writer->arena, event->id);
        base_take(writer, writer->id);
    } else if (event->id.n) {
        writer->id = arena_fmt(writer->arena, "resp_%.*s", TEXT_ARG(event->id));
    }
}

static void on_reasoning(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    enum part_kind kind = writer->wants_summary ? PART_SUMMARY : PART_THOUGHTS;

    if (event->text.n)
        responses_writer_text(writer, kind, event->index, event->text, out);
    if (event->id.n)
        responses_writer_encrypted(writer, event->index, RESPONSES_SIGNATURE, event->id, out);
    else if (event->name.n)
        responses_writer_encrypted(writer, event->index, RESPONSES_ENCRYPTED, event->name, out);
}

static void on_extra(struct dialect_writer *writer, const hg_event *event)
{
    hg_json value;

    if (text_is(event->name, HG_S("created"))) {
        dialect_read_created(event->text, &writer->created);
        return;
    }
    if (!json_parse(writer->arena, arena_text(writer->arena, event->text), &value, NULL))
        return;
    if (text_is(event->name, HG_S("service_tier")) && value.kind == HG_J_STR)
        writer->tier = json_raw(value);
    else if (text_is(event->name, HG_S("logprobs")))
        responses_writer_logprobs(writer, value);
}

static void on_note(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    hg_json note;

    if (json_parse(writer->arena, arena_text(writer->arena, event->text), &note, NULL) &&
        note.kind == HG_J_OBJ)
        responses_writer_note(writer, note, out);
}

static void on_finish(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    responses_writer_close(writer, event->finish == HG_FIN_LENGTH || event->finish == HG_FIN_FILTER,
                           out);
    writer->is_finished = true;
    writer->finish = event->finish;
}

static void on_error(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    writer->has_failed = true;
    writer->error_type = arena_text(writer->arena, event->name);
    writer->error_message = arena_text(writer->arena, event->text);
    if (writer->is_stream)
        responses_writer_failed(writer, out);
}

static void content_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    switch (event->type) {
    case HG_EV_TEXT:
        responses_writer_text(writer, PART_TEXT, 0, event->text, out);
        break;
    case HG_EV_REFUSAL:
        responses_writer_text(writer, PART_REFUSAL, 0, event->text, out);
        break;
    case HG_EV_REASONING:
        on_reasoning(writer, event, out);
        break;
    case HG_EV_TOOL_START:
        responses_writer_call(writer, event, out);
        break;
    case HG_EV_TOOL_ARGS:
        responses_writer_args(writer, event->index, event->text, out);
        break;
    case HG_EV_TOOL_END:
        responses_writer_call_end(writer, event->index, out);
        break;
    case HG_EV_CITATION:
        on_note(writer, event, out);
        break;
    case HG_EV_MEDIA:
        if (text_starts(event->name, HG_S("image/")))
            responses_writer_image(writer, event->text, out);
        break;
    case HG_EV_FINISH:
        on_finish(writer, event, out);
        break;
    default:
        break;
    }
}

/* There is one choice in this format. */
void responses_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (writer->has_failed || event->choice != 0)
        return;
    if (event->type == HG_EV_USAGE && event->usage)
        writer->usage = *event->usage;
    else if (event->type == HG_EV_EXTRA)
        on_extra(writer, event);
    if (event->type == HG_EV_USAGE || event->type == HG_EV_EXTRA)
        return;
    if (event->type == HG_EV_START)
        on_start(writer, event);
    if (!writer->is_begun && writer->is_stream)
        responses_writer_begin(writer, out);
    writer->is_begun = true;
    if (event->type == HG_EV_ERROR)
        on_error(writer, event, out);
    else if (!writer->is_finished)
        content_write(writer, event, out);
}

/* What has not said that it is whole is not. */
void responses_write_end(struct dialect_writer *writer, struct chain *out)
{
    if (!writer->has_failed && !writer->is_finished) {
        hg_event error = {.size = sizeof error,
                          .type = HG_EV_ERROR,
                          .name = DIALECT_BROKEN,
                          .text = HG_S("the answer ended without a finish")};

        responses_write(writer, &error, out);
    }
    if (!writer->is_stream)
        responses_writer_end_whole(writer, out);
    else if (!writer->has_failed)
        responses_writer_end_stream(writer, out);
}
