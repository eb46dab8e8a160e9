/* Turns. The system's messages go before all others; whatever stands between two answers of the
 * assistant is one turn of the user, results first; what says nothing is left out. */
#include "base/text.h"
#include "dialect/anthropic/write_chat.h"
#include "json/write.h"

static const struct chat_message *first_of(const struct writing *writing)
{
    return writing->chat->messages;
}

static bool says_anything(const struct writing *writing, const struct chat_message *message)
{
    for (const struct chat_part *part = message->parts; part; part = part->next)
        if (anthropic_is_said(writing, part))
            return true;
    return false;
}

/* What is left out without a trace in the text is told. */
static void losses_note(struct writing *writing)
{
    for (const struct chat_message *message = first_of(writing); message; message = message->next) {
        if (chat_has(message->name))
            translation_lose(writing->to, "name");
        for (const struct chat_part *part = message->parts; part; part = part->next) {
            if (part->kind == CHAT_RAW && !writing->is_native)
                translation_lose(writing->to, "content part");
            if (chat_is_thought(part) && !anthropic_is_said(writing, part))
                translation_lose(writing->to, "reasoning");
        }
    }
}

/* ---- system ------------------------------------------------------------------------------------
 */

/* Where a client of this format puts the system's words in the middle, they stay there. */
static bool is_hoisted(const struct writing *writing, const struct chat_message *message)
{
    return message->role == HG_ROLE_SYSTEM && (!writing->is_native || message == first_of(writing));
}

static bool system_parts_put(struct writing *writing, const struct chat_message *message,
                             bool *is_open)
{
    for (const struct chat_part *part = message->parts; part; part = part->next) {
        if (!anthropic_is_said(writing, part))
            continue;
        if (!*is_open) {
            anthropic_key_put(writing, "system");
            json_arr(writing->out);
        }
        *is_open = true;
        if (!anthropic_block_put(writing, part, 0))
            return false;
    }
    return true;
}

static bool system_put(struct writing *writing, hg_str instruction)
{
    struct chat_part last = {.kind = CHAT_TEXT, .text = chat_plain(instruction)};
    struct chat_message words = {.parts = &last};
    bool is_open = false;

    for (const struct chat_message *message = first_of(writing); message; message = message->next)
        if (is_hoisted(writing, message) && !system_parts_put(writing, message, &is_open))
            return false;
    if (instruction.n && !system_parts_put(writing, &words, &is_open))
        return false;
    if (is_open)
        json_end(writing->out);
    return true;
}

/* ---- turns -------------------------------------------------------------------------------------
 */

enum turn {
    TURN_NONE, /* nothing of it is written here */
    TURN_USER,
    TURN_ASSISTANT,
    TURN_SYSTEM
};

static enum turn turn_of(const struct writing *writing, const struct chat_message *message)
{
    if (is_hoisted(writing, message))
        return TURN_NONE;
    if (message->role == HG_ROLE_ASSISTANT)
        return says_anything(writing, message) ? TURN_ASSISTANT : TURN_NONE;
    return message->role == HG_ROLE_SYSTEM ? TURN_SYSTEM : TURN_USER;
}

static bool is_last_word(const struct writing *writing, const struct chat_message *message,
                         const struct chat_part *part)
{
    if (part->kind != CHAT_TEXT || message->role != HG_ROLE_ASSISTANT || writing->is_native)
        return false;
    for (part = part->next; part; part = part->next)
        if (anthropic_is_said(writing, part))
            return false;
    for (message = message->next; message; message = message->next)
        if (turn_of(writing, message) != TURN_NONE)
            return false;
    return true;
}

/* A run of messages that make one turn: from `message` up to `end`. */
struct run {
    const struct chat_message *message, *end;
    size_t number;
};

