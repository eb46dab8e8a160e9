#include "http/outbound_parts.h"

static const struct head_limits limits = {.line = 16 * 1024, .head = 128 * 1024, .fields = 200};

/* From now on both sides talk, and it is the owner who says how long nothing may come. */
static void upgraded(struct outbound *outbound)
{
    outbound->framing = FRAMING_UPGRADED;
    outbound->is_open = true;
    outbound->request.idle_timeout = outbound->request.deadline = 0;
    outbound->request.max_body = 0;
    timer_clear(outbound->upstream->settings.loop, &outbound->connection->timer);
}

static void body_frame(struct outbound *outbound)
{
    const struct head *head = &outbound->head;

    outbound->chunked = (struct chunked){0};
    outbound->left = head->content_length > 0 ? (uint64_t)head->content_length : 0;
    if (head->status == 101)
        upgraded(outbound);
    else if (outbound->request.is_head || head->status == 204 || head->status == 304)
        outbound->framing = FRAMING_NONE;
    else if (head->chunked)
        outbound->framing = FRAMING_CHUNKED;
    else if (head->content_length >= 0)
        outbound->framing = outbound->left ? FRAMING_LENGTH : FRAMING_NONE;
    else
        outbound->framing = FRAMING_UNTIL_CLOSE;
}

/* The whole answer is here. `rest` says that more bytes came behind it, which nobody asked for. */
static void answer_whole(struct outbound *outbound, bool rest)
{
    bool keep = !rest && !outbound->is_open && !outbound->is_deaf && outbound->head.keep_alive &&
                outbound->framing != FRAMING_UNTIL_CLOSE &&
                !stream_queued(outbound->connection->stream);

    outbound_finish(outbound, keep, OUTBOUND_OK, "");
}

/* Gives payload to the owner. False if the exchange is gone now. */
static bool give(struct outbound *outbound, hg_str data)
{
    bool gone = false;

    outbound->body_len += data.n;
    if (outbound->request.max_body && outbound->body_len > outbound->request.max_body) {
        outbound_finish(outbound, false, OUTBOUND_TOO_LARGE, "the answer is larger than the limit");
        return false;
    }
    outbound->gone = &gone;
    outbound->events->on_data(outbound->arg, data);
    if (!gone)
        outbound->gone = NULL;
    return !gone;
}

static void all_given(struct outbound *outbound)
{
    if (outbound->events->on_data_end)
        outbound->events->on_data_end(outbound->arg);
}

static void body_chunked(struct outbound *outbound, hg_str bytes)
{
    hg_str piece;

    while (bytes.n && !outbound->chunked.done) {
        size_t used = chunked_read(&outbound->chunked, bytes, &piece);

        bytes = (hg_str){bytes.p + used, bytes.n - used};
        if (outbound->chunked.bad) {
            outbound_finish(outbound, false, OUTBOUND_PROTOCOL, "malformed chunked coding");
            return;
        }
        if (piece.n && !give(outbound, piece))
            return;
    }
    if (outbound->chunked.done)
        answer_whole(outbound, bytes.n > 0);
    else
        all_given(outbound);
}

static void body_bytes(struct outbound *outbound, hg_str bytes)
{
    size_t n = bytes.n;

    switch (outbound->framing) {
    case FRAMING_CHUNKED:
        body_chunked(outbound, bytes);
        return;
    case FRAMING_NONE:
        answer_whole(outbound, bytes.n > 0);
        return;
    case FRAMING_LENGTH:
        if (n > outbound->left)
            n = (size_t)outbound->left;
        outbound->left -= n;
        if (n && !give(outbound, (hg_str){bytes.p, n}))
            return;
        if (outbound->left == 0)
            answer_whole(outbound, n < bytes.n);
        else
            all_given(outbound);
        return;
    case FRAMING_UNTIL_CLOSE:
    case FRAMING_UPGRADED:
        if (!n || give(outbound, bytes))
            all_given(outbound);
        return;
    }
}

enum heads {
    HEADS_MORE,
    HEADS_DONE,
    HEADS_GONE
};

/* Reads heads at the front of *bytes, up to the final one: 1xx ones are passed over. *bytes becomes
 * what follows. */
static enum heads heads_read(struct outbound *outbound, hg_str *bytes)
{
    const char *reason = "";
    bool gone = false;

    while (!outbound->got_head) {
        enum parse_result result = parse_response(outbound->arena, &outbound->scan, *bytes, &limits,
                                                  &outbound->head, &reason);

        if (result == PARSE_MORE)
            return HEADS_MORE;
        bool switches = result == PARSE_OK && outbound->head.status == 101;

        if (switches && !outbound->request.is_upgrade) {
            result = PARSE_BAD;
            reason = "an upgrade that nobody asked for";
        }
        if (result != PARSE_OK) {
            outbound_finish(outbound, false, OUTBOUND_PROTOCOL, reason);
            return HEADS_GONE;
        }
        *bytes = (hg_str){bytes->p + outbound->head.size, bytes->n - outbound->head.size};
        outbound->scan = (struct head_scan){0};
        outbound->got_head = outbound->head.status >= 200 || switches;
    }
    body_frame(outbound);
    outbound->gone = &gone;
    outbound->events->on_head(outbound->arg, &outbound->head);
    if (gone)
        return HEADS_GONE;
    outbound->gone = NULL;
    return HEADS_DONE;
}

void outbound_answer_bytes(struct outbound *outbound, hg_str bytes)
{
    struct buffer in = outbound->in; /* ours, for the exchange may end on the way */

    if (outbound->got_head) {
        body_bytes(outbound, bytes);
        return;
    }
    outbound->in = (struct buffer){0};
    if (in.len) {
        buffer_add(&in, bytes.p, bytes.n);
        bytes = buffer_text(&in);
    }
    switch (heads_read(outbound, &bytes)) {
    case HEADS_MORE:
        buffer_add(&outbound->in, bytes.p, bytes.n);
        break;
    case HEADS_DONE:
        body_bytes(outbound, bytes);
        break;
    case HEADS_GONE:
        break;
    }
    buffer_done(&in);
}
