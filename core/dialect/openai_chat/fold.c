/* The events of a stream folded into the whole answer they are pieces of. Members are merged by
 * what they are: texts are joined, lists are appended to, tool calls are sorted into slots, and of
 * all else the last one counts. So members that we have never heard of come through.
 *
 * Texts are joined as they were written, escapes and all: halves of a surrogate pair may come in
 * two events. */
#include <string.h>

#include "base/text.h"
#include "dialect/openai_chat/parts.h"
#include "http/sse.h"
#include "json/write.h"

/* What a stream may have at most; more is not one we could give back whole. */
enum {
    BAG_MAX = 64,
    SLOTS_MAX = 128,
    FOLD_DEPTH = 6
};

enum merge {
    MERGE_LAST,
    MERGE_TEXT,
    MERGE_LIST,
    MERGE_BAG,
    MERGE_SLOTS
};

struct slots;

struct bag_member {
    hg_str key; /* without escapes */
    enum merge merge;
    hg_str raw;         /* last */
    struct chain *text; /* what stands between the quotes */
    struct chain *list; /* what stands between the brackets; NULL: there was none */
    struct bag *bag;
    struct slots *slots;
};

struct bag {
    struct bag_member *members;
    size_t count, room;
};

/* Choices and tool calls: bags with a number. */
struct slots {
    struct {
        int64_t index; /* less than 0: none was given */
        hg_str id;
        struct bag bag;
    } * slots;
    size_t count, room;
};

struct fold {
    struct arena *arena;
    struct bag root;
    struct slots choices;
    bool broken;
};

static void bag_merge(struct fold *fold, struct bag *bag, hg_json object, int depth);

static enum merge merge_of(hg_str key, hg_json value)
{
    static const char *const texts[] = {"content", "reasoning_content", "reasoning",
                                        "refusal", "arguments",         "input",
                                        "text",    "thinking"};
    static const char *const lists[] = {"annotations", "images", "reasoning_details"};
    static const char *const bags[] = {"delta", "function", "custom", "function_call", "logprobs"};

    for (size_t i = 0; value.kind == HG_J_STR && i < sizeof texts / sizeof *texts; i++)
        if (text_is(key, text_of(texts[i])))
            return MERGE_TEXT;
    for (size_t i = 0; value.kind == HG_J_ARR && i < sizeof lists / sizeof *lists; i++)
        if (text_is(key, text_of(lists[i])))
            return MERGE_LIST;
    for (size_t i = 0; value.kind == HG_J_OBJ && i < sizeof bags / sizeof *bags; i++)
        if (text_is(key, text_of(bags[i])))
            return MERGE_BAG;
    if (value.kind == HG_J_ARR && text_is(key, HG_S("tool_calls")))
        return MERGE_SLOTS;
    /* Parts of a message, or the tokens of logprobs. */
    if (value.kind == HG_J_ARR && (text_is(key, HG_S("content")) || text_is(key, HG_S("refusal"))))
        return MERGE_LIST;
    return MERGE_LAST;
}

static struct bag_member *bag_find(const struct bag *bag, hg_str key)
{
    for (size_t i = 0; i < bag->count; i++)
        if (text_is(bag->members[i].key, key))
            return &bag->members[i];
    return NULL;
}

static struct bag_member *bag_member(struct fold *fold, struct bag *bag, hg_str key)
{
    struct bag_member *found = bag_find(bag, key);

    if (found)
        return found;
    if (bag->count == BAG_MAX) {
        fold->broken = true;
        return NULL;
    }
    if (bag->count == bag->room) {
        size_t room = bag->room ? 2 * bag->room : 8;
        struct bag_member *more = arena_alloc(fold->arena, room * sizeof *more);

        if (bag->count)
            memcpy(more, bag->members, bag->count * sizeof *more);
        bag->members = more;
        bag->room = room;
    }
    bag->members[bag->count] = (struct bag_member){.key = arena_text(fold->arena, key)};
    return &bag->members[bag->count++];
}

