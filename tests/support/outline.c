/* The facts of a request. */
#include "support/outline.h"

#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "support/canonical.h"
#include "support/facts.h"

/* ---- values ------------------------------------------------------------------------------------
 */

/* Blanks aside: texts may be joined by a line or a space, and trimmed. */
static hg_str squeezed(struct arena *arena, hg_str text)
{
    char *at = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        if ((uint8_t)text.p[i] > ' ')
            at[n++] = text.p[i];
    return (hg_str){at, n};
}

static hg_str text_value(struct outline *outline, struct chat_text text)
{
    return chat_has(text) ? chat_decode(outline->arena, text) : HG_S("");
}

/* JSON in one form; what is none stays. */
static hg_str json_value(struct outline *outline, hg_str raw)
{
    hg_json root;

    return raw.n && json_parse(outline->arena, raw, &root, NULL) ? canonical(outline->arena, root)
                                                                 : raw;
}

/* 1, 1.0 and 10e-1 are the same number. */
static hg_str number_value(struct outline *outline, hg_str raw)
{
    hg_json root;

    if (!raw.n || !json_parse(outline->arena, raw, &root, NULL))
        return raw;
    return arena_fmt(outline->arena, "%.12g", json_f64(root, 0));
}

/* The type and the lifetime alone. */
static hg_str cache_value(struct outline *outline, hg_str raw)
{
    hg_json root;
    hg_str ttl;

    if (!raw.n || !json_parse(outline->arena, raw, &root, NULL))
        return HG_S("");
    ttl = json_str(outline->arena, json_member(root, HG_S("ttl")));
    return arena_fmt(outline->arena, "ephemeral %.*s", TEXT_ARG(ttl.n ? ttl : HG_S("5m")));
}

/* ---- members of the root -----------------------------------------------------------------------
 */

static void number_add(struct outline *outline, const char *kind, hg_str raw, const char *otherwise)
{
    hg_str value = number_value(outline, raw);

    if (!otherwise || !text_is(value, text_of(otherwise)))
        said_add(outline, kind, value);
}

static void sampling_add(struct outline *outline, const struct chat *chat)
{
    number_add(outline, "max_tokens", chat->max_tokens, NULL);
    number_add(outline, "temperature", chat->temperature, NULL);
    number_add(outline, "top_p", chat->top_p, NULL);
    number_add(outline, "top_k", chat->top_k, NULL);
    number_add(outline, "seed", chat->seed, NULL);
    number_add(outline, "n", chat->n, "1");
    number_add(outline, "frequency_penalty", chat->frequency_penalty, "0");
    number_add(outline, "presence_penalty", chat->presence_penalty, "0");
    number_add(outline, "top_logprobs", chat->top_logprobs, "0");
    if (chat->logprobs == CHAT_YES)
        fact_add(outline, "logprobs", HG_S("yes"));
    for (const struct chat_name *stop = chat->stops; stop; stop = stop->next)
        fact_add(outline, "stop", text_value(outline, stop->text));
}

static void format_add(struct outline *outline, const struct chat *chat)
{
    if (chat->format == CHAT_FORMAT_JSON)
        fact_add(outline, "format", HG_S("json"));
    if (chat->format != CHAT_FORMAT_SCHEMA)
        return;
    fact_add(outline, "format", HG_S("schema"));
    said_add(outline, "format.schema", json_value(outline, chat->format_schema));
    said_add(outline, "format.name", text_value(outline, chat->format_name));
    said_add(outline, "format.description", text_value(outline, chat->format_description));
    if (chat->format_strict == CHAT_YES)
        fact_add(outline, "format.strict", HG_S("yes"));
}

static void reasoning_add(struct outline *outline, const struct chat *chat)
{
    if (chat->reasoning != CHAT_UNSET)
        fact_add(outline, "reasoning", chat->reasoning == CHAT_YES ? HG_S("yes") : HG_S("no"));
    if (chat->reasoning != CHAT_NO)
        said_add(outline, "effort", chat->effort);
    number_add(outline, "budget", chat->budget, "0");
    said_add(outline, "summary", chat->summary);
}

static void others_add(struct outline *outline, const struct chat *chat)
{
    bool is_usual =
        text_is(chat->service_tier, HG_S("auto")) || text_is(chat->service_tier, HG_S("default"));
    bool is_text = text_is(json_value(outline, chat->modalities), HG_S("[\"text\"]"));

    said_add(outline, "user", text_value(outline, chat->user));
    said_add(outline, "verbosity", chat->verbosity);
    said_add(outline, "service_tier", is_usual ? HG_S("") : chat->service_tier);
    said_add(outline, "metadata", json_value(outline, chat->metadata));
    said_add(outline, "logit_bias", json_value(outline, chat->logit_bias));
    said_add(outline, "modalities", is_text ? HG_S("") : json_value(outline, chat->modalities));
    said_add(outline, "audio", json_value(outline, chat->audio));
    for (const struct chat_extra *extra = chat->extra; extra; extra = extra->next)
        fact_add(outline, "extra",
                 arena_fmt(outline->arena, "%.*s %.*s", TEXT_ARG(extra->key),
                           TEXT_ARG(json_value(outline, extra->raw))));
}

