#include "dialect/chat.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "json/index.h"
#include "json/write.h"

/* ---- for readers ------------------------------------------------------------------------------
 */

void chat_begin(struct chat *chat, const struct dialect *from)
{
    *chat = (struct chat){.from = from};
    chat->messages_end = &chat->messages;
    chat->tools_end = &chat->tools;
    chat->choice_names_end = &chat->choice_names;
    chat->stops_end = &chat->stops;
    chat->extra_end = &chat->extra;
}

struct chat_message *chat_add_message(struct arena *arena, struct chat *chat, uint32_t role)
{
    struct chat_message *message = arena_zalloc(arena, sizeof *message);

    message->role = role;
    message->parts_end = &message->parts;
    *chat->messages_end = message;
    chat->messages_end = &message->next;
    return message;
}

struct chat_part *chat_add_part(struct arena *arena, struct chat_message *message,
                                enum chat_part_kind kind)
{
    struct chat_part *part = arena_zalloc(arena, sizeof *part);

    part->kind = kind;
    *message->parts_end = part;
    message->parts_end = &part->next;
    return part;
}

struct chat_tool *chat_add_tool(struct arena *arena, struct chat *chat, enum chat_tool_kind kind)
{
    struct chat_tool *tool = arena_zalloc(arena, sizeof *tool);

    tool->kind = kind;
    *chat->tools_end = tool;
    chat->tools_end = &tool->next;
    return tool;
}

static void name_add(struct arena *arena, struct chat_name ***end, struct chat_text text)
{
    struct chat_name *name = arena_zalloc(arena, sizeof *name);

    name->text = text;
    **end = name;
    *end = &name->next;
}

void chat_add_stop(struct arena *arena, struct chat *chat, struct chat_text text)
{
    name_add(arena, &chat->stops_end, text);
}

void chat_add_choice_name(struct arena *arena, struct chat *chat, struct chat_text text)
{
    name_add(arena, &chat->choice_names_end, text);
}

void chat_add_extra(struct arena *arena, struct chat *chat, hg_str key, hg_json value,
                    bool is_known)
{
    struct chat_extra *extra = arena_zalloc(arena, sizeof *extra);

    *extra = (struct chat_extra){.key = key, .raw = json_raw(value), .is_known = is_known};
    *chat->extra_end = extra;
    chat->extra_end = &extra->next;
}

struct chat_text chat_text_of(hg_json value)
{
    hg_str raw = json_raw_str(value);

    if (value.kind != HG_J_STR)
        return (struct chat_text){{NULL, 0}, false};
    return (struct chat_text){raw, memchr(raw.p, '\\', raw.n) != NULL};
}

struct chat_text chat_plain(hg_str text)
{
    return (struct chat_text){{text.p ? text.p : "", text.n}, false};
}

hg_str chat_number(hg_json value)
{
    return value.kind == HG_J_NUM ? json_raw(value) : HG_S("");
}

enum chat_flag chat_flag_of(hg_json value)
{
    return value.kind == HG_J_TRUE ? CHAT_YES : value.kind == HG_J_FALSE ? CHAT_NO : CHAT_UNSET;
}

hg_str chat_word(struct arena *arena, hg_json value)
{
    return json_str(arena, value);
}

hg_str chat_raw(hg_json value)
{
    return value.kind == HG_J_NONE || value.kind == HG_J_NULL ? HG_S("") : json_raw(value);
}

static hg_str lower_case(struct arena *arena, hg_str text)
{
    char *copy = arena_cstr(arena, text);

    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    return (hg_str){copy, text.n};
}

/* data:[<type>][;name=value...][;base64],<data>; without ";base64" it is not for us. */
void chat_set_url(struct arena *arena, struct chat_part *part, struct chat_text url)
{
    hg_str plain = chat_decode(arena, url), head, data;

    if (plain.n < 5 || strncasecmp(plain.p, "data:", 5) != 0) {
        part->url = chat_plain(plain);
        return;
    }
    head = text_cut((hg_str){plain.p + 5, plain.n - 5}, ',', &data);
    part->mime = lower_case(arena, text_trim(text_cut(head, ';', &head)));
    if (text_is(part->mime, HG_S("image/jpg")))
        part->mime = HG_S("image/jpeg");
    part->data = chat_plain(data);
}

