/* What an answer says in one dialect, it says in another one and back at home:
 *
 *   A -> events -> A            all of it
 *   A -> events -> B -> events -> A    all but what B has no place for
 *
 * for answers made by chance (recorded ones: test_translations), whole and streamed on each way. A
 * header cannot tell what is lost of an answer that is still to come: what a format cannot hold is
 * in a table, each with its reason; an entry that no longer bites fails.
 *
 * HEADGATE_SEED repeats another run, HEADGATE_ROUNDS is how many answers each pair has,
 * HEADGATE_RESULTS names a file for the exceptions. */
#include <stdio.h>

#include "base/text.h"
#include "support/carry.h"
#include "support/chance.h"
#include "support/suite.h"

enum {
    WIRES = 8,
    SHOWN = 20
};

#define CHAT      HG_WIRE_OPENAI_CHAT
#define RESPONSES HG_WIRE_OPENAI_RESPONSES
#define ANTHROPIC HG_WIRE_ANTHROPIC
#define GEMINI    HG_WIRE_GEMINI
#define CONVERSE  HG_WIRE_CONVERSE
#define COHERE    HG_WIRE_COHERE

/* 0 as a wire: every one. */
struct exception {
    uint32_t home, away;
    uint32_t fields;
    const char *reason;
    bool is_used;
};

static const char no_model[] = "answers of the format do not name their model";
static const char no_refusal[] = "a refusal is said as any text is";
static const char no_stop[] = "the format does not tell which sequence stopped it";

static struct exception exceptions[] = {
    {0, CONVERSE, IN_MODEL, no_model, false},
    {0, COHERE, IN_MODEL, no_model, false},
    {0, CONVERSE, IN_THOUGHT, "the format has no count of reasoning tokens", false},
    {0, COHERE, IN_SIGNATURES, "the format has no signatures of thoughts", false},
    {0, ANTHROPIC, IN_REFUSAL, no_refusal, false},
    {0, GEMINI, IN_REFUSAL, no_refusal, false},
    {0, CONVERSE, IN_REFUSAL, no_refusal, false},
    {0, COHERE, IN_REFUSAL, no_refusal, false},
    {0, CHAT, IN_STOP, no_stop, false},
    {0, RESPONSES, IN_STOP, no_stop, false},
    {0, GEMINI, IN_STOP, no_stop, false},
    {0, CONVERSE, IN_STOP, no_stop, false},
    {0, COHERE, IN_STOP, no_stop, false},
    {GEMINI, ANTHROPIC, IN_CITATIONS, "a source told behind a call has no text left to stand at",
     false},
    {ANTHROPIC, GEMINI, IN_CITATIONS, "a source told behind a call has no text left to stand at",
     false},
    {0, 0, 0, NULL, false},
};

static unsigned failures;

/* ---- answers by chance -------------------------------------------------------------------------
 */

struct making {
    struct arena *arena;
    struct chance *chance;
    struct dialect_writer *writer;
    const struct dialect *dialect;
    struct chain *out;
    unsigned texts;
};

static bool one_in(struct making *making, unsigned n)
{
    return chance_one_in(making->chance, n);
}

static void give(struct making *making, const hg_event *event)
{
    hg_event whole = *event;

    whole.size = sizeof whole;
    making->dialect->write(making->writer, &whole, making->out);
}

static hg_str text_make(struct making *making)
{
    static const char *const words[] = {
        "sunny",     "\"quoted\"", "a\\b", "two\nlines", "\xc3\xbc\xf0\x9f\x98\x80",
        "{\"a\":1}", " ",          "\x01"};

    return arena_fmt(making->arena, "#%u %s.", making->texts++,
                     words[chance_below(making->chance, 8)]);
}

static void thoughts_make(struct making *making)
{
    bool is_signed = one_in(making, 2);

    for (unsigned n = 1 + chance_below(making->chance, 3); n; n--)
        give(making, &(hg_event){.type = HG_EV_REASONING, .text = text_make(making)});
    if (is_signed)
        give(making, &(hg_event){.type = HG_EV_REASONING, .id = HG_S("c2lnbmF0dXJl")});
}

