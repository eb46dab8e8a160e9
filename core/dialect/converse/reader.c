/* A provider's answer as normalised events, from the events of a stream or whole. */
#include "base/text.h"
#include "dialect/converse/parts.h"
#include "dialect/slots.h"
#include "json/write.h"

enum {
    SERVER_BLOCKS = 64 /* blocks of tools that the provider runs, by their numbers */
};

struct dialect_reader {
    struct arena *arena;
    struct dialect_sink sink;
    struct slots *slots;
    bool is_started, is_finished, is_over;
    uint64_t server_blocks; /* a bit for each of them */
    hg_str image;           /* format of the last image that was begun */
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

struct dialect_reader *converse_reader_new(struct arena *arena, uint32_t kind,
                                           const struct dialect_sink *sink)
{
    struct dialect_reader *reader = arena_zalloc(arena, sizeof *reader);

    (void)kind;
    reader->arena = arena;
    reader->sink = *sink;
    return reader;
}

/* Neither id nor model are told. */
static void start_give(struct dialect_reader *reader)
{
    if (!reader->is_started)
        give(reader, (hg_event){.type = HG_EV_START});
    reader->is_started = true;
}

static void text_give(struct dialect_reader *reader, struct arena *scratch, hg_json value)
{
    hg_str text = json_str(scratch, value);

    if (text.n)
        give(reader, (hg_event){.type = HG_EV_TEXT, .text = text});
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

/* Of a whole block and of a delta alike; the number of the block tells one run from another. */
static void reasoning_give(struct dialect_reader *reader, struct arena *scratch, uint32_t number,
                           hg_json content)
{
    hg_json inner = json_member(content, HG_S("reasoningText"));
    hg_json value = inner.kind == HG_J_OBJ ? inner : content;
    hg_event event = {
        .type = HG_EV_REASONING,
        .index = number,
        .text = json_str(scratch, json_member(value, HG_S("text"))),
        .id = json_str(scratch, json_member(value, HG_S("signature"))),
        .name = json_str(scratch, json_member(content, HG_S("redactedContent"))),
    };

    if (event.text.n || event.id.n || event.name.n)
        give(reader, event);
}

/* Those that lead somewhere; places in documents have no form of OpenAI's. */
static void citation_give(struct dialect_reader *reader, struct arena *scratch, hg_json citation)
{
    hg_json url = json_get(citation, "/location/web/url");
    hg_json title = json_member(citation, HG_S("title"));
    struct chain *out = chain_new(scratch);

    if (url.kind != HG_J_STR)
        return;
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("url_citation"));
    JSON_KEY(out, "url_citation");
    json_obj(out);
    JSON_KEY(out, "url");
    json_put_raw(out, json_raw(url));
    if (title.kind == HG_J_STR) {
        JSON_KEY(out, "title");
        json_put_raw(out, json_raw(title));
    }
    json_end(out);
    json_end(out);
    give(reader, (hg_event){.type = HG_EV_CITATION, .text = chain_flat(out, scratch)});
}

static void cited_give(struct dialect_reader *reader, struct arena *scratch, hg_json content)
{
    hg_json texts = json_member(content, HG_S("content")), item;
    hg_json citations = json_member(content, HG_S("citations"));
    hg_json_it it = {{0, 0}};

    while (texts.kind == HG_J_ARR && json_next(texts, &it, NULL, &item))
        text_give(reader, scratch, json_member(item, HG_S("text")));
    it = (hg_json_it){{0, 0}};
    while (citations.kind == HG_J_ARR && json_next(citations, &it, NULL, &item))
        citation_give(reader, scratch, item);
}

static void image_give(struct dialect_reader *reader, struct arena *scratch, hg_str format,
                       hg_json image)
{
    hg_str data = json_str(scratch, json_get(image, "/source/bytes"));

    if (data.n)
        give(reader, (hg_event){.type = HG_EV_MEDIA,
                                .name = arena_fmt(scratch, "image/%.*s", TEXT_ARG(format)),
                                .text = data});
}

/* What the provider has called itself is no call that anyone should answer. */
static bool is_server_use(hg_json use)
{
    return json_is(json_member(use, HG_S("type")), HG_S("server_tool_use"));
}

static void call_give(struct dialect_reader *reader, struct arena *scratch, uint32_t number,
                      hg_json use, hg_str args)
{
    if (!reader->slots)
        reader->slots = slots_new(reader->arena, &reader->sink);
    slots_add(reader->slots, 0, number, json_str(scratch, json_member(use, HG_S("toolUseId"))),
              json_str(scratch, json_member(use, HG_S("name"))), args);
}

static void block_give(struct dialect_reader *reader, struct arena *scratch, uint32_t number,
                       hg_json block)
{
    hg_json use = json_member(block, HG_S("toolUse"));
    hg_json image = json_member(block, HG_S("image"));

    text_give(reader, scratch, json_member(block, HG_S("text")));
    reasoning_give(reader, scratch, number, json_member(block, HG_S("reasoningContent")));
    cited_give(reader, scratch, json_member(block, HG_S("citationsContent")));
    image_give(reader, scratch, json_str(scratch, json_member(image, HG_S("format"))), image);
    if (use.kind == HG_J_OBJ && !is_server_use(use)) {
        hg_json input = json_member(use, HG_S("input"));

        call_give(reader, scratch, number, use,
                  input.kind == HG_J_NONE || input.kind == HG_J_NULL ? HG_S("{}")
                                                                     : json_raw(input));
        slots_end(reader->slots, 0, number);
    }
}

/* ---- what is said of the whole -----------------------------------------------------------------
 */

static const struct {
    const char *word;
    uint32_t finish;
} finishes[] = {
    {"end_turn", HG_FIN_STOP},
    {"stop_sequence", HG_FIN_STOP},
    {"tool_use", HG_FIN_TOOLS},
    {"max_tokens", HG_FIN_LENGTH},
    {"model_context_window_exceeded", HG_FIN_LENGTH},
    {"guardrail_intervened", HG_FIN_FILTER},
    {"content_filtered", HG_FIN_FILTER},
    {"malformed_model_output", HG_FIN_OTHER},
    {"malformed_tool_use", HG_FIN_OTHER},
};

uint32_t converse_finish_of(hg_str reason)
{
    for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++)
        if (text_is(reason, text_of(finishes[i].word)))
            return finishes[i].finish;
    return 0;
}