/* ---- texts and lists ------------------------------------------------------------------------- */

static void list_comma(struct bag_member *member)
{
    if (member->list->len)
        CHAIN_PUT_LIT(member->list, ",");
}

/* Text among parts becomes a part. */
static void text_to_part(struct fold *fold, struct bag_member *member)
{
    if (!member->text || !member->text->len)
        return;
    list_comma(member);
    CHAIN_PUT_LIT(member->list, "{\"type\":\"text\",\"text\":\"");
    chain_put_chain(member->list, member->text, 0, member->text->len);
    CHAIN_PUT_LIT(member->list, "\"}");
    member->text = chain_new(fold->arena);
}

static void text_add(struct fold *fold, struct bag_member *member, hg_json value)
{
    hg_str raw = json_raw_str(value);

    if (!member->text)
        member->text = chain_new(fold->arena);
    chain_put(member->text, raw.p, raw.n);
    member->merge = MERGE_TEXT;
}

static void list_add(struct fold *fold, struct bag_member *member, hg_json value)
{
    hg_json_it it = {{0, 0}};
    hg_json item;

    if (!member->list)
        member->list = chain_new(fold->arena);
    text_to_part(fold, member);
    while (json_next(value, &it, NULL, &item)) {
        hg_str raw = json_raw(item);

        list_comma(member);
        chain_put(member->list, raw.p, raw.n);
    }
    member->merge = MERGE_LIST;
}

/* ---- slots ----------------------------------------------------------------------------------- */

static struct bag *slot_new(struct fold *fold, struct slots *slots, int64_t index, hg_str id)
{
    if (slots->count == SLOTS_MAX) {
        fold->broken = true;
        return NULL;
    }
    if (slots->count == slots->room) {
        size_t size = sizeof *slots->slots;
        void *more = arena_alloc(fold->arena, 2 * (slots->room + 2) * size);

        if (slots->count)
            memcpy(more, slots->slots, slots->count * size);
        slots->slots = more;
        slots->room = 2 * (slots->room + 2);
    }
    memset(&slots->slots[slots->count], 0, sizeof *slots->slots);
    slots->slots[slots->count].index = index;
    slots->slots[slots->count].id = arena_text(fold->arena, id);
    return &slots->slots[slots->count++].bag;
}

/* Which call a piece belongs to. Servers number them, or name them, or do neither and mean the last
 * one; some number all of them 0 and only the id tells them apart. */
static struct bag *slot_of(struct fold *fold, struct slots *slots, int64_t index, hg_str id)
{
    for (size_t i = slots->count; i-- > 0;) {
        bool same_id = id.n && text_is(slots->slots[i].id, id);
        bool other_id = id.n && slots->slots[i].id.n && !same_id;

        if (index >= 0 ? slots->slots[i].index == index && !other_id : same_id || !id.n) {
            if (id.n && !slots->slots[i].id.n)
                slots->slots[i].id = arena_text(fold->arena, id);
            return &slots->slots[i].bag;
        }
    }
    return slot_new(fold, slots, index, id);
}

static void slots_merge(struct fold *fold, struct slots *slots, hg_json list, int depth)
{
    hg_json_it it = {{0, 0}};
    hg_json item;

    while (json_next(list, &it, NULL, &item)) {
        if (item.kind != HG_J_OBJ)
            continue;
        int64_t index = json_i64(json_member(item, HG_S("index")), -1);
        hg_str id = json_str(fold->arena, json_member(item, HG_S("id")));

        if (text_is(id, HG_S("null")))
            id = HG_S("");
        struct bag *bag = slot_of(fold, slots, index, id);

        if (bag)
            bag_merge(fold, bag, item, depth);
    }
}

/* ---- merging --------------------------------------------------------------------------------- */

