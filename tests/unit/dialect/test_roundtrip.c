/* What a request says in one dialect, it says in another one and back at home, but for what was
 * said to be lost:
 *
 *   A -> normal -> A        all of it
 *   A -> normal -> B -> normal -> A     all but what x-headgate-lost tells of either way
 *
 * for every recorded request and for thousands made by chance, for all pairs of dialects. What a
 * format cannot hold though nothing is lost by it, or says in other words, is in a table, each with
 * its reason; an entry that no longer bites fails.
 *
 * HEADGATE_SEED repeats another run, HEADGATE_ROUNDS is how many chats are made for each pair,
 * HEADGATE_TAPE takes only recordings whose name begins so, HEADGATE_RESULTS names a file for the
 * outcome of each pair. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "support/chats.h"
#include "support/outline.h"
#include "support/suite.h"
#include "support/tape.h"

enum {
    WIRES = 8,
    SHOWN = 40 /* complaints, unless HEADGATE_SHOWN says more */
};

/* ---- exceptions --------------------------------------------------------------------------------
 */

/* 0 as a wire: every one. `home` is the client's dialect; the fact's value begins with `value`. */
struct exception {
    uint32_t home, away;
    const char *kind, *value;
    const char *reason;
    uint64_t used[WIRES]; /* a bit for each dialect away, by dialect at home */
};

#define CHAT      HG_WIRE_OPENAI_CHAT
#define RESPONSES HG_WIRE_OPENAI_RESPONSES
#define ANTHROPIC HG_WIRE_ANTHROPIC
#define GEMINI    HG_WIRE_GEMINI
#define CONVERSE  HG_WIRE_CONVERSE
#define COHERE    HG_WIRE_COHERE

static const char in_words[] = "that a tool failed is told in words: the format has no mark for it";
static const char no_name[] = "a schema has no name in the format";
static const char nearest[] = "an effort and a budget of tokens stand for each other, as near as "
                              "the model takes it";
static const char shown[] = "whether thoughts are shown cannot be asked for in the format, or goes "
                            "with being asked to think";
static const char is_strict[] = "a schema is always kept to";
static const char subset[] = "schemas are written in the words of the format's subset of JSON "
                             "Schema, and closed where they are strict";
static const char never[] = "who never thinks need not be told not to";
static const char document_name[] = "names of documents lose what is no letter, digit, space, "
                                    "hyphen or bracket, and their extension; "
                                    "one that was there gets a number";

static const char signature[] = "the signature of a call says something to its maker alone";

static const char point[] = "a mark at the root is one behind the last message";

static const char hashed[] =
    "a name that is longer than the format takes is told as a digest of it";

static struct exception lost_exceptions[] = {
    {0, CHAT, "user", "", hashed, {0}},
    {0, RESPONSES, "user", "", hashed, {0}},
    {0, CHAT, "result.error", "", in_words, {0}},
    {0, RESPONSES, "result.error", "", in_words, {0}},
    {0, COHERE, "result.error", "", in_words, {0}},
    {0, CONVERSE, "result.error", "", in_words, {0}},
    {0,
     COHERE,
     "text.assistant",
     "",
     "what is said beside calls is their plan, which is a thought to others",
     {0}},
    {0, 0, "effort", "", nearest, {0}},
    {0, 0, "budget", "", nearest, {0}},
    {0, 0, "summary", "", shown, {0}},
    {0, ANTHROPIC, "format.name", "", no_name, {0}},
    {0, GEMINI, "format.name", "", no_name, {0}},
    {0, COHERE, "format.name", "", no_name, {0}},
    {0, GEMINI, "format.strict", "", is_strict, {0}},
    {0, COHERE, "format.strict", "", is_strict, {0}},
    {0, CONVERSE, "format.strict", "", is_strict, {0}},
    {0, ANTHROPIC, "format.schema", "", subset, {0}},
    {0, GEMINI, "format.schema", "", subset, {0}},
    {0, ANTHROPIC, "tool.schema", "", subset, {0}},
    {0, GEMINI, "tool.schema", "", subset, {0}},
    {0, GEMINI, "tool.strict", "", "the mode VALIDATED keeps to the schemas of all tools", {0}},
    {0, GEMINI, "reasoning", "no", never, {0}},
    {0, ANTHROPIC, "reasoning", "no", never, {0}},
    {0, CONVERSE, "reasoning", "no", never, {0}},
    {0, CONVERSE, "file.name", "", document_name, {0}},
    {CONVERSE, 0, "file.name", "", document_name, {0}},
    {GEMINI, 0, "format.schema", "", subset, {0}},
    {GEMINI, 0, "tool.schema", "", subset, {0}},
    {ANTHROPIC, 0, "reasoning", "no", never, {0}},
    {GEMINI, 0, "call.signature", "", signature, {0}},
    {0, CONVERSE, "extra", "cache_control", point, {0}},
    {CHAT,
     GEMINI,
     "extra",
     "web_search_options",
     "the option of a search is a tool that the provider runs",
     {0}},
    {0, 0, NULL, NULL, NULL, {0}},
};

