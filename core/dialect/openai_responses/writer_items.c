/* The items of an answer, and the events that tell of them. */
#include "dialect/openai_responses/writer.h"

#include "base/text.h"
#include "dialect/openai_responses/notes.h"
#include "json/write.h"

enum {
    OUTPUTS_MAX = 1024
};

/* What the kinds of parts are called, and in which lists and events they stand. */
static const struct {
    const char *type, *key, *added, *delta, *whole, *done, *number_key;
} kinds[PART_KINDS] = {
    [PART_TEXT] = {"output_text", "text", "response.content_part.added",
                   "response.output_text.delta", "response.output_text.done",
                   "response.content_part.done", "content_index"},
    [PART_REFUSAL] = {"refusal", "refusal", "response.content_part.added", "response.refusal.delta",
                      "response.refusal.done", "response.content_part.done", "content_index"},
    [PART_SUMMARY] = {"summary_text", "text", "response.reasoning_summary_part.added",
                      "response.reasoning_summary_text.delta",
                      "response.reasoning_summary_text.done",
                      "response.reasoning_summary_part.done", "summary_index"},
    [PART_THOUGHTS] = {"reasoning_text", "text", "response.content_part.added",
                       "response.reasoning_text.delta", "response.reasoning_text.done",
                       "response.content_part.done", "content_index"},
};

/* ---- JSON ------------------------------------------------------------------------------------ */

static void list_put(struct chain *out, hg_str key, const struct chain *elements)
{
    json_key(out, key);
    if (!elements) {
        json_put_raw(out, HG_S("[]"));
        return;
    }
    struct chain *list = chain_new(out->arena);

    CHAIN_PUT_LIT(list, "[");
    chain_put_chain(list, elements, 0, elements->len);
    CHAIN_PUT_LIT(list, "]");
    json_put_raw(out, chain_flat(list, out->arena));
}

static void part_put(const struct part *part, bool is_new, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, text_of(kinds[part->kind].type));
    if (part->kind == PART_TEXT) {
        list_put(out, HG_S("annotations"), is_new ? NULL : part->note_list);
        list_put(out, HG_S("logprobs"), is_new ? NULL : part->logprobs);
    }
    json_key(out, text_of(kinds[part->kind].key));
    responses_writer_kept_put(out, is_new ? NULL : part->text);
    json_end(out);
}

static void parts_put(const struct output *output, hg_str key, bool is_new, enum part_kind not_kind,
                      struct chain *out)
{
    json_key(out, key);
    json_arr(out);
    for (const struct part *part = output->parts; part && !is_new; part = part->next)
        if (part->kind != not_kind)
            part_put(part, false, out);
    json_end(out);
}

static void reasoning_put(const struct output *output, bool is_new, struct chain *out)
{
    bool has_thoughts = output->parts && output->parts->kind == PART_THOUGHTS;

    parts_put(output, HG_S("summary"), is_new, PART_THOUGHTS, out);
    if (has_thoughts)
        parts_put(output, HG_S("content"), is_new, PART_SUMMARY, out);
    if (output->encrypted.n && !is_new) {
        JSON_KEY(out, "encrypted_content");
        json_put_str(out, output->encrypted);
    }
}

static void call_put(const struct output *output, bool is_new, struct chain *out)
{
    JSON_KEY(out, "call_id");
    json_put_str(out, output->call_id);
    JSON_KEY(out, "name");
    json_put_str(out, output->name);
    json_key(out, output->kind == OUTPUT_CUSTOM ? HG_S("input") : HG_S("arguments"));
    responses_writer_kept_put(out, is_new ? NULL : output->args);
}

static void status_put(const struct output *output, bool is_new, struct chain *out)
{
    JSON_KEY(out, "status");
    json_put_str(out, is_new           ? HG_S("in_progress")
                      : output->is_cut ? HG_S("incomplete")
                                       : HG_S("completed"));
}

void responses_writer_output_put(const struct output *output, bool is_new, struct chain *out)
{
    static const char *const types[] = {[OUTPUT_MESSAGE] = "message",
                                        [OUTPUT_REASONING] = "reasoning",
                                        [OUTPUT_CALL] = "function_call",
                                        [OUTPUT_CUSTOM] = "custom_tool_call",
                                        [OUTPUT_IMAGE] = "image_generation_call"};

    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, output->id);
    JSON_KEY(out, "type");
    json_put_str(out, text_of(types[output->kind]));
    if (output->kind == OUTPUT_REASONING) {
        reasoning_put(output, is_new, out);
        json_end(out);
        return;
    }
    status_put(output, is_new, out);
    if (output->kind == OUTPUT_MESSAGE) {
        JSON_KEY(out, "role");
        json_put_str(out, HG_S("assistant"));
        parts_put(output, HG_S("content"), is_new, PART_KINDS, out);
    } else if (output->kind == OUTPUT_IMAGE) {
        JSON_KEY(out, "result");
        if (is_new)
            json_put_null(out);
        else
            responses_writer_kept_put(out, output->args);
    } else {
        call_put(output, is_new, out);
    }
    json_end(out);
}

