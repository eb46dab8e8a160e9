/* Sampling, reasoning and formats: what the format itself knows, and what each model takes beside
 * it in members of its own. */
#include <stdlib.h>

#include "base/text.h"
#include "dialect/converse/write_chat.h"

enum {
    BUDGET_LEAST = 1024 /* tokens; Claude refuses less */
};

/* ---- sampling ----------------------------------------------------------------------------------
 */

/* Bedrock goes from 0 to 1, others to 2. */
static hg_str clamped(struct writing *writing, hg_str number)
{
    char text[40];

    if (!number.n || number.n >= sizeof text)
        return number;
    *put_text(text, number) = 0;
    if (strtod(text, NULL) <= 1)
        return number;
    translation_lose(writing->to, "temperature above 1");
    return HG_S("1");
}

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

static bool keep_sampling(struct writing *writing, hg_str number, const char *name)
{
    if (!number.n)
        return false;
    if (!writing->thinks && !writing_is(writing, FAMILY_NO_SAMPLING))
        return true;
    translation_lose(writing->to, "%s", name);
    return false;
}

static void sampling_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    bool has_temperature = keep_sampling(writing, chat->temperature, "temperature");
    bool has_top_p = keep_sampling(writing, chat->top_p, "top_p");

    if (has_temperature && has_top_p && writing_is(writing, FAMILY_ONE_OF_TWO)) {
        translation_lose(writing->to, "top_p");
        has_top_p = false;
    }
    if (has_temperature)
        raw_put(writing->out, HG_S("temperature"), clamped(writing, chat->temperature));
    if (has_top_p)
        raw_put(writing->out, HG_S("topP"), chat->top_p);
}

static void stops_write(struct writing *writing)
{
    bool any = false;

    for (const struct chat_name *stop = writing->chat->stops; stop; stop = stop->next) {
        if (!stop->text.s.n)
            continue;
        if (!any) {
            JSON_KEY(writing->out, "stopSequences");
            json_arr(writing->out);
        }
        any = true;
        chat_put(writing->out, stop->text);
    }
    if (any)
        json_end(writing->out);
}

void converse_inference_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;

    if (!chat->max_tokens.n && !chat->temperature.n && !chat->top_p.n && !chat->stops)
        return;
    JSON_KEY(writing->out, "inferenceConfig");
    json_obj(writing->out);
    raw_put(writing->out, HG_S("maxTokens"), chat->max_tokens);
    sampling_write(writing);
    stops_write(writing);
    json_end(writing->out);
}

/* ---- reasoning ---------------------------------------------------------------------------------
 */

/* What Claude may think, below its limit of tokens; 0 if that leaves too little. */
static uint64_t budget_of(const struct chat *chat)
{
    uint64_t budget, most;

    if (!chat->budget.n || !text_to_u64(chat->budget, &budget))
        budget = chat_budget_of_effort(chat->effort.n ? chat->effort : HG_S("high"));
    if (budget < BUDGET_LEAST)
        budget = BUDGET_LEAST;
    if (chat->max_tokens.n && text_to_u64(chat->max_tokens, &most) && budget >= most)
        budget = most > BUDGET_LEAST ? most - 1 : 0;
    return budget;
}

bool converse_is_thinking(const struct writing *writing)
{
    if (!writing_is(writing, FAMILY_CLAUDE) || writing->chat->reasoning != CHAT_YES)
        return false;
    return writing_is(writing, FAMILY_ADAPTIVE) || budget_of(writing->chat) > 0;
}

static hg_str effort_of(const struct chat *chat)
{
    uint64_t budget;

    if (chat->effort.n)
        return chat->effort;
    return chat->budget.n && text_to_u64(chat->budget, &budget) ? chat_effort_of_budget(budget)
                                                                : HG_S("high");
}

/* Their words are fewer than there are. */
static hg_str effort_word(hg_str effort, bool knows_xhigh, bool knows_max)
{
    if (text_is(effort, HG_S("minimal")))
        return HG_S("low");
    if (text_is(effort, HG_S("xhigh")) && !knows_xhigh)
        return knows_max ? HG_S("max") : HG_S("high");
    return text_is(effort, HG_S("max")) && !knows_max ? HG_S("high") : effort;
}

