/* Answers written from normalised events: each of a stream as an answer of its own, or kept and
 * written as a whole. What a finish says goes out last, with the counts, as it does at Google's. */
#include "base/text.h"
#include "dialect/gemini/parts.h"
#include "json/write.h"

enum {
    CHOICES_MAX = 64,
    CALLS_MAX = 256
};

/* A call whose arguments are still coming: the format has them as an object only. */
struct call {
    struct call *next;
    uint32_t index;
    hg_str id, name, signature;
    struct chain *args;
    bool is_over;
};

struct writer_choice {
    struct chain *parts;  /* whole answers: elements of a list; a text may be open in the last */
    uint32_t open;        /* HG_EV_TEXT or HG_EV_REASONING that is open in it; 0: none */
    struct chain *chunks; /* sources: elements of a list */
    struct call *calls;
    unsigned call_count;
    uint32_t finish;
    bool is_seen;
};

struct dialect_writer {
    struct arena *arena;
    bool is_stream, failed;
    hg_str id, model;
    hg_usage usage;
    hg_str error_type, error_message;
    struct writer_choice *choices[CHOICES_MAX];
};

struct dialect_writer *gemini_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                         bool with_usage)
{
    struct dialect_writer *writer = arena_zalloc(arena, sizeof *writer);

    (void)kind;
    (void)with_usage; /* clients of this format always get it */
    writer->arena = arena;
    writer->is_stream = is_stream;
    return writer;
}

static struct writer_choice *choice_of(struct dialect_writer *writer, uint32_t number)
{
    if (number >= CHOICES_MAX)
        return NULL;
    if (!writer->choices[number])
        writer->choices[number] = arena_zalloc(writer->arena, sizeof **writer->choices);
    return writer->choices[number];
}

static void string_put(struct chain *out, hg_str key, hg_str text)
{
    json_key(out, key);
    json_put_str(out, text);
}

/* ---- frames -----------------------------------------------------------------------------------
 */

static void frame_begin(struct chain *out)
{
    CHAIN_PUT_LIT(out, "data: ");
    json_obj(out);
}

static void root_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->model.n)
        string_put(out, HG_S("modelVersion"), writer->model);
    if (writer->id.n)
        string_put(out, HG_S("responseId"), writer->id);
    json_end(out);
}

static void frame_end(struct dialect_writer *writer, struct chain *out)
{
    root_end(writer, out);
    CHAIN_PUT_LIT(out, "\r\n\r\n");
}

static void content_begin(struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "content");
    json_obj(out);
    JSON_KEY(out, "parts");
    json_arr(out);
}

static void content_end(struct chain *out)
{
    json_end(out);
    string_put(out, HG_S("role"), HG_S("model"));
    json_end(out);
}

/* ---- parts: into a frame, or to what is kept --------------------------------------------------
 */

/* Closes the text that is open in what is kept. */
static void text_close(struct writer_choice *choice)
{
    if (!choice->open)
        return;
    json_str_end(choice->parts);
    json_end(choice->parts);
    choice->open = 0;
}

static struct chain *part_begin(struct dialect_writer *writer, struct writer_choice *choice,
                                struct chain *out)
{
    if (writer->is_stream) {
        frame_begin(out);
        JSON_KEY(out, "candidates");
        json_arr(out);
        content_begin(out);
        return out;
    }
    if (!choice->parts) {
        choice->parts = chain_new(writer->arena);
        json_arr(choice->parts);
    }
    text_close(choice);
    return choice->parts;
}

static void part_end(struct dialect_writer *writer, uint32_t number, struct chain *out)
{
    if (!writer->is_stream)
        return;
    content_end(out);
    JSON_KEY(out, "index");
    json_put_u64(out, number);
    json_end(out);
    json_end(out);
    frame_end(writer, out);
}

static void text_put(struct dialect_writer *writer, struct writer_choice *choice,
                     const hg_event *event, struct chain *out)
{
    uint32_t type = event->type == HG_EV_REASONING ? HG_EV_REASONING : HG_EV_TEXT;
    hg_str signature = type == HG_EV_REASONING ? event->id : HG_S("");

    if (!event->text.n && !signature.n)
        return;
    if (!writer->is_stream && choice->open == type && !signature.n) {
        json_escape(choice->parts, event->text);
        return;
    }
    struct chain *parts = part_begin(writer, choice, out);

    json_obj(parts);
    if (type == HG_EV_REASONING) {
        JSON_KEY(parts, "thought");
        json_put_bool(parts, true);
    }
    if (signature.n)
        string_put(parts, HG_S("thoughtSignature"), signature);
    JSON_KEY(parts, "text");
    if (writer->is_stream) {
        json_put_str(parts, event->text);
        json_end(parts);
    } else {
        json_str_begin(parts);
        json_escape(parts, event->text);
        choice->open = type;
        if (signature.n) /* what follows is another thought */
            text_close(choice);
    }
    part_end(writer, event->choice, out);
}

