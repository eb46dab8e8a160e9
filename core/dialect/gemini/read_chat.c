/* A client's request into normal form: settings and tools. */
#include "base/text.h"
#include "dialect/gemini/parts.h"

struct reading {
    struct arena *arena;
    struct chat *chat;
    struct error *error;
};

const char *const gemini_config_extras[] = {"speechConfig",
                                            "imageConfig",
                                            "mediaResolution",
                                            "routingConfig",
                                            "audioTimestamp",
                                            "modelSelectionConfig",
                                            "enableAffectiveDialog",
                                            "responseMimeType",
                                            "enableEnhancedCivicAnswers",
                                            NULL};

/* A member under both of its spellings is the same one: the first counts. */
static void extra_add(struct reading *reading, hg_str key, hg_json value)
{
    for (const struct chat_extra *extra = reading->chat->extra; extra; extra = extra->next)
        if (extra->is_known && text_is(extra->key, key))
            return;
    chat_add_extra(reading->arena, reading->chat, key, value, true);
}

/* ---- tools ------------------------------------------------------------------------------------
 */

static void function_read(struct reading *reading, hg_json function)
{
    struct chat_tool *tool = chat_add_tool(reading->arena, reading->chat, CHAT_FUNCTION);
    hg_json plain = gemini_member(function, HG_S("parametersJsonSchema"));

    tool->name = chat_text_of(json_member(function, HG_S("name")));
    tool->description = chat_text_of(json_member(function, HG_S("description")));
    tool->raw = json_raw(function);
    tool->schema =
        plain.kind == HG_J_OBJ
            ? json_raw(plain)
            : gemini_schema_read(reading->arena, json_member(function, HG_S("parameters")));
}

/* An entry has a list of functions, or is one tool that the provider runs. */
static void tool_read(struct reading *reading, hg_json entry)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (entry.kind == HG_J_OBJ && json_next(entry, &it, &key, &value)) {
        hg_json_it inner = {{0, 0}};
        hg_json function;

        if (gemini_key_is(key, HG_S("functionDeclarations"))) {
            while (value.kind == HG_J_ARR && json_next(value, &inner, NULL, &function))
                function_read(reading, function);
        } else if (value.kind != HG_J_NULL) {
            struct chat_tool *tool = chat_add_tool(reading->arena, reading->chat, CHAT_HOSTED);

            tool->name = (struct chat_text){key, memchr(key.p, '\\', key.n) != NULL};
            tool->raw = json_raw(value);
        }
    }
}

static bool tools_read(struct reading *reading, hg_json tools)
{
    hg_json_it it = {{0, 0}};
    hg_json entry;

    if (tools.kind == HG_J_OBJ)
        tool_read(reading, tools);
    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &entry))
        tool_read(reading, entry);
    return true;
}

static bool choice_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json config = gemini_member(value, HG_S("functionCallingConfig")), name;
    hg_json mode = json_member(config, HG_S("mode"));
    hg_json names = gemini_member(config, HG_S("allowedFunctionNames"));
    hg_json_it it = {{0, 0}};
    size_t count = 0;

    while (names.kind == HG_J_ARR && json_next(names, &it, NULL, &name)) {
        chat_add_choice_name(reading->arena, chat, chat_text_of(name));
        count++;
    }
    if (json_is(mode, HG_S("AUTO")) || json_is(mode, HG_S("VALIDATED")))
        chat->choice = count ? CHAT_CHOICE_ALLOWED : CHAT_CHOICE_AUTO;
    else if (json_is(mode, HG_S("NONE")))
        chat->choice = CHAT_CHOICE_NONE;
    else if (json_is(mode, HG_S("ANY")))
        chat->choice = count == 0   ? CHAT_CHOICE_REQUIRED
                       : count == 1 ? CHAT_CHOICE_NAMED
                                    : CHAT_CHOICE_ALLOWED_REQUIRED;
    else if (mode.kind == HG_J_STR && !json_is(mode, HG_S("MODE_UNSPECIFIED")))
        return error_set(reading->error, "toolConfig.functionCallingConfig.mode: must be AUTO, "
                                         "ANY, NONE or VALIDATED");
    return true;
}

/* ---- generationConfig -------------------------------------------------------------------------
 */

static void stops_read(struct reading *reading, hg_json value)
{
    hg_json_it it = {{0, 0}};
    hg_json stop;

    while (value.kind == HG_J_ARR && json_next(value, &it, NULL, &stop))
        if (stop.kind == HG_J_STR)
            chat_add_stop(reading->arena, reading->chat, chat_text_of(stop));
}

static void thinking_read(struct reading *reading, hg_json value)
{
    struct chat *chat = reading->chat;
    hg_json budget = gemini_member(value, HG_S("thinkingBudget"));
    hg_json level = gemini_member(value, HG_S("thinkingLevel"));
    hg_str word = chat_word(reading->arena, level);

    if (json_is_yes(gemini_member(value, HG_S("includeThoughts")))) {
        chat->reasoning = CHAT_YES;
        chat->summary = HG_S("auto");
    }
    if (budget.kind == HG_J_NUM) {
        int64_t tokens = json_i64(budget, -1);

        chat->reasoning = tokens ? CHAT_YES : CHAT_NO;
        if (tokens > 0) /* -1: as much as the model likes */
            chat->budget = chat_number(budget);
    }
    if (word.n && !text_is(word, HG_S("THINKING_LEVEL_UNSPECIFIED"))) {
        char *lower = arena_cstr(reading->arena, word);

        for (size_t i = 0; i < word.n; i++)
            if (lower[i] >= 'A' && lower[i] <= 'Z')
                lower[i] = (char)(lower[i] | 0x20);
        chat->reasoning = CHAT_YES;
        chat->effort = (hg_str){lower, word.n};
    }
}