static bool says_nothing(hg_str key, hg_json value, enum merge merge)
{
    if (text_is(key, HG_S("id")) && json_is(value, HG_S("null")))
        return true;
    return value.kind == HG_J_NULL ||
           (merge == MERGE_LAST && value.kind == HG_J_STR && !json_raw_str(value).n);
}

static void member_merge(struct fold *fold, struct bag *bag, hg_str key, hg_json value, int depth)
{
    enum merge merge = merge_of(key, value);
    struct bag_member *member;

    if (says_nothing(key, value, merge) || !(member = bag_member(fold, bag, key)))
        return;
    switch (merge) {
    case MERGE_TEXT:
        text_add(fold, member, value);
        if (member->list)
            list_add(fold, member, (hg_json){0});
        break;
    case MERGE_LIST:
        list_add(fold, member, value);
        break;
    case MERGE_BAG:
        if (!member->bag)
            member->bag = arena_zalloc(fold->arena, sizeof *member->bag);
        member->merge = MERGE_BAG;
        bag_merge(fold, member->bag, value, depth + 1);
        break;
    case MERGE_SLOTS:
        if (!member->slots)
            member->slots = arena_zalloc(fold->arena, sizeof *member->slots);
        member->merge = MERGE_SLOTS;
        slots_merge(fold, member->slots, value, depth + 1);
        break;
    case MERGE_LAST:
        member->merge = MERGE_LAST;
        member->raw = arena_text(fold->arena, json_raw(value));
        break;
    }
}

static void bag_merge(struct fold *fold, struct bag *bag, hg_json object, int depth)
{
    bool has_delta = json_member(object, HG_S("delta")).kind == HG_J_OBJ;
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str raw;

    if (depth > FOLD_DEPTH)
        fold->broken = true;
    while (!fold->broken && object.kind == HG_J_OBJ && json_next(object, &it, &raw, &value)) {
        hg_str key = json_unescape(fold->arena, raw);

        /* The message so far that some repeat beside each delta. */
        if (has_delta && text_is(key, HG_S("message")))
            continue;
        /* Pieces of sound do not join. */
        if (text_is(key, HG_S("audio")) && value.kind == HG_J_OBJ)
            fold->broken = true;
        else
            member_merge(fold, bag, key, value, depth);
    }
}

