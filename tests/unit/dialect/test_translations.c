/* Every recorded answer to a request to generate, through its provider's dialect, into every
 * client's dialect, and back through that one's own reader: it must say what an independent reader
 * found in the recording. Streams are cut at random places, and whole answers become streams and
 * streams whole ones. What cannot be so is in the table of exceptions, each with its reason; one
 * that no longer bites fails.
 *
 * Dialects are those that the core has. HEADGATE_RESULTS names a file for the outcome of each pair,
 * one JSON document a line; HEADGATE_SEED repeats the cuts of another run, HEADGATE_TAPE takes only
 * recordings whose name begins so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "support/carry.h"
#include "support/patience.h"

enum {
    SPLITS = 50,
    PIECES_MAX = 2000,
    WIRES = 8
};

/* ---- whose the recordings are ------------------------------------------------------------------
 */

/* wire 0: not one of the six formats, and why it is not. */
struct endpoint {
    const char *name;
    uint32_t wire;
    const char *reason;
};

static const struct endpoint endpoints[] = {
    {"chat.completions", HG_WIRE_OPENAI_CHAT, NULL},
    {"responses", HG_WIRE_OPENAI_RESPONSES, NULL},
    {"messages", HG_WIRE_ANTHROPIC, NULL},
    {"rawPredict", HG_WIRE_ANTHROPIC, NULL},
    {"streamRawPredict", HG_WIRE_ANTHROPIC, NULL},
    {"invoke", HG_WIRE_ANTHROPIC, NULL},
    {"invoke-stream", HG_WIRE_ANTHROPIC, NULL},
    {"generateContent", HG_WIRE_GEMINI, NULL},
    {"streamGenerateContent", HG_WIRE_GEMINI, NULL},
    {"converse", HG_WIRE_CONVERSE, NULL},
    {"converse-stream", HG_WIRE_CONVERSE, NULL},
    {"chat", HG_WIRE_COHERE, NULL},
    {"completions", 0, "legacy completions are read by OpenAI's dialect alone: test_cassettes"},
    {"generate", 0, "Cohere's API of before version 2"},
    {"ollama.chat", 0, "Ollama's own API"},
    {"ollama.generate", 0, "Ollama's own API"},
};

/* What a provider's format is called by is not enough to say which of its versions it is. */
struct foreign {
    const char *tape, *reason;
};

static const struct foreign foreigners[] = {
    {"cohere/009-", "Cohere's API of before version 2"},
    {"cohere/011-", "Cohere's API of before version 2"},
    {"bedrock/044-", "text completions of Claude 2, not messages"},
};

/* ---- exceptions --------------------------------------------------------------------------------
 */

/* Empty tape: all; 0 as a wire: every one. */
struct exception {
    const char *tape;
    uint32_t provider, client;
    uint32_t fields;
    const char *reason;
    bool is_used;
};

static struct exception exceptions[] = {
    {"", 0, HG_WIRE_CONVERSE, IN_THOUGHT, "the format has no count of reasoning tokens", false},
    {"", 0, HG_WIRE_GEMINI, IN_WRITTEN, "the format has no count of tokens written to a cache",
     false},
    {"", 0, HG_WIRE_COHERE, IN_WRITTEN, "the format has no count of tokens written to a cache",
     false},
    {"snowflake/002-", 0, 0, IN_REASONING, "reasoning in content_list is unknown to the oracle",
     false},
    {"xai/016-", 0, 0, IN_CALLS, "the oracle looks for the input of custom calls in `arguments`",
     false},
    {"bedrock/003-", 0, 0, IN_CALLS | IN_FINISH,
     "the oracle takes what the provider's own search was asked for a call", false},
    {"bedrock/022-", 0, 0, IN_CALLS | IN_FINISH,
     "the oracle takes what the provider's own interpreter was asked for a call", false},
    {"snowflake/002-", 0, 0, IN_FINISH | IN_USAGE | IN_ERROR,
     "has no finish reason: an unfinished answer is an error", false},
    {"", 0, HG_WIRE_COHERE, IN_WRITTEN, "Cohere counts no written tokens", false},
    {"cohere/004-", HG_WIRE_COHERE, 0, IN_REASONING, "the oracle leaves the plan of tools out",
     false},
    {"cohere/010-", HG_WIRE_COHERE, 0, IN_REASONING, "the oracle leaves the plan of tools out",
     false},
};

#define EXCEPTIONS (sizeof exceptions / sizeof *exceptions)