static void words_make(struct making *making)
{
    for (unsigned n = 1 + chance_below(making->chance, 4); n; n--)
        give(making, &(hg_event){.type = HG_EV_TEXT, .text = text_make(making)});
    if (one_in(making, 6))
        give(making,
             &(hg_event){.type = HG_EV_CITATION,
                         .text = HG_S("{\"type\":\"url_citation\",\"url_citation\":{\"url\":"
                                      "\"https://example.com/a\",\"title\":\"A\",\"start_index\":0,"
                                      "\"end_index\":2}}")});
}

static void calls_make(struct making *making)
{
    static const char *const pieces[] = {"{\"city\":", "\"Bonn\",", "\"n\":[1,2.50]}"};
    unsigned count = 1 + chance_below(making->chance, 3);

    for (uint32_t i = 0; i < count; i++) {
        give(making, &(hg_event){.type = HG_EV_TOOL_START,
                                 .index = i,
                                 .id = arena_fmt(making->arena, "call%u", i),
                                 .name = HG_S("get_weather")});
        for (unsigned p = 0; p < 3; p++)
            give(making,
                 &(hg_event){.type = HG_EV_TOOL_ARGS, .index = i, .text = text_of(pieces[p])});
        give(making, &(hg_event){.type = HG_EV_TOOL_END, .index = i});
    }
}