static void format_read(struct reading *reading, hg_json config)
{
    struct chat *chat = reading->chat;
    hg_json type = gemini_member(config, HG_S("responseMimeType"));
    hg_json schema = gemini_member(config, HG_S("responseSchema"));
    hg_json plain = gemini_member(config, HG_S("responseJsonSchema"));

    if (json_is(type, HG_S("text/plain")))
        chat->format = CHAT_FORMAT_TEXT;
    else if (json_is(type, HG_S("application/json")))
        chat->format = CHAT_FORMAT_JSON;
    else if (type.kind == HG_J_STR && json_raw_str(type).n)
        extra_add(reading, HG_S("responseMimeType"), type);
    if (schema.kind != HG_J_OBJ && plain.kind != HG_J_OBJ)
        return;
    chat->format = CHAT_FORMAT_SCHEMA;
    chat->format_schema =
        plain.kind == HG_J_OBJ ? json_raw(plain) : gemini_schema_read(reading->arena, schema);
}

/* ["TEXT","IMAGE"], which others write in small letters. */
static void modalities_read(struct reading *reading, hg_json value)
{
    hg_str raw = chat_raw(value);
    char *lower = arena_cstr(reading->arena, raw);

    for (size_t i = 0; i < raw.n; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] | 0x20);
    reading->chat->modalities = (hg_str){lower, raw.n};
}

static bool number_read(struct reading *reading, hg_str key, hg_json value)
{
    struct chat *chat = reading->chat;
    const struct {
        const char *key;
        hg_str *place;
    } numbers[] = {{"temperature", &chat->temperature},
                   {"topP", &chat->top_p},
                   {"topK", &chat->top_k},
                   {"candidateCount", &chat->n},
                   {"maxOutputTokens", &chat->max_tokens},
                   {"seed", &chat->seed},
                   {"presencePenalty", &chat->presence_penalty},
                   {"frequencyPenalty", &chat->frequency_penalty},
                   {"logprobs", &chat->top_logprobs}};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!gemini_key_is(key, text_of(numbers[i].key)))
            continue;
        *numbers[i].place = chat_number(value);
        return true;
    }
    return false;
}

static void config_member_read(struct reading *reading, hg_str key, hg_json value)
{
    struct chat *chat = reading->chat;

    if (number_read(reading, key, value) || gemini_key_is(key, HG_S("responseMimeType")) ||
        gemini_key_is(key, HG_S("responseSchema")) ||
        gemini_key_is(key, HG_S("responseJsonSchema")) || value.kind == HG_J_NULL)
        return;
    if (gemini_key_is(key, HG_S("stopSequences"))) {
        stops_read(reading, value);
    } else if (gemini_key_is(key, HG_S("responseLogprobs"))) {
        chat->logprobs = chat_flag_of(value);
    } else if (gemini_key_is(key, HG_S("thinkingConfig"))) {
        thinking_read(reading, value);
    } else if (gemini_key_is(key, HG_S("responseModalities"))) {
        modalities_read(reading, value);
    } else {
        hg_str name = json_unescape(reading->arena, key);

        for (size_t i = 0; gemini_config_extras[i]; i++)
            if (gemini_key_is(key, text_of(gemini_config_extras[i])))
                name = text_of(gemini_config_extras[i]);
        extra_add(reading, name, value);
    }
}

static bool config_read(struct reading *reading, hg_json config)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    format_read(reading, config);
    while (config.kind == HG_J_OBJ && json_next(config, &it, &key, &value))
        config_member_read(reading, key, value);
    return true;
}

/* ---- the root ---------------------------------------------------------------------------------
 */

static bool tier_read(struct reading *reading, hg_json value)
{
    reading->chat->service_tier = chat_word(reading->arena, value);
    return true;
}

static bool skip(struct reading *reading, hg_json value)
{
    (void)reading;
    (void)value;
    return true;
}

static const struct {
    const char *key;
    bool (*read)(struct reading *reading, hg_json value); /* NULL: has no place in normal form */
} members[] = {
    {"contents", skip}, /* read first */
    {"systemInstruction", skip},
    {"model", skip}, /* the path's counts */
    {"tools", tools_read},
    {"toolConfig", choice_read},
    {"generationConfig", config_read},
    {"serviceTier", tier_read},
    {"safetySettings", NULL},
    {"cachedContent", NULL},
    {"labels", NULL},
    {"store", NULL},
};

static bool member_read(struct reading *reading, hg_str raw_key, hg_json value)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!gemini_key_is(raw_key, text_of(members[i].key)))
            continue;
        if (members[i].read)
            return members[i].read(reading, value);
        if (value.kind != HG_J_NULL)
            extra_add(reading, text_of(members[i].key), value);
        return true;
    }
    chat_add_extra(reading->arena, reading->chat, json_unescape(reading->arena, raw_key), value,
                   false);
    return true;
}

bool gemini_read_chat(struct arena *arena, hg_str path, hg_json doc, struct chat *ret,
                      struct error *error)
{
    struct reading reading = {arena, ret, error};
    struct dialect_request asked;
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    chat_begin(ret, &dialect_gemini);
    gemini_read_request(arena, HG_R_CHAT, path, doc, &asked);
    ret->model = asked.model;
    ret->is_stream = asked.is_stream;
    ret->wants_usage = true;
    if (!gemini_contents_read(arena, doc, ret, error))
        return false;
    while (json_next(doc, &it, &key, &value))
        if (!member_read(&reading, key, value))
            return false;
    return true;
}
