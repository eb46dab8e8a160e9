/* A record out of the ring that is not what a worker writes, or that something has written over:
 * it is refused, or becomes one line that is JSON.
 *
 *   first byte: 0: the rest is a record; else: the rest, in threes, is what to change in a true
 *   one: where, and what */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/ensure.h"
#include "base/text.h"
#include "gateway/answer.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/record.h"
#include "plugin/parts.h"
#include "shm/region.h"
#include "shm/ring.h"
#include "json/index.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char whole[4096];
static size_t whole_size;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct gateway gateway;
    struct error error;
    struct region *region = region_new(&(struct region_plan){.slots = 1}, &error);
    struct head head = {.path = HG_S("/v1/chat/completions")};
    struct pair pair = {.name = HG_S("team"), .value = HG_S("red")};
    struct instance instance = {.name = (char *)(uintptr_t) "openai"};
    struct target target = {.name = (char *)(uintptr_t) "openai/gpt", .instance = &instance};
    struct attempt second = {.target = &target,
                             .model = HG_S("b"),
                             .status = 200,
                             .finish = HG_FIN_STOP,
                             .has_usage = true,
                             .usage = {.flags = HG_U_INPUT | HG_U_OUTPUT, .input = 7}};
    struct attempt first = {.next = &second,
                            .target = &target,
                            .model = HG_S("a"),
                            .fault = {.kind = FAULT_CONNECT, .message = HG_S("refused")}};
    struct answer answer = {.attempt = &second};
    struct request request = {.gateway = &gateway,
                              .head = &head,
                              .id = HG_S("0123456789abc"),
                              .asked = {.kind = HG_R_CHAT, .model = HG_S("gpt")},
                              .status = 200,
                              .tags = &pair,
                              .metadata = &pair,
                              .attempts = &first,
                              .answer = &answer,
                              .began_us = 1794248407239225};
    hg_str bytes;

    (void)argc, (void)argv;
    ensure(region);
    ensure(record_write(region_ring(region, 0), &request));
    ensure(ring_peek(region_ring(region, 0), &bytes) && bytes.n <= sizeof whole);
    memcpy(whole, bytes.p, bytes.n);
    whole_size = bytes.n;
    buffer_done(&gateway.record);
    region_free(&region);
    return 0;
}

static void change(char *bytes, const uint8_t *data, size_t size)
{
    for (; size >= 3; data += 3, size -= 3)
        bytes[(data[0] | (size_t)data[1] << 8) % whole_size] = (char)data[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer scratch = {0};
    hg_record record;
    hg_usage usage;
    hg_json line;

    if (size < 1)
        return 0;
    struct arena *arena = arena_new();
    size_t n = data[0] ? whole_size : size - 1;
    char *bytes = malloc(n + 1); /* its end is the end of the memory, nearly */

    memcpy(bytes + 1, data[0] ? whole : (const char *)data + 1, n);
    if (data[0])
        change(bytes + 1, data + 1, size - 1);
    if (record_read(arena, &scratch, (hg_str){bytes + 1, n}, &record, &usage)) {
        ensure(json_parse(arena, record.json, &line, NULL));
        ensure(!memchr(record.json.p, '\n', record.json.n));
        /* Inside of something: a document of its own may not name a member twice. */
        ensure(json_parse(arena, arena_fmt(arena, "[%.*s]", TEXT_ARG(record.meta)), &line, NULL));
    }
    free(bytes);
    buffer_done(&scratch);
    arena_free(&arena);
    return 0;
}