static void end_make(struct making *making, bool has_calls)
{
    uint32_t finish = has_calls ? HG_FIN_TOOLS : 1 + chance_below(making->chance, 2);
    hg_usage usage = {.size = sizeof usage,
                      .flags = HG_U_INPUT | HG_U_OUTPUT,
                      .input = 100 + chance_below(making->chance, 1000),
                      .output = 50 + chance_below(making->chance, 100)};

    if (one_in(making, 2)) {
        usage.flags |= HG_U_CACHED;
        usage.cached_input = chance_below(making->chance, 100);
    }
    if (one_in(making, 4)) {
        usage.flags |= HG_U_REASONING;
        usage.reasoning = chance_below(making->chance, 50);
    }
    give(making,
         &(hg_event){.type = HG_EV_FINISH,
                     .finish = finish,
                     .text = finish == HG_FIN_STOP && one_in(making, 4) ? HG_S("END") : HG_S("")});
    give(making, &(hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

static hg_str answer_make(struct arena *arena, struct chance *chance, const struct dialect *home,
                          bool is_stream)
{
    struct making making = {.arena = arena,
                            .chance = chance,
                            .writer = home->writer_new(arena, HG_R_CHAT, is_stream, true),
                            .dialect = home,
                            .out = chain_new(arena)};
    bool has_calls = chance_one_in(chance, 3);

    give(&making, &(hg_event){.type = HG_EV_START, .id = HG_S("answer1"), .name = HG_S("model-1")});
    if (chance_one_in(chance, 3))
        thoughts_make(&making);
    if (chance_one_in(chance, 12))
        give(&making, &(hg_event){.type = HG_EV_REFUSAL, .text = text_make(&making)});
    else if (!has_calls || chance_one_in(chance, 2))
        words_make(&making);
    if (has_calls)
        calls_make(&making);
    end_make(&making, has_calls);
    home->write_end(making.writer, making.out);
    return chain_flat(making.out, arena);
}

/* ---- ways --------------------------------------------------------------------------------------
 */

struct way {
    const struct dialect *from, *to; /* to NULL: into events */
    bool is_stream, wants_stream;
};

/* The bytes on the other side; `ret` gets what was read, if it is not NULL. */
static hg_str way_go(struct arena *arena, struct way way, hg_str body, struct folded *ret)
{
    struct carry carry = {
        .arena = arena, .provider = way.from, .client = way.to, .is_stream = way.wants_stream};
    hg_str bytes;

    if (ret) {
        folded_begin(ret, arena);
        carry.sink = (struct dialect_sink){folded_add, ret};
    }
    carry_answer(&carry, way.is_stream ? way.from->stream_type : HG_S("application/json"), body, 0,
                 false);
    bytes = arena_text(arena, buffer_text(&carry.out));
    buffer_done(&carry.out);
    return bytes;
}

static uint32_t excused(uint32_t home, uint32_t away, uint32_t differ)
{
    uint32_t all = 0;

    for (struct exception *one = exceptions; one->reason; one++)
        if ((!one->home || one->home == home) && (!one->away || one->away == away) &&
            (one->fields & differ)) {
            one->is_used = true;
            all |= one->fields;
        }
    return all;
}

static void trip_run(const struct dialect *home, const struct dialect *away, uint64_t seed)
{
    struct arena *arena = arena_new();
    struct chance chance = {seed};
    bool at_home = chance_one_in(&chance, 2), at_away = chance_one_in(&chance, 2);
    hg_str body = answer_make(arena, &chance, home, at_home), there, back;
    struct folded want, got;
    uint32_t differ;

    way_go(arena, (struct way){home, NULL, at_home, false}, body, &want);
    there = way_go(arena, (struct way){home, away, at_home, at_away}, body, NULL);
    back = home == away ? there
                        : way_go(arena, (struct way){away, home, at_away, at_home}, there, NULL);
    way_go(arena, (struct way){home, NULL, home == away ? at_away : at_home, false}, back, &got);
    differ = folded_differ(&got, &want);
    differ &= ~excused(home->wire, away->wire, differ);
    if (differ && failures++ < (getenv("HEADGATE_SHOWN") ? 1000000 : SHOWN))
        printf("HEADGATE_SEED=%llu: %s -> %s: differs in: %.*s\n want %.*s  got %.*s%.*s\n",
               (unsigned long long)seed, home->name, away->name,
               TEXT_ARG(folded_fields(arena, differ)), TEXT_ARG(folded_show(arena, &want)),
               TEXT_ARG(folded_show(arena, &got)), getenv("HEADGATE_SEED") ? (int)there.n : 0,
               there.p);
    arena_free(&arena);
}

static const char *name_of(uint32_t wire)
{
    return wire ? dialect_of_wire(wire)->name : "";
}

static void results_put(void)
{
    const char *path = getenv("HEADGATE_RESULTS");
    FILE *file = path ? fopen(path, "a") : NULL;
    struct arena *arena = arena_new();

    for (const struct exception *one = exceptions; file && one->reason; one++)
        fprintf(file,
                "{\"kind\":\"home\",\"home\":\"%s\",\"away\":\"%s\",\"fields\":\"%.*s\","
                "\"reason\":\"%s\"}\n",
                name_of(one->home), name_of(one->away), TEXT_ARG(folded_fields(arena, one->fields)),
                one->reason);
    arena_free(&arena);
    if (file)
        fclose(file);
}

START_TEST(an_answer_comes_home_as_it_was)
{
    const char *only = getenv("HEADGATE_SEED"), *rounds = getenv("HEADGATE_ROUNDS");
    uint64_t seed = only ? strtoull(only, NULL, 10) : 1;
    uint64_t count = rounds ? strtoull(rounds, NULL, 10) : only ? 1 : 200;

    for (uint64_t i = 0; i < count; i++)
        for (uint32_t a = 1; a < WIRES; a++)
            for (uint32_t b = 1; b < WIRES; b++)
                if (dialect_of_wire(a) && dialect_of_wire(b))
                    trip_run(dialect_of_wire(a), dialect_of_wire(b), seed + i);
    fflush(stdout);
    ck_assert_uint_eq(failures, 0);
    for (const struct exception *one = exceptions; one->reason && !only; one++)
        ck_assert_msg(one->is_used, "an exception is needed no longer: %s", one->reason);
    if (!only)
        results_put();
}
END_TEST

RUN_SUITE("dialect/roundtrip_answers", an_answer_comes_home_as_it_was)
