/* A whole gateway whose route makes the calls that the input says (lua_api.lua), with odd values on
 * odd objects, against a fake provider: whatever a route does, its request ends, and nothing is
 * left of it.
 *
 *   first byte: path and document; second byte: when the client leaves; then the calls */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "net/listener.h"
#include "simulate/simulator.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURN (NS_PER_MS / 5)

enum {
    CALLS_MOST = 1500, /* bytes; each is two in the header */
    TURNS_IDLE = 12,   /* without a byte: then the client leaves */
    TURNS_MOST = 20000,
    RUNS_OF_GATEWAY = 100
};

static const char config_text[] =
    "listen '127.0.0.1:0'\n"
    "provider 'p' { plugin = 'openai', base_url = 'http://127.0.0.1:%u/v1',\n"
    "               timeouts = { idle = 0.02, first_byte = 0.02, first_event = 0.02 } }\n"
    "http 'side' { base_url = 'http://127.0.0.1:%u/v1' }\n"
    "guard 'mask' { plugin = 'regex', redact = { '[a-e]' }, deny = { 'forbidden' } }\n"
    "cache 'kept' { plugin = 'memory' }\n"
    "routes '%s/tests/fuzz/lua_api.lua'\n";

static const char *const documents[] = {
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"abc\"}]}",
    "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"abc\"}]}",
    "{\"model\":\"p/"
    "sim:events=4\",\"stream\":true,\"metadata\":{\"a\":1,\"b\":[]},\"messages\":[{}]}",
    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\ud83d\\ude00\"}"
    "]}]}",
    "{\"model\":\"\",\"stream\":1,\"messages\":7}",
    "no JSON",
    "{\"input\":[\"a\",\"b\"],\"model\":\"e\"}",
};

static struct {
    struct loop *loop;
    struct simulator *simulator;
    struct config *config;
    struct gateway *gateway;
    unsigned runs;
} world;

static struct config *config_make(unsigned port)
{
    char path[] = "/tmp/fuzz-lua-api-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    struct error error = {{0}};

    ensure(file);
    fprintf(file, config_text, port, port, TEST_SOURCE_DIR);
    fclose(file);
    struct config *config = config_load(path, &error);

    unlink(path);
    if (!config)
        fprintf(stderr, "%s\n", error.text);
    ensure(config);
    return config;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error;

    (void)argc, (void)argv;
    setenv("HEADGATE_PLUGIN_PATH", TEST_BUILD_DIR "/.libs", 1);
    log_set_level((enum log_level)(LOG_ERROR + 1));
    world.loop = loop_new();
    int fd = listener_open("127.0.0.1:0", &error);

    ensure(fd >= 0);
    world.simulator = simulator_new(
        &(struct simulator_setup){.loop = world.loop, .fd = fd, .rule = rule_default});
    world.config = config_make(listener_port(fd));
    return 0;
}

static void gateway_begin(void)
{
    struct error error = {{0}};

    if (world.runs++ % RUNS_OF_GATEWAY == 0)
        gateway_free(&world.gateway);
    if (world.gateway)
        return;
    world.gateway = gateway_new(
        &(struct gateway_setup){
            .loop = world.loop, .config = world.config, .workers = 1, .run_dir = "/tmp"},
        &error);
    if (!world.gateway)
        fprintf(stderr, "%s\n", error.text);
    ensure(world.gateway);
}

static void request_send(int fd, const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"/v1/chat/completions", "/match", "/rescue",
                                        "/v1/embeddings"};
    const char *path = paths[data[0] & 3];
    const char *document = documents[(data[0] >> 2) % (sizeof documents / sizeof *documents)];
    static char text[4 * CALLS_MOST];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "POST %s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
                                "x-headgate-metadata: {\"team\":\"a\"}\r\ncontent-length: %zu\r\n"
                                "x-calls: ",
                                path, strlen(document));

    for (size_t i = 2; i < size && i < CALLS_MOST; i++) {
        text[n++] = (char)('a' + (data[i] >> 4));
        text[n++] = (char)('a' + (data[i] & 15));
    }
    n += (size_t)snprintf(text + n, sizeof text - n, "\r\n\r\n%s", document);
    ensure(send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n);
}

/* True if something came, the end as well. */
static bool answer_read(int fd, char *start, size_t *size, bool *over)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0 && *size < 9)
        memcpy(start + *size, bytes, (size_t)n < 9 - *size ? (size_t)n : 9 - *size);
    if (n > 0)
        *size += (size_t)n;
    *over = *over || n == 0;
    return n > 0;
}

/* Until the answer is out, nothing comes any more, or the client has had enough. */
static void answer_await(int fd, unsigned patience)
{
    char start[9] = {0};
    size_t size = 0;
    bool over = false;

    for (unsigned idle = 0, turns = 0; idle < TURNS_IDLE && turns < patience && !over; turns++) {
        loop_turn(world.loop, TURN);
        idle = answer_read(fd, start, &size, &over) ? 0 : idle + 1;
        if (size && !gateway_open_requests(world.gateway) && !answer_read(fd, start, &size, &over))
            break;
    }
    ensure(!size || memcmp(start, "HTTP/1.1 ", size < 9 ? size : 9) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];

    if (size < 3)
        return 0;
    gateway_begin();
    ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    server_accept(world.gateway->server, fds[0], NULL);
    request_send(fds[1], data, size);
    answer_await(fds[1], data[1] & 1 ? data[1] >> 1 : TURNS_MOST);
    close(fds[1]);
    for (unsigned turns = 0; gateway_open_requests(world.gateway) > 0; turns++) {
        ensure(turns < TURNS_MOST);
        loop_turn(world.loop, TURN);
    }
    return 0;
}
