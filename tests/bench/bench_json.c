/* What JSON costs: the strict check of a document with its index, by kind and length of text, and
 * the reading of a usual answer. Usage: bench_json [FILE OF JSON]... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ensure.h"
#include "base/text.h"
#include "dialect/openai_chat/parts.h"

enum {
    BATCHES = 30,
    BATCH_NS = 3000000
};

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static hg_json parsed(struct arena *arena, hg_str text)
{
    struct json_fault fault = {0, NULL};
    hg_json root = {0};

    if (!json_parse(arena, text, &root, &fault)) {
        fprintf(stderr, "not JSON: %s at %zu\n", fault.reason, fault.at);
        exit(EXIT_FAILURE);
    }
    return root;
}

static void check_only(hg_str text)
{
    struct arena *arena = arena_new();

    parsed(arena, text);
    arena_free(&arena);
}

static void check_and_read(hg_str text)
{
    struct arena *arena = arena_new();
    struct dialect_answer answer;

    openai_read_answer(arena, HG_R_CHAT, parsed(arena, text), &answer);
    ensure(answer.is_valid && answer.has_usage && answer.finish);
    arena_free(&arena);
}

/* The best batch: the machine does other things too. */
static void measure(const char *name, hg_str text, void (*work)(hg_str text))
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < BATCHES; i++) {
        int64_t began = now(), ended;
        int64_t rounds = 0;

        do {
            for (int k = 0; k < 16; k++)
                work(text);
            rounds += 16;
            ended = now();
        } while (ended - began < BATCH_NS);
        if ((ended - began) / rounds < best)
            best = (ended - began) / rounds;
    }
    printf("%-24s %8zu bytes %8lld ns %7.2f GB/s\n", name, text.n, (long long)best,
           (double)text.n / (double)(best ? best : 1));
}

/* A conversation whose one text is `words` over and over. */
static hg_str conversation(const char *words, size_t size)
{
    static const char head[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"";
    static const char tail[] = "\"}],\"temperature\":0.5}";
    size_t n = strlen(words);
    char *text = malloc(size + n + sizeof head + sizeof tail);
    char *at = put_mem(text, head, sizeof head - 1);

    while ((size_t)(at - text) < size)
        at = put_mem(at, words, n);
    at = put_mem(at, tail, sizeof tail - 1);
    return (hg_str){text, (size_t)(at - text)};
}

static const char answer[] =
    "{\n  \"id\": \"chatcmpl-CQ7mZk8sT2pWnRr7yLdHc3eFgAv1x\",\n"
    "  \"object\": \"chat.completion\",\n  \"created\": 1760433164,\n"
    "  \"model\": \"gpt-4o-mini-2024-07-18\",\n  \"choices\": [\n    {\n      \"index\": 0,\n"
    "      \"message\": {\n        \"role\": \"assistant\",\n        \"content\": \"The parcel is "
    "on "
    "its way and will be with you on Monday,\\nas the table \\\"deliveries\\\" says.\",\n"
    "        \"refusal\": null,\n        \"annotations\": []\n      },\n"
    "      \"logprobs\": null,\n      \"finish_reason\": \"stop\"\n    }\n  ],\n  \"usage\": {\n"
    "    \"prompt_tokens\": 241,\n    \"completion_tokens\": 93,\n    \"total_tokens\": 334,\n"
    "    \"prompt_tokens_details\": {\n      \"cached_tokens\": 0,\n      \"audio_tokens\": 0\n"
    "    },\n    \"completion_tokens_details\": {\n      \"reasoning_tokens\": 0,\n"
    "      \"audio_tokens\": 0,\n      \"accepted_prediction_tokens\": 0,\n"
    "      \"rejected_prediction_tokens\": 0\n    }\n  },\n  \"service_tier\": \"default\",\n"
    "  \"system_fingerprint\": \"fp_560af6e559\"\n}\n";

static hg_str file_text(const char *path)
{
    static char room[1 << 22];
    FILE *file = fopen(path, "r");

    if (!file) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t n = fread(room, 1, sizeof room, file);

    fclose(file);
    return (hg_str){room, n};
}

int main(int argc, char **argv)
{
    static const char plain[] = "the customer asks where the parcel is, and when it will come; ";
    static const char lines[] = "a line with \\\"words\\\" said by somebody, and another\\n";
    static const char mixed[] = "a line with \\\"words\\\", a café — and the naïve rest of it\\n";
    static const char foreign[] = "где моя посылка и когда она придёт, 荷物はどこですか。";

    for (int i = 1; i < argc; i++)
        measure(argv[i], file_text(argv[i]), check_only);
    if (argc > 1)
        return EXIT_SUCCESS;
    measure("plain", conversation(plain, 1000), check_only);
    measure("plain", conversation(plain, 100000), check_only);
    measure("with escapes", conversation(lines, 100000), check_only);
    measure("with escapes, mixed", conversation(mixed, 100000), check_only);
    measure("foreign", conversation(foreign, 100000), check_only);
    measure("an answer", HG_S(answer), check_only);
    measure("an answer, and read", HG_S(answer), check_and_read);
    return EXIT_SUCCESS;
}
