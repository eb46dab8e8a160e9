/* Every recorded request to generate, from its dialect into every other one and home again.
 *
 *   A -> B         is refused with a reason, or has every text of the client unless something was
 *                  said to be lost; into A itself nothing is refused
 *   A -> B -> A    is understood on both ways
 *
 * Exceptions are in a table, each with its reason. HEADGATE_TAPE takes only recordings whose name
 * begins so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "support/canonical.h"
#include "support/tape.h"
#include "json/write.h"

enum {
    WIRES = 8
};

static unsigned ways, refusals, losses, failures;

static const struct {
    const char *name;
    uint32_t wire;
} endpoints[] = {
    {"chat.completions", HG_WIRE_OPENAI_CHAT},
    {"responses", HG_WIRE_OPENAI_RESPONSES},
    {"messages", HG_WIRE_ANTHROPIC},
    {"rawPredict", HG_WIRE_ANTHROPIC},
    {"invoke", HG_WIRE_ANTHROPIC},
    {"generateContent", HG_WIRE_GEMINI},
    {"converse", HG_WIRE_CONVERSE},
    {"chat", HG_WIRE_COHERE},
    {"streamGenerateContent", HG_WIRE_GEMINI},
    {"converse-stream", HG_WIRE_CONVERSE},
    {"streamRawPredict", HG_WIRE_ANTHROPIC},
    {"invoke-stream", HG_WIRE_ANTHROPIC},
};

static const struct dialect *dialect_of_tape(const struct tape *tape)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (text_is(tape->endpoint, text_of(endpoints[i].name)))
            return dialect_of_wire(endpoints[i].wire);
    return NULL;
}

/* Names that stand beside a document, and a result whose JSON became an object: not lost as such.
 */
static const struct {
    const char *tape, *what, *text, *reason;
} exceptions[] = {
    {"cohere/005-", "lacks a text", "doc:0", "the id of a document is for Cohere's citations"},
    {"cohere/005-", "lacks a text", "facts.txt", "a field of a document beside its text"},
    {"mistral/004-", "lacks a text", "{\"location\"", "a result that is JSON is an object there"},
    {"cohere/009-", "is refused", "messages: ", "Cohere's API of before version 2"},
    {"cohere/011-", "is refused", "messages: ", "Cohere's API of before version 2"},
    {"bedrock/044-", "is refused", "messages: ", "text completions of Claude 2, not messages"},
    {"bedrock/009-", "is refused", "messages[0]", "what the SDK was given: bytes as a list"},
    {"openai/087-", "is refused", "background",
     "a request that is answered later cannot be rewritten"},
};

static bool is_excepted(const struct tape *tape, const char *what, hg_str more)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (text_starts(text_of(tape->name), text_of(exceptions[i].tape)) &&
            strcmp(what, exceptions[i].what) == 0 && text_starts(more, text_of(exceptions[i].text)))
            return true;
    return false;
}

static void complain(const struct tape *tape, const struct dialect *a, const struct dialect *b,
                     const char *what, hg_str more)
{
    if (is_excepted(tape, what, more))
        return;
    failures++;
    printf("%s: %s -> %s %s: %.*s\n", tape->name, a->name, b->name, what, TEXT_ARG(more));
}

static hg_str path_of(const struct tape *tape)
{
    hg_str rest = tape->url;

    for (int i = 0; i < 3; i++)
        text_cut(rest, '/', &rest);
    return rest.n ? (hg_str){rest.p - 1, rest.n + 1} : HG_S("/");
}

/* One step; empty if it was refused, and then `ret_lost` says why. */
static hg_str step(const struct tape *tape, const struct dialect *a, const struct dialect *b,
                   hg_str body, hg_str *ret_lost)
{
    struct arena *arena = tape->arena;
    struct chain *out = chain_new(arena);
    struct translation translation;
    struct error error = {""};
    struct chat chat;
    hg_json doc;

    if (!json_parse(arena, body, &doc, NULL))
        return HG_S("");
    /* Some writers go by the family of the model. */
    translation_begin(&translation, arena, a, b,
                      json_str(arena, json_member(tape->doc, HG_S("model"))));
    if (!a->read_chat(arena, path_of(tape), doc, &chat, &error) ||
        !b->write_chat(&translation, &chat, out, &error)) {
        *ret_lost = arena_text(arena, text_of(error.text));
        return HG_S("");
    }
    *ret_lost = translation_losses(&translation);
    return chain_flat(out, arena);
}

/* Blanks and escapes aside: texts may be joined, and what was an object may be in a string. */
static hg_str squeezed(struct arena *arena, hg_str text)
{
    char *at = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        if ((uint8_t)text.p[i] > ' ' && text.p[i] != '\\')
            at[n++] = text.p[i];
    return (hg_str){at, n};
}

static void texts_check(const struct tape *tape, const struct dialect *a, const struct dialect *b,
                        hg_str from, hg_str to)
{
    struct arena *arena = tape->arena;
    hg_json doc, other;
    hg_str sent;

    if (!json_parse(arena, from, &doc, NULL) || !json_parse(arena, to, &other, NULL)) {
        complain(tape, a, b, "is no JSON", to);
        return;
    }
    sent = squeezed(arena, canonical(arena, other));
    struct dialect_texts texts = texts_of_request(a, arena, HG_R_CHAT, doc);

    for (size_t i = 0; i < texts.count; i++) {
        hg_str text = texts.list[i].text;
        struct chain *quoted = chain_new(arena);

        json_put_str(quoted, text);
        hg_str plain = chain_flat(quoted, arena);
        hg_str want = squeezed(arena, (hg_str){plain.p + 1, plain.n - 2});

        if (want.n && !memmem(sent.p, sent.n, want.p, want.n))
            complain(tape, a, b, "lacks a text", text);
    }
}

static void way_test(const struct tape *tape, const struct dialect *a, const struct dialect *b)
{
    hg_str lost = HG_S(""), back_lost = HG_S("");
    hg_str there = step(tape, a, b, tape->request, &lost);

    ways++;
    if (!there.n) {
        refusals++;
        if (a == b || !lost.n)
            complain(tape, a, b, "is refused", lost);
        printf("refused: %s: %s -> %s: %.*s\n", tape->name, a->name, b->name, TEXT_ARG(lost));
        return;
    }
    losses += lost.n > 0;
    if (lost.n)
        printf("lost: %s: %s -> %s: %.*s\n", tape->name, a->name, b->name, TEXT_ARG(lost));
    else
        texts_check(tape, a, b, tape->request, there);
    hg_str back = step(tape, b, a, there, &back_lost);

    if (!back.n)
        complain(tape, a, b, "does not come home", back_lost);
}

static void on_tape(const struct tape *tape, void *arg)
{
    const struct dialect *dialect = dialect_of_tape(tape);
    const char *only = getenv("HEADGATE_TAPE");
    hg_json doc;

    (void)arg;
    if (!dialect || tape->status >= 300 || !tape->derived.kind ||
        !json_parse(tape->arena, tape->request, &doc, NULL) ||
        (only && !text_starts(text_of(tape->name), text_of(only))))
        return;
    for (uint32_t wire = 1; wire < WIRES; wire++)
        if (dialect_of_wire(wire))
            way_test(tape, dialect, dialect_of_wire(wire));
}

START_TEST(every_recorded_request_goes_into_every_dialect_and_home)
{
    tapes_each(on_tape, NULL);
    printf("%u ways, %u refused, %u with losses, %u wrong\n", ways, refusals, losses, failures);
    fflush(stdout);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

RUN_TAPES("dialect/requests", 120, every_recorded_request_goes_into_every_dialect_and_home)