static void word_put(struct chain *out, const char *key, hg_str word)
{
    json_key(out, text_of(key));
    json_put_str(out, word);
}

static void claude_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool adapts = writing_is(writing, FAMILY_ADAPTIVE);

    if (chat->reasoning == CHAT_YES && !writing->thinks) {
        translation_lose(writing->to, "reasoning_effort");
        return;
    }
    JSON_KEY(out, "thinking");
    json_obj(out);
    word_put(out, "type",
             chat->reasoning == CHAT_NO ? HG_S("disabled")
             : adapts                   ? HG_S("adaptive")
                                        : HG_S("enabled"));
    if (chat->reasoning == CHAT_YES && !adapts) {
        JSON_KEY(out, "budget_tokens");
        json_put_u64(out, budget_of(chat));
    }
    json_end(out);
    if (chat->reasoning == CHAT_NO || !adapts)
        return;
    JSON_KEY(out, "output_config");
    json_obj(out);
    word_put(out, "effort", effort_word(effort_of(chat), writing_is(writing, FAMILY_XHIGH), true));
    json_end(out);
}

static void nova_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    JSON_KEY(out, "reasoningConfig");
    json_obj(out);
    word_put(out, "type", chat->reasoning == CHAT_NO ? HG_S("disabled") : HG_S("enabled"));
    if (chat->reasoning == CHAT_YES)
        word_put(out, "maxReasoningEffort", effort_word(effort_of(chat), false, false));
    json_end(out);
}

static void reasoning_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;

    if (chat->reasoning == CHAT_UNSET)
        return;
    if (writing_is(writing, FAMILY_CLAUDE))
        claude_write(writing);
    else if (writing_is(writing, FAMILY_NOVA))
        nova_write(writing);
    else if (writing->family->effort && chat->reasoning == CHAT_YES)
        word_put(writing->out, writing->family->effort, effort_word(effort_of(chat), false, false));
    else
        translation_lose(writing->to, "reasoning_effort");
}

/* ---- formats -----------------------------------------------------------------------------------
 */

static bool is_object_schema(struct arena *arena, hg_str schema)
{
    hg_json root;

    return schema.n && json_parse(arena, schema, &root, NULL) &&
           json_is(json_member(root, HG_S("type")), HG_S("object"));
}

/* As the model keeps to it best: by itself, by a tool that it must call, because it is asked to. */
void converse_format_choose(struct writing *writing)
{
    const struct chat *chat = writing->chat;

    if (chat->format != CHAT_FORMAT_JSON && chat->format != CHAT_FORMAT_SCHEMA)
        return;
    if (chat->format == CHAT_FORMAT_SCHEMA && writing_is(writing, FAMILY_SCHEMA) &&
        !(writing->to->traits & HG_WIRE_NO_SCHEMA))
        return;
    writing->forces_json = chat->format == CHAT_FORMAT_SCHEMA && !chat->tools &&
                           !writing->has_calls && !writing->thinks &&
                           is_object_schema(writing->out->arena, chat->format_schema);
    writing->to->unwraps_json = writing->forces_json;
    writing->asks_json = !writing->forces_json;
    if (writing->asks_json)
        translation_lose(writing->to, chat->format == CHAT_FORMAT_SCHEMA ? "response_format schema"
                                                                         : "response_format");
}

void converse_instruction_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    if (!writing->asks_json)
        return;
    json_obj(out);
    JSON_KEY(out, "text");
    json_str_begin(out);
    CHAIN_PUT_LIT(out, "Answer with JSON only, without any other text.");
    if (chat->format == CHAT_FORMAT_SCHEMA && chat->format_schema.n) {
        CHAIN_PUT_LIT(out, " It must be valid against this JSON Schema: ");
        json_escape(out, chat->format_schema);
    }
    json_str_end(out);
    json_end(out);
}

void converse_format_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;

    if (chat->format != CHAT_FORMAT_SCHEMA || writing->forces_json || writing->asks_json)
        return;
    JSON_KEY(out, "outputConfig");
    json_obj(out);
    JSON_KEY(out, "textFormat");
    json_obj(out);
    word_put(out, "type", HG_S("json_schema"));
    JSON_KEY(out, "structure");
    json_obj(out);
    JSON_KEY(out, "jsonSchema");
    json_obj(out);
    word_put(out, "schema", chat->format_schema.n ? chat->format_schema : HG_S("{}"));
    if (chat->format_name.s.n) {
        JSON_KEY(out, "name");
        chat_put(out, chat->format_name);
    }
    if (chat->format_description.s.n) {
        JSON_KEY(out, "description");
        chat_put(out, chat->format_description);
    }
    json_end(out);
    json_end(out);
    json_end(out);
    json_end(out);
}