static void media_put(struct dialect_writer *writer, struct writer_choice *choice,
                      const hg_event *event, struct chain *out)
{
    struct chain *parts = part_begin(writer, choice, out);

    json_obj(parts);
    JSON_KEY(parts, "inlineData");
    json_obj(parts);
    string_put(parts, HG_S("mimeType"), event->name);
    string_put(parts, HG_S("data"), event->text);
    json_end(parts);
    json_end(parts);
    part_end(writer, event->choice, out);
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static void call_begin(struct dialect_writer *writer, struct writer_choice *choice,
                       const hg_event *event)
{
    struct call **end = &choice->calls;
    struct call *call;

    for (; *end; end = &(*end)->next)
        if ((*end)->index == event->index)
            return;
    if (choice->call_count++ >= CALLS_MAX)
        return;
    call = arena_zalloc(writer->arena, sizeof *call);
    call->index = event->index;
    call->id = arena_text(writer->arena, event->id);
    call->name = arena_text(writer->arena, event->name);
    call->signature = arena_text(writer->arena, event->text);
    call->args = chain_new(writer->arena);
    *end = call;
}

static struct call *call_of(struct writer_choice *choice, uint32_t index)
{
    struct call *call = choice->calls;

    while (call && call->index != index)
        call = call->next;
    return call;
}

static void call_put(struct dialect_writer *writer, struct writer_choice *choice, uint32_t number,
                     struct call *call, struct chain *out)
{
    struct chat_part part = {.kind = CHAT_CALL};
    struct chain *parts;

    if (call->is_over)
        return;
    call->is_over = true;
    part.args = chat_plain(chain_flat(call->args, out->arena));
    parts = part_begin(writer, choice, out);
    json_obj(parts);
    JSON_KEY(parts, "functionCall");
    json_obj(parts);
    string_put(parts, HG_S("name"), call->name);
    JSON_KEY(parts, "args");
    chat_put_args_object(out->arena, parts, &part);
    string_put(parts, HG_S("id"), call->id);
    json_end(parts);
    if (call->signature.n)
        string_put(parts, HG_S("thoughtSignature"), call->signature);
    json_end(parts);
    part_end(writer, number, out);
    chain_clear(call->args);
}

static void calls_end(struct dialect_writer *writer, struct writer_choice *choice, uint32_t number,
                      struct chain *out)
{
    for (struct call *call = choice->calls; call; call = call->next)
        call_put(writer, choice, number, call, out);
}

/* ---- sources ----------------------------------------------------------------------------------
 */

static void source_keep(struct dialect_writer *writer, struct writer_choice *choice,
                        const hg_event *event)
{
    struct arena *scratch = arena_new();
    hg_json doc = {0}, citation, url;

    if (!json_parse(scratch, event->text, &doc, NULL))
        doc = (hg_json){0};
    citation = json_member(doc, HG_S("url_citation"));
    url = json_member(citation.kind == HG_J_OBJ ? citation : doc, HG_S("url"));
    if (url.kind == HG_J_STR) {
        if (!choice->chunks) {
            choice->chunks = chain_new(writer->arena);
            json_arr(choice->chunks);
        }
        json_obj(choice->chunks);
        JSON_KEY(choice->chunks, "web");
        json_obj(choice->chunks);
        string_put(choice->chunks, HG_S("uri"), json_str(scratch, url));
        string_put(choice->chunks, HG_S("title"),
                   json_str(scratch, json_member(citation.kind == HG_J_OBJ ? citation : doc,
                                                 HG_S("title"))));
        json_end(choice->chunks);
        json_end(choice->chunks);
    }
    arena_free(&scratch);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static void finish_put(struct writer_choice *choice, uint32_t number, struct chain *out)
{
    if (choice->finish)
        string_put(out, HG_S("finishReason"), gemini_finish_word(choice->finish));
    JSON_KEY(out, "index");
    json_put_u64(out, number);
    if (choice->chunks) {
        json_end(choice->chunks);
        JSON_KEY(out, "groundingMetadata");
        json_obj(out);
        JSON_KEY(out, "groundingChunks");
        json_put_raw(out, chain_flat(choice->chunks, out->arena));
        json_end(out);
    }
}

static void candidates_put(struct dialect_writer *writer, struct chain *out)
{
    bool any = false;

    for (uint32_t i = 0; i < CHOICES_MAX; i++) {
        struct writer_choice *choice = writer->choices[i];

        if (!choice || !(choice->finish || (choice->is_seen && !writer->is_stream)))
            continue;
        if (!any) {
            JSON_KEY(out, "candidates");
            json_arr(out);
            any = true;
        }
        if (writer->is_stream || !choice->parts) {
            content_begin(out);
            content_end(out);
        } else {
            text_close(choice);
            json_end(choice->parts);
            json_obj(out);
            JSON_KEY(out, "content");
            json_obj(out);
            JSON_KEY(out, "parts");
            json_put_raw(out, chain_flat(choice->parts, out->arena));
            string_put(out, HG_S("role"), HG_S("model"));
            json_end(out);
        }
        finish_put(choice, i, out);
        json_end(out);
    }
    if (any)
        json_end(out);
}

static bool is_finished(const struct dialect_writer *writer)
{
    for (uint32_t i = 0; i < CHOICES_MAX; i++)
        if (writer->choices[i] && writer->choices[i]->finish)
            return true;
    return false;
}

static void last_put(struct dialect_writer *writer, struct chain *out)
{
    candidates_put(writer, out);
    if (writer->usage.flags)
        gemini_usage_put(out, &writer->usage);
}

static void stream_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->failed || (!is_finished(writer) && !writer->usage.flags))
        return;
    frame_begin(out);
    last_put(writer, out);
    frame_end(writer, out);
}

