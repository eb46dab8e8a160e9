/* websocket.h - WebSocket (RFC 6455) as somebody sees it who stands between two ends: the heads of
 * the upgrade, and frames that pass. Frames are checked and counted where they lie; only a head, or
 * a control frame, that is split over two reads is kept until it is whole.
 *
 *   data frame      [ head 2-14 ][ payload, as it comes ............ ]
 *   control frame   [ head 2-6 | payload up to 125 ]                    whole or not at all
 *
 * No extension is ever agreed to, so the reserved bits must be 0. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/head.h"

enum {
    WEBSOCKET_HEAD_MAX = 14,
    WEBSOCKET_CONTROL_MAX = 125,
    WEBSOCKET_KEY_SIZE = 24,    /* of a Sec-WebSocket-Key */
    WEBSOCKET_ACCEPT_SIZE = 28, /* of a Sec-WebSocket-Accept */
    WEBSOCKET_CLOSE_MAX = 6 + WEBSOCKET_CONTROL_MAX
};

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10
};

/* Codes of close frames that we send or look at ourselves. */
enum {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL = 1002,
    CLOSE_NO_CODE = 1005,  /* never sent: a close frame without one */
    CLOSE_ABNORMAL = 1006, /* never sent: no close frame at all */
    CLOSE_TOO_LARGE = 1009,
    CLOSE_INTERNAL = 1011
};

/* ---- the upgrade -------------------------------------------------------------------------------
 */

/* Whether the fields of that name have this word in their lists, whatever its case. */
bool websocket_field_has(const struct head *head, hg_str name, hg_str word);

/* What the head of a request lacks to be an upgrade to WebSocket; NULL: nothing. */
const char *websocket_missing(const struct head *head);

/* A key for a request of ours. */
hg_str websocket_key_make(struct arena *arena);

/* What a server answers to this key. */
hg_str websocket_accept(struct arena *arena, hg_str key);

/* What is wrong with a 101 to our key; NULL: nothing. */
const char *websocket_refusal(struct arena *arena, const struct head *head, hg_str key);

/* ---- frames ------------------------------------------------------------------------------------
 */

/* What one end sends. Start zeroed, but for the first two. */
struct websocket {
    bool is_masked;       /* comes from a client */
    uint64_t message_max; /* bytes of a message; 0: any number */

    uint64_t left;        /* payload of the frame under way that has not come */
    uint64_t message_len; /* of the message under way, without that */
    uint8_t message;      /* its opcode; 0: none is under way */
    bool is_last;         /* the frame under way ends it */
    bool is_closed;       /* a close frame has come: nothing counts any more */
    uint16_t close_code;  /* of that frame */
    uint16_t fault;       /* the code for what cannot go on; see websocket_next */
    const char *reason;   /* why */
    uint64_t messages, frames;
    uint8_t held_n;
    char held[WEBSOCKET_HEAD_MAX + WEBSOCKET_CONTROL_MAX];
};

enum websocket_found {
    WEBSOCKET_MORE,    /* the bytes are used up */
    WEBSOCKET_DATA,    /* a piece of a data frame */
    WEBSOCKET_CONTROL, /* a whole control frame */
    WEBSOCKET_BAD      /* see `fault` and `reason` */
};

struct websocket_piece {
    hg_str held;       /* to be passed on first: in front of `bytes`, from earlier reads */
    hg_str bytes;      /* to be passed on, of the input */
    hg_str payload;    /* of a data frame: as it came, where `bytes` end; masked if that is so */
    uint8_t opcode;    /* of its message, or of the control frame */
    bool starts, ends; /* the message */
};

/* Takes the next piece off the front of *bytes. Pieces of one input lie one behind the other. What
 * `held` points to lives until the next call. */
enum websocket_found websocket_next(struct websocket *websocket, hg_str *bytes,
                                    struct websocket_piece *ret);

/* Whether the other end is in the middle of a frame, so that no frame of ours could come now. */
static inline bool websocket_is_inside(const struct websocket *websocket)
{
    return websocket->left > 0;
}

/* A close frame in `room`; as a client sends it if `is_masked`. A code that is never sent makes one
 * without code. The reason is cut where there is no room for it. */
hg_str websocket_close(char room[WEBSOCKET_CLOSE_MAX], bool is_masked, unsigned code,
                       const char *reason);
