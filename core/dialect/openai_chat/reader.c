/* A provider's answer as normalised events, from chunks or whole. Servers of this format differ in
 * many small ways; what they mean is what counts here. */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "dialect/slots.h"

enum {
    CHOICES_MAX = 64
};

struct dialect_reader {
    struct arena *arena;
    uint32_t kind;
    struct dialect_sink sink;
    struct slots *slots;
    bool is_started, is_over, is_whole;
    uint64_t finished; /* a bit for each choice */
    uint64_t held;     /* the same: said that it has finished for a call, which may not be all */
    hg_str held_word;
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

struct dialect_reader *openai_reader_new(struct arena *arena, uint32_t kind,
                                         const struct dialect_sink *sink)
{
    struct dialect_reader *reader = arena_zalloc(arena, sizeof *reader);

    reader->arena = arena;
    reader->kind = kind;
    reader->sink = *sink;
    return reader;
}

/* ---- pieces of a message -----------------------------------------------------------------------
 */

static void text_give(struct dialect_reader *reader, struct arena *scratch, uint32_t type,
                      uint32_t choice, hg_json value)
{
    hg_str text = json_str(scratch, value);

    if (text.n)
        give(reader, (hg_event){.type = type, .choice = choice, .text = text});
}

/* A list of parts, as Mistral sends it when it thinks. */
static void parts_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                       hg_json parts)
{
    hg_json_it it = {{0, 0}};
    hg_json part;

    while (json_next(parts, &it, NULL, &part)) {
        hg_json thinking = json_member(part, HG_S("thinking"));
        hg_json_it inner = {{0, 0}};
        hg_json piece;

        text_give(reader, scratch, HG_EV_TEXT, choice,
                  part.kind == HG_J_STR ? part : json_member(part, HG_S("text")));
        text_give(reader, scratch, HG_EV_REASONING, choice, thinking);
        while (thinking.kind == HG_J_ARR && json_next(thinking, &inner, NULL, &piece))
            text_give(reader, scratch, HG_EV_REASONING, choice, json_member(piece, HG_S("text")));
        text_give(reader, scratch, HG_EV_REFUSAL, choice, json_member(part, HG_S("refusal")));
    }
}

static void detail_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                        hg_json detail, bool with_text)
{
    hg_json text = json_member(detail, HG_S("text"));
    hg_event event = {.type = HG_EV_REASONING, .choice = choice};

    if (text.kind != HG_J_STR)
        text = json_member(detail, HG_S("summary"));
    if (text.kind != HG_J_STR)
        text = json_member(detail, HG_S("thinking"));
    if (with_text)
        event.text = json_str(scratch, text);
    event.id = json_str(scratch, json_member(detail, HG_S("signature")));
    event.name = json_str(scratch, json_member(detail, HG_S("data")));
    event.index = (uint32_t)json_i64(json_member(detail, HG_S("index")), 0);
    if (event.text.n || event.id.n || event.name.n)
        give(reader, event);
}

/* What a message or a delta has; one walk finds all of it. */
enum {
    CONTENT,
    CALLS,
    CALL, /* the deprecated form */
    REASONING_CONTENT,
    REASONING,
    REASONING_DETAILS,
    THINKING_BLOCKS,
    REFUSAL,
    IMAGES,
    ANNOTATIONS,
    AUDIO,
    KEYS
};

#define KEY(word)              \
    {                          \
        word, sizeof(word) - 1 \
    }

static const hg_str keys[KEYS] = {[CONTENT] = KEY("content"),
                                  [CALLS] = KEY("tool_calls"),
                                  [CALL] = KEY("function_call"),
                                  [REASONING_CONTENT] = KEY("reasoning_content"),
                                  [REASONING] = KEY("reasoning"),
                                  [REASONING_DETAILS] = KEY("reasoning_details"),
                                  [THINKING_BLOCKS] = KEY("thinking_blocks"),
                                  [REFUSAL] = KEY("refusal"),
                                  [IMAGES] = KEY("images"),
                                  [ANNOTATIONS] = KEY("annotations"),
                                  [AUDIO] = KEY("audio")};

