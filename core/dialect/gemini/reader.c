/* A provider's answer as normalised events: each frame is an answer of its own with what is new. */
#include "base/digest.h"
#include "base/text.h"
#include "dialect/gemini/parts.h"

enum {
    CHOICES_MAX = 16 /* the format allows 8 */
};

struct reader_choice {
    struct marks *marks;
    size_t citations;
    uint32_t calls, thoughts; /* calls so far; runs of thoughts that have ended */
    bool thinks, has_content, is_finished;
};

struct dialect_reader {
    struct arena *arena;
    uint32_t kind;
    struct dialect_sink sink;
    bool is_started, is_over;
    struct reader_choice *choices[CHOICES_MAX];
};

static void give(struct dialect_reader *reader, hg_event event)
{
    event.size = sizeof event;
    reader->sink.on_event(reader->sink.arg, &event);
}

static void fail(struct dialect_reader *reader, hg_str type, hg_str message)
{
    if (reader->is_over)
        return;
    reader->is_over = true;
    give(reader, (hg_event){.type = HG_EV_ERROR, .name = type, .text = message});
}

struct dialect_reader *gemini_reader_new(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink)
{
    struct dialect_reader *reader = arena_zalloc(arena, sizeof *reader);

    reader->arena = arena;
    reader->kind = kind;
    reader->sink = *sink;
    return reader;
}

static struct reader_choice *choice_of(struct dialect_reader *reader, uint32_t number)
{
    struct reader_choice **choice = &reader->choices[number];

    if (!*choice) {
        *choice = arena_zalloc(reader->arena, sizeof **choice);
        (*choice)->marks = marks_new(reader->arena);
    }
    return *choice;
}

/* ---- parts ------------------------------------------------------------------------------------
 */

struct place {
    struct dialect_reader *reader;
    struct arena *scratch;
    struct reader_choice *choice;
    uint32_t number;
};

static void text_give(const struct place *place, hg_json part, hg_json value, hg_str signature)
{
    bool thinks = json_is_yes(json_member(part, HG_S("thought")));
    hg_str text = json_str(place->scratch, value);
    hg_event event = {.type = HG_EV_TEXT, .choice = place->number, .text = text};

    /* A signature on plain text need not come back, so it is nothing to a client of others. */
    if (!text.n && (!thinks || !signature.n))
        return;
    place->choice->has_content = true;
    if (thinks) {
        event.type = HG_EV_REASONING;
        event.index = place->choice->thoughts;
        event.id = signature;
    } else {
        marks_add(place->choice->marks, text);
        place->choice->thoughts += place->choice->thinks;
    }
    place->choice->thinks = thinks;
    give(place->reader, event);
}

static hg_str made_id(struct arena *arena)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t bytes[24];
    char id[5 + sizeof bytes] = "call_";

    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        id[5 + i] = letters[bytes[i] % 62];
    return arena_text(arena, (hg_str){id, sizeof id});
}

/* A call comes whole in one part. */
static void call_give(const struct place *place, hg_json call, hg_str signature)
{
    hg_str id = json_str(place->scratch, json_member(call, HG_S("id")));
    hg_json args = json_member(call, HG_S("args"));
    hg_event event = {.type = HG_EV_TOOL_START,
                      .choice = place->number,
                      .index = place->choice->calls,
                      .id = id.n ? id : made_id(place->scratch),
                      .name = json_str(place->scratch, json_member(call, HG_S("name"))),
                      .text = signature};

    if (!event.name.n)
        return;
    place->choice->has_content = true;
    place->choice->thoughts += place->choice->thinks;
    place->choice->thinks = false;
    place->choice->calls++;
    give(place->reader, event);
    event = (hg_event){.type = HG_EV_TOOL_ARGS,
                       .choice = event.choice,
                       .index = event.index,
                       .text = args.kind == HG_J_OBJ ? gemini_compact(place->scratch, args)
                                                     : HG_S("{}")};
    give(place->reader, event);
    event.type = HG_EV_TOOL_END;
    event.text = HG_S("");
    give(place->reader, event);
}

static void media_give(const struct place *place, hg_json blob)
{
    hg_json data = json_member(blob, HG_S("data"));

    if (data.kind != HG_J_STR)
        return;
    place->choice->has_content = true;
    give(place->reader,
         (hg_event){.type = HG_EV_MEDIA,
                    .choice = place->number,
                    .name = json_str(place->scratch, gemini_member(blob, HG_S("mimeType"))),
                    .text = json_str(place->scratch, data)});
}

static void part_give(const struct place *place, hg_json part)
{
    hg_json text = {0}, call = {0}, blob = {0}, signature = {0}, value;
    hg_json_it it = {{0, 0}};
    hg_str key;

    while (part.kind == HG_J_OBJ && json_next(part, &it, &key, &value)) {
        if (json_key_is(key, HG_S("text")))
            text = value;
        else if (gemini_key_is(key, HG_S("functionCall")))
            call = value;
        else if (gemini_key_is(key, HG_S("inlineData")))
            blob = value;
        else if (gemini_key_is(key, HG_S("thoughtSignature")))
            signature = value;
    }
    if (text.kind == HG_J_STR)
        text_give(place, part, text, json_str(place->scratch, signature));
    if (call.kind == HG_J_OBJ)
        call_give(place, call, json_str(place->scratch, signature));
    if (blob.kind == HG_J_OBJ)
        media_give(place, blob);
}

/* ---- candidates -------------------------------------------------------------------------------
 */

