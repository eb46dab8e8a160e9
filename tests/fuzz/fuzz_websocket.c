/* What one end of a WebSocket sends, at once and in pieces: both must pass on the same bytes, which
 * are those that came, and find the same messages, codes and faults.
 *
 *   first byte: the size of a piece, and whether it comes from a client; then the frames */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MESSAGE_MAX = 5000
};

/* Takes a part of the input; returns how much has been passed on by now. */
static size_t pass(struct websocket *websocket, hg_str input, size_t from, size_t n, size_t passed)
{
    /* Exactly as large as the read, so that a look beyond its end is seen. */
    char *copy = memcpy(malloc(n), input.p + from, n);
    hg_str bytes = {copy, n};
    struct websocket_piece piece;
    enum websocket_found found;

    while ((found = websocket_next(websocket, &bytes, &piece)) == WEBSOCKET_DATA ||
           found == WEBSOCKET_CONTROL) {
        ensure(piece.held.n < WEBSOCKET_HEAD_MAX + WEBSOCKET_CONTROL_MAX);
        ensure(passed + piece.held.n + piece.bytes.n <= from + n);
        ensure(!piece.held.n || !memcmp(piece.held.p, input.p + passed, piece.held.n));
        passed += piece.held.n;
        ensure(!piece.bytes.n || !memcmp(piece.bytes.p, input.p + passed, piece.bytes.n));
        passed += piece.bytes.n;
        ensure(piece.payload.n <= piece.bytes.n);
        ensure(websocket->message_len <= MESSAGE_MAX);
    }
    ensure(found == WEBSOCKET_BAD ? websocket->fault && websocket->reason : bytes.n == 0);
    free(copy);
    return passed;
}

static size_t run(struct websocket *websocket, hg_str input, size_t step)
{
    size_t passed = 0;

    for (size_t at = 0; at < input.n && !websocket->fault; at += step)
        passed = pass(websocket, input, at, input.n - at < step ? input.n - at : step, passed);
    return passed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct websocket whole = {.is_masked = data[0] & 1, .message_max = MESSAGE_MAX}, cut = whole;
    hg_str input = {(const char *)data + 1, size - 1};

    ensure(run(&whole, input, input.n) == run(&cut, input, data[0] / 2u + 1));
    ensure(whole.fault == cut.fault && whole.is_closed == cut.is_closed);
    ensure(whole.close_code == cut.close_code && whole.messages == cut.messages);
    ensure(whole.frames == cut.frames && whole.left == cut.left);
    return 0;
}