/* The fields in which the pair may differ here. */
static uint32_t excused(const struct tape *tape, uint32_t provider, uint32_t client,
                        uint32_t differ, uint64_t *ret_used)
{
    uint32_t all = 0;

    for (size_t i = 0; i < EXCEPTIONS; i++) {
        struct exception *one = &exceptions[i];

        if (!text_starts(text_of(tape->name), text_of(one->tape)) ||
            (one->provider && one->provider != provider) ||
            (one->client && one->client != client) || !(one->fields & differ))
            continue;
        one->is_used = true;
        *ret_used |= 1ull << i;
        all |= one->fields;
    }
    return all;
}

/* ---- pairs -------------------------------------------------------------------------------------
 */

struct pair {
    unsigned tapes, streams, runs;
    uint64_t used; /* exceptions, a bit each */
};

static struct pair pairs[WIRES][WIRES];
static unsigned failures, strangers, no_dialect, shown;

struct run {
    const struct tape *tape;
    const struct dialect *provider, *client;
    const struct folded *want;
    bool is_wrapped;
    struct pair *pair;
};

static void complain(const struct run *run, const struct carry *carry, const struct folded *got,
                     uint32_t differ, size_t most)
{
    struct arena *arena = run->tape->arena;

    failures++;
    printf("%s: %s -> %s (%s, pieces of %zu) differs in: %.*s\n", run->tape->name,
           run->provider->name, run->client ? run->client->name : "events",
           carry->is_stream ? "streamed" : "whole", most, TEXT_ARG(folded_fields(arena, differ)));
    if (shown++ > 12 && !getenv("HEADGATE_TAPE"))
        return;
    printf(" want %.*s  got %.*s", TEXT_ARG(folded_show(arena, run->want)),
           TEXT_ARG(folded_show(arena, got)));
    if (getenv("HEADGATE_TAPE"))
        printf("  bytes:\n%.*s\n", TEXT_ARG(buffer_text(&carry->out)));
}

/* Once from end to end; false and a complaint if something differs. */
static bool way_runs(const struct run *run, bool is_stream, size_t most)
{
    struct arena *arena = arena_new();
    struct folded read, got;
    struct carry carry = {.arena = arena,
                          .provider = run->provider,
                          .client = run->client,
                          .is_stream = is_stream,
                          .sink = {folded_add, &read}};
    uint32_t differ;

    folded_begin(&read, arena);
    carry_answer(&carry, run->tape->content_type, run->tape->body, most, run->is_wrapped);
    if (run->client)
        carry_fold(&carry, &got);
    else
        got = read;
    run->pair->runs++;
    differ = folded_differ(&got, run->want);
    if (differ)
        differ &= ~excused(run->tape, run->provider->wire, run->client ? run->client->wire : 0,
                           differ, &run->pair->used);
    if (differ)
        complain(run, &carry, &got, differ, most);
    buffer_done(&carry.out);
    arena_free(&arena);
    return !differ;
}

static void stream_runs(const struct run *run, bool can_be_whole)
{
    static const size_t mosts[] = {0, 1, 7, 60, 300, 4000};
    size_t least = run->tape->body.n / PIECES_MAX; /* time grows with pieces and size */
    unsigned splits = test_patience() < SPLITS ? SPLITS / (unsigned)test_patience() : 1;

    for (unsigned i = 0; i < splits; i++) {
        size_t most = mosts[i / 2 % 6];

        if (!way_runs(run, !can_be_whole || i % 2, most && most < least ? least : most))
            return;
    }
}

static void pair_runs(const struct tape *tape, const struct dialect *provider,
                      const struct dialect *client, const struct folded *want)
{
    bool is_framed = carry_is_framed(provider, tape->content_type);
    struct run run = {
        .tape = tape,
        .provider = provider,
        .client = client,
        .want = want,
        .is_wrapped = text_is(tape->endpoint, HG_S("invoke-stream")),
        .pair = &pairs[provider->wire][client ? client->wire : 0],
    };

    run.pair->tapes++;
    run.pair->streams += is_framed;
    /* A failed answer that was not streamed has a status, and no body of ours. */
    if (is_framed)
        stream_runs(&run, !want->has_error && want->finish);
    else if (way_runs(&run, false, 0))
        way_runs(&run, true, 0);
}

/* ---- all recordings ----------------------------------------------------------------------------
 */

static bool is_foreign(const struct tape *tape)
{
    for (size_t i = 0; i < sizeof foreigners / sizeof *foreigners; i++)
        if (text_starts(text_of(tape->name), text_of(foreigners[i].tape)))
            return true;
    return false;
}

