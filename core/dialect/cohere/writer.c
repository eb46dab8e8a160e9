/* Answers written from normalised events: event by event, or kept and written whole at the end. */
#include "dialect/cohere/writer.h"

#include "base/digest.h"
#include "base/text.h"
#include "json/write.h"

enum {
    CALLS_MAX = 256
};

struct dialect_writer *cohere_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage)
{
    struct dialect_writer *writer = arena_zalloc(arena, sizeof *writer);

    (void)kind;
    (void)with_usage; /* it is part of the last event */
    writer->arena = arena;
    writer->is_stream = is_stream;
    return writer;
}

struct call *cohere_writer_call(struct dialect_writer *writer, uint32_t number)
{
    if (number >= CALLS_MAX)
        return NULL;
    if (number >= writer->call_count) {
        struct call *more = arena_zalloc(writer->arena, (number + 1) * sizeof *more);

        for (uint32_t i = 0; i < writer->call_count; i++)
            more[i] = writer->calls[i];
        writer->calls = more;
        writer->call_count = number + 1;
    }
    return &writer->calls[number];
}

/* Of the form of a UUID, as theirs are. */
hg_str cohere_writer_id(struct dialect_writer *writer)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[16];
    char text[36], *at = text;

    if (writer->id.n)
        return writer->id;
    random_fill(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    writer->id = arena_text(writer->arena, (hg_str){text, sizeof text});
    return writer->id;
}

hg_str cohere_writer_block_word(enum piece block)
{
    return block == BLOCK_THINKING ? HG_S("thinking") : HG_S("text");
}

static void count_put(struct chain *out, bool is_known, hg_str key, uint64_t count)
{
    if (!is_known)
        return;
    json_key(out, key);
    json_put_u64(out, count);
}

void cohere_writer_usage_put(const struct dialect_writer *writer, struct chain *out)
{
    const hg_usage *usage = &writer->usage;

    if (!usage->flags)
        return;
    JSON_KEY(out, "usage");
    json_obj(out);
    JSON_KEY(out, "tokens");
    json_obj(out);
    count_put(out, usage->flags & HG_U_INPUT, HG_S("input_tokens"), usage->input);
    count_put(out, usage->flags & HG_U_OUTPUT, HG_S("output_tokens"), usage->output);
    count_put(out, usage->flags & HG_U_REASONING, HG_S("reasoning_tokens"), usage->reasoning);
    json_end(out);
    count_put(out, usage->flags & HG_U_CACHED, HG_S("cached_tokens"), usage->cached_input);
    json_end(out);
}

void cohere_writer_logprob_put(hg_json token, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "text");
    json_put_raw(out, json_raw(json_member(token, HG_S("token"))));
    JSON_KEY(out, "token_ids");
    json_put_raw(out, HG_S("[]"));
    JSON_KEY(out, "logprobs");
    json_arr(out);
    json_put_raw(out, json_raw(json_member(token, HG_S("logprob"))));
    json_end(out);
    json_end(out);
}

/* A refusal is what the model says. */
static hg_event as_text(const hg_event *event)
{
    hg_event text = *event;

    if (text.type == HG_EV_REFUSAL)
        text.type = HG_EV_TEXT;
    return text;
}

void cohere_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    hg_event ours = as_text(event);

    if (writer->failed || event->choice)
        return;
    switch (event->type) {
    case HG_EV_START:
        writer->id = arena_text(writer->arena, event->id);
        break;
    case HG_EV_USAGE:
        if (event->usage)
            writer->usage = *event->usage;
        return;
    case HG_EV_FINISH:
        if (!writer->finish)
            writer->finish = event->finish ? event->finish : HG_FIN_OTHER;
        break;
    case HG_EV_ERROR:
        writer->error_type = arena_text(writer->arena, event->name);
        writer->error_message = arena_text(writer->arena, event->text);
        break;
    default:
        if (writer->finish)
            return;
        break;
    }
    if (writer->is_stream)
        cohere_writer_stream_write(writer, &ours, out);
    else
        cohere_writer_whole_write(writer, &ours);
    writer->failed = event->type == HG_EV_ERROR;
}

void cohere_write_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->is_stream)
        cohere_writer_stream_end(writer, out);
    else
        cohere_writer_whole_end(writer, out);
}