/* What nobody asked for. */
static struct exception made_exceptions[] = {
    {0, CHAT, "user", "user_", hashed, {0}},
    {0, RESPONSES, "user", "user_", hashed, {0}},
    {0, CONVERSE, "cache", "", point, {0}},
    {0, CONVERSE, "tool", "", "who has calls in the history must declare their tools", {0}},
    {0, ANTHROPIC, "max_tokens", "", "the format has no request without a limit", {0}},
    {0, 0, "text.tool", "Error:", in_words, {0}},
    {0,
     0,
     "text.tool",
     "[attachmentsfollowinthenextmessage]",
     "a result has text alone: what else it brought follows in a message",
     {0}},
    {0, 0, "effort", "", nearest, {0}},
    {0, 0, "budget", "", nearest, {0}},
    {0, 0, "summary", "", shown, {0}},
    {0, 0, "format.name", "structured_output", "a schema must have a name in the format", {0}},
    {0, 0, "file.name", "document", "a file must have a name in the format", {0}},
    {0, CONVERSE, "file.name", "", document_name, {0}},
    {CONVERSE, 0, "file.name", "", document_name, {0}},
    {GEMINI,
     0,
     "call.signature",
     "skip_thought_signature_validator",
     "Gemini takes it in the place of a signature that it does not get back",
     {0}},
    {GEMINI, 0, "format.schema", "", subset, {0}},
    {GEMINI, 0, "tool.schema", "", subset, {0}},
    {0, ANTHROPIC, "format.strict", "", is_strict, {0}},
    {0, ANTHROPIC, "format.schema", "", subset, {0}},
    {0, GEMINI, "format.schema", "", subset, {0}},
    {0, ANTHROPIC, "tool.schema", "", subset, {0}},
    {0, GEMINI, "tool.schema", "", subset, {0}},
    {0, 0, NULL, NULL, NULL, {0}},
};

static bool is_excepted(struct exception *one, uint32_t home, uint32_t away,
                        const struct fact *fact)
{
    for (; one->kind; one++)
        if ((!one->home || one->home == home) && (!one->away || one->away == away) &&
            strcmp(one->kind, fact->kind) == 0 && text_starts(fact->value, text_of(one->value))) {
            one->used[home] |= 1u << away;
            return true;
        }
    return false;
}

/* ---- a way there and home ----------------------------------------------------------------------
 */

struct pair {
    unsigned tapes, made, refused, lossy;
};

static struct pair pairs[WIRES][WIRES];
static unsigned failures;

struct trip {
    struct arena *arena;
    const struct dialect *home, *away;
    hg_str home_model, away_model;
    uint32_t traits;  /* of the server that is away */
    const char *what; /* it is, for messages */
    bool is_tape;
    struct pair *pair;
};

static hg_str path_of(struct arena *arena, const struct dialect *dialect, hg_str model,
                      bool is_stream)
{
    if (dialect->wire == HG_WIRE_GEMINI)
        return arena_fmt(arena, "/v1beta/models/%.*s:%s", TEXT_ARG(model),
                         is_stream ? "streamGenerateContent" : "generateContent");
    if (dialect->wire == HG_WIRE_CONVERSE)
        return arena_fmt(arena, "/model/%.*s/%s", TEXT_ARG(model),
                         is_stream ? "converse-stream" : "converse");
    return HG_S("/");
}

struct step {
    hg_str body, losses;
    struct error error;
};

/* From normal form into a document of the dialect, for servers with those traits. False if it is
 * refused. */