/* ---- for writers ------------------------------------------------------------------------------
 */

hg_str chat_decode(struct arena *arena, struct chat_text text)
{
    return text.is_quoted ? json_unescape(arena, text.s) : text.s;
}

bool chat_is_blank(struct chat_text text)
{
    for (size_t i = 0; i < text.s.n; i++) {
        char c = text.s.p[i];

        if (text.is_quoted && c == '\\' && i + 1 < text.s.n && strchr("ntr", text.s.p[i + 1]))
            i++;
        else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return false;
    }
    return true;
}

/* Quoted text was checked when its document was parsed. */
static void content_put(struct chain *out, struct chat_text text)
{
    if (text.is_quoted)
        chain_put(out, text.s.p, text.s.n);
    else
        json_escape(out, text.s);
}

void chat_put(struct chain *out, struct chat_text text)
{
    if (!text.is_quoted) {
        json_put_str(out, text.s);
        return;
    }
    json_str_begin(out);
    content_put(out, text);
    json_str_end(out);
}

void chat_put_joined(struct chain *out, const struct chat_part *parts, const char *between)
{
    bool is_first = true;

    json_str_begin(out);
    for (; parts; parts = parts->next) {
        if (parts->kind != CHAT_TEXT)
            continue;
        if (!is_first)
            json_escape(out, text_of(between));
        content_put(out, parts->text);
        is_first = false;
    }
    json_str_end(out);
}

void chat_put_args_object(struct arena *arena, struct chain *out, const struct chat_part *call)
{
    hg_str whole = chat_decode(arena, call->args), args = text_trim(whole);
    hg_json root;

    if (!call->is_custom && (args.n == 0 || text_is(args, HG_S("null")))) {
        json_obj(out);
        json_end(out);
    } else if (!call->is_custom && json_parse(arena, args, &root, NULL) && root.kind == HG_J_OBJ) {
        json_put_raw(out, json_raw(root));
    } else {
        json_obj(out);
        json_key(out, call->is_custom ? HG_S("input") : HG_S("raw"));
        json_put_str(out, call->is_custom ? whole : args);
        json_end(out);
    }
}

void chat_put_args_string(struct chain *out, const struct chat_part *call)
{
    if (call->args.s.n == 0)
        json_put_str(out, call->is_custom ? HG_S("") : HG_S("{}"));
    else
        chat_put(out, call->args);
}

void chat_put_url(struct chain *out, const struct chat_part *part)
{
    if (!chat_has(part->data)) {
        chat_put(out, part->url);
        return;
    }
    json_str_begin(out);
    CHAIN_PUT_LIT(out, "data:");
    json_escape(out, part->mime.n ? part->mime : HG_S("application/octet-stream"));
    CHAIN_PUT_LIT(out, ";base64,");
    content_put(out, part->data);
    json_str_end(out);
}

static bool text_same(struct chat_text a, struct chat_text b)
{
    return a.is_quoted == b.is_quoted && text_is(a.s, b.s);
}

const struct chat_part *chat_call_of(const struct chat *chat, const struct chat_part *result)
{
    const struct chat_part *found = NULL;

    for (const struct chat_message *message = chat->messages; message; message = message->next) {
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (part == result)
                return found;
            if (part->kind == CHAT_CALL && text_same(part->id, result->id))
                found = part;
        }
    }
    return found;
}

bool chat_has_calls(const struct chat *chat)
{
    for (const struct chat_message *message = chat->messages; message; message = message->next)
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (part->kind == CHAT_CALL || part->kind == CHAT_RESULT)
                return true;
    return false;
}

static const struct {
    const char *effort;
    uint64_t budget;
} efforts[] = {{"none", 0},    {"minimal", 1024}, {"low", 1024}, {"medium", 4096},
               {"high", 8192}, {"xhigh", 16384},  {"max", 32768}};

uint64_t chat_budget_of_effort(hg_str effort)
{
    for (size_t i = 0; i < sizeof efforts / sizeof *efforts; i++)
        if (text_is(effort, text_of(efforts[i].effort)))
            return efforts[i].budget;
    return 4096;
}

hg_str chat_effort_of_budget(uint64_t budget)
{
    if (budget == 0)
        return HG_S("none");
    if (budget <= 1024)
        return HG_S("low");
    return budget <= 4096 ? HG_S("medium") : HG_S("high");
}