static void whole_end(struct dialect_writer *writer, struct chain *out)
{
    hg_str body;

    if (!writer->failed && is_finished(writer)) {
        json_obj(out);
        last_put(writer, out);
        root_end(writer, out);
        return;
    }
    if (!writer->failed)
        writer->error_message = HG_S("the answer ended without a finish");
    body = gemini_error_body(writer->arena, 0, writer->error_type, HG_S(""), writer->error_message);
    chain_put(out, body.p, body.n);
}

void gemini_write_end(struct dialect_writer *writer, struct chain *out)
{
    for (uint32_t i = 0; i < CHOICES_MAX && !writer->failed; i++)
        if (writer->choices[i])
            calls_end(writer, writer->choices[i], i, out);
    if (writer->is_stream)
        stream_end(writer, out);
    else
        whole_end(writer, out);
}

/* ---- events -----------------------------------------------------------------------------------
 */

static void failed(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    hg_str error;

    writer->failed = true;
    writer->error_type = arena_text(writer->arena, event->name);
    writer->error_message = arena_text(writer->arena, event->text);
    if (!writer->is_stream)
        return;
    error = gemini_error_event(out->arena, event->name, HG_S(""), event->text);
    chain_put(out, error.p, error.n);
}

static void choice_write(struct dialect_writer *writer, struct writer_choice *choice,
                         const hg_event *event, struct chain *out)
{
    struct call *call;

    if (choice->finish)
        return;
    switch (event->type) {
    case HG_EV_TEXT:
    case HG_EV_REFUSAL:
    case HG_EV_REASONING:
        text_put(writer, choice, event, out);
        break;
    case HG_EV_MEDIA:
        media_put(writer, choice, event, out);
        break;
    case HG_EV_TOOL_START:
        call_begin(writer, choice, event);
        break;
    case HG_EV_TOOL_ARGS:
        if ((call = call_of(choice, event->index)) && !call->is_over)
            chain_put(call->args, event->text.p, event->text.n);
        break;
    case HG_EV_TOOL_END:
        if ((call = call_of(choice, event->index)))
            call_put(writer, choice, event->choice, call, out);
        break;
    case HG_EV_CITATION:
        source_keep(writer, choice, event);
        break;
    case HG_EV_FINISH:
        calls_end(writer, choice, event->choice, out);
        choice->finish = event->finish ? event->finish : HG_FIN_OTHER;
        break;
    default:
        return;
    }
    choice->is_seen = true;
}

void gemini_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    struct writer_choice *choice;

    if (writer->failed)
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
    case HG_EV_ERROR:
        failed(writer, event, out);
        break;
    default:
        if ((choice = choice_of(writer, event->choice)))
            choice_write(writer, choice, event, out);
    }
}
