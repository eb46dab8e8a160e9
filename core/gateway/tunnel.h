/* tunnel.h - a WebSocket between a client and a provider, after both handshakes: frames pass as
 * they are, both ways, with back-pressure. They are checked and counted on the way, and a
 * provider's messages are looked at for what a session has cost.
 *
 *   client ─► tunnel_bytes ─► websocket_next ─► outbound_write ─► provider
 *   client ◄─ inbound_write ◄─ websocket_next ◄─ attempt's sink ◄─ provider
 *
 *   one end closes            its frame passes; the other's answer, or a few seconds, end both
 *   one end goes without      the other gets 1001 (provider) or 1011 (client)
 *   one end breaks the rules  it gets 1002 or 1009; the other is told as if that end had gone
 *   silence, the gateway's end   both get 1001
 *
 * A close frame of ours cannot stand inside of a frame of somebody else's: then the connection ends
 * without one. */
#pragma once

#include "base/buffer.h"
#include "gateway/answer.h"
#include "http/websocket.h"
#include "loop/loop.h"

enum tunnel_side {
    TUNNEL_NOBODY,
    TUNNEL_CLIENT,
    TUNNEL_PROVIDER,
    TUNNEL_GATEWAY
};

struct tunnel {
    struct request *request;
    struct attempt *attempt;
    struct websocket client, provider; /* what each of them sends */
    struct timer timer;                /* of silence; once one end has closed, of waiting */
    struct buffer message;             /* one that is not whole and may tell something */
    bool skips;                        /* the message under way tells nothing */
    bool is_closing, is_over;
    enum tunnel_side closed_by; /* who was the first to end it */
    uint16_t close_code;        /* with which code; CLOSE_ABNORMAL: without a close frame */
};

/* Answers the client's handshake and lets both talk. */
void tunnel_start(struct request *request, struct answer *answer);

/* The client has sent this. The request may be over afterwards. */
void tunnel_bytes(struct tunnel *tunnel, hg_str bytes);

/* The client has taken enough. */
void tunnel_drained(struct tunnel *tunnel);

/* The client's connection has ended. True if that was to be expected. */
bool tunnel_left(struct tunnel *tunnel);

/* Ends it before its time. */
void tunnel_cut(struct tunnel *tunnel, const struct fault *fault);