static void finish_give(const struct place *place, hg_json candidate)
{
    hg_json reason = gemini_member(candidate, HG_S("finishReason"));
    uint32_t finish = gemini_finish_read(reason);
    hg_str message;

    if (!finish)
        return;
    if (gemini_finish_is_broken(reason) && !place->choice->has_content) {
        message = json_str(place->scratch, gemini_member(candidate, HG_S("finishMessage")));
        fail(place->reader, HG_S("api_error"),
             message.n ? message : json_str(place->scratch, reason));
        return;
    }
    if (place->choice->calls && finish != HG_FIN_LENGTH && finish != HG_FIN_FILTER)
        finish = HG_FIN_TOOLS;
    place->choice->is_finished = true;
    give(place->reader, (hg_event){.type = HG_EV_FINISH,
                                   .choice = place->number,
                                   .finish = finish,
                                   .name = json_str(place->scratch, reason)});
}

static void candidate_give(struct dialect_reader *reader, struct arena *scratch, hg_json candidate,
                           uint32_t in_list)
{
    int64_t number = gemini_count(json_member(candidate, HG_S("index")));
    hg_json parts = json_member(json_member(candidate, HG_S("content")), HG_S("parts")), part;
    struct place place = {reader, scratch, NULL, number < 0 ? in_list : (uint32_t)number};
    hg_json_it it = {{0, 0}};

    if (number >= CHOICES_MAX || place.number >= CHOICES_MAX)
        return;
    place.choice = choice_of(reader, place.number);
    if (place.choice->is_finished)
        return;
    while (parts.kind == HG_J_ARR && json_next(parts, &it, NULL, &part))
        part_give(&place, part);
    size_t had = place.choice->citations;
    size_t have = gemini_grounding_give(&reader->sink, scratch, place.number, candidate,
                                        place.choice->marks, had);

    place.choice->citations = have > had ? have : had;
    finish_give(&place, candidate);
}

static void start_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    if (reader->is_started)
        return;
    reader->is_started = true;
    give(reader, (hg_event){.type = HG_EV_START,
                            .id = json_str(scratch, gemini_member(doc, HG_S("responseId"))),
                            .name = json_str(scratch, gemini_member(doc, HG_S("modelVersion")))});
}

/* A prompt that is not let through has no answer at all. */
static void block_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json feedback = gemini_member(doc, HG_S("promptFeedback"));
    hg_json reason = gemini_member(feedback, HG_S("blockReason"));
    struct reader_choice *choice;

    if (reason.kind != HG_J_STR)
        return;
    choice = choice_of(reader, 0);
    if (choice->is_finished)
        return;
    choice->is_finished = true;
    give(reader, (hg_event){.type = HG_EV_FINISH,
                            .finish = HG_FIN_FILTER,
                            .name = json_str(scratch, reason)});
}

static void vectors_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_str data = gemini_embeddings_read(scratch, doc);
    hg_usage usage;

    if (!data.n) {
        fail(reader, DIALECT_BROKEN, HG_S("an answer without embeddings"));
        return;
    }
    start_give(reader, scratch, doc);
    give(reader, (hg_event){.type = HG_EV_EXTRA, .name = HG_S("data"), .text = data});
    if (gemini_embed_usage_read(doc, &usage))
        give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
    give(reader, (hg_event){.type = HG_EV_FINISH, .finish = HG_FIN_STOP});
}

static void document_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json candidates = json_member(doc, HG_S("candidates")), candidate;
    hg_json_it it = {{0, 0}};
    struct dialect_error error;
    hg_usage usage;
    uint32_t number = 0;

    if (reader->is_over)
        return;
    if (gemini_error_read(scratch, doc, &error)) {
        fail(reader, error.type, error.message);
        return;
    }
    if (reader->kind == HG_R_EMBED) {
        vectors_give(reader, scratch, doc);
        return;
    }
    bool has_usage = gemini_usage_read(gemini_member(doc, HG_S("usageMetadata")), &usage);

    if (candidates.kind != HG_J_ARR && !has_usage &&
        gemini_member(doc, HG_S("promptFeedback")).kind != HG_J_OBJ &&
        gemini_member(doc, HG_S("responseId")).kind != HG_J_STR) {
        fail(reader, DIALECT_BROKEN, HG_S("an event without candidates"));
        return;
    }
    start_give(reader, scratch, doc);
    while (candidates.kind == HG_J_ARR && json_next(candidates, &it, NULL, &candidate))
        candidate_give(reader, scratch, candidate, number++);
    if (!number)
        block_give(reader, scratch, doc);
    if (has_usage && !reader->is_over)
        give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

void gemini_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data)
{
    hg_str text = text_trim(data);
    hg_json doc;

    (void)event;
    if (reader->is_over || !text.n || text_is(text, HG_S("{}")) || text_is(text, HG_S("null")) ||
        text_starts(text, HG_S("[DONE]")))
        return;
    if (json_parse(scratch, text, &doc, NULL) && doc.kind != HG_J_NONE)
        gemini_reader_whole(reader, scratch, doc);
    else
        fail(reader, DIALECT_BROKEN, HG_S("an event that is not JSON"));
}

/* A stream that is not asked for as events is a list of what they would hold. */
void gemini_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json_it it = {{0, 0}};
    hg_json one;

    if (doc.kind == HG_J_OBJ) {
        document_give(reader, scratch, doc);
    } else if (doc.kind == HG_J_ARR && json_count(doc)) {
        while (json_next(doc, &it, NULL, &one))
            document_give(reader, scratch, one);
    } else {
        fail(reader, DIALECT_BROKEN, HG_S("an answer that is no object"));
    }
}

void gemini_reader_end(struct dialect_reader *reader)
{
    (void)reader; /* nothing is ever open: calls come whole */
}