static bool step_write(struct arena *arena, const struct chat *chat, const struct dialect *to,
                       hg_str model, uint32_t traits, struct step *ret)
{
    struct chain *out = chain_new(arena);
    struct translation translation;

    *ret = (struct step){.error = {""}};
    translation_begin(&translation, arena, chat->from, to, model);
    translation.traits = traits;
    if (!to->write_chat(&translation, chat, out, &ret->error))
        return false;
    ret->body = chain_flat(out, arena);
    ret->losses = translation_losses(&translation);
    if (translation.unwraps_json) /* kept, but nobody can see it in the document */
        ret->losses = arena_fmt(arena, "%.*s, response_format", TEXT_ARG(ret->losses));
    return true;
}

static bool step_read(struct arena *arena, const struct dialect *from, hg_str path, hg_str body,
                      struct chat *ret, struct error *error)
{
    hg_json doc;

    return json_parse(arena, body, &doc, NULL)
               ? from->read_chat(arena, path, doc, ret, error)
               : error_set(error, "is no JSON: %.*s", TEXT_ARG(body));
}

static uint64_t number_of_env(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void complain(const struct trip *trip, const char *what, hg_str more, hg_str losses)
{
    if (failures++ < number_of_env("HEADGATE_SHOWN", SHOWN))
        printf("%s: %s -> %s: %s: %.*s [told: %.*s]\n", trip->what, trip->home->name,
               trip->away->name, what, TEXT_ARG(more), TEXT_ARG(losses));
}

static void facts_complain(const struct trip *trip, const char *what, const struct outline *facts,
                           struct exception *exceptions, hg_str losses)
{
    for (const struct fact *fact = facts->facts; fact; fact = fact->next)
        if (!fact_is_told(fact, losses) &&
            !is_excepted(exceptions, trip->home->wire, trip->away->wire, fact))
            complain(trip, what,
                     arena_fmt(trip->arena, "%s '%.*s'", fact->kind,
                               fact->value.n > 200 ? 200 : (int)fact->value.n, fact->value.p),
                     losses);
}

static void refusal_complain(const struct trip *trip, const char *what, const char *why)
{
    struct fact fact = {.kind = "way home", .value = text_of(why)};

    if (!is_excepted(lost_exceptions, trip->home->wire, trip->away->wire, &fact))
        complain(trip, what, fact.value, HG_S(""));
}

static void trip_compare(const struct trip *trip, const struct chat *before,
                         const struct chat *after, hg_str losses)
{
    bool is_exact = trip->home == trip->away;
    struct outline had, has, lost, made;

    outline_of(trip->arena, before, is_exact, &had);
    outline_of(trip->arena, after, is_exact, &has);
    outline_compare(&had, &has, &lost, &made);
    facts_complain(trip, "lost", &lost, lost_exceptions, losses);
    facts_complain(trip, "made up", &made, made_exceptions, losses);
}

/* `chat` was read from a document of the home dialect. */
static void trip_run(const struct trip *trip, const struct chat *chat)
{
    struct arena *arena = trip->arena;
    struct step there, back;
    struct chat away, home;
    struct error error = {""};
    hg_str away_path = path_of(arena, trip->away, trip->away_model, chat->is_stream);
    hg_str home_path = path_of(arena, trip->home, trip->home_model, chat->is_stream);

    *(trip->is_tape ? &trip->pair->tapes : &trip->pair->made) += 1;
    if (!step_write(arena, chat, trip->away, trip->away_model, trip->traits, &there)) {
        trip->pair->refused++;
        if (trip->home == trip->away)
            refusal_complain(trip, "is refused at home", there.error.text);
        return;
    }
    trip->pair->lossy += there.losses.n > 0;
    if (!step_read(arena, trip->away, away_path, there.body, &away, &error)) {
        complain(trip, "is not understood", text_of(error.text), HG_S(""));
        return;
    }
    if (trip->home == trip->away) {
        trip_compare(trip, chat, &away, there.losses);
        return;
    }
    if (!step_write(arena, &away, trip->home, trip->home_model, 0, &back)) {
        refusal_complain(trip, "does not come home", back.error.text);
        return;
    }
    if (!step_read(arena, trip->home, home_path, back.body, &home, &error)) {
        complain(trip, "is not understood at home", text_of(error.text), HG_S(""));
        return;
    }
    trip_compare(trip, chat, &home,
                 arena_fmt(arena, "%.*s, %.*s", TEXT_ARG(there.losses), TEXT_ARG(back.losses)));
}

/* ---- requests by chance ------------------------------------------------------------------------
 */

static const char *const models[WIRES][4] = {
    [HG_WIRE_OPENAI_CHAT] = {"gpt-4.1", "gpt-5", "llama-3.3-70b", "o4-mini"},
    [HG_WIRE_OPENAI_RESPONSES] = {"gpt-4.1", "gpt-5", "gpt-4o", "o4-mini"},
    [HG_WIRE_ANTHROPIC] = {"claude-sonnet-4-5", "claude-3-5-haiku-latest", "claude-opus-4-7",
                           "claude-sonnet-4-6"},
    [HG_WIRE_GEMINI] = {"gemini-2.5-flash", "gemini-3-pro-preview", "gemini-2.0-flash",
                        "gemini-2.5-pro"},
    [HG_WIRE_CONVERSE] = {"anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0",
                          "mistral.mistral-large-2402-v1:0", "anthropic.claude-opus-4-7"},
    [HG_WIRE_COHERE] = {"command-a-03-2025", "command-r-plus", "command-a-reasoning-08-2025",
                        "command-r7b"},
};

static const uint32_t traits[WIRES] = {
    [CHAT] = HG_WIRE_STRING_CONTENT | HG_WIRE_EMPTY_CONTENT | HG_WIRE_REASONING |
             HG_WIRE_NO_SCHEMA | HG_WIRE_TOP_K | HG_WIRE_MAX_TOKENS | HG_WIRE_NO_STREAM_USAGE,
    [RESPONSES] = HG_WIRE_NO_SCHEMA,
    [ANTHROPIC] = HG_WIRE_NO_SCHEMA | HG_WIRE_NO_URLS | HG_WIRE_BODY_VERSION,
    [GEMINI] = HG_WIRE_NO_URLS | HG_WIRE_NO_CALL_IDS,
    [CONVERSE] = HG_WIRE_NO_SCHEMA,
    [COHERE] = HG_WIRE_NO_SCHEMA,
};

static hg_str model_any(struct chance *chance, const struct dialect *dialect)
{
    return text_of(models[dialect->wire][chance_below(chance, 4)]);
}

/* A document of the home dialect, made from a chat of a neighbour's. */
static bool home_chat_make(const struct trip *trip, struct chance *chance, struct chat *ret)
{
    const struct dialect *neighbour = dialect_of_wire(
        trip->home->wire == HG_WIRE_OPENAI_CHAT ? HG_WIRE_ANTHROPIC : HG_WIRE_OPENAI_CHAT);
    struct error error = {""};
    struct step step;
    struct chat chat;

    chat_make(trip->arena, chance, neighbour, &chat);
    if (!step_write(trip->arena, &chat, trip->home, trip->home_model, 0, &step))
        return false;
    if (step_read(trip->arena, trip->home,
                  path_of(trip->arena, trip->home, trip->home_model, chat.is_stream), step.body,
                  ret, &error))
        return true;
    complain(trip, "what was written is not understood", text_of(error.text), step.losses);
    return false;
}

static void made_run(const struct dialect *home, const struct dialect *away, uint64_t seed)
{
    struct chance chance = {seed};
    char what[60];
    struct trip trip = {.arena = arena_new(),
                        .home = home,
                        .away = away,
                        .home_model = model_any(&chance, home),
                        .away_model = home == away ? HG_S("") : model_any(&chance, away),
                        .what = what,
                        .pair = &pairs[home->wire][away->wire]};
    struct chat chat;

    snprintf(what, sizeof what, "HEADGATE_SEED=%llu", (unsigned long long)seed);
    if (home == away)
        trip.away_model = trip.home_model;
    else if (chance_one_in(&chance, 3))
        trip.traits = traits[away->wire] & (uint32_t)chance_next(&chance);
    if (home_chat_make(&trip, &chance, &chat))
        trip_run(&trip, &chat);
    arena_free(&trip.arena);
}

static void pairs_each(void (*run)(const struct dialect *home, const struct dialect *away,
                                   uint64_t seed),
                       uint64_t seed)
{
    for (uint32_t a = 1; a < WIRES; a++)
        for (uint32_t b = 1; b < WIRES; b++)
            if (dialect_of_wire(a) && dialect_of_wire(b))
                run(dialect_of_wire(a), dialect_of_wire(b), seed);
}

static void made_all(void)
{
    uint64_t seed = number_of_env("HEADGATE_SEED", 1);
    uint64_t rounds = number_of_env("HEADGATE_ROUNDS", getenv("HEADGATE_SEED") ? 1 : 300);

    for (uint64_t i = 0; i < rounds; i++)
        pairs_each(made_run, seed + i);
}

/* ---- recorded requests -------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    uint32_t wire;
} endpoints[] = {
    {"chat.completions", CHAT},   {"responses", RESPONSES},      {"messages", ANTHROPIC},
    {"rawPredict", ANTHROPIC},    {"invoke", ANTHROPIC},         {"streamRawPredict", ANTHROPIC},
    {"invoke-stream", ANTHROPIC}, {"generateContent", GEMINI},   {"streamGenerateContent", GEMINI},
    {"converse", CONVERSE},       {"converse-stream", CONVERSE}, {"chat", COHERE},
};

static const struct dialect *dialect_of_tape(const struct tape *tape)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (text_is(tape->endpoint, text_of(endpoints[i].name)))
            return dialect_of_wire(endpoints[i].wire);
    return NULL;
}

/* Without the scheme and the host. */
static hg_str path_of_tape(const struct tape *tape)
{
    hg_str rest = tape->url;

    for (int i = 0; i < 3; i++)
        text_cut(rest, '/', &rest);
    return rest.n ? (hg_str){rest.p - 1, rest.n + 1} : HG_S("/");
}

static void on_tape(const struct tape *tape, void *arg)
{
    const struct dialect *home = dialect_of_tape(tape);
    const char *only = getenv("HEADGATE_TAPE");
    struct error error = {""};
    struct chat chat;

    (void)arg;
    if (!home || tape->status >= 300 || !tape->derived.kind ||
        (only && !text_starts(text_of(tape->name), text_of(only))) ||
        !step_read(tape->arena, home, path_of_tape(tape), tape->request, &chat, &error))
        return; /* what is not understood is the matter of test_requests */
    for (uint32_t wire = 1; wire < WIRES; wire++) {
        const struct dialect *away = dialect_of_wire(wire);

        if (away)
            trip_run(
                &(struct trip){
                    .arena = tape->arena,
                    .home = home,
                    .away = away,
                    .home_model = chat.model,
                    .away_model = home == away ? chat.model : text_of(models[wire][0]),
                    .what = tape->name,
                    .is_tape = true,
                    .pair = &pairs[home->wire][wire],
                },
                &chat);
    }
}

/* ---- results -----------------------------------------------------------------------------------
 */

static void exceptions_put(FILE *file, const struct exception *one, uint32_t home, uint32_t away,
                           const char **between)
{
    for (; one->kind; one++) {
        if (!(one->used[home] >> away & 1))
            continue;
        fprintf(file, "%s{\"what\":\"%s\",\"reason\":\"%s\"}", *between, one->kind, one->reason);
        *between = ",";
    }
}

static void pair_put(FILE *file, const struct dialect *home, const struct dialect *away)
{
    const struct pair *pair = &pairs[home->wire][away->wire];
    const char *between = "";

    fprintf(file,
            "{\"kind\":\"request\",\"client\":\"%s\",\"provider\":\"%s\",\"tapes\":%u,"
            "\"made\":%u,\"exceptions\":[",
            home->name, away->name, pair->tapes, pair->made);
    exceptions_put(file, lost_exceptions, home->wire, away->wire, &between);
    exceptions_put(file, made_exceptions, home->wire, away->wire, &between);
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

static void exceptions_check(const struct exception *one)
{
    for (; one->kind; one++) {
        uint64_t used = 0;

        for (size_t i = 0; i < WIRES; i++)
            used |= one->used[i];
        ck_assert_msg(used, "an exception is needed no longer: %s: %s", one->kind, one->reason);
    }
}

START_TEST(a_request_loses_only_what_was_told_on_the_way_there_and_home)
{
    if (!getenv("HEADGATE_TAPE"))
        made_all();
    if (tapes_exist() && !getenv("HEADGATE_SEED"))
        tapes_each(on_tape, NULL);
    fflush(stdout);
    ck_assert_uint_eq(failures, 0);
    if (getenv("HEADGATE_TAPE") || getenv("HEADGATE_SEED") || !tapes_exist())
        return;
    exceptions_check(lost_exceptions);
    exceptions_check(made_exceptions);
    results_put();
}
END_TEST

RUN_SUITE("dialect/roundtrip", a_request_loses_only_what_was_told_on_the_way_there_and_home)