/* Under one of two names, and once more with signatures in lists that some have beside. */
static void reasoning_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                           const hg_json *members)
{
    hg_json plain = members[REASONING_CONTENT], details = members[REASONING_DETAILS], detail;
    hg_json_it it = {{0, 0}};

    if (plain.kind != HG_J_STR || !json_raw_str(plain).n)
        plain = members[REASONING];
    text_give(reader, scratch, HG_EV_REASONING, choice, plain);
    if (details.kind != HG_J_ARR)
        details = members[THINKING_BLOCKS];
    while (details.kind == HG_J_ARR && json_next(details, &it, NULL, &detail))
        detail_give(reader, scratch, choice, detail,
                    plain.kind != HG_J_STR || !json_raw_str(plain).n);
}

enum {
    CALL_INDEX,
    CALL_ID,
    CALL_FUNCTION,
    CALL_CUSTOM,
    CALL_KEYS
};

static const hg_str call_keys[CALL_KEYS] = {[CALL_INDEX] = KEY("index"),
                                            [CALL_ID] = KEY("id"),
                                            [CALL_FUNCTION] = KEY("function"),
                                            [CALL_CUSTOM] = KEY("custom")};

/* `it` is the walk that gave the call. */
static void call_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                      hg_json call, hg_json_it *it, int64_t number)
{
    static const hg_str of_function[] = {KEY("name"), KEY("arguments")},
                        of_custom[] = {KEY("name"), KEY("input")};
    hg_json members[CALL_KEYS], function[2], args;

    json_pick(call, it, call_keys, CALL_KEYS, members);
    if (members[CALL_FUNCTION].kind == HG_J_OBJ)
        json_pick(members[CALL_FUNCTION], NULL, of_function, 2, function);
    else
        json_pick(members[CALL_CUSTOM], NULL, of_custom, 2, function);
    args = function[1];
    slots_add(reader->slots, choice, json_i64(members[CALL_INDEX], number),
              json_str(scratch, members[CALL_ID]), json_str(scratch, function[0]),
              args.kind == HG_J_OBJ ? json_raw(args) : json_str(scratch, args));
}

/* Whole answers have no indexes: the place in the list is one. */
static void calls_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                       const hg_json *members, bool is_whole)
{
    hg_json calls = members[CALLS], legacy = members[CALL], call;
    hg_json_it it = {{0, 0}};
    int64_t number = 0;

    if ((calls.kind == HG_J_ARR || legacy.kind == HG_J_OBJ) && !reader->slots)
        reader->slots = slots_new(reader->arena, &reader->sink);
    while (calls.kind == HG_J_ARR && json_next(calls, &it, NULL, &call)) {
        call_give(reader, scratch, choice, call, &it, is_whole ? number : -1);
        number++;
    }
    if (legacy.kind == HG_J_OBJ)
        slots_add(reader->slots, choice, 0, HG_S(""),
                  json_str(scratch, json_member(legacy, HG_S("name"))),
                  json_str(scratch, json_member(legacy, HG_S("arguments"))));
}

static void image_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                       hg_json image)
{
    hg_str url = json_str(scratch, json_get(image, "/image_url/url")), data;
    hg_str head = text_cut(url, ',', &data), rest;

    if (!text_starts(head, HG_S("data:")))
        return;
    head = text_cut((hg_str){head.p + 5, head.n - 5}, ';', &rest);
    give(reader, (hg_event){.type = HG_EV_MEDIA, .choice = choice, .name = head, .text = data});
}

static void list_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                      const hg_json *members)
{
    hg_json images = members[IMAGES], notes = members[ANNOTATIONS], item;
    hg_json_it it = {{0, 0}};

    while (images.kind == HG_J_ARR && json_next(images, &it, NULL, &item))
        image_give(reader, scratch, choice, item);
    it = (hg_json_it){{0, 0}};
    while (notes.kind == HG_J_ARR && json_next(notes, &it, NULL, &item))
        give(reader, (hg_event){.type = HG_EV_CITATION, .choice = choice, .text = json_raw(item)});
}