/* ---- members of the model's own ----------------------------------------------------------------
 */

static void top_k_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;

    if (!keep_sampling(writing, chat->top_k, "top_k"))
        return;
    if (writing_is(writing, FAMILY_NOVA)) {
        JSON_KEY(writing->out, "inferenceConfig");
        json_obj(writing->out);
        raw_put(writing->out, HG_S("topK"), chat->top_k);
        json_end(writing->out);
    } else if (writing->family->top_k) {
        raw_put(writing->out, text_of(writing->family->top_k), chat->top_k);
    } else {
        translation_lose(writing->to, "top_k");
    }
}

/* Claude's own choice of tools, which alone can say that there be one call at a time. */
static void moved_choice_write(struct writing *writing)
{
    const struct chat *chat = writing->chat;
    struct chain *out = writing->out;
    bool is_named = chat->choice == CHAT_CHOICE_NAMED && chat->choice_names && !writing->thinks;
    bool is_any = !writing->thinks && (chat->choice == CHAT_CHOICE_REQUIRED ||
                                       chat->choice == CHAT_CHOICE_ALLOWED_REQUIRED);
    bool is_forced = chat->choice == CHAT_CHOICE_REQUIRED || chat->choice == CHAT_CHOICE_NAMED ||
                     chat->choice == CHAT_CHOICE_ALLOWED_REQUIRED;

    if (!writing->moves_choice) {
        if (chat->parallel == CHAT_NO && chat->tools)
            translation_lose(writing->to, "parallel_tool_calls");
        return;
    }
    if (is_forced && writing->thinks)
        translation_lose(writing->to, "tool_choice");
    JSON_KEY(out, "tool_choice");
    json_obj(out);
    word_put(out, "type", is_named ? HG_S("tool") : is_any ? HG_S("any") : HG_S("auto"));
    if (is_named)
        word_put(out, "name",
                 translation_tool_name(writing->to, chat->choice_names->text, "_-", 64));
    JSON_KEY(out, "disable_parallel_tool_use");
    json_put_bool(out, true);
    json_end(out);
}

/* Members that nobody here knows may be the model's. */
static void extras_write(struct writing *writing)
{
    static const char *const own[] = {
        "messages",    "system",        "modelId",         "stream",   "inferenceConfig",
        "toolConfig",  "cache_control", "response_format", "thinking", "reasoning_config",
        "tool_choice", "output_config", "reasoningConfig", "model",    NULL};

    for (const struct chat_extra *extra = writing->chat->extra; extra; extra = extra->next) {
        bool is_ours = writing->chat->from == &dialect_converse && extra->is_known;
        bool is_beta = text_is(extra->key, HG_S("anthropic_beta"));

        if (text_is(extra->key, HG_S("cache_control")) || (is_ours && !is_beta))
            continue; /* has its place elsewhere */
        if (is_beta ? writing_is(writing, FAMILY_CLAUDE)
                    : translation_keeps(writing->to, extra, own))
            raw_put(writing->out, extra->key, extra->raw);
    }
}

/* An object, if anything comes of it. */
void converse_additional_write(struct writing *writing)
{
    struct chain *out = writing->out, *members = chain_new(out->arena);
    bool tells_stop = writing->chat->stops && writing_is(writing, FAMILY_CLAUDE) &&
                      writing->chat->from != &dialect_converse;

    writing->out = members;
    json_obj(members);
    reasoning_write(writing);
    top_k_write(writing);
    moved_choice_write(writing);
    extras_write(writing);
    json_end(members);
    writing->out = out;
    if (members->len > 2) {
        JSON_KEY(out, "additionalModelRequestFields");
        json_put_raw(out, chain_flat(members, out->arena));
    }
    if (tells_stop) {
        JSON_KEY(out, "additionalModelResponseFieldPaths");
        json_put_raw(out, HG_S("[\"/stop_sequence\"]"));
    }
}
