/* frame.h - the events of a stream, whatever they are framed in: server-sent events, or messages
 * of an AWS event stream (application/vnd.amazon.eventstream).
 *
 *   AWS   [ total u32 | headers u32 | crc of both ][ headers ][ payload ][ crc of all before ]
 *
 * The kinds are HG_FRAME_SSE and HG_FRAME_AWS of headgate/provider.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/chain.h"
#include "http/sse.h"

enum {
    FRAME_AWS_MAX = 24 * 1024 * 1024
};

/* The length of the frame that `in` begins with; 0 if it is not whole yet, SIZE_MAX if it can never
 * be one: a wrong checksum, an impossible length. */
size_t frame_first(uint32_t framing, hg_str in);

/* The same for a frame that grows: what was looked at before is not again. */
size_t frame_first_from(uint32_t framing, hg_str in, struct sse_look *look);

struct frame {
    hg_str event;  /* name; empty if it has none */
    hg_str data;   /* payload */
    bool has_data; /* without it nothing is dispatched: a comment, a ping */
    bool is_error; /* AWS: an exception or an error message */
};

/* Reads one whole frame. False if it is broken inside. */
bool frame_parse(struct arena *arena, uint32_t framing, hg_str frame, struct frame *ret);

/* Appends a frame. An empty `event` is left out; AWS frames then are of the type "chunk". */
void frame_put(uint32_t framing, hg_str event, hg_str data, struct chain *out);

/* The same for an exception, which ends an AWS event stream; an event "error" in others. */
void frame_put_error(uint32_t framing, hg_str type, hg_str data, struct chain *out);