/* ---- tools -------------------------------------------------------------------------------------
 */

static bool is_plain_name(hg_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_')
            return false;
    }
    return name.n > 0 && name.n <= 64 && !(name.p[0] >= '0' && name.p[0] <= '9');
}

/* Other names get others in their place, and come back with the answer: see test_translation. */
static hg_str name_value(struct outline *outline, struct chat_text text)
{
    hg_str name = text_value(outline, text);

    return is_plain_name(name) ? name : HG_S("?");
}

/* Nothing is what an object without properties is. */
static hg_str schema_value(struct outline *outline, hg_str raw)
{
    hg_json root;

    if (raw.n && json_parse(outline->arena, raw, &root, NULL) &&
        json_count(json_member(root, HG_S("properties"))) == 0 &&
        !json_member(root, HG_S("additionalProperties")).kind && json_count(root) <= 2)
        return HG_S("");
    return json_value(outline, raw);
}

/* Whether the choice leaves the tool to the model. */
static bool may_be_called(struct outline *outline, const struct chat *chat,
                          const struct chat_tool *tool)
{
    hg_str ours = text_value(outline, tool->name);

    if (chat->choice < CHAT_CHOICE_NAMED || tool->kind == CHAT_HOSTED)
        return chat->choice != CHAT_CHOICE_NONE;
    for (const struct chat_name *name = chat->choice_names; name; name = name->next)
        if (text_is(text_value(outline, name->text), ours))
            return true;
    return false;
}

static void tools_add(struct outline *outline, const struct chat *chat, bool is_exact)
{
    static const char *const kinds[] = {
        [CHAT_FUNCTION] = "function", [CHAT_CUSTOM] = "custom", [CHAT_HOSTED] = "hosted"};

    for (const struct chat_tool *tool = chat->tools; tool; tool = tool->next) {
        hg_str name = name_value(outline, tool->name);

        if (!is_exact && !may_be_called(outline, chat, tool))
            continue;
        fact_add(outline, tool->kind == CHAT_FUNCTION ? "tool" : "tool.kind",
                 arena_fmt(outline->arena, "%s %.*s", kinds[tool->kind],
                           TEXT_ARG(tool->kind == CHAT_HOSTED ? HG_S("") : name)));
        if (tool->kind != CHAT_HOSTED)
            said_add(outline, "tool.description", text_value(outline, tool->description));
        if (tool->kind == CHAT_FUNCTION)
            said_add(outline, "tool.schema", schema_value(outline, tool->schema));
        if (tool->strict == CHAT_YES)
            fact_add(outline, "tool.strict", name);
        said_add(outline, "cache.tool", cache_value(outline, tool->cache));
    }
}

/* Calls of others are not the client's matter. */
static bool calls_functions(const struct chat *chat)
{
    const struct chat_tool *tool = chat->tools;

    while (tool && tool->kind == CHAT_HOSTED)
        tool = tool->next;
    return tool != NULL;
}

/* What may be called and what must be: auto is what nothing means, and a list of names is a list of
 * tools. */