static void message_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                         hg_json message, bool is_whole)
{
    hg_json members[KEYS], content, audio;

    json_pick(message, NULL, keys, KEYS, members);
    content = members[CONTENT];
    audio = members[AUDIO];
    reasoning_give(reader, scratch, choice, members);
    if (content.kind == HG_J_ARR)
        parts_give(reader, scratch, choice, content);
    else
        text_give(reader, scratch, HG_EV_TEXT, choice, content);
    text_give(reader, scratch, HG_EV_REFUSAL, choice, members[REFUSAL]);
    list_give(reader, scratch, choice, members);
    if (audio.kind == HG_J_OBJ)
        give(reader, (hg_event){.type = HG_EV_EXTRA,
                                .choice = choice,
                                .name = HG_S("audio"),
                                .text = json_raw(audio)});
    calls_give(reader, scratch, choice, members, is_whole);
}

/* ---- choices and roots -------------------------------------------------------------------------
 */

static void choice_end(struct dialect_reader *reader, uint32_t choice, uint32_t finish, hg_str word)
{
    if (reader->slots)
        slots_end_choice(reader->slots, choice);
    reader->finished |= 1ull << choice;
    reader->held &= ~(1ull << choice);
    give(reader,
         (hg_event){.type = HG_EV_FINISH, .choice = choice, .finish = finish, .name = word});
}

static void held_give(struct dialect_reader *reader)
{
    for (uint32_t choice = 0; reader->held >> choice; choice++)
        if (reader->held >> choice & 1)
            choice_end(reader, choice, HG_FIN_TOOLS, reader->held_word);
}

/* What was called counts, whatever the server says; but not if the answer was cut. Together says
 * after each of several calls that it has finished: then it is true when nothing more comes. */
static void finish_give(struct dialect_reader *reader, struct arena *scratch, uint32_t choice,
                        hg_json reason)
{
    uint32_t finish = openai_finish_read(reason);

    if (!finish || reader->finished >> choice & 1)
        return;
    if (finish != HG_FIN_LENGTH && finish != HG_FIN_FILTER && reader->slots &&
        slots_any(reader->slots, choice))
        finish = HG_FIN_TOOLS;
    if (finish != HG_FIN_TOOLS || reader->is_whole) {
        choice_end(reader, choice, finish, json_str(scratch, reason));
        return;
    }
    reader->held |= 1ull << choice;
    reader->held_word = arena_text(reader->arena, json_str(scratch, reason));
}

/* Whether the choice goes on though it seemed to have finished. */
static bool is_resumed(struct dialect_reader *reader, uint32_t choice, hg_json delta)
{
    hg_json calls = json_member(delta, HG_S("tool_calls"));

    if (!(reader->held >> choice & 1) || calls.kind != HG_J_ARR || !json_count(calls))
        return false;
    reader->held &= ~(1ull << choice);
    return true;
}

enum {
    CHOICE_INDEX,
    CHOICE_DELTA,
    CHOICE_MESSAGE,
    CHOICE_TEXT,
    CHOICE_LOGPROBS,
    CHOICE_FINISH,
    CHOICE_KEYS
};

static const hg_str choice_keys[CHOICE_KEYS] = {
    [CHOICE_INDEX] = KEY("index"),       [CHOICE_DELTA] = KEY("delta"),
    [CHOICE_MESSAGE] = KEY("message"),   [CHOICE_TEXT] = KEY("text"),
    [CHOICE_LOGPROBS] = KEY("logprobs"), [CHOICE_FINISH] = KEY("finish_reason")};

/* `it` is the walk that gave the choice. */
static void choice_give(struct dialect_reader *reader, struct arena *scratch, hg_json value,
                        hg_json_it *it)
{
    hg_json members[CHOICE_KEYS], delta, message, logprobs;

    json_pick(value, it, choice_keys, CHOICE_KEYS, members);
    int64_t number = json_i64(members[CHOICE_INDEX], 0);
    uint32_t choice = number < 0 || number >= CHOICES_MAX ? 0 : (uint32_t)number;

    delta = members[CHOICE_DELTA];
    message = members[CHOICE_MESSAGE];
    logprobs = members[CHOICE_LOGPROBS];

    if ((reader->finished | reader->held) >> choice & 1 && !is_resumed(reader, choice, delta))
        return;
    /* Perplexity has both everywhere: whole answers with an empty delta, chunks with all so far. */
    if (delta.kind == HG_J_OBJ && !(reader->is_whole && message.kind == HG_J_OBJ))
        message_give(reader, scratch, choice, delta, false);
    else
        message_give(reader, scratch, choice, message, true);
    text_give(reader, scratch, HG_EV_TEXT, choice, members[CHOICE_TEXT]);
    if (logprobs.kind == HG_J_OBJ)
        give(reader, (hg_event){.type = HG_EV_EXTRA,
                                .choice = choice,
                                .name = HG_S("logprobs"),
                                .text = json_raw(logprobs)});
    finish_give(reader, scratch, choice, members[CHOICE_FINISH]);
}

