#include "dialect/slots.h"

#include <string.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/text.h"

enum {
    SLOTS_MAX = 256 /* calls in one answer */
};

struct slot {
    uint32_t choice, index;
    int64_t key;
    hg_str id, name;
    struct buffer early; /* arguments that came before the name */
    size_t args_n;       /* of arguments so far */
    bool is_started, is_over;
};

struct slots {
    struct arena *arena;
    struct dialect_sink sink;
    struct slot *slots[SLOTS_MAX];
    size_t count;
};

static void slots_done(void *arg)
{
    struct slots *slots = arg;

    for (size_t i = 0; i < slots->count; i++)
        buffer_done(&slots->slots[i]->early);
}

struct slots *slots_new(struct arena *arena, const struct dialect_sink *sink)
{
    struct slots *slots = arena_zalloc(arena, sizeof *slots);

    slots->arena = arena;
    slots->sink = *sink;
    arena_on_end(arena, slots_done, slots);
    return slots;
}

static bool is_real_id(hg_str id)
{
    return id.n && !text_is(id, HG_S("null"));
}

static struct slot *slot_last(struct slots *slots, uint32_t choice)
{
    for (size_t i = slots->count; i-- > 0;)
        if (slots->slots[i]->choice == choice)
            return slots->slots[i];
    return NULL;
}

static struct slot *slot_by_key(struct slots *slots, uint32_t choice, int64_t key)
{
    for (size_t i = slots->count; i-- > 0;)
        if (slots->slots[i]->choice == choice && slots->slots[i]->key == key)
            return slots->slots[i];
    return NULL;
}

static struct slot *slot_by_id(struct slots *slots, uint32_t choice, hg_str id)
{
    for (size_t i = slots->count; i-- > 0;)
        if (slots->slots[i]->choice == choice && text_is(slots->slots[i]->id, id))
            return slots->slots[i];
    return NULL;
}

static struct slot *slot_new(struct slots *slots, uint32_t choice, int64_t key)
{
    struct slot *slot;

    if (slots->count == SLOTS_MAX)
        return NULL;
    slot = arena_zalloc(slots->arena, sizeof *slot);
    slot->choice = choice;
    slot->key = key;
    for (size_t i = 0; i < slots->count; i++)
        slot->index += slots->slots[i]->choice == choice;
    return slots->slots[slots->count++] = slot;
}

/* The last call with this key, unless another id says that a new one begins. */
static struct slot *slot_find(struct slots *slots, uint32_t choice, int64_t key, hg_str id)
{
    struct slot *slot;

    if (key >= 0)
        slot = slot_by_key(slots, choice, key);
    else if (is_real_id(id))
        return slot_by_id(slots, choice, id);
    else
        slot = slot_last(slots, choice);
    if (slot && is_real_id(id) && slot->id.n && !text_is(slot->id, id))
        return slot_by_id(slots, choice, id);
    return slot;
}

static void give(struct slots *slots, const struct slot *slot, hg_event event)
{
    event.size = sizeof event;
    event.choice = slot->choice;
    event.index = slot->index;
    slots->sink.on_event(slots->sink.arg, &event);
}

static hg_str made_id(struct arena *arena)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[24];
    char id[5 + sizeof bytes] = "call_";

    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        id[5 + i] = letters[bytes[i] % 62];
    return arena_text(arena, (hg_str){id, sizeof id});
}

static void slot_start(struct slots *slots, struct slot *slot)
{
    if (!slot->id.n)
        slot->id = made_id(slots->arena);
    slot->is_started = true;
    give(slots, slot, (hg_event){.type = HG_EV_TOOL_START, .id = slot->id, .name = slot->name});
    if (slot->early.len)
        give(slots, slot, (hg_event){.type = HG_EV_TOOL_ARGS, .text = buffer_text(&slot->early)});
    buffer_done(&slot->early);
}

static void slot_args(struct slots *slots, struct slot *slot, hg_str args)
{
    if (!args.n)
        return;
    slot->args_n += args.n;
    if (slot->is_started)
        give(slots, slot, (hg_event){.type = HG_EV_TOOL_ARGS, .text = args});
    else
        buffer_add(&slot->early, args.p, args.n);
}

void slots_add(struct slots *slots, uint32_t choice, int64_t key, hg_str id, hg_str name,
               hg_str args)
{
    struct slot *slot = slot_find(slots, choice, key, id);

    if (!slot && !(slot = slot_new(slots, choice, key)))
        return;
    if (slot->is_over)
        return;
    if (!slot->id.n && is_real_id(id) && !slot->is_started)
        slot->id = arena_text(slots->arena, id);
    if (!slot->name.n && name.n)
        slot->name = arena_text(slots->arena, name);
    if (!slot->is_started && slot->name.n && (slot->id.n || args.n || key < 0))
        slot_start(slots, slot);
    slot_args(slots, slot, args);
}

static void slot_end(struct slots *slots, struct slot *slot)
{
    if (slot->is_over)
        return;
    slot->is_over = true;
    if (!slot->is_started && slot->name.n)
        slot_start(slots, slot);
    if (!slot->is_started)
        return;
    if (!slot->args_n)
        give(slots, slot, (hg_event){.type = HG_EV_TOOL_ARGS, .text = HG_S("{}")});
    give(slots, slot, (hg_event){.type = HG_EV_TOOL_END});
}

void slots_end(struct slots *slots, uint32_t choice, int64_t key)
{
    struct slot *slot = slot_find(slots, choice, key, HG_S(""));

    if (slot)
        slot_end(slots, slot);
}

void slots_end_choice(struct slots *slots, uint32_t choice)
{
    for (size_t i = 0; i < slots->count; i++)
        if (slots->slots[i]->choice == choice)
            slot_end(slots, slots->slots[i]);
}

void slots_end_all(struct slots *slots)
{
    for (size_t i = 0; i < slots->count; i++)
        slot_end(slots, slots->slots[i]);
}

bool slots_any(const struct slots *slots, uint32_t choice)
{
    for (size_t i = 0; i < slots->count; i++)
        if (slots->slots[i]->choice == choice &&
            (slots->slots[i]->is_started || slots->slots[i]->name.n))
            return true;
    return false;
}
