/* A record as it comes out of the ring, compared with the request it was made of. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "gateway/answer.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/record.h"
#include "plugin/parts.h"
#include "shm/region.h"
#include "shm/ring.h"
#include "support/suite.h"
#include "json/index.h"

static struct region *region;
static struct ring *ring;
static struct arena *arena;
static struct gateway gateway;
static struct buffer scratch;
static struct head head;
static struct instance instance = {.name = (char *)(uintptr_t) "openai"};
static struct target target = {.name = (char *)(uintptr_t) "openai/gpt", .instance = &instance};
static struct request request;

static void setup(void)
{
    struct error error;

    region = region_new(&(struct region_plan){.slots = 1}, &error);
    ck_assert_ptr_nonnull(region);
    ring = region_ring(region, 0);
    arena = arena_new();
    head = (struct head){.path = HG_S("/v1/chat/completions")};
    request = (struct request){.gateway = &gateway,
                               .head = &head,
                               .id = HG_S("0123456789abc"),
                               .asked = {.kind = HG_R_CHAT, .model = HG_S("gpt")},
                               .status = 200,
                               .began_us = 1794248407239225};
}

static void teardown(void)
{
    buffer_done(&gateway.record);
    buffer_done(&scratch);
    arena_free(&arena);
    region_free(&region);
}

static hg_str bytes_of_request(void)
{
    hg_str bytes;

    ck_assert(record_write(ring, &request));
    ck_assert(ring_peek(ring, &bytes));
    bytes = arena_text(arena, bytes);
    ring_release(ring);
    return bytes;
}

static hg_record record;
static hg_usage usage;

static hg_json line_of_request(void)
{
    hg_json line;

    ck_assert(record_read(arena, &scratch, bytes_of_request(), &record, &usage));
    ck_assert_msg(json_parse(arena, record.json, &line, NULL), "not JSON: %.*s",
                  TEXT_ARG(record.json));
    ck_assert(!memchr(record.json.p, '\n', record.json.n));
    return line;
}

static void same(hg_json line, const char *pointer, hg_str expected)
{
    hg_json value = json_get(line, pointer);
    hg_str text = value.kind == HG_J_STR ? json_str(arena, value) : json_raw(value);

    ck_assert_msg(text_is(text, expected), "%s is '%.*s', not '%.*s'", pointer, TEXT_ARG(text),
                  TEXT_ARG(expected));
}

START_TEST(a_request_without_attempts_is_remembered)
{
    request.fault = (struct fault){.kind = FAULT_NO_ROUTE, .message = HG_S("nothing\nhere")};
    request.status = 404;
    hg_json line = line_of_request();

    same(line, "/id", request.id);
    same(line, "/time", HG_S("2026-11-09T18:20:07.239225Z"));
    same(line, "/outcome", fault_name(FAULT_NO_ROUTE));
    same(line, "/error/message", HG_S("nothing\nhere"));
    same(line, "/status", HG_S("404"));
    same(line, "/attempts", HG_S("[]"));
    ck_assert(!record.usage);
    ck_assert_uint_eq(record.attempts, 0);
}
END_TEST

START_TEST(the_attempt_that_serves_speaks_for_the_request)
{
    struct answer answer = {0};
    struct attempt second = {.target = &target,
                             .model = HG_S("b"),
                             .model_answered = HG_S("b-2"),
                             .status = 200,
                             .finish = HG_FIN_STOP,
                             .has_usage = true,
                             .usage = {.flags = HG_U_INPUT | HG_U_OUTPUT, .input = 7}};
    struct attempt first = {
        .next = &second,
        .target = &target,
        .model = HG_S("a"),
        .fault = {.kind = FAULT_CONNECT, .message = HG_S("key sk-abcdefgh1234 is not known")}};

    answer.attempt = &second;
    request.attempts = &first;
    request.answer = &answer;
    hg_json line = line_of_request();

    same(line, "/model_sent", HG_S("b"));
    same(line, "/finish", HG_S("stop"));
    same(line, "/usage", HG_S("{\"input\":7,\"output\":0}"));
    same(line, "/attempts/0/message", HG_S("key sk-*** is not known"));
    same(line, "/attempts/1/model_answered", HG_S("b-2"));
    ck_assert_uint_eq(record.attempts, 2);
    ck_assert(text_is(record.model, HG_S("b-2")));
    ck_assert_uint_eq(record.usage->input, 7);
}
END_TEST

/* Whatever clients and scripts put into texts and pairs: the line reads back as the same. */
START_TEST(texts_of_others_come_back_as_they_were)
{
    static const char *const pieces[] = {"a", "\"", "\\", "\n", "\x01", "é", "😀", "{", ",", " "};

    srand(1);
    for (int round = 0; round < 2000; round++) {
        char text[200];
        size_t n = 0;

        for (int i = rand() % 40; i > 0; i--)
            n = (size_t)(put_text(text + n, text_of(pieces[rand() % 10])) - text);
        struct pair pair = {.name = HG_S("na\"me"), .value = {text, n}};

        request.metadata = &pair;
        request.asked.model = request.guard_code = pair.value;
        request.guard_action = HG_FLAG;
        hg_json line = line_of_request();
        hg_json meta;

        same(line, "/metadata/na\"me", pair.value);
        same(line, "/model", pair.value);
        same(line, "/guard_code", pair.value);
        ck_assert(json_parse(arena, record.meta, &meta, NULL));
        same(meta, "/na\"me", pair.value);
    }
}
END_TEST

/* A worker may have died while it wrote, or a plugin may have written there. */
START_TEST(a_record_that_is_cut_or_damaged_does_no_harm)
{
    struct pair pair = {.name = HG_S("team"), .value = HG_S("red")};
    struct attempt attempt = {.target = &target, .model = HG_S("a"), .has_usage = true};

    request.tags = request.metadata = &pair;
    request.attempts = &attempt;
    hg_str whole = bytes_of_request();

    for (size_t n = 0; n < whole.n; n++) {
        char *part = malloc(n + 1); /* so that a sanitizer sees the end */

        memcpy(part, whole.p, n);
        ck_assert(!record_read(arena, &scratch, (hg_str){part, n}, &record, &usage));
        free(part);
    }
    srand(2);
    for (int round = 0; round < 5000; round++) {
        char *bytes = malloc(whole.n);
        hg_json line;

        memcpy(bytes, whole.p, whole.n);
        bytes[8 + (size_t)rand() % (whole.n - 8)] = (char)rand();
        if (record_read(arena, &scratch, (hg_str){bytes, whole.n}, &record, &usage))
            ck_assert(json_parse(arena, record.json, &line, NULL));
        free(bytes);
    }
}
END_TEST

RUN_SUITE_WITH("record", setup, teardown, a_request_without_attempts_is_remembered,
               the_attempt_that_serves_speaks_for_the_request,
               texts_of_others_come_back_as_they_were, a_record_that_is_cut_or_damaged_does_no_harm)
