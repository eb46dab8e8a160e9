/* What a translation costs: a request of a megabyte from OpenAI's format into Anthropic's, as one
 * long text, as many messages, and as many parts; and a streamed answer whose tool call comes in
 * fragments, an event each. Usage: bench_translate [NAME], which runs once and says nothing: for
 * a counter of instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/translation.h"
#include "json/index.h"

enum {
    ROUNDS = 20,
    MEGABYTE = 1024 * 1024,
    FRAGMENTS = 1000
};

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* `head`, `piece` until there is a megabyte, `tail`. */
static hg_str document(const char *head, const char *piece, const char *tail)
{
    size_t head_n = strlen(head), n = strlen(piece), tail_n = strlen(tail);
    char *text = malloc(MEGABYTE + head_n + n + tail_n);
    char *at = put_mem(text, head, head_n);

    while (at - text < MEGABYTE)
        at = put_mem(at, piece, n);
    at = put_mem(at, tail, tail_n);
    return (hg_str){text, (size_t)(at - text)};
}

static void request_carry(hg_str body)
{
    struct arena *arena = arena_new();
    struct chain *out = chain_new(arena);
    struct translation translation;
    struct error error = {""};
    struct chat chat;
    hg_json doc;

    ensure(json_parse(arena, body, &doc, NULL));
    translation_begin(&translation, arena, &dialect_openai_chat, &dialect_anthropic,
                      HG_S("claude-sonnet-4-5"));
    ensure(dialect_openai_chat.read_chat(arena, HG_S("/"), doc, &chat, &error));
    ensure(dialect_anthropic.write_chat(&translation, &chat, out, &error));
    ensure(out->len > MEGABYTE / 4);
    arena_free(&arena);
}

struct answer {
    struct translation translation;
    struct dialect_writer *writer;
    struct chain *out;
};

static void on_event(void *arg, const hg_event *event)
{
    struct answer *answer = arg;

    translation_event(&answer->translation, answer->writer, event, answer->out);
}

static void frame_carry(struct answer *answer, struct dialect_reader *reader, hg_str data)
{
    struct arena *scratch = arena_new();

    answer->out = chain_new(scratch);
    dialect_openai_chat.reader_frame(reader, scratch, HG_S(""), data);
    arena_free(&scratch);
}

static void fragments_carry(hg_str body)
{
    static const hg_str fragment = {
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1760433164,"
        "\"model\":\"gpt-4.1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
        "\"function\":{\"arguments\":\" \\\"part\\\"\"}}]},\"finish_reason\":null}]}",
        214};
    struct arena *arena = arena_new();
    struct answer answer = {.out = NULL};
    struct dialect_sink sink = {on_event, &answer};
    struct dialect_reader *reader = dialect_openai_chat.reader_new(arena, HG_R_CHAT, &sink);

    translation_begin(&answer.translation, arena, &dialect_anthropic, &dialect_openai_chat,
                      HG_S("m"));
    answer.writer = dialect_anthropic.writer_new(arena, HG_R_CHAT, true, true);
    frame_carry(&answer, reader, body);
    for (int i = 0; i < FRAGMENTS; i++)
        frame_carry(&answer, reader, text_of(fragment.p));
    arena_free(&arena);
}

static void measure(const char *name, const char *only, hg_str body, void (*carry)(hg_str body),
                    int64_t parts)
{
    int64_t best = INT64_MAX;

    if (only && strcmp(only, name) != 0)
        return;
    for (int i = 0; i < (only ? 1 : ROUNDS); i++) {
        int64_t began = now();

        carry(body);
        if (now() - began < best)
            best = now() - began;
    }
    if (!only)
        printf("%-10s %9lld ns\n", name, (long long)(best / parts));
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    measure("text", only,
            document("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"",
                     "The parcel is on its way, as the \\\"table\\\" says.\\n", "\"}]}"),
            request_carry, 1);
    measure(
        "messages", only,
        document("{\"model\":\"m\",\"messages\":[",
                 "{\"role\":\"user\",\"content\":\"Where is it?\"},{\"role\":\"assistant\","
                 "\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
                 "\"function\":{\"name\":\"find\",\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":"
                 "\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"On its way to you.\"},",
                 "{\"role\":\"user\",\"content\":\"Thanks.\"}]}"),
        request_carry, 1);
    measure("parts", only,
            document("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[",
                     "{\"type\":\"text\",\"text\":\"The parcel is on its way to you, I think.\"},",
                     "{\"type\":\"text\",\"text\":\"End.\"}]}]}"),
            request_carry, 1);
    measure(
        "fragments", only,
        HG_S("{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1760433164,"
             "\"model\":\"gpt-4.1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
             "\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
             "\"function\",\"function\":{\"name\":\"find\",\"arguments\":\"\"}}]},"
             "\"finish_reason\":null}]}"),
        fragments_carry, FRAGMENTS);
    return 0;
}