static void extra_give(struct dialect_reader *reader, hg_json doc, hg_str key)
{
    hg_json value = json_member(doc, key);

    if (value.kind != HG_J_NONE && value.kind != HG_J_NULL)
        give(reader, (hg_event){.type = HG_EV_EXTRA, .name = key, .text = json_raw(value)});
}

/* What was called counts, whatever the provider says; but not if the answer was cut. */
static void finish_give(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_str reason = json_str(scratch, json_member(doc, HG_S("stopReason")));
    uint32_t finish = converse_finish_of(reason);

    if (!reason.n || reader->is_finished)
        return;
    finish = finish ? finish : HG_FIN_OTHER; /* a word that is newer than this */
    extra_give(reader, doc, HG_S("additionalModelResponseFields"));
    if (reader->slots) {
        slots_end_choice(reader->slots, 0);
        if (finish != HG_FIN_LENGTH && finish != HG_FIN_FILTER && slots_any(reader->slots, 0))
            finish = HG_FIN_TOOLS;
    }
    reader->is_finished = true;
    give(reader,
         (hg_event){.type = HG_EV_FINISH,
                    .finish = finish,
                    .name = reason,
                    .text = json_str(
                        scratch, json_get(doc, "/additionalModelResponseFields/stop_sequence"))});
}

static uint64_t count_of(hg_json usage, hg_str key, uint32_t flag, uint32_t *flags)
{
    int64_t count = json_i64(json_member(usage, key), -1);

    if (count < 0)
        return 0;
    *flags |= flag;
    return (uint64_t)count;
}