static void choice_add(struct outline *outline, const struct chat *chat, bool is_exact)
{
    static const char *const modes[] = {[CHAT_CHOICE_NONE] = "none",
                                        [CHAT_CHOICE_REQUIRED] = "required",
                                        [CHAT_CHOICE_NAMED] = "must",
                                        [CHAT_CHOICE_ALLOWED] = "may",
                                        [CHAT_CHOICE_ALLOWED_REQUIRED] = "must"};
    enum chat_choice_mode choice = chat->tools ? chat->choice : CHAT_CHOICE_UNSET;
    struct chain *value = chain_new(outline->arena);

    if (calls_functions(chat) && chat->parallel == CHAT_NO && choice != CHAT_CHOICE_NONE)
        fact_add(outline, "parallel", HG_S("no"));
    if (choice < CHAT_CHOICE_NONE)
        return;
    if (!is_exact) {
        if (choice != CHAT_CHOICE_NONE && choice != CHAT_CHOICE_ALLOWED)
            fact_add(outline, "choice", HG_S("must"));
        return;
    }
    chain_put(value, modes[choice], strlen(modes[choice]));
    for (const struct chat_name *name = chat->choice_names; name; name = name->next) {
        hg_str text = name_value(outline, name->text);

        CHAIN_PUT_LIT(value, " ");
        chain_put(value, text.p, text.n);
    }
    fact_add(outline, "choice", chain_flat(value, outline->arena));
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static const char *const text_kinds[] = {[HG_ROLE_SYSTEM] = "text.system",
                                         [HG_ROLE_USER] = "text.user",
                                         [HG_ROLE_ASSISTANT] = "text.assistant",
                                         [HG_ROLE_TOOL] = "text.tool"};

/* A JSON text of a result is an object elsewhere: both in one form. */
static hg_str spoken_value(struct outline *outline, struct chat_text text, uint32_t role)
{
    hg_str plain = text_value(outline, text);
    hg_json root;

    if (role == HG_ROLE_TOOL && plain.n && plain.p[0] == '{' &&
        json_parse(outline->arena, plain, &root, NULL))
        plain = canonical(outline->arena, root);
    return squeezed(outline->arena, plain);
}

/* Formats have short words for types, which others spell out. */
static hg_str mime_value(hg_str mime)
{
    if (text_is(mime, HG_S("audio/mp3")))
        return HG_S("audio/mpeg");
    return text_is(mime, HG_S("audio/x-wav")) ? HG_S("audio/wav") : mime;
}

static const char *media_kind(enum chat_part_kind kind)
{
    return kind == CHAT_IMAGE   ? "image"
           : kind == CHAT_AUDIO ? "audio"
           : kind == CHAT_VIDEO ? "video"
                                : "file";
}

static void media_add(struct outline *outline, const struct chat_part *part)
{
    hg_str place = chat_has(part->data)  ? text_value(outline, part->data)
                   : chat_has(part->url) ? text_value(outline, part->url)
                                         : text_value(outline, part->file_id);

    if (chat_has(part->text)) {
        said_add(outline, "text.document",
                 squeezed(outline->arena, text_value(outline, part->text)));
    } else if (chat_has(part->data) && text_starts(part->mime, HG_S("text/"))) {
        said_add(outline, "text.document",
                 squeezed(outline->arena, base64_decode(outline->arena, place)));
    } else {
        fact_add(outline, media_kind(part->kind), place);
        if (chat_has(part->data))
            said_add(outline, "mime", mime_value(part->mime));
    }
    if (part->kind == CHAT_FILE)
        said_add(outline, "file.name", text_value(outline, part->name));
    if (!text_is(part->detail, HG_S("auto")))
        said_add(outline, "image.detail", part->detail);
}

static void call_add(struct outline *outline, const struct chat_part *part)
{
    struct chain *args = chain_new(outline->arena);
    hg_str name = name_value(outline, part->tool);

    chat_put_args_object(outline->arena, args, part);
    fact_add(outline, "call",
             arena_fmt(outline->arena, "%.*s %.*s", TEXT_ARG(name),
                       TEXT_ARG(json_value(outline, chain_flat(args, outline->arena)))));
    said_add(outline, "call.signature", text_value(outline, part->signature));
}

static void parts_add(struct outline *outline, const struct chat_part *part, uint32_t role);

static void result_add(struct outline *outline, const struct chat *chat,
                       const struct chat_part *part)
{
    const struct chat_part *call = chat_call_of(chat, part);

    fact_add(outline, "result", call ? name_value(outline, call->tool) : HG_S("?"));
    if (part->is_error)
        fact_add(outline, "result.error", HG_S("yes"));
    parts_add(outline, part->parts, HG_ROLE_TOOL);
}

static void reasoning_part_add(struct outline *outline, const struct chat_part *part)
{
    if (!part->encrypted.s.n)
        said_add(outline, "text.thought",
                 squeezed(outline->arena, text_value(outline, part->text)));
    said_add(outline, "thought.signature", text_value(outline, part->signature));
    said_add(outline, "thought.encrypted", text_value(outline, part->encrypted));
}

static void parts_add(struct outline *outline, const struct chat_part *part, uint32_t role)
{
    for (; part; part = part->next) {
        switch (part->kind) {
        case CHAT_TEXT:
        case CHAT_REFUSAL:
            said_add(outline, text_kinds[role], spoken_value(outline, part->text, role));
            said_add(outline, "citations", json_value(outline, part->citations));
            break;
        case CHAT_REASONING:
            reasoning_part_add(outline, part);
            continue;
        case CHAT_IMAGE:
        case CHAT_AUDIO:
        case CHAT_VIDEO:
        case CHAT_FILE:
            media_add(outline, part);
            break;
        case CHAT_CALL:
            call_add(outline, part);
            break;
        case CHAT_RAW:
            fact_add(outline, "raw", json_value(outline, part->raw));
            break;
        default:
            break;
        }
        if (part->kind != CHAT_TEXT || !chat_is_blank(part->text))
            said_add(outline, "cache", cache_value(outline, part->cache));
    }
}

static void messages_add(struct outline *outline, const struct chat *chat)
{
    for (const struct chat_message *message = chat->messages; message; message = message->next) {
        if (message->role != HG_ROLE_TOOL)
            said_add(outline, "name", text_value(outline, message->name));
        if (message->role != HG_ROLE_TOOL)
            parts_add(outline, message->parts, message->role);
        for (const struct chat_part *part = message->parts; part && message->role == HG_ROLE_TOOL;
             part = part->next) {
            result_add(outline, chat, part);
            said_add(outline, "cache", cache_value(outline, part->cache));
        }
    }
}

void outline_of(struct arena *arena, const struct chat *chat, bool is_exact, struct outline *ret)
{
    *ret = (struct outline){.arena = arena};
    ret->end = &ret->facts;
    sampling_add(ret, chat);
    format_add(ret, chat);
    reasoning_add(ret, chat);
    others_add(ret, chat);
    tools_add(ret, chat, is_exact);
    choice_add(ret, chat, is_exact);
    messages_add(ret, chat);
}
