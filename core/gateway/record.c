/* record.c - the record on its way into the ring: numbers and texts one behind the other, in the
 * order in which record_read.c takes them out. Both ends are the same program, so there is no other
 * description of the format than its version. */
#include "gateway/record.h"

#include "base/buffer.h"
#include "base/text.h"
#include "dialect/translation.h"
#include "gateway/answer.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "gateway/tunnel.h"
#include "plugin/registry.h"
#include "shm/ring.h"

enum {
    MESSAGE_MAX = 512,
    KEPT_MAX = 16 * 1024 /* a larger buffer is given back */
};

/* It is put together in a buffer: how long it gets is known when it is done, and a second walk over
 * everything to measure it first would cost more than the copy. */
struct writer {
    struct buffer *buffer;
    char *at, *end;
};

static void writer_begin(struct writer *writer, struct buffer *buffer)
{
    buffer->off = buffer->len = 0;
    writer->buffer = buffer;
    writer->at = buffer_room(buffer, 1024);
    writer->end = buffer->p + buffer->cap;
}

static void grow(struct writer *writer, size_t n)
{
    writer->buffer->len = (size_t)(writer->at - writer->buffer->p);
    writer->at = buffer_room(writer->buffer, n);
    writer->end = writer->buffer->p + writer->buffer->cap;
}

static inline void need(struct writer *writer, size_t n)
{
    if ((size_t)(writer->end - writer->at) < n)
        grow(writer, n);
}

static inline void put_number(struct writer *writer, uint64_t number)
{
    need(writer, sizeof number);
    writer->at = put_mem(writer->at, &number, sizeof number);
}

static void put_string(struct writer *writer, hg_str text)
{
    uint32_t n = (uint32_t)text.n;

    need(writer, sizeof n + text.n);
    writer->at = put_text(put_mem(writer->at, &n, sizeof n), text);
}

