/* An answer goes out in stages; each adds bytes to `out`, and write_some takes them to the stream
 * in the pieces the rule wants, up to the position where the rule wants trouble. */
#include "simulate/sender.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/chunked.h"
#include "http/head.h"
#include "simulate/words.h"

enum stage {
    STAGE_DELAY,
    STAGE_HEAD,
    STAGE_BODY,
    STAGE_TAIL,
    STAGE_FINISH, /* all is written: the queue still has to go out */
    STAGE_STALLED,
    STAGE_OVER
};

enum framing {
    FRAMING_LENGTH,
    FRAMING_CHUNKED,
    FRAMING_CLOSE,
    FRAMING_NONE /* no body at all */
};

enum {
    RESET_TRIES = 2000,
    FILLER = 256
};

struct sender {
    struct loop *loop;
    struct stream *stream;
    const struct rule *rule;
    struct reply *reply;
    void (*on_end)(void *arg, enum sender_end end);
    void *arg;

    enum stage stage;
    enum framing framing;
    enum sender_end end;
    bool keep_alive, has_waited, broke_off;
    struct timer timer;
    struct task task;
    struct buffer out;
    size_t piece, counted;  /* the next to send; the next to count */
    uint64_t sent, events;  /* what the other side has got of us */
    uint64_t splits, fills; /* how often we have cut, and made up */
    unsigned tries;
};

/* ---- the head -------------------------------------------------------------------------------- */

static void add_text(struct sender *sender, hg_str text)
{
    buffer_add(&sender->out, text.p, text.n);
}

/* "+5" and "-5" are relative to the true length. */
static hg_str stated_length(const struct sender *sender)
{
    hg_str wanted = sender->rule->content_length;
    uint64_t length = reply_len(sender->reply), number;

    if (wanted.n && (*wanted.p == '+' || *wanted.p == '-') &&
        text_to_u64((hg_str){wanted.p + 1, wanted.n - 1}, &number)) {
        if (*wanted.p == '+')
            length += number;
        else
            length = number < length ? length - number : 0;
    } else if (wanted.n) {
        return wanted;
    }
    return arena_fmt(sender->reply->arena, "%llu", (unsigned long long)length);
}

static void add_framing(struct sender *sender)
{
    if (sender->framing == FRAMING_CHUNKED) {
        add_text(sender, HG_S("transfer-encoding: chunked\r\n"));
    } else if (sender->framing == FRAMING_LENGTH) {
        add_text(sender, HG_S("content-length: "));
        add_text(sender, stated_length(sender));
        add_text(sender, HG_S("\r\n"));
    }
    if (!sender->keep_alive && !sender->rule->content_length.n)
        add_text(sender, HG_S("connection: close\r\n"));
}

static void add_head(struct sender *sender)
{
    const struct reply *reply = sender->reply;

    if (text_is(sender->rule->garbage, HG_S("bytes"))) {
        add_text(sender, HG_S("\x16\x03\x01\x00\xff\xfe gate\x00 nonsense \x7f\r\n\r\n\x80\x81"));
        sender->stage = STAGE_FINISH;
        return;
    }
    if (sender->rule->raw.n) {
        add_text(sender, sender->rule->raw);
        sender->stage = STAGE_FINISH;
        return;
    }
    add_text(sender, arena_fmt(reply->arena, "HTTP/1.1 %u %s\r\n", reply->status,
                               http_reason((int)reply->status)));
    if (reply->content_type.n)
        add_text(sender,
                 arena_fmt(reply->arena, "content-type: %.*s\r\n", TEXT_ARG(reply->content_type)));
    add_text(sender, reply->headers);
    if (text_is(sender->rule->garbage, HG_S("head")))
        add_text(sender, HG_S("this line is no field\r\n"));
    if (text_is(sender->rule->endless, HG_S("head")))
        return;
    add_framing(sender);
    add_text(sender, HG_S("\r\n"));
    sender->stage = sender->framing == FRAMING_NONE ? STAGE_FINISH : STAGE_BODY;
}

/* ---- the body ------------------------------------------------------------------------------ */

static void add_coded(struct sender *sender, hg_str bytes)
{
    char line[CHUNKED_LINE_MAX];

    if (sender->framing != FRAMING_CHUNKED) {
        add_text(sender, bytes);
        return;
    }
    if (text_is(sender->rule->garbage, HG_S("chunk")))
        add_text(sender, HG_S("xyz\r\n"));
    buffer_add(&sender->out, line, chunked_line(line, bytes.n));
    add_text(sender, bytes);
    add_text(sender, HG_S("\r\n"));
}

/* More of what never ends. */
static void add_filler(struct sender *sender)
{
    hg_str kind = sender->rule->endless;
    char filler[FILLER];

    sender->fills++;
    if (text_is(kind, HG_S("head"))) {
        add_text(sender, HG_S("x-filler: the head of this answer never ends\r\n"));
    } else if (text_is(kind, HG_S("events")) && sender->reply->count > 1) {
        add_coded(sender, sender->reply->pieces[1].bytes);
    } else {
        memset(filler, ' ', sizeof filler);
        add_coded(sender, (hg_str){filler, sizeof filler});
    }
}