/* ---- events ---------------------------------------------------------------------------------- */

void responses_writer_place(const struct output *output, struct chain *out)
{
    JSON_KEY(out, "item_id");
    json_put_str(out, output->id);
    JSON_KEY(out, "output_index");
    json_put_u64(out, output->number);
}

void responses_writer_item_event(struct dialect_writer *writer, const struct output *output,
                                 bool is_new, struct chain *out)
{
    if (!writer->is_stream)
        return;
    responses_writer_event_begin(
        writer, is_new ? "response.output_item.added" : "response.output_item.done", out);
    JSON_KEY(out, "output_index");
    json_put_u64(out, output->number);
    JSON_KEY(out, "item");
    responses_writer_output_put(output, is_new, out);
    responses_writer_event_end(out);
}

static void part_event_begin(struct dialect_writer *writer, const struct output *output,
                             const struct part *part, const char *type, struct chain *out)
{
    responses_writer_event_begin(writer, type, out);
    responses_writer_place(output, out);
    json_key(out, text_of(kinds[part->kind].number_key));
    json_put_u64(out, part->number);
}

static void part_event(struct dialect_writer *writer, const struct output *output,
                       const struct part *part, bool is_new, struct chain *out)
{
    if (!writer->is_stream)
        return;
    part_event_begin(writer, output, part,
                     is_new ? kinds[part->kind].added : kinds[part->kind].done, out);
    JSON_KEY(out, "part");
    part_put(part, is_new, out);
    responses_writer_event_end(out);
}

static void text_done_event(struct dialect_writer *writer, const struct output *output,
                            const struct part *part, struct chain *out)
{
    if (!writer->is_stream)
        return;
    part_event_begin(writer, output, part, kinds[part->kind].whole, out);
    json_key(out, text_of(kinds[part->kind].key));
    responses_writer_kept_put(out, part->text);
    if (part->kind == PART_TEXT)
        list_put(out, HG_S("logprobs"), part->logprobs);
    responses_writer_event_end(out);
}

/* All deltas of a text begin alike; this runs for each of them, and so it is not built anew. */
hg_str responses_writer_delta_head(struct dialect_writer *writer, const struct output *output,
                                   const struct part *part, const char *type)
{
    hg_str place = HG_S("");

    if (part)
        place = arena_fmt(writer->arena, "\"%s\":%u,", kinds[part->kind].number_key, part->number);
    return arena_fmt(writer->arena,
                     "event: %s\ndata: {\"type\":\"%s\",\"item_id\":\"%.*s\","
                     "\"output_index\":%u,%.*s%s\"delta\":\"",
                     type, type, TEXT_ARG(output->id), output->number, TEXT_ARG(place),
                     part && part->kind == PART_TEXT ? "\"logprobs\":[]," : "");
}

/* `kept` has been given the text last, escaped, from byte `from` on. */
void responses_writer_delta(struct dialect_writer *writer, hg_str head, const struct chain *kept,
                            size_t from, struct chain *out)
{
    char tail[22 + PUT_U64_MAX + 3], *at = tail;

    at = put_text(at, HG_S("\",\"sequence_number\":"));
    at = put_u64(at, writer->sequence++);
    at = put_text(at, HG_S("}\n\n"));
    chain_put_const(out, head.p, head.n);
    chain_put_chain(out, kept, from, kept->len - from);
    chain_put(out, tail, (size_t)(at - tail));
}

/* ---- items ----------------------------------------------------------------------------------- */

struct output *responses_writer_item(struct dialect_writer *writer, enum output_kind kind)
{
    static const char *const prefixes[] = {[OUTPUT_MESSAGE] = "msg",
                                           [OUTPUT_REASONING] = "rs",
                                           [OUTPUT_CALL] = "fc",
                                           [OUTPUT_CUSTOM] = "ctc",
                                           [OUTPUT_IMAGE] = "ig"};
    struct output *output;

    if (writer->count == OUTPUTS_MAX)
        return NULL;
    output = arena_zalloc(writer->arena, sizeof *output);
    output->kind = kind;
    output->number = writer->count++;
    output->id = arena_fmt(writer->arena, "%s_%.*s%04x", prefixes[kind], (int)sizeof writer->base,
                           writer->base, output->number);
    *writer->outputs_end = output;
    writer->outputs_end = &output->next;
    return output;
}

static void part_close(struct dialect_writer *writer, struct output *output, struct chain *out)
{
    if (!output->part)
        return;
    text_done_event(writer, output, output->part, out);
    part_event(writer, output, output->part, false, out);
    output->part = NULL;
}