static const struct endpoint *endpoint_of(const struct tape *tape)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (text_is(tape->endpoint, text_of(endpoints[i].name)))
            return &endpoints[i];
    return NULL;
}

static void on_tape(const struct tape *tape, void *arg)
{
    const char *only = getenv("HEADGATE_TAPE");
    const struct endpoint *endpoint = endpoint_of(tape);
    const struct dialect *provider;
    struct folded want;

    (void)arg;
    if (tape->status >= 300 || (only && !text_starts(text_of(tape->name), text_of(only))))
        return;
    /* The other reader finds a finish in whatever is a generation. */
    ck_assert_msg(endpoint || !json_member(tape->derived, HG_S("finish_reason")).kind,
                  "%s: the endpoint %.*s is in no table", tape->name, TEXT_ARG(tape->endpoint));
    if (!endpoint || !tape->derived.kind)
        return;
    if (!endpoint->wire || is_foreign(tape)) {
        strangers++;
        return;
    }
    if (!(provider = dialect_of_wire(endpoint->wire))) {
        no_dialect++;
        return;
    }
    folded_of_tape(tape, provider->wire, &want);
    pair_runs(tape, provider, NULL, &want);
    for (uint32_t wire = 1; wire < WIRES; wire++)
        if (dialect_of_wire(wire))
            pair_runs(tape, provider, dialect_of_wire(wire), &want);
}

/* ---- results -----------------------------------------------------------------------------------
 */

static void pair_put(FILE *file, const struct dialect *provider, const struct dialect *client)
{
    const struct pair *pair = &pairs[provider->wire][client->wire];
    const char *between = "";

    fprintf(file,
            "{\"kind\":\"answer\",\"provider\":\"%s\",\"client\":\"%s\",\"tapes\":%u,"
            "\"streams\":%u,\"exceptions\":[",
            provider->name, client->name, pair->tapes, pair->streams);
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        struct arena *arena = arena_new();

        if (pair->used >> i & 1)
            fprintf(file, "%s{\"tape\":\"%s\",\"fields\":\"%.*s\",\"reason\":\"%s\"}", between,
                    exceptions[i].tape, TEXT_ARG(folded_fields(arena, exceptions[i].fields)),
                    exceptions[i].reason);
        if (pair->used >> i & 1)
            between = ",";
        arena_free(&arena);
    }
    fprintf(file, "]}\n");
}

static void results_put(void)
{
    const char *path = getenv("HEADGATE_RESULTS");
    FILE *file = path ? fopen(path, "a") : NULL;

    if (!file)
        return;
    for (uint32_t a = 1; a < WIRES; a++)
        for (uint32_t b = 1; b < WIRES; b++)
            if (dialect_of_wire(a) && dialect_of_wire(b))
                pair_put(file, dialect_of_wire(a), dialect_of_wire(b));
    fclose(file);
}

/* Not of dialects that are not there. */
static void exceptions_check(void)
{
    if (getenv("HEADGATE_TAPE"))
        return;
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        const struct exception *one = &exceptions[i];
        bool is_there = (!one->provider || dialect_of_wire(one->provider)) &&
                        (!one->client || dialect_of_wire(one->client)) && !no_dialect;

        ck_assert_msg(one->is_used || !is_there, "an exception is needed no longer: %s %s",
                      one->tape, one->reason);
    }
}

static unsigned seed_of(void)
{
    const char *seed = getenv("HEADGATE_SEED");

    return seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
}

/* Pitfalls 45, 50, 53, 138, 139, 141 and 145. */
START_TEST(every_recorded_answer_says_the_same_in_every_dialect)
{
    unsigned seed = seed_of(), runs = 0, tapes = 0;

    srandom(seed);
    printf("HEADGATE_SEED=%u\n", seed);
    fflush(stdout);
    tapes_each(on_tape, NULL);
    for (uint32_t a = 1; a < WIRES; a++) {
        tapes += pairs[a][0].tapes;
        for (uint32_t b = 1; b < WIRES; b++)
            runs += pairs[a][b].runs;
    }
    printf("%u recordings, %u ways, %u differ; %u of other formats, %u without a dialect\n", tapes,
           runs, failures, strangers, no_dialect);
    fflush(stdout);
    ck_assert_msg(!failures, "%u ways differ: HEADGATE_SEED=%u", failures, seed);
    exceptions_check();
    results_put();
}
END_TEST

RUN_TAPES("dialect/translations", 600, every_recorded_answer_says_the_same_in_every_dialect)
