/* requests.h - for tests of this folder: requests into Bedrock's form and out of it, and what
 * stands at a place of them. */
#pragma once

#include <check.h>

#include "base/text.h"
#include "dialect/dialect.h"
#include "dialect/translation.h"
#include "json/index.h"

#define CLAUDE "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
#define NOVA   "us.amazon.nova-2-lite-v1:0"
#define USER   "{\"role\":\"user\",\"content\":\"hi\"}"

static struct arena *arena;
static struct translation translation;
static struct chat chat;
static struct error error;

static inline void setup(void)
{
    arena = arena_new();
}

static inline void teardown(void)
{
    arena_free(&arena);
}

static inline hg_json doc_of(const char *text)
{
    hg_json doc;

    ck_assert_msg(json_parse(arena, text_of(text), &doc, NULL), "%s", text);
    return doc;
}

static inline bool written(const struct dialect *from, const struct dialect *to, const char *model,
                           const char *path, const char *request, struct chain *out)
{
    translation_begin(&translation, arena, from, to, text_of(model));
    return from->read_chat(arena, text_of(path), doc_of(request), &chat, &error) &&
           to->write_chat(&translation, &chat, out, &error);
}

static inline hg_json document(struct chain *out)
{
    hg_json doc;
    hg_str text = chain_flat(out, arena);

    ck_assert(!out->broken);
    ck_assert_msg(json_parse(arena, text, &doc, NULL), "%.*s", TEXT_ARG(text));
    return doc;
}

/* An OpenAI request as Bedrock gets it. */
static inline hg_json to_bedrock(const char *model, const char *request)
{
    struct chain *out = chain_new(arena);

    ck_assert_msg(written(&dialect_openai_chat, &dialect_converse, model, "/v1/chat/completions",
                          request, out),
                  "%s", error.text);
    return document(out);
}

static inline hg_json to_openai(const char *request)
{
    struct chain *out = chain_new(arena);

    ck_assert_msg(written(&dialect_converse, &dialect_openai_chat, "gpt-4o", "/model/m/converse",
                          request, out),
                  "%s", error.text);
    return document(out);
}

static inline void is_at(hg_json doc, const char *pointer, const char *want)
{
    hg_json value = json_get(doc, pointer);
    hg_str got = json_raw(value);

    ck_assert_msg(text_is(got, text_of(want)), "%s\n got %.*s\nwant %s\n in %.*s", pointer,
                  TEXT_ARG(got), want, TEXT_ARG(json_raw(doc)));
}

static inline bool lost(const char *what)
{
    for (const struct chat_name *name = translation.lost; name; name = name->next)
        if (text_is(name->text.s, text_of(what)))
            return true;
    return false;
}