/* True if the answer goes on without end from here. Of a stream the last events stay away: they
 * would say that it is over. */
static bool is_endless_now(const struct sender *sender)
{
    hg_str kind = sender->rule->endless;

    if (text_is(kind, HG_S("events")))
        return sender->piece >= 2 || sender->piece == sender->reply->count;
    return kind.n > 0;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void go_on(void *arg);

/* After the loop has looked at everything else. */
#define NEXT_TURN (-1)

static void wait_for(struct sender *sender, hg_ns delay)
{
    if (delay > 0)
        timer_set(sender->loop, &sender->timer, clock_now() + delay);
    else
        task_queue(sender->loop, &sender->task);
}

/* True once the delay has passed; false means that a callback comes back to this place. */
static bool has_waited(struct sender *sender, hg_ns delay)
{
    if (delay && !sender->has_waited) {
        sender->has_waited = true;
        wait_for(sender, delay);
        return false;
    }
    sender->has_waited = false;
    return true;
}

static hg_ns endless_delay(const struct sender *sender)
{
    return sender->rule->event_delay ? sender->rule->event_delay : NEXT_TURN;
}

/* How long the next piece has to wait. */
static hg_ns body_delay(const struct sender *sender)
{
    const struct rule *rule = sender->rule;

    if (sender->piece == 0)
        return rule->first_delay;
    if (is_endless_now(sender))
        return endless_delay(sender);
    return sender->reply->pieces[sender->piece - 1].is_event ? rule->event_delay : 0;
}

/* ---- trouble --------------------------------------------------------------------------------- */

static bool finish_as(struct sender *sender, enum sender_end end)
{
    sender->broke_off = true;
    sender->stage = STAGE_FINISH;
    sender->end = end;
    buffer_done(&sender->out);
    return true;
}

/* True if the rule wants the answer to break off at this position. */
static bool breaks_off(struct sender *sender, uint64_t position, uint64_t reset, uint64_t close,
                       uint64_t stall)
{
    if (position == reset)
        return finish_as(sender, SENDER_RESET);
    if (position == close)
        return finish_as(sender, SENDER_DONE_CLOSE);
    if (position != stall)
        return false;
    sender->broke_off = true;
    sender->stage = STAGE_STALLED;
    return true;
}

static bool breaks_at_byte(struct sender *sender)
{
    const struct rule *rule = sender->rule;

    return breaks_off(sender, sender->sent, rule->reset_after_bytes, rule->close_after_bytes,
                      rule->stall_after_bytes);
}

static bool breaks_at_event(struct sender *sender)
{
    const struct rule *rule = sender->rule;

    return breaks_off(sender, sender->events, rule->reset_after_events, rule->close_after_events,
                      rule->stall_after_events);
}

static uint64_t bytes_to_break(const struct sender *sender)
{
    const struct rule *rule = sender->rule;
    uint64_t at[] = {rule->reset_after_bytes, rule->close_after_bytes, rule->stall_after_bytes};
    uint64_t nearest = UNSET;

    for (size_t i = 0; i < 3; i++)
        if (at[i] >= sender->sent && at[i] < nearest)
            nearest = at[i];
    return nearest == UNSET ? UNSET : nearest - sender->sent;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* How many bytes the next write may have. */
static uint64_t split_next(struct sender *sender)
{
    const struct split *split = &sender->rule->split;

    switch (split->mode) {
    case SPLIT_NONE:
        break;
    case SPLIT_SIZE:
        return split->size;
    case SPLIT_RANDOM:
        return 1 + words_mix(split->size, sender->splits++) % 64;
    case SPLIT_OFFSETS:
        for (size_t i = 0; i < split->count; i++)
            if (split->offsets[i] > sender->sent)
                return split->offsets[i] - sender->sent;
        break;
    }
    return UNSET;
}

/* True to go on at once; false when a callback will. */
static bool write_some(struct sender *sender)
{
    uint64_t n = sender->out.len, most = split_next(sender), left = bytes_to_break(sender);

    if (n > most)
        n = most;
    if (n > left)
        n = left;
    struct iovec iov = {buffer_at(&sender->out), (size_t)n};

    if (!stream_write(sender->stream, &iov, 1)) {
        sender->stage = STAGE_OVER;
        sender->on_end(sender->arg, SENDER_GONE);
        return false;
    }
    buffer_take(&sender->out, (size_t)n);
    sender->sent += n;
    if (sender->out.len && sender->rule->split.mode != SPLIT_NONE && n < left) {
        wait_for(sender, sender->rule->write_delay ? sender->rule->write_delay : NEXT_TURN);
        return false;
    }
    return stream_queued(sender->stream) <= STREAM_HIGH_WATER;
}

/* A reset throws away what the kernel has not delivered: give it time. */
static bool is_delivered(struct sender *sender)
{
    int unsent = 0;

    if (sender->end != SENDER_RESET || sender->tries++ > RESET_TRIES)
        return true;
    return ioctl(stream_fd(sender->stream), SIOCOUTQ, &unsent) != 0 || unsent == 0;
}

static void finish(struct sender *sender)
{
    if (stream_queued(sender->stream)) {
        stream_tell_drained(sender->stream);
    } else if (!is_delivered(sender)) {
        wait_for(sender, NS_PER_MS);
    } else if (has_waited(sender, NEXT_TURN)) {
        sender->stage = STAGE_OVER;
        sender->on_end(sender->arg, sender->end);
    }
}

/* ---- the stages ------------------------------------------------------------------------------ */

/* The next piece of the body. True to go on. */
static bool body_next(struct sender *sender)
{
    const struct reply *reply = sender->reply;

    if (!is_endless_now(sender) && sender->piece == reply->count) {
        sender->stage = STAGE_TAIL;
        return true;
    }
    if (!has_waited(sender, body_delay(sender)))
        return false;
    if (is_endless_now(sender)) {
        add_filler(sender);
        return true;
    }
    add_coded(sender, reply->pieces[sender->piece].bytes);
    sender->piece++;
    return true;
}

/* Called with nothing left to write. True to go on, false when a callback will. */
static bool stage_next(struct sender *sender)
{
    switch (sender->stage) {
    case STAGE_DELAY:
        if (!has_waited(sender, sender->rule->delay))
            return false;
        sender->stage = STAGE_HEAD;
        return true;
    case STAGE_HEAD:
        if (sender->sent == 0)
            add_head(sender);
        else if (!has_waited(sender, endless_delay(sender)))
            return false;
        else
            add_filler(sender);
        return true;
    case STAGE_BODY:
        return body_next(sender);
    case STAGE_TAIL:
        if (sender->framing == FRAMING_CHUNKED)
            add_text(sender, HG_S("0\r\n\r\n"));
        sender->stage = STAGE_FINISH;
        return true;
    case STAGE_FINISH:
        finish(sender);
        return false;
    case STAGE_STALLED:
    case STAGE_OVER:
        return false;
    }
    return false;
}

/* All that was added is out: how many events were in it? */
static void count_events(struct sender *sender)
{
    for (; sender->counted < sender->piece; sender->counted++)
        sender->events += sender->reply->pieces[sender->counted].is_event;
}

/* Trouble begins after the delay, and only once. */
static bool may_break(const struct sender *sender)
{
    return sender->stage > STAGE_DELAY && !sender->broke_off;
}

static void go_on(void *arg)
{
    struct sender *sender = arg;

    for (;;) {
        if (may_break(sender) && breaks_at_byte(sender))
            continue;
        if (sender->out.len) {
            if (!write_some(sender))
                return;
            continue;
        }
        count_events(sender);
        if (may_break(sender) && sender->stage >= STAGE_BODY && breaks_at_event(sender))
            continue;
        if (!stage_next(sender))
            return;
    }
}

/* ---- from outside ---------------------------------------------------------------------------- */

static enum framing framing_of(const struct sender_setup *setup)
{
    const struct rule *rule = setup->rule;
    const struct reply *reply = setup->reply;

    if (setup->is_head || reply->status == 204 || reply->status == 304 || reply->status < 200)
        return FRAMING_NONE;
    if (rule->until_close)
        return FRAMING_CLOSE;
    if (rule->content_length.n)
        return FRAMING_LENGTH;
    if (reply->is_stream || rule->endless.n || text_is(rule->garbage, HG_S("chunk")))
        return setup->is_old ? FRAMING_CLOSE : FRAMING_CHUNKED;
    return FRAMING_LENGTH;
}

struct sender *sender_start(const struct sender_setup *setup)
{
    const struct rule *rule = setup->rule;
    struct sender *sender = xcalloc(1, sizeof *sender);

    *sender = (struct sender){.loop = setup->loop,
                              .stream = setup->stream,
                              .rule = rule,
                              .reply = setup->reply,
                              .on_end = setup->on_end,
                              .arg = setup->arg,
                              .framing = framing_of(setup)};
    sender->keep_alive = setup->keep_alive && !rule->close && !rule->raw.n &&
                         !rule->content_length.n && sender->framing != FRAMING_CLOSE &&
                         !text_is(rule->garbage, HG_S("bytes"));
    sender->end = sender->keep_alive ? SENDER_DONE : SENDER_DONE_CLOSE;
    sender->timer = (struct timer){.fn = go_on, .arg = sender};
    sender->task = (struct task){.fn = go_on, .arg = sender};
    wait_for(sender, NEXT_TURN);
    return sender;
}

void sender_stop(struct sender **sender)
{
    if (!*sender)
        return;
    timer_clear((*sender)->loop, &(*sender)->timer);
    task_clear((*sender)->loop, &(*sender)->task);
    buffer_done(&(*sender)->out);
    free(*sender);
    *sender = NULL;
}

void sender_drained(struct sender *sender)
{
    if (sender->timer.due == 0 && !sender->task.queued)
        go_on(sender);
}

bool sender_is_stalled(const struct sender *sender)
{
    return sender->stage == STAGE_STALLED;
}

uint64_t sender_bytes(const struct sender *sender)
{
    return sender->sent;
}