/* The input is told without what the cache gave and took. */
static void usage_give(struct dialect_reader *reader, hg_json value)
{
    hg_usage usage = {.size = sizeof usage};

    usage.input = count_of(value, HG_S("inputTokens"), HG_U_INPUT, &usage.flags);
    usage.output = count_of(value, HG_S("outputTokens"), HG_U_OUTPUT, &usage.flags);
    if (!usage.flags)
        return;
    usage.cached_input = count_of(value, HG_S("cacheReadInputTokens"), HG_U_CACHED, &usage.flags);
    usage.cache_write =
        count_of(value, HG_S("cacheWriteInputTokens"), HG_U_CACHE_WRITE, &usage.flags);
    usage.input += usage.cached_input + usage.cache_write;
    give(reader, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

static void metadata_give(struct dialect_reader *reader, hg_json doc)
{
    extra_give(reader, doc, HG_S("trace"));
    extra_give(reader, doc, HG_S("performanceConfig"));
    extra_give(reader, doc, HG_S("serviceTier"));
    usage_give(reader, json_member(doc, HG_S("usage")));
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static uint32_t number_of(hg_json doc)
{
    int64_t number = json_i64(json_member(doc, HG_S("contentBlockIndex")), 0);

    return number < 0 || number > 1 << 20 ? 0 : (uint32_t)number;
}

static void server_block_note(struct dialect_reader *reader, uint32_t number, bool is_one)
{
    if (number >= SERVER_BLOCKS)
        return;
    reader->server_blocks &= ~(1ull << number);
    reader->server_blocks |= (uint64_t)is_one << number;
}

static bool is_server_block(const struct dialect_reader *reader, uint32_t number)
{
    return number < SERVER_BLOCKS && reader->server_blocks >> number & 1;
}

static void block_start(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json use = json_get(doc, "/start/toolUse");
    hg_json format = json_get(doc, "/start/image/format");
    uint32_t number = number_of(doc);

    if (format.kind == HG_J_STR)
        reader->image = arena_text(reader->arena, json_str(scratch, format));
    if (use.kind != HG_J_OBJ)
        return;
    server_block_note(reader, number, is_server_use(use));
    if (!is_server_use(use))
        call_give(reader, scratch, number, use, HG_S(""));
}

static void block_delta(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json delta = json_member(doc, HG_S("delta"));
    hg_json use = json_member(delta, HG_S("toolUse"));
    uint32_t number = number_of(doc);

    text_give(reader, scratch, json_member(delta, HG_S("text")));
    reasoning_give(reader, scratch, number, json_member(delta, HG_S("reasoningContent")));
    citation_give(reader, scratch, json_member(delta, HG_S("citation")));
    image_give(reader, scratch, reader->image.n ? reader->image : HG_S("png"),
               json_member(delta, HG_S("image")));
    if (use.kind == HG_J_OBJ && !is_server_block(reader, number))
        call_give(reader, scratch, number, (hg_json){0},
                  json_str(scratch, json_member(use, HG_S("input"))));
}

static void block_stop(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    (void)scratch;
    if (reader->slots && !is_server_block(reader, number_of(doc)))
        slots_end(reader->slots, 0, number_of(doc));
}

static void message_start(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    (void)reader;
    (void)scratch;
    (void)doc;
}

static void metadata(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    (void)scratch;
    metadata_give(reader, doc);
}

static const struct {
    const char *event;
    bool is_content;
    void (*read)(struct dialect_reader *reader, struct arena *scratch, hg_json doc);
} readers[] = {
    {"contentBlockDelta", true, block_delta}, {"contentBlockStart", true, block_start},
    {"contentBlockStop", true, block_stop},   {"messageStart", false, message_start},
    {"messageStop", false, finish_give},      {"metadata", false, metadata},
};

/* "throttlingException" as it is; the code of an error that no model defines too. */
static void error_read(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                       hg_str data)
{
    struct dialect_error error = {.message = data};
    hg_json doc;

    if (json_parse(scratch, data, &doc, NULL) && doc.kind == HG_J_OBJ)
        converse_read_error(scratch, doc, &error);
    fail(reader, event, error.message.n ? error.message : event);
}

static bool is_exception(hg_str event)
{
    return text_ends(event, HG_S("Exception")) || text_ends(event, HG_S("Error"));
}

bool converse_is_end(hg_str event, hg_str data)
{
    (void)data;
    return text_is(event, HG_S("metadata"));
}

void converse_reader_frame(struct dialect_reader *reader, struct arena *scratch, hg_str event,
                           hg_str data)
{
    hg_json doc;

    if (reader->is_over)
        return;
    if (is_exception(event)) {
        error_read(reader, scratch, event, data);
        return;
    }
    if (!json_parse(scratch, data, &doc, NULL) || doc.kind != HG_J_OBJ) {
        fail(reader, DIALECT_BROKEN, HG_S("an event that is no JSON object"));
        return;
    }
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (!text_is(event, text_of(readers[i].event)))
            continue;
        start_give(reader);
        if (!readers[i].is_content || !reader->is_finished)
            readers[i].read(reader, scratch, doc);
        return;
    }
    /* New kinds of events may come at any time; what says a message is an error by any name. */
    if (!event.n)
        fail(reader, DIALECT_BROKEN, HG_S("an event without a type"));
    else if (json_member(doc, HG_S("message")).kind == HG_J_STR)
        error_read(reader, scratch, event, data);
}

/* ---- whole answers ----------------------------------------------------------------------------
 */

void converse_reader_whole(struct dialect_reader *reader, struct arena *scratch, hg_json doc)
{
    hg_json content = json_get(doc, "/output/message/content"), block;
    struct dialect_error error;
    hg_json_it it = {{0, 0}};
    uint32_t number = 0;

    if (content.kind != HG_J_ARR) {
        converse_read_error(scratch, doc, &error);
        if (error.message.n)
            fail(reader, error.type.n ? error.type : HG_S("api_error"), error.message);
        else
            fail(reader, DIALECT_BROKEN, HG_S("an answer without a message"));
        return;
    }
    start_give(reader);
    while (json_next(content, &it, NULL, &block))
        block_give(reader, scratch, number++, block);
    finish_give(reader, scratch, doc);
    metadata_give(reader, doc);
}

void converse_reader_end(struct dialect_reader *reader)
{
    if (reader->slots && !reader->is_over)
        slots_end_all(reader->slots);
}
