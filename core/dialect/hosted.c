#include "dialect/hosted.h"

#include <string.h>

#include "base/text.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

enum {
    NOTED_MAX = 16 /* types of tools told by name */
};

static bool is_run(const struct translation *translation, const struct chat *chat,
                   const struct chat_tool *tool, hosted_runs *runs)
{
    return tool->kind != CHAT_HOSTED ||
           (runs && runs(translation, chat, chat_decode(translation->arena, tool->name)));
}

/* Whether one that goes has this name. */
static bool goes(const struct translation *translation, const struct chat *chat, hosted_runs *runs,
                 struct chat_text name)
{
    hg_str wanted = chat_decode(translation->arena, name);

    for (const struct chat_tool *tool = chat->tools; tool; tool = tool->next)
        if (!is_run(translation, chat, tool, runs) &&
            text_is(chat_decode(translation->arena, tool->name), wanted))
            return true;
    return false;
}

/* A type is the client's text: what is no word stays out of the header. */
static void type_lose(struct translation *translation, hg_str type, bool by_name)
{
    by_name = by_name && type.n > 0 && type.n <= 64;
    for (size_t i = 0; by_name && i < type.n; i++)
        by_name = type.p[i] && strchr(WORD, type.p[i]);
    if (by_name)
        translation_lose(translation, "tools.%.*s", TEXT_ARG(type));
    else
        translation_lose(translation, "tools");
}

static void tools_drop(struct translation *translation, const struct chat *chat, hosted_runs *runs,
                       struct chat *ret)
{
    struct arena *arena = translation->arena;
    unsigned count = 0;

    ret->tools = NULL;
    ret->tools_end = &ret->tools;
    for (const struct chat_tool *tool = chat->tools; tool; tool = tool->next) {
        if (!is_run(translation, chat, tool, runs)) {
            type_lose(translation, chat_decode(arena, tool->name), count++ < NOTED_MAX);
            continue;
        }
        struct chat_tool *copy = chat_add_tool(arena, ret, tool->kind);

        *copy = *tool;
        copy->next = NULL;
    }
}

static void names_drop(struct translation *translation, const struct chat *chat, hosted_runs *runs,
                       struct chat *ret)
{
    ret->choice_names = NULL;
    ret->choice_names_end = &ret->choice_names;
    for (const struct chat_name *name = chat->choice_names; name; name = name->next)
        if (!goes(translation, chat, runs, name->text))
            chat_add_choice_name(translation->arena, ret, name->text);
}

/* What is left may be chosen as before, unless nothing is left. */
static bool choice_drop(const struct chat *chat, struct chat *ret)
{
    bool is_named = chat->choice >= CHAT_CHOICE_NAMED;
    bool has_left = is_named ? ret->choice_names != NULL : ret->tools != NULL;

    if (has_left)
        return true;
    if (chat->choice == CHAT_CHOICE_ALLOWED)
        ret->choice = CHAT_CHOICE_NONE;
    return chat->choice != CHAT_CHOICE_REQUIRED && chat->choice != CHAT_CHOICE_NAMED &&
           chat->choice != CHAT_CHOICE_ALLOWED_REQUIRED;
}

const struct chat *hosted_drop(struct translation *translation, const struct chat *chat,
                               hosted_runs *runs, struct error *error)
{
    const struct chat_tool *tool = chat->tools;
    struct chat *left;

    while (tool && is_run(translation, chat, tool, runs))
        tool = tool->next;
    if (!tool)
        return chat;
    left = arena_alloc(translation->arena, sizeof *left);
    *left = *chat;
    tools_drop(translation, chat, runs, left);
    names_drop(translation, chat, runs, left);
    if (choice_drop(chat, left))
        return left;
    error_set(error, "tools: %.*s is run by the provider and has no equal here",
              TEXT_ARG(chat_decode(translation->arena, tool->name)));
    return NULL;
}