static hg_str cut(hg_str text)
{
    if (text.n > MESSAGE_MAX) {
        text.n = MESSAGE_MAX;
        while (text.n && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
            text.n--; /* not in the middle of a character */
    }
    return text;
}

static void put_pairs(struct writer *writer, const struct pair *pair)
{
    uint64_t count = 0;

    for (const struct pair *at = pair; at; at = at->next)
        count++;
    put_number(writer, count);
    for (; pair; pair = pair->next) {
        put_string(writer, pair->name);
        put_string(writer, cut(pair->value));
    }
}

static void put_usage(struct writer *writer, bool known, const hg_usage *usage)
{
    put_number(writer, known);
    if (!known)
        return;
    put_number(writer, usage->flags);
    put_number(writer, usage->input);
    put_number(writer, usage->output);
    put_number(writer, usage->cached_input);
    put_number(writer, usage->cache_write);
    put_number(writer, usage->reasoning);
    put_number(writer, usage->audio_in);
    put_number(writer, usage->audio_out);
    put_number(writer, usage->images);
}

static uint64_t since(hg_ns moment, hg_ns start)
{
    return moment > start ? (uint64_t)(moment - start) : 0;
}

static void put_attempt(struct writer *writer, const struct attempt *attempt, hg_ns start)
{
    const struct outbound_times *times = attempt->times;
    const struct translation *translation = attempt->translation;

    put_string(writer, text_of(attempt->target->name));
    put_string(writer, text_of(instance_name(attempt->target->instance)));
    put_string(writer, attempt->model);
    put_string(writer, attempt->model_answered);
    put_string(writer, attempt->response_id);
    put_string(writer, translation ? text_of(translation->provider->name) : HG_S(""));
    put_string(writer, translation ? cut(translation_losses(translation)) : HG_S(""));
    put_number(writer, (uint64_t)attempt->status);
    put_number(writer, attempt->fault.kind);
    put_string(writer, cut(attempt->fault.message));
    put_number(writer, attempt->detached);
    put_number(writer, attempt->finish);
    put_number(writer, since(attempt->began, start));
    put_number(writer, since(attempt->ended, attempt->began));
    put_number(writer, since(attempt->first_byte, attempt->began));
    put_number(writer, times ? since(times->connected, attempt->began) : 0);
    put_number(writer, times && times->reused);
    put_usage(writer, attempt->has_usage, &attempt->usage);
}

static hg_ns upstream_time(const struct request *request)
{
    hg_ns sum = 0;

    for (const struct attempt *at = request->attempts; at; at = at->next)
        if (!at->detached && at->ended)
            sum += at->ended - at->began;
    hg_ns total = request->ended - request->began;

    return sum < total ? sum : total;
}

/* What became of a request as a whole; of a shadow call, as if it were one. */
struct whole {
    hg_str id, parent;
    int64_t began_us;
    int status;
    const struct fault *fault;
    bool truncated;
    hg_ns began, ended, upstream;
};

static void put_whole(struct writer *writer, const struct request *request,
                      const struct whole *whole)
{
    put_number(writer, RECORD_VERSION);
    put_string(writer, whole->id);
    put_string(writer, whole->parent);
    put_number(writer, (uint64_t)whole->began_us);
    put_string(writer, request->key);
    put_string(writer, text_of(request->dialect ? request->dialect->name : ""));
    put_string(writer, route_name(request->route));
    put_string(writer, http_method_name(request->head->method));
    put_string(writer, cut(request->head->path));
    put_number(writer, request->asked.kind);
    put_number(writer, request->asked.is_stream);
    put_string(writer, cut(request->asked.model));
    put_number(writer, (uint64_t)whole->status);
    put_number(writer, whole->fault->kind);
    put_string(writer, whole->fault->code);
    put_string(writer, cut(whole->fault->message));
    put_string(writer, whole->fault->target);
    put_number(writer, !whole->parent.n && request->client_gone);
    put_number(writer, whole->truncated);
}

static void put_tunnel(struct writer *writer, const struct tunnel *tunnel)
{
    put_number(writer, tunnel != NULL);
    if (!tunnel)
        return;
    put_number(writer, tunnel->closed_by);
    put_number(writer, tunnel->close_code);
    put_number(writer, tunnel->client.messages);
    put_number(writer, tunnel->provider.messages);
}

static void put_request(struct writer *writer, const struct request *request)
{
    put_whole(writer, request,
              &(struct whole){.id = request->id,
                              .began_us = request->began_us,
                              .status = request->status,
                              .fault = &request->fault,
                              .truncated = request->truncated});
    put_number(writer, request->cache);
    put_number(writer, request->guard_action);
    put_string(writer, cut(request->guard_code));
    put_number(writer, since(request->ended, request->began));
    put_number(writer, since(request->first_token, request->began));
    put_number(writer, (uint64_t)upstream_time(request));
    put_number(writer, request->chunks);
    put_number(writer, (uint64_t)request->gap_sum);
    put_number(writer, (uint64_t)request->gap_max);
    put_number(writer, request->bytes_in);
    put_number(writer, request->bytes_out);
    put_tunnel(writer, request->tunnel);
    put_pairs(writer, request->tags);
    put_pairs(writer, request->metadata);
}

/* A shadow call that still runs gets a record of its own. */
static bool belongs(const struct attempt *attempt)
{
    return !attempt->detached || attempt->state == ATTEMPT_ENDED;
}

static void put_attempts(struct writer *writer, const struct request *request)
{
    unsigned count = 0;

    for (const struct attempt *at = request->attempts; at && count < RECORD_ATTEMPTS; at = at->next)
        count += belongs(at);
    put_number(writer, count);
    for (const struct attempt *at = request->attempts; count; at = at->next) {
        if (!belongs(at))
            continue;
        put_number(writer, request->answer && request->answer->attempt == at);
        put_attempt(writer, at, request->began);
        count--;
    }
}

static void put_shadow(struct writer *writer, const struct attempt *attempt)
{
    enum {
        NOT_KNOWN = 5 /* chunks, gaps, bytes */
    };
    struct request *request = attempt->request;
    int64_t began_us = request->began_us + (attempt->began - request->began) / 1000;

    put_whole(writer, request,
              &(struct whole){.id = request_id_make(request->gateway, request->arena, began_us),
                              .parent = request->id,
                              .began_us = began_us,
                              .status = attempt->status,
                              .fault = &attempt->fault,
                              .truncated = attempt->end_fault != OUTBOUND_OK});
    put_number(writer, CACHE_UNUSED);
    put_number(writer, 0); /* guard */
    put_string(writer, HG_S(""));
    put_number(writer, since(attempt->ended, attempt->began));
    put_number(writer, 0); /* first token */
    put_number(writer, since(attempt->ended, attempt->began));
    for (int i = 0; i < NOT_KNOWN; i++)
        put_number(writer, 0);
    put_tunnel(writer, NULL);
    put_pairs(writer, request->tags);
    put_pairs(writer, request->metadata);
    put_number(writer, 1); /* attempts */
    put_number(writer, true);
    put_attempt(writer, attempt, attempt->began);
}

static bool writer_send(struct writer *writer, struct ring *ring, struct buffer *buffer)
{
    size_t size = (size_t)(writer->at - buffer->p);
    char *room = ring_reserve(ring, size);

    if (room) {
        memcpy(room, buffer->p, size);
        ring_commit(ring, size);
    }
    if (buffer->cap > KEPT_MAX)
        buffer_done(buffer);
    return room != NULL;
}

bool record_write(struct ring *ring, const struct request *request)
{
    struct buffer *buffer = &request->gateway->record;
    struct writer writer;

    writer_begin(&writer, buffer);
    put_request(&writer, request);
    put_attempts(&writer, request);
    return writer_send(&writer, ring, buffer);
}

bool record_write_shadow(struct ring *ring, const struct attempt *attempt)
{
    struct buffer *buffer = &attempt->request->gateway->record;
    struct writer writer;

    writer_begin(&writer, buffer);
    put_shadow(&writer, attempt);
    return writer_send(&writer, ring, buffer);
}