/* Results, or all the others; how many there were is added to *count. */
static bool run_put(struct writing *writing, struct run run, bool takes_results, unsigned *count)
{
    for (; run.message != run.end; run.message = run.message->next, run.number++) {
        if (turn_of(writing, run.message) == TURN_NONE)
            continue;
        for (const struct chat_part *part = run.message->parts; part; part = part->next) {
            if ((part->kind == CHAT_RESULT) != takes_results || !anthropic_is_said(writing, part))
                continue;
            ++*count;
            if (is_last_word(writing, run.message, part))
                anthropic_text_put_trimmed(writing, part);
            else if (!anthropic_block_put(writing, part, run.number))
                return false;
        }
    }
    return true;
}

static void turn_begin(struct writing *writing, enum turn turn)
{
    static const char *const roles[] = {
        [TURN_USER] = "user", [TURN_ASSISTANT] = "assistant", [TURN_SYSTEM] = "system"};

    json_obj(writing->out);
    JSON_KEY(writing->out, "role");
    json_put_str(writing->out, text_of(roles[turn]));
    JSON_KEY(writing->out, "content");
    json_arr(writing->out);
}

static void turn_end(struct writing *writing)
{
    json_end(writing->out);
    json_end(writing->out);
}

/* No turn may be empty: one full stop is the least that can be said. */
static void full_stop_put(struct writing *writing)
{
    json_put_raw(writing->out, HG_S("{\"type\":\"text\",\"text\":\".\"}"));
}

static bool turn_put(struct writing *writing, enum turn turn, struct run run)
{
    unsigned count = 0;

    turn_begin(writing, turn);
    if (!run_put(writing, run, true, &count) || !run_put(writing, run, false, &count))
        return false;
    if (!count)
        full_stop_put(writing);
    turn_end(writing);
    return true;
}

/* The user speaks first. */
static void opening_put(struct writing *writing)
{
    turn_begin(writing, TURN_USER);
    full_stop_put(writing);
    turn_end(writing);
}

/* The end of the run that begins with `run->message`, over messages that write nothing. */
static void run_find_end(const struct writing *writing, enum turn turn, struct run *run)
{
    const struct chat_message *message = run->message->next;

    while (message) {
        enum turn next = turn_of(writing, message);

        if (next != TURN_NONE && next != turn)
            break;
        message = message->next;
    }
    run->end = message;
}

static bool turns_put(struct writing *writing)
{
    struct run run = {.message = first_of(writing)};
    bool is_first = true;

    while (run.message) {
        enum turn turn = turn_of(writing, run.message);

        if (turn == TURN_NONE) {
            run.message = run.message->next;
            run.number++;
            continue;
        }
        run_find_end(writing, turn, &run);
        if (is_first && turn == TURN_ASSISTANT && !writing->is_native)
            opening_put(writing);
        is_first = false;
        if (!turn_put(writing, turn, run))
            return false;
        for (; run.message != run.end; run.message = run.message->next)
            run.number++;
    }
    if (is_first && !writing->is_native)
        opening_put(writing);
    return true;
}

bool anthropic_messages_put(struct writing *writing, hg_str instruction)
{
    losses_note(writing);
    if (!system_put(writing, instruction))
        return false;
    anthropic_key_put(writing, "messages");
    json_arr(writing->out);
    if (!turns_put(writing))
        return false;
    json_end(writing->out);
    return true;
}

/* In a loop of calls the answer that made the last one must begin with its thought. */
bool anthropic_may_think(const struct writing *writing)
{
    bool may = true, follows_result = false;

    for (const struct chat_message *message = first_of(writing); message; message = message->next) {
        if (message->role == HG_ROLE_USER && !follows_result)
            may = true;
        follows_result = message->role == HG_ROLE_TOOL;
        if (message->role != HG_ROLE_ASSISTANT)
            continue;
        for (const struct chat_part *part = message->parts; part; part = part->next)
            if (part->kind == CHAT_REASONING && anthropic_is_said(writing, part)) {
                may = true;
                break;
            } else if (part->kind == CHAT_CALL) {
                may = false;
            }
    }
    return may;
}
