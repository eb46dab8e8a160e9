/* The older completions: a prompt, or several, and texts that follow them. */
#include <jansson.h>

#include "dialect/chat.h"
#include "simulate/generate.h"

static hg_str prompt_of(const json_t *prompt)
{
    return json_is_string(prompt) ? (hg_str){json_string_value(prompt), json_string_length(prompt)}
                                  : (hg_str){0};
}

static hg_str number_of(const struct ask *ask, const char *name)
{
    uint64_t number = document_member_number(ask->document, name);

    if (number == UNSET)
        return HG_S("");
    return arena_fmt(ask->arena, "%llu", (unsigned long long)number);
}

/* A list of texts is that many prompts; a list of numbers is one prompt of tokens. */
void completion_answer(const struct ask *ask, struct reply *reply)
{
    const json_t *prompt = json_object_get(ask->document, "prompt");
    bool several = json_array_size(prompt) && !json_is_integer(json_array_get(prompt, 0));
    size_t count = several ? json_array_size(prompt) : 1;
    hg_str *prompts = arena_alloc(ask->arena, count * sizeof *prompts);
    struct chat chat;

    for (size_t i = 0; i < count; i++)
        prompts[i] = prompt_of(several ? json_array_get(prompt, i) : prompt);
    chat_begin(&chat, ask->dialect);
    chat.n = number_of(ask, "n");
    chat.max_tokens = number_of(ask, "max_tokens");
    generate_write(ask, HG_R_COMPLETE, &chat, prompts, count, reply);
}
