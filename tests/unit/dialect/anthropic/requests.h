/* requests.h - for tests of this folder: what a client of OpenAI's asks for, as Anthropic takes it,
 * what a client of this format asks for, as others take it, and what stands at a place of them. */
#pragma once

#include <check.h>
#include <string.h>

#include "base/text.h"
#include "dialect/translation.h"
#include "support/canonical.h"
#include "json/index.h"

static struct arena *arena;
static struct translation translation;
static struct error error;

static inline void setup(void)
{
    arena = arena_new();
    error = (struct error){""};
}

static inline void teardown(void)
{
    arena_free(&arena);
}

/* The document for another provider; an absent value if it is refused. */
static inline hg_json translated(const struct dialect *from, const struct dialect *to,
                                 const char *model, uint32_t traits, const char *document)
{
    struct chain *out = chain_new(arena);
    hg_json doc = {0}, written = {0};
    struct chat chat;

    ck_assert_msg(json_parse(arena, text_of(document), &doc, NULL), "%s", document);
    translation_begin(&translation, arena, from, to, text_of(model));
    translation.traits = traits;
    if (!from->read_chat(arena, HG_S("/"), doc, &chat, &error) ||
        !to->write_chat(&translation, &chat, out, &error))
        return (hg_json){0};
    ck_assert(!out->broken);
    ck_assert_msg(json_parse(arena, chain_flat(out, arena), &written, NULL), "written: %.*s",
                  TEXT_ARG(chain_flat(out, arena)));
    return written;
}

static inline hg_json to_model(const char *model, const char *document)
{
    return translated(&dialect_openai_chat, &dialect_anthropic, model, 0, document);
}

static inline hg_json to_us(const char *document)
{
    return to_model("claude-sonnet-4-5", document);
}

static inline hg_json from_us(const char *document)
{
    return translated(&dialect_anthropic, &dialect_openai_chat, "gpt-4o", 0, document);
}

static inline hg_json native(const char *document)
{
    return translated(&dialect_anthropic, &dialect_anthropic, "claude-sonnet-4-5", 0, document);
}

#define MESSAGES(list) "{\"model\":\"m\",\"max_tokens\":9000,\"messages\":[" list "]}"
#define WITH(members) \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," members "}"
#define FUNCTION(name) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"}}"

static inline void is(hg_json doc, const char *pointer, const char *expected)
{
    hg_json want, got = pointer[0] ? json_get(doc, pointer) : doc;

    if (!expected) {
        ck_assert_msg(!got.kind, "%s is %.*s", pointer, TEXT_ARG(json_raw(got)));
        return;
    }
    ck_assert(json_parse(arena, text_of(expected), &want, NULL));
    ck_assert_msg(got.kind && text_is(canonical(arena, got), canonical(arena, want)),
                  "%s is %.*s, not %s", pointer, TEXT_ARG(json_raw(got)), expected);
}

static inline void lost(const char *expected)
{
    hg_str losses = translation_losses(&translation);

    ck_assert_msg(text_is(losses, text_of(expected)), "lost: %.*s", TEXT_ARG(losses));
}

static inline void refused(hg_json doc, const char *why)
{
    ck_assert(!doc.kind);
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
}