static void root_merge(struct fold *fold, hg_json root)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str raw;

    while (!fold->broken && json_next(root, &it, &raw, &value)) {
        hg_str key = json_unescape(fold->arena, raw);

        if (text_is(key, HG_S("choices")))
            slots_merge(fold, &fold->choices, value, 0);
        else if (!text_is(key, HG_S("obfuscation")) && !text_is(key, HG_S("object")))
            member_merge(fold, &fold->root, key, value, 0);
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

static void bag_put(struct fold *fold, struct chain *out, const struct bag *bag);

static void calls_put(struct fold *fold, struct chain *out, const struct slots *slots)
{
    json_arr(out);
    for (size_t i = 0; i < slots->count; i++) {
        json_obj(out);
        bag_put(fold, out, &slots->slots[i].bag);
        json_end(out);
    }
    json_end(out);
}

/* A text or list as a value of its own. */
static hg_str framed(struct fold *fold, const struct chain *inside, const char *quotes)
{
    struct chain *whole = chain_new(fold->arena);

    chain_put_const(whole, quotes, 1);
    chain_put_chain(whole, inside, 0, inside->len);
    chain_put_const(whole, quotes + 1, 1);
    return chain_flat(whole, fold->arena);
}

static void message_put(struct fold *fold, struct chain *out, const struct bag *bag)
{
    struct bag_member *role = bag_find(bag, HG_S("role"));

    json_obj(out);
    if (!role) {
        JSON_KEY(out, "role");
        json_put_str(out, HG_S("assistant"));
    }
    if (!bag_find(bag, HG_S("content"))) {
        JSON_KEY(out, "content");
        json_put_null(out);
    }
    bag_put(fold, out, bag);
    json_end(out);
}

static void member_put(struct fold *fold, struct chain *out, const struct bag_member *member)
{
    bool is_delta = member->merge == MERGE_BAG && text_is(member->key, HG_S("delta"));

    json_key(out, is_delta ? HG_S("message") : member->key);
    switch (member->merge) {
    case MERGE_LAST:
        json_put_raw(out, member->raw);
        break;
    case MERGE_TEXT:
        json_put_raw(out, framed(fold, member->text, "\"\""));
        break;
    case MERGE_LIST:
        json_put_raw(out, framed(fold, member->list, "[]"));
        break;
    case MERGE_BAG:
        if (is_delta) {
            message_put(fold, out, member->bag);
        } else {
            json_obj(out);
            bag_put(fold, out, member->bag);
            json_end(out);
        }
        break;
    case MERGE_SLOTS:
        calls_put(fold, out, member->slots);
        break;
    }
}

/* Calls and choices have their numbers in the order of their list, where they need one; and what
 * the deltas made is the message. */
static void bag_put(struct fold *fold, struct chain *out, const struct bag *bag)
{
    bool has_delta = bag_find(bag, HG_S("delta")) != NULL;

    for (size_t i = 0; i < bag->count; i++) {
        hg_str key = bag->members[i].key;

        if (!text_is(key, HG_S("index")) && !(has_delta && text_is(key, HG_S("message"))))
            member_put(fold, out, &bag->members[i]);
    }
}

static void choices_put(struct fold *fold, struct chain *out)
{
    struct slots *choices = &fold->choices;

    json_arr(out);
    for (int64_t index = 0; index < SLOTS_MAX; index++)
        for (size_t i = 0; i < choices->count; i++) {
            int64_t given = choices->slots[i].index;

            if ((given < 0 ? (int64_t)i : given) != index)
                continue;
            json_obj(out);
            JSON_KEY(out, "index");
            json_put_i64(out, index);
            bag_put(fold, out, &choices->slots[i].bag);
            json_end(out);
        }
    json_end(out);
}

/* A choice without a finish reason was cut off. */
static bool is_finished(const struct slots *choices)
{
    for (size_t i = 0; i < choices->count; i++) {
        const struct bag_member *reason = bag_find(&choices->slots[i].bag, HG_S("finish_reason"));

        if (!reason || choices->slots[i].index >= SLOTS_MAX)
            return false;
    }
    return choices->count > 0;
}

static bool event_fold(struct fold *fold, hg_str bytes)
{
    hg_str type, message, data;
    struct sse_event event;
    hg_json root;

    sse_parse(fold->arena, bytes, &event);
    data = text_trim(event.data);
    if (!event.has_data || !data.n || text_starts(data, HG_S("[DONE]")))
        return true;
    if (!json_parse(fold->arena, data, &root, NULL) ||
        openai_error_read(fold->arena, root, &type, &message))
        return false;
    if (root.kind == HG_J_OBJ)
        root_merge(fold, root);
    return !fold->broken;
}

bool openai_to_whole(struct arena *arena, uint32_t kind, hg_str events, struct chain *out)
{
    struct fold fold = {.arena = arena};
    struct chain *whole = chain_new(arena);

    if (kind != HG_R_CHAT && kind != HG_R_COMPLETE)
        return false;
    while (events.n) {
        size_t n = sse_first(events);

        n = n ? n : events.n;
        if (!event_fold(&fold, (hg_str){events.p, n}))
            return false;
        events.p += n;
        events.n -= n;
    }
    if (!is_finished(&fold.choices))
        return false;
    json_obj(whole);
    JSON_KEY(whole, "object");
    json_put_str(whole, kind == HG_R_CHAT ? HG_S("chat.completion") : HG_S("text_completion"));
    JSON_KEY(whole, "choices");
    choices_put(&fold, whole);
    bag_put(&fold, whole, &fold.root);
    json_end(whole);
    if (!json_ok(whole))
        return false;
    chain_put_chain(out, whole, 0, whole->len);
    return true;
}