static void extra_give(struct dialect_reader *reader, hg_json doc, hg_str key)
{
    hg_json value = json_member(doc, key);

    if (value.kind != HG_J_NONE && value.kind != HG_J_NULL)
        give(reader, (hg_event){.type = HG_EV_EXTRA, .name = key, .text = json_raw(value)});
}

/* The first frame of some has no model yet. */
static void start_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc,
                       bool has_choices)
{
    hg_str model = json_str(scratch, json_member(doc, HG_S("model")));

    if (reader->is_started || (!model.n && !has_choices))
        return;
    reader->is_started = true;
    give(reader, (hg_event){.type = HG_EV_START,
                            .id = json_str(scratch, json_member(doc, HG_S("id"))),
                            .name = model});
    extra_give(reader, doc, HG_S("system_fingerprint"));
    extra_give(reader, doc, HG_S("service_tier"));
    extra_give(reader, doc, HG_S("citations"));
    extra_give(reader, doc, HG_S("search_results"));
}

static void document_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json choices = json_member(doc, HG_S("choices")), choice;
    hg_usage usage = {.size = sizeof usage};
    hg_json_it it = {{0, 0}};
    hg_str type, message;

    if (openai_error_read(scratch, doc, &type, &message)) {
        fail(reader, type, message);
        return;
    }
    bool has_usage = openai_usage_read(openai_usage_find(doc), &usage);

    if (choices.kind != HG_J_ARR && !has_usage && reader->kind != HG_R_EMBED) {
        fail(reader, DIALECT_BROKEN, HG_S("an event without choices"));
        return;
    }
    bool has_choices = json_next(choices, &it, NULL, NULL);

    it = (hg_json_it){{0, 0}};
    start_give(reader, scratch, doc, has_choices);
    if (!has_choices)
        held_give(reader);
    while (choices.kind == HG_J_ARR && json_next(choices, &it, NULL, &choice))
        choice_give(reader, scratch, choice, &it);
    if (reader->kind == HG_R_EMBED)
        extra_give(reader, doc, HG_S("data"));
    if (has_usage)
        give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

bool openai_is_end(hg_str event, hg_str data)
{
    (void)event;
    return text_starts(text_trim(data), HG_S("[DONE]"));
}

void openai_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                         hg_str data)
{
    hg_str text = text_trim(data);
    hg_json doc;

    if (!reader->is_over && openai_is_end(event, text))
        held_give(reader);
    /* Some keep a connection alive with data that says nothing. */
    if (reader->is_over || !text.n || openai_is_end(event, text) || text_is(text, HG_S("{}")) ||
        text_is(text, HG_S("null")))
        return;
    if (json_parse(scratch, text, &doc, NULL) && doc.kind == HG_J_OBJ)
        document_give(reader, scratch, doc);
    else
        fail(reader, DIALECT_BROKEN, HG_S("an event that is not JSON"));
}

void openai_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    reader->is_whole = true;
    if (doc.kind == HG_J_OBJ || doc.kind == HG_J_ARR)
        document_give(reader, scratch, doc);
    else
        fail(reader, DIALECT_BROKEN, HG_S("an answer that is no object"));
    if (reader->kind == HG_R_EMBED && !reader->is_over)
        give(reader, (hg_event){.type = HG_EV_FINISH, .finish = HG_FIN_STOP});
}

void openai_reader_end(struct dialect_reader *reader)
{
    if (reader->is_over)
        return;
    held_give(reader);
    if (reader->slots)
        slots_end_all(reader->slots);
}

void openai_read_error(struct arena *arena, hg_json doc, struct dialect_error *ret)
{
    hg_json error = json_member(doc, HG_S("error"));

    *ret = (struct dialect_error){0};
    if (!openai_error_read(arena, doc, &ret->type, &ret->message))
        return;
    ret->code = json_str(arena, json_member(error, HG_S("code")));
    ret->param = json_str(arena, json_member(error, HG_S("param")));
}
