#include "dialect/converse/family.h"

#include <string.h>

#include "base/text.h"

#define CLAUDE        (FAMILY_CLAUDE | FAMILY_CACHE | FAMILY_TTL | FAMILY_SIGNED | FAMILY_STATUS)
#define CLAUDE_NEWEST (CLAUDE | FAMILY_ADAPTIVE | FAMILY_NO_SAMPLING | FAMILY_SCHEMA | FAMILY_XHIGH)

/* The first match counts; Claude's as the table of models in Anthropic's documentation. */
static const struct {
    const char *part;
    struct family family;
} families[] = {
    {"claude-sonnet-4-6",
     {CLAUDE | FAMILY_ADAPTIVE | FAMILY_ONE_OF_TWO | FAMILY_SCHEMA, "top_k", NULL}},
    {"claude-opus-4-6",
     {CLAUDE | FAMILY_ADAPTIVE | FAMILY_ONE_OF_TWO | FAMILY_SCHEMA, "top_k", NULL}},
    {"claude-sonnet-4-5", {CLAUDE | FAMILY_ONE_OF_TWO | FAMILY_SCHEMA, "top_k", NULL}},
    {"claude-opus-4-5", {CLAUDE | FAMILY_ONE_OF_TWO | FAMILY_SCHEMA, "top_k", NULL}},
    {"claude-haiku-4-5", {CLAUDE | FAMILY_ONE_OF_TWO | FAMILY_SCHEMA, "top_k", NULL}},
    {"claude-opus-4-1", {CLAUDE | FAMILY_ONE_OF_TWO | FAMILY_SCHEMA, "top_k", NULL}},
    {"claude-opus-4-7", {CLAUDE_NEWEST, NULL, NULL}},
    {"claude-opus-4-8", {CLAUDE_NEWEST, NULL, NULL}},
    {"claude-sonnet-4-", {CLAUDE, "top_k", NULL}},
    {"claude-opus-4-", {CLAUDE, "top_k", NULL}},
    {"claude-3", {CLAUDE, "top_k", NULL}},
    {"claude-v2", {CLAUDE, "top_k", NULL}},
    {"claude-instant", {CLAUDE, "top_k", NULL}},
    {"claude", {CLAUDE_NEWEST, NULL, NULL}},
    {"amazon.nova", {FAMILY_NOVA | FAMILY_CACHE | FAMILY_STATUS, NULL, NULL}},
    {"mistral.", {FAMILY_MISTRAL, "top_k", NULL}},
    {"openai.", {0, NULL, "reasoning_effort"}},
    {"qwen.", {0, "top_k", "reasoning_config"}},
    {"deepseek.", {0, NULL, "reasoning_config"}},
    {"cohere.", {0, "k", NULL}},
    {"meta.", {0, NULL, NULL}},
    {"amazon.titan", {0, NULL, NULL}},
    {"ai21.", {0, NULL, NULL}},
};

static const struct family unknown = {FAMILY_CACHE | FAMILY_TTL | FAMILY_SIGNED | FAMILY_STATUS,
                                      "top_k", NULL};

const struct family *converse_family_of(hg_str model)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (memmem(model.p, model.n, families[i].part, strlen(families[i].part)))
            return &families[i].family;
    return &unknown;
}
