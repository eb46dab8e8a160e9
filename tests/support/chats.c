#include "support/chats.h"

#include "base/text.h"
#include "json/write.h"

struct making {
    struct arena *arena;
    struct chance *chance;
    struct chat *chat;
    unsigned texts, calls; /* so far: no two are the same */
};

static bool one_in(struct making *making, unsigned n)
{
    return chance_one_in(making->chance, n);
}

static hg_str any_of(struct making *making, const char *const *words, unsigned count)
{
    return text_of(words[chance_below(making->chance, count)]);
}

#define ANY_OF(making, ...)                            \
    any_of(making, (const char *const[]){__VA_ARGS__}, \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* ---- texts -------------------------------------------------------------------------------------
 */

static struct chat_text plain(const char *text)
{
    return chat_plain(text_of(text));
}

/* What is hard to carry: quotes, backslashes, lines, other scripts. */
static struct chat_text text_make(struct making *making)
{
    hg_str words = ANY_OF(making, "what is the weather", "say \"this\"", "a\\b\\\\c", "two\nlines",
                          "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "{\"a\":1}", "tab\there",
                          "</script>", "\x01\x1f\x7f");
    unsigned number = making->texts++;

    return chat_plain(arena_fmt(making->arena, "#%u %.*s.", number, TEXT_ARG(words)));
}

static void cache_make(struct making *making, hg_str *ret)
{
    if (one_in(making, 12))
        *ret = one_in(making, 2) ? HG_S("{\"type\":\"ephemeral\"}")
                                 : HG_S("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}");
}

static struct chat_part *part_make(struct making *making, struct chat_message *message,
                                   enum chat_part_kind kind)
{
    return chat_add_part(making->arena, message, kind);
}

static void text_part_make(struct making *making, struct chat_message *message)
{
    struct chat_part *part = part_make(making, message, CHAT_TEXT);

    part->text = text_make(making);
    cache_make(making, &part->cache);
}

/* ---- media -------------------------------------------------------------------------------------
 */

#define PNG \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
#define PDF "JVBERi0xLjQKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c+PgplbmRvYmoK"

static void image_make(struct making *making, struct chat_message *message)
{
    struct chat_part *part = part_make(making, message, CHAT_IMAGE);

    if (one_in(making, 3)) {
        part->url = plain("https://example.com/picture.png");
    } else {
        part->data = plain(PNG);
        part->mime = HG_S("image/png");
    }
    if (one_in(making, 3))
        part->detail = ANY_OF(making, "low", "high", "auto");
    cache_make(making, &part->cache);
}

static void file_make(struct making *making, struct chat_message *message)
{
    struct chat_part *part = part_make(making, message, CHAT_FILE);

    switch (chance_below(making->chance, 4)) {
    case 0:
        part->text = text_make(making);
        part->mime = HG_S("text/plain");
        break;
    case 1:
        part->url = plain("https://example.com/report.pdf");
        part->mime = HG_S("application/pdf");
        break;
    default:
        part->data = plain(PDF);
        part->mime = HG_S("application/pdf");
    }
    if (one_in(making, 2))
        part->name =
            ANY_OF(making, "report.pdf", "notes", "the plan").p ? plain("report.pdf") : part->name;
    cache_make(making, &part->cache);
}

static void sound_make(struct making *making, struct chat_message *message)
{
    struct chat_part *part = part_make(making, message, CHAT_AUDIO);

    part->data = plain("UklGRiQAAABXQVZF");
    part->mime = one_in(making, 2) ? HG_S("audio/wav") : HG_S("audio/mp3");
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static void user_make(struct making *making)
{
    struct chat_message *message = chat_add_message(making->arena, making->chat, HG_ROLE_USER);
    unsigned texts = 1 + chance_below(making->chance, 3);

    while (texts--)
        text_part_make(making, message);
    if (one_in(making, 6))
        image_make(making, message);
    if (one_in(making, 8))
        file_make(making, message);
    if (one_in(making, 40))
        sound_make(making, message);
    if (one_in(making, 30))
        message->name = plain("alice");
}

static void thought_make(struct making *making, struct chat_message *message)
{
    struct chat_part *part = part_make(making, message, CHAT_REASONING);

    part->text = text_make(making);
    if (one_in(making, 2))
        part->signature = plain("c2lnbmVkIGJ5IGl0cyBtYWtlcg==");
    else if (one_in(making, 4)) {
        part->encrypted = plain("aGlkZGVuIGJ5IGl0cyBtYWtlcg==");
        part->text = plain("");
    }
}

static struct chat_part *call_make(struct making *making, struct chat_message *message)
{
    struct chat_part *part = part_make(making, message, CHAT_CALL);
    const struct chat_tool *tool = making->chat->tools;

    for (unsigned skip = chance_below(making->chance, 3); skip && tool->next; skip--)
        tool = tool->next;
    part->id = chat_plain(arena_fmt(making->arena, "call%u", making->calls++));
    part->tool = tool->kind == CHAT_HOSTED ? plain("get_weather") : tool->name;
    part->args = chat_plain(ANY_OF(making, "{}", "{\"city\":\"Bonn\"}",
                                   "{\"q\":\"a \\\"b\\\" \\u00e9\",\"n\":[1,2.50,null,true]}"));
    return part;
}

static void result_make(struct making *making, struct chat_message *message,
                        const struct chat_part *call)
{
    struct chat_part *part = part_make(making, message, CHAT_RESULT);
    struct chat_message inside = {.parts_end = &part->parts};

    part->id = call->id;
    text_part_make(making, &inside);
    part->parts->cache = HG_S("");
    if (one_in(making, 8))
        text_part_make(making, &inside);
    if (one_in(making, 8))
        image_make(making, &inside);
    part->is_error = one_in(making, 6);
    cache_make(making, &part->cache);
}

static void assistant_make(struct making *making)
{
    struct chat_message *message = chat_add_message(making->arena, making->chat, HG_ROLE_ASSISTANT);
    const struct chat_part *calls[4];
    unsigned count = 0;

    if (one_in(making, 5))
        thought_make(making, message);
    if (!one_in(making, 4))
        text_part_make(making, message);
    if (making->chat->tools)
        count = chance_below(making->chance, 4);
    if (!count && !message->parts)
        text_part_make(making, message);
    for (unsigned i = 0; i < count; i++)
        calls[i] = call_make(making, message);
    if (!count)
        return;
    message = chat_add_message(making->arena, making->chat, HG_ROLE_TOOL);
    for (unsigned i = 0; i < count; i++)
        result_make(making, message, calls[i]);
}

static void messages_make(struct making *making)
{
    unsigned turns = chance_below(making->chance, 4);

    if (!one_in(making, 3)) {
        struct chat_message *message =
            chat_add_message(making->arena, making->chat, HG_ROLE_SYSTEM);

        text_part_make(making, message);
        if (one_in(making, 4))
            text_part_make(making, message);
    }
    user_make(making);
    while (turns--) {
        assistant_make(making);
        user_make(making);
    }
}

/* ---- tools -------------------------------------------------------------------------------------
 */

static const char *const schemas[] = {
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"description\":\"where\"},"
    "\"n\":{\"type\":\"integer\"}},\"required\":[\"city\"]}",
    "{\"type\":\"object\",\"properties\":{\"list\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\",\"properties\":{\"b\":{\"type\":\"boolean\"},\"e\":{\"type\":\"string\",\"enum\":["
    "\"x\",\"y\"]}}}}}}",
    "{\"type\":\"object\",\"properties\":{}}",
};

static void tools_make(struct making *making)
{
    static const char *const names[] = {"get_weather", "search", "set_timer"};
    unsigned count = chance_below(making->chance, 4);
    bool strict = one_in(making, 6);

    for (unsigned i = 0; i < count; i++) {
        struct chat_tool *tool = chat_add_tool(making->arena, making->chat, CHAT_FUNCTION);

        tool->name = plain(names[i]);
        if (!one_in(making, 4))
            tool->description = text_make(making);
        tool->schema = text_of(schemas[chance_below(making->chance, 3)]);
        if (strict && !one_in(making, 4))
            tool->strict = CHAT_YES;
        cache_make(making, &tool->cache);
    }
    if (!count || one_in(making, 2))
        return;
    making->chat->choice = (enum chat_choice_mode)(1 + chance_below(making->chance, 6));
    if (making->chat->choice >= CHAT_CHOICE_NAMED)
        chat_add_choice_name(making->arena, making->chat, making->chat->tools->name);
    if (making->chat->choice >= CHAT_CHOICE_ALLOWED && making->chat->tools->next)
        chat_add_choice_name(making->arena, making->chat, making->chat->tools->next->name);
    if (one_in(making, 3))
        making->chat->parallel = one_in(making, 2) ? CHAT_YES : CHAT_NO;
}

/* ---- the other members -------------------------------------------------------------------------
 */

static void number_make(struct making *making, hg_str *ret, unsigned often, const char *a,
                        const char *b, const char *c)
{
    if (one_in(making, often))
        *ret = ANY_OF(making, a, b, c);
}

static void limits_make(struct making *making)
{
    struct chat *chat = making->chat;

    number_make(making, &chat->max_tokens, 2, "100", "4000", "20000");
    number_make(making, &chat->temperature, 3, "0", "0.7", "1.5");
    number_make(making, &chat->top_p, 5, "0.9", "1", "0.25");
    number_make(making, &chat->top_k, 8, "40", "1", "200");
    number_make(making, &chat->seed, 8, "7", "0", "123456789");
    number_make(making, &chat->n, 20, "1", "2", "3");
    number_make(making, &chat->frequency_penalty, 10, "0", "0.5", "-1.5");
    number_make(making, &chat->presence_penalty, 10, "0", "0.5", "-1.5");
    if (one_in(making, 12)) {
        chat->logprobs = CHAT_YES;
        chat->top_logprobs = HG_S("3");
    }
    if (one_in(making, 6))
        chat_add_stop(making->arena, chat, plain("END"));
    if (one_in(making, 12))
        chat_add_stop(making->arena, chat, plain("\n\n"));
}

static void format_make(struct making *making)
{
    struct chat *chat = making->chat;

    if (!one_in(making, 5))
        return;
    chat->format = (enum chat_format)(1 + chance_below(making->chance, 3));
    if (chat->format != CHAT_FORMAT_SCHEMA)
        return;
    chat->format_schema = text_of(schemas[chance_below(making->chance, 2)]);
    chat->format_name = plain("answer");
    if (one_in(making, 2))
        chat->format_description = text_make(making);
    if (one_in(making, 2))
        chat->format_strict = CHAT_YES;
}

static void reasoning_make(struct making *making)
{
    struct chat *chat = making->chat;

    if (!one_in(making, 4))
        return;
    chat->reasoning = one_in(making, 5) ? CHAT_NO : CHAT_YES;
    if (chat->reasoning == CHAT_NO)
        return;
    if (one_in(making, 2))
        chat->effort = ANY_OF(making, "minimal", "low", "medium", "high", "xhigh", "max");
    else
        chat->budget = ANY_OF(making, "1024", "5000", "16000");
    if (one_in(making, 3))
        chat->summary = ANY_OF(making, "auto", "concise", "detailed");
}

static void others_make(struct making *making)
{
    struct chat *chat = making->chat;

    if (one_in(making, 8))
        chat->user = plain("user-1");
    if (one_in(making, 12))
        chat->verbosity = ANY_OF(making, "low", "medium", "high");
    if (one_in(making, 8))
        chat->service_tier = ANY_OF(making, "auto", "default", "flex", "priority");
    if (one_in(making, 12))
        chat->metadata = HG_S("{\"team\":\"blue\"}");
    if (one_in(making, 20))
        chat->logit_bias = HG_S("{\"50256\":-100}");
    if (one_in(making, 20))
        chat->modalities = ANY_OF(making, "[\"text\"]", "[\"text\",\"audio\"]", "[\"text\"]");
}

void chat_make(struct arena *arena, struct chance *chance, const struct dialect *from,
               struct chat *ret)
{
    struct making making = {.arena = arena, .chance = chance, .chat = ret};

    chat_begin(ret, from);
    ret->is_stream = chance_one_in(chance, 2);
    tools_make(&making);
    messages_make(&making);
    limits_make(&making);
    format_make(&making);
    reasoning_make(&making);
    others_make(&making);
}