void responses_writer_close_open(struct dialect_writer *writer, struct chain *out)
{
    struct output *output = writer->open;

    if (!output)
        return;
    part_close(writer, output, out);
    output->is_closed = true;
    responses_writer_item_event(writer, output, false, out);
    writer->open = NULL;
}

/* The open item of a kind, after what was open before is closed. Each block of reasoning is one. */
static struct output *output_open(struct dialect_writer *writer, enum output_kind kind,
                                  uint32_t index, struct chain *out)
{
    struct output *output = writer->open;

    if (output && output->kind == kind && output->index == index)
        return output;
    responses_writer_close_open(writer, out);
    output = writer->open = responses_writer_item(writer, kind);
    if (!output)
        return NULL;
    output->index = index;
    responses_writer_item_event(writer, output, true, out);
    return output;
}

static struct part *part_open(struct dialect_writer *writer, struct output *output,
                              enum part_kind kind, struct chain *out)
{
    struct part *part = output->part, **end = &output->parts;

    if (part && part->kind == kind)
        return part;
    part_close(writer, output, out);
    while (*end)
        end = &(*end)->next;
    part = *end = output->part = arena_zalloc(writer->arena, sizeof *part);
    part->kind = kind;
    part->number = output->part_count++;
    part->text = chain_new(writer->arena);
    part_event(writer, output, part, true, out);
    if (writer->is_stream)
        part->delta_head = responses_writer_delta_head(writer, output, part, kinds[kind].delta);
    return part;
}

void responses_writer_text(struct dialect_writer *writer, enum part_kind kind, uint32_t index,
                           hg_str text, struct chain *out)
{
    bool is_thought = kind == PART_SUMMARY || kind == PART_THOUGHTS;
    struct output *output;
    struct part *part;
    size_t from;

    if (!text.n ||
        !(output = output_open(writer, is_thought ? OUTPUT_REASONING : OUTPUT_MESSAGE, index, out)))
        return;
    part = part_open(writer, output, kind, out);
    from = part->text->len;
    json_escape(part->text, text);
    if (writer->is_stream)
        responses_writer_delta(writer, part->delta_head, part->text, from, out);
}

static void element_keep(struct dialect_writer *writer, struct chain **list, hg_str raw)
{
    if (!*list)
        *list = chain_new(writer->arena);
    else
        CHAIN_PUT_LIT(*list, ",");
    chain_put(*list, raw.p, raw.n);
}

void responses_writer_note(struct dialect_writer *writer, hg_json note, struct chain *out)
{
    struct output *output = output_open(writer, OUTPUT_MESSAGE, 0, out);
    struct chain *flat = chain_new(writer->arena);
    struct part *part;

    if (!output)
        return;
    part = part_open(writer, output, PART_TEXT, out);
    responses_note_put(flat, note);
    element_keep(writer, &part->note_list, chain_flat(flat, writer->arena));
    if (writer->is_stream) {
        part_event_begin(writer, output, part, "response.output_text.annotation.added", out);
        JSON_KEY(out, "annotation_index");
        json_put_u64(out, part->notes);
        JSON_KEY(out, "annotation");
        json_put_raw(out, chain_flat(flat, writer->arena));
        responses_writer_event_end(out);
    }
    part->notes++;
}

/* {"content":[...]}, whose elements are the same in both of OpenAI's formats. */
void responses_writer_logprobs(struct dialect_writer *writer, hg_json logprobs)
{
    struct part *part = writer->open ? writer->open->part : NULL;
    hg_json list = json_member(logprobs, HG_S("content")), element;
    hg_json_it it = {{0, 0}};

    while (part && part->kind == PART_TEXT && list.kind == HG_J_ARR &&
           json_next(list, &it, NULL, &element))
        element_keep(writer, &part->logprobs, json_raw(element));
}

/* A signature belongs to the thoughts before it, or stands alone. */
void responses_writer_encrypted(struct dialect_writer *writer, uint32_t index, hg_str mark,
                                hg_str text, struct chain *out)
{
    struct output *output;

    if (writer->open && writer->open->kind == OUTPUT_REASONING && writer->open->encrypted.n)
        responses_writer_close_open(writer, out);
    output = output_open(writer, OUTPUT_REASONING, index, out);
    if (output)
        output->encrypted = arena_fmt(writer->arena, "%.*s%.*s", TEXT_ARG(mark), TEXT_ARG(text));
}

void responses_writer_close(struct dialect_writer *writer, bool is_cut, struct chain *out)
{
    if (writer->open)
        writer->open->is_cut = is_cut;
    for (struct output *output = writer->outputs; output; output = output->next) {
        if (output->is_closed || output == writer->open)
            continue;
        output->is_cut = is_cut;
        responses_writer_close_call(writer, output, out);
    }
    responses_writer_close_open(writer, out);
}
