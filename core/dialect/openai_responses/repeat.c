/* Texts that were changed on their way through a stream, put into the places where the stream says
 * them again: at the end of a part, of an item and of the response. What was never told in pieces
 * nobody has judged, and it goes. */
#include "base/text.h"
#include "dialect/openai_responses/parts.h"

enum {
    PLACES_MAX = 1024
};

/* A text by the name of its events ("output_text"), its item and its part. */
struct place {
    struct place *next;
    hg_str kind;
    int64_t item, part;
    struct chain *text;
};

struct dialect_repeat {
    struct arena *arena;
    struct place *places;
    size_t count;
};

struct dialect_repeat *responses_repeat_new(struct arena *arena)
{
    struct dialect_repeat *repeat = arena_zalloc(arena, sizeof *repeat);

    repeat->arena = arena;
    return repeat;
}

static struct place *place_of(struct dialect_repeat *repeat, hg_str kind, int64_t item,
                              int64_t part)
{
    struct place *place = repeat->places;

    while (place && !(place->item == item && place->part == part && text_is(place->kind, kind)))
        place = place->next;
    return place;
}

static void piece_keep(struct dialect_repeat *repeat, hg_str kind, int64_t item, int64_t part,
                       hg_json delta)
{
    struct place *place = place_of(repeat, kind, item, part);
    hg_str text = json_str(repeat->arena, delta);

    if (!place && repeat->count < PLACES_MAX) {
        place = arena_zalloc(repeat->arena, sizeof *place);
        *place = (struct place){.next = repeat->places,
                                .kind = arena_text(repeat->arena, kind),
                                .item = item,
                                .part = part,
                                .text = chain_new(repeat->arena)};
        repeat->places = place;
        repeat->count++;
    }
    if (place)
        chain_put(place->text, text.p, text.n);
}

/* Probabilities name the tokens of the text, so they stay only beside the text they belong to. */
static void text_put_back(struct dialect_repeat *repeat, hg_str kind, int64_t item, int64_t part,
                          hg_json owner, hg_str key, struct splice *splice)
{
    hg_json value = json_member(owner, key), logprobs = json_member(owner, HG_S("logprobs"));
    struct place *place = place_of(repeat, kind, item, part);
    hg_str text = place ? chain_flat(place->text, repeat->arena) : HG_S("");

    if (value.kind != HG_J_STR || json_is(value, text))
        return;
    splice_replace_str(splice, value, text);
    if (logprobs.kind == HG_J_ARR)
        splice_replace(splice, logprobs, HG_S("[]"));
}

static void parts_put_back(struct dialect_repeat *repeat, int64_t item, hg_json parts,
                           hg_str kind_of_text, struct splice *splice)
{
    hg_json_it it = {{0, 0}};
    int64_t number = 0;
    hg_json part;

    for (; parts.kind == HG_J_ARR && json_next(parts, &it, NULL, &part); number++) {
        text_put_back(repeat, kind_of_text, item, number, part, HG_S("text"), splice);
        text_put_back(repeat, HG_S("refusal"), item, number, part, HG_S("refusal"), splice);
    }
}

static void item_put_back(struct dialect_repeat *repeat, int64_t number, hg_json item,
                          struct splice *splice)
{
    hg_json type = json_member(item, HG_S("type"));
    bool is_reasoning = json_is(type, HG_S("reasoning"));

    parts_put_back(repeat, number, json_member(item, HG_S("content")),
                   is_reasoning ? HG_S("reasoning_text") : HG_S("output_text"), splice);
    parts_put_back(repeat, number, json_member(item, HG_S("summary")),
                   HG_S("reasoning_summary_text"), splice);
    text_put_back(repeat,
                  json_is(type, HG_S("mcp_call")) ? HG_S("mcp_call_arguments")
                                                  : HG_S("function_call_arguments"),
                  number, 0, item, HG_S("arguments"), splice);
    text_put_back(repeat, HG_S("custom_tool_call_input"), number, 0, item, HG_S("input"), splice);
    text_put_back(repeat, HG_S("code_interpreter_call_code"), number, 0, item, HG_S("code"),
                  splice);
}

static void response_put_back(struct dialect_repeat *repeat, hg_json response,
                              struct splice *splice)
{
    hg_json output = json_member(response, HG_S("output")), item;
    hg_json_it it = {{0, 0}};
    int64_t number = 0;

    if (json_member(response, HG_S("output_text")).kind)
        splice_remove_member(splice, response, HG_S("output_text"));
    while (output.kind == HG_J_ARR && json_next(output, &it, NULL, &item))
        item_put_back(repeat, number++, item, splice);
}

/* "response.<kind>.done" has the text in a member that depends on the kind. */
static void whole_put_back(struct dialect_repeat *repeat, hg_str kind, int64_t item, int64_t part,
                           hg_json doc, struct splice *splice)
{
    static const char *const keys[] = {"text", "refusal", "arguments", "input", "code"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        text_put_back(repeat, kind, item, part, doc, text_of(keys[i]), splice);
}

static void part_put_back(struct dialect_repeat *repeat, int64_t item, int64_t number, hg_json part,
                          struct splice *splice)
{
    static const struct {
        const char *type, *kind, *key;
    } kinds[] = {{"output_text", "output_text", "text"},
                 {"refusal", "refusal", "refusal"},
                 {"summary_text", "reasoning_summary_text", "text"},
                 {"reasoning_text", "reasoning_text", "text"}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_is(json_member(part, HG_S("type")), text_of(kinds[i].type)))
            text_put_back(repeat, text_of(kinds[i].kind), item, number, part, text_of(kinds[i].key),
                          splice);
}

void responses_repeat_event(struct dialect_repeat *repeat, hg_json doc, struct splice *splice)
{
    hg_str type = json_str(repeat->arena, json_member(doc, HG_S("type"))), kind = type;
    int64_t item = json_i64(json_member(doc, HG_S("output_index")), 0);
    hg_json part = json_member(doc, HG_S("content_index"));

    if (part.kind != HG_J_NUM)
        part = json_member(doc, HG_S("summary_index"));
    if (text_starts(kind, HG_S("response.")))
        kind = (hg_str){kind.p + 9, kind.n - 9};
    int64_t number = json_i64(part, 0);

    if (text_ends(kind, HG_S(".delta"))) {
        kind.n -= 6;
        piece_keep(repeat, kind, item, number, json_member(doc, HG_S("delta")));
        return;
    }
    if (text_ends(kind, HG_S(".done"))) {
        kind.n -= 5;
        whole_put_back(repeat, kind, item, number, doc, splice);
    }
    part_put_back(repeat, item, number, json_member(doc, HG_S("part")), splice);
    if (!text_is(kind, HG_S("output_item.added")))
        item_put_back(repeat, item, json_member(doc, HG_S("item")), splice);
    response_put_back(repeat, json_member(doc, HG_S("response")), splice);
}

void responses_event_unrepeat(hg_json doc, struct splice *splice)
{
    hg_json logprobs = json_member(doc, HG_S("logprobs"));

    if (json_count(logprobs))
        splice_replace(splice, logprobs, HG_S("[]"));
}
