/* record.c - the record on its way through the ring: numbers and texts one behind the other, in the
 * order of the two functions that write and read them. Both ends are the same program, so there is
 * no other description of the format than its version. */
#include "gateway/record.h"

#include <time.h>

#include "base/text.h"
#include "gateway/answer.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "plugin/registry.h"
#include "shm/ring.h"
#include "json/write.h"

enum {
    RECORD_VERSION = 1,
    MESSAGE_MAX = 512,
    ATTEMPTS_MAX = 32
};

/* ---- writing --------------------------------------------------------------------------------- */

/* Measures when `at` is NULL, else writes. */
struct writer {
    char *at;
    size_t size;
};

static void put_number(struct writer *writer, uint64_t number)
{
    if (writer->at) {
        memcpy(writer->at, &number, sizeof number);
        writer->at += sizeof number;
    }
    writer->size += sizeof number;
}

static void put_string(struct writer *writer, hg_str text)
{
    uint32_t n = (uint32_t)text.n;

    if (writer->at) {
        memcpy(writer->at, &n, sizeof n);
        writer->at = put_text(writer->at + sizeof n, text);
    }
    writer->size += sizeof n + text.n;
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

static void put_attempt(struct writer *writer, const struct attempt *attempt,
                        const struct request *request)
{
    const struct outbound_times *times = attempt->times;

    put_string(writer, text_of(attempt->target->name));
    put_string(writer, text_of(instance_name(attempt->target->instance)));
    put_string(writer, attempt->model);
    put_string(writer, attempt->model_answered);
    put_string(writer, attempt->response_id);
    put_number(writer, (uint64_t)attempt->status);
    put_number(writer, attempt->fault.kind);
    put_string(writer, cut(attempt->fault.message));
    put_number(writer, attempt->detached);
    put_number(writer, attempt->finish);
    put_number(writer, since(attempt->began, request->began));
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

static void put_record(struct writer *writer, const struct request *request)
{
    unsigned attempts = 0;

    put_number(writer, RECORD_VERSION);
    put_string(writer, request->id);
    put_number(writer, (uint64_t)request->began_us);
    put_string(writer, request->key);
    put_string(writer, route_name(request->route));
    put_string(writer, http_method_name(request->head->method));
    put_string(writer, cut(request->head->path));
    put_number(writer, request->asked.kind);
    put_number(writer, request->asked.is_stream);
    put_string(writer, cut(request->asked.model));
    put_number(writer, (uint64_t)request->status);
    put_number(writer, request->fault.kind);
    put_string(writer, request->fault.code);
    put_string(writer, cut(request->fault.message));
    put_string(writer, request->fault.target);
    put_number(writer, request->client_gone);
    put_number(writer, request->truncated);
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
    put_pairs(writer, request->tags);
    put_pairs(writer, request->metadata);
    for (const struct attempt *at = request->attempts; at && attempts < ATTEMPTS_MAX; at = at->next)
        attempts++;
    put_number(writer, attempts);
    for (const struct attempt *at = request->attempts; attempts; at = at->next, attempts--) {
        put_number(writer, request->answer && request->answer->attempt == at);
        put_attempt(writer, at, request);
    }
}

bool record_write(struct ring *ring, const struct request *request)
{
    struct writer measure = {0};

    put_record(&measure, request);
    char *room = ring_reserve(ring, measure.size);

    if (!room)
        return false;
    struct writer writer = {.at = room};

    put_record(&writer, request);
    ring_commit(ring, writer.size);
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
    hg_str rest;
    bool failed;
};

static uint64_t get_number(struct reader *reader)
{
    uint64_t number = 0;

    if (reader->rest.n < sizeof number) {
        reader->failed = true;
        return 0;
    }
    memcpy(&number, reader->rest.p, sizeof number);
    reader->rest = (hg_str){reader->rest.p + sizeof number, reader->rest.n - sizeof number};
    return number;
}

static hg_str get_string(struct reader *reader)
{
    uint32_t n = 0;

    if (reader->rest.n < sizeof n) {
        reader->failed = true;
        return HG_S("");
    }
    memcpy(&n, reader->rest.p, sizeof n);
    if (reader->rest.n - sizeof n < n) {
        reader->failed = true;
        return HG_S("");
    }
    hg_str text = {reader->rest.p + sizeof n, n};

    reader->rest = (hg_str){text.p + n, reader->rest.n - sizeof n - n};
    return text;
}

static void key_str(struct chain *out, const char *key, hg_str text)
{
    if (!text.n)
        return;
    json_key(out, text_of(key));
    json_put_str(out, text);
}

static void key_number(struct chain *out, const char *key, uint64_t number)
{
    json_key(out, text_of(key));
    json_put_u64(out, number);
}

static void key_us(struct chain *out, const char *key, uint64_t ns)
{
    if (ns)
        key_number(out, key, (ns + 500) / 1000);
}

static void key_flag(struct chain *out, const char *key, bool flag)
{
    json_key(out, text_of(key));
    json_put_bool(out, flag);
}

/* Providers put (parts of) keys into their messages; they end here. */
static hg_str masked(struct arena *arena, hg_str text)
{
    enum {
        KEY_MIN = 8
    };
    char *copy = arena_alloc(arena, text.n + 1), *to = copy;

    for (size_t i = 0; i < text.n;) {
        size_t n = 0;

        if (text.n - i > 3 && !memcmp(text.p + i, "sk-", 3))
            for (n = 3; i + n < text.n &&
                        (text.p[i + n] == '-' || text.p[i + n] == '_' || text.p[i + n] == '*' ||
                         (unsigned char)(text.p[i + n] - '0') < 10 ||
                         (unsigned char)((text.p[i + n] | 0x20) - 'a') < 26);
                 n++)
                ;
        if (n >= KEY_MIN) {
            to = put_mem(to, "sk-***", 6);
            i += n;
        } else {
            *to++ = text.p[i++];
        }
    }
    return (hg_str){copy, (size_t)(to - copy)};
}

static const char *const kinds[] = {
    [HG_R_CHAT] = "chat",           [HG_R_COMPLETE] = "completion", [HG_R_EMBED] = "embedding",
    [HG_R_IMAGE] = "image",         [HG_R_AUDIO] = "audio",         [HG_R_RERANK] = "rerank",
    [HG_R_MODERATE] = "moderation", [HG_R_MODELS] = "models",       [HG_R_RAW] = "raw",
};
static const char *const finishes[] = {
    [HG_FIN_STOP] = "stop",        [HG_FIN_LENGTH] = "length",
    [HG_FIN_TOOLS] = "tool_calls", [HG_FIN_FILTER] = "content_filter",
    [HG_FIN_OTHER] = "other",
};
static const char *const cache_states[] = {
    [CACHE_MISS] = "miss", [CACHE_HIT] = "hit", [CACHE_ERROR] = "error"};
static const char *const guard_actions[] = {
    [HG_PASS] = "pass", [HG_DENY] = "deny", [HG_REDACT] = "redact", [HG_FLAG] = "flag"};

#define NAME_OF(table, number) \
    text_of((number) < sizeof(table) / sizeof *(table) ? (table)[number] : NULL)

static hg_str fault_text(uint64_t kind)
{
    return kind > FAULT_NONE && kind < FAULT_COUNT ? fault_name((enum fault_kind)kind) : HG_S("");
}

static void key_time(struct arena *arena, struct chain *out, int64_t us)
{
    char text[32];
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    key_str(out, "time", arena_fmt(arena, "%s.%06dZ", text, (int)(us % 1000000)));
}

static void key_usage(struct chain *out, const hg_usage *usage)
{
    JSON_KEY(out, "usage");
    json_obj(out);
    if (usage->flags & HG_U_INPUT)
        key_number(out, "input", usage->input);
    if (usage->flags & HG_U_OUTPUT)
        key_number(out, "output", usage->output);
    if (usage->flags & HG_U_CACHED)
        key_number(out, "cached_input", usage->cached_input);
    if (usage->flags & HG_U_CACHE_WRITE)
        key_number(out, "cache_write", usage->cache_write);
    if (usage->flags & HG_U_REASONING)
        key_number(out, "reasoning", usage->reasoning);
    if (usage->flags & HG_U_AUDIO_IN)
        key_number(out, "audio_in", usage->audio_in);
    if (usage->flags & HG_U_AUDIO_OUT)
        key_number(out, "audio_out", usage->audio_out);
    if (usage->flags & HG_U_IMAGES)
        key_number(out, "images", usage->images);
    json_end(out);
}

static bool get_usage(struct reader *reader, hg_usage *ret)
{
    *ret = (hg_usage){.size = sizeof *ret};
    if (!get_number(reader))
        return false;
    ret->flags = (uint32_t)get_number(reader);
    ret->input = get_number(reader);
    ret->output = get_number(reader);
    ret->cached_input = get_number(reader);
    ret->cache_write = get_number(reader);
    ret->reasoning = get_number(reader);
    ret->audio_in = get_number(reader);
    ret->audio_out = get_number(reader);
    ret->images = get_number(reader);
    return true;
}

/* What the record as a whole takes from the attempt that made the answer. */
struct served {
    bool any, has_usage;
    hg_str target, provider, model_sent, model_answered, response_id;
    uint64_t finish;
    hg_usage usage;
};

static void attempt_read(struct arena *arena, struct reader *reader, struct chain *out,
                         struct served *served)
{
    bool serves = get_number(reader);
    struct served mine = {.any = true};

    mine.target = get_string(reader);
    mine.provider = get_string(reader);
    mine.model_sent = get_string(reader);
    mine.model_answered = get_string(reader);
    mine.response_id = get_string(reader);
    json_obj(out);
    key_str(out, "target", mine.target);
    key_str(out, "model", mine.model_sent);
    key_str(out, "model_answered", mine.model_answered);
    uint64_t status = get_number(reader);

    if (status)
        key_number(out, "status", status);
    hg_str fault = fault_text(get_number(reader)), message = get_string(reader);

    key_str(out, "outcome", fault.n ? fault : HG_S("ok"));
    key_str(out, "message", masked(arena, message));
    if (get_number(reader))
        key_flag(out, "shadow", true);
    mine.finish = get_number(reader);
    key_us(out, "started_us", get_number(reader));
    key_us(out, "duration_us", get_number(reader));
    key_us(out, "first_byte_us", get_number(reader));
    key_us(out, "connected_us", get_number(reader));
    key_flag(out, "reused", get_number(reader));
    mine.has_usage = get_usage(reader, &mine.usage);
    if (mine.has_usage)
        key_usage(out, &mine.usage);
    json_end(out);
    if (serves || !served->any)
        *served = mine;
}

static void pairs_read(struct arena *arena, struct reader *reader, struct chain *out,
                       const char *key, hg_str *ret_json)
{
    uint64_t count = get_number(reader);

    if (!count)
        return;
    struct chain *object = chain_new(arena);

    json_obj(object);
    for (; count && !reader->failed; count--) {
        json_key(object, get_string(reader));
        json_put_str(object, get_string(reader));
    }
    json_end(object);
    hg_str text = chain_flat(object, arena);

    json_key(out, text_of(key));
    json_put_raw(out, text);
    if (ret_json)
        *ret_json = text;
}

static void error_read(struct arena *arena, struct reader *reader, struct chain *out,
                       hg_record *ret)
{
    hg_str kind = fault_text(get_number(reader)), code = get_string(reader);
    hg_str message = get_string(reader), target = get_string(reader);

    ret->outcome = kind.n ? kind : HG_S("ok");
    key_str(out, "outcome", ret->outcome);
    if (!kind.n)
        return;
    JSON_KEY(out, "error");
    json_obj(out);
    key_str(out, "kind", kind);
    key_str(out, "code", code);
    key_str(out, "message", masked(arena, message));
    key_str(out, "target", target);
    json_end(out);
}

static void times_read(struct reader *reader, struct chain *out, hg_record *ret)
{
    ret->total = (hg_ns)get_number(reader);
    ret->first_token = (hg_ns)get_number(reader);
    ret->upstream = (hg_ns)get_number(reader);
    ret->gateway = ret->total - ret->upstream;
    key_us(out, "duration_us", (uint64_t)ret->total);
    key_us(out, "first_token_us", (uint64_t)ret->first_token);
    key_us(out, "upstream_us", (uint64_t)ret->upstream);
    key_us(out, "gateway_us", (uint64_t)ret->gateway);
    uint64_t chunks = get_number(reader), gaps = get_number(reader);

    if (chunks)
        key_number(out, "chunks", chunks);
    key_us(out, "gap_mean_us", chunks > 1 ? gaps / (chunks - 1) : 0);
    key_us(out, "gap_max_us", get_number(reader));
    key_number(out, "request_bytes", get_number(reader));
    key_number(out, "response_bytes", get_number(reader));
}

static void request_read(struct arena *arena, struct reader *reader, struct chain *out,
                         hg_record *ret)
{
    ret->id = get_string(reader);
    key_str(out, "id", ret->id);
    int64_t us = (int64_t)get_number(reader);

    ret->start_ms = us / 1000;
    key_time(arena, out, us);
    ret->key_id = get_string(reader);
    key_str(out, "key", ret->key_id);
    ret->route = get_string(reader);
    key_str(out, "route", ret->route);
    key_str(out, "method", get_string(reader));
    key_str(out, "path", get_string(reader));
    uint64_t kind = get_number(reader);

    key_str(out, "kind", NAME_OF(kinds, kind));
    key_flag(out, "stream", get_number(reader));
    key_str(out, "model", get_string(reader));
    ret->http_status = (uint32_t)get_number(reader);
    key_number(out, "status", ret->http_status);
}

static void flags_read(struct reader *reader, struct chain *out)
{
    if (get_number(reader))
        key_flag(out, "client_gone", true);
    if (get_number(reader))
        key_flag(out, "truncated", true);
    uint64_t cache = get_number(reader);

    key_str(out, "cache", NAME_OF(cache_states, cache));
    uint64_t guard = get_number(reader);
    hg_str code = get_string(reader);

    if (guard) {
        key_str(out, "guard", NAME_OF(guard_actions, guard));
        key_str(out, "guard_code", code);
    }
}

static void served_write(struct chain *out, const struct served *served, hg_record *ret)
{
    ret->provider = served->provider;
    ret->model = served->model_answered.n ? served->model_answered : served->model_sent;
    key_str(out, "target", served->target);
    key_str(out, "provider", served->provider);
    key_str(out, "model_sent", served->model_sent);
    key_str(out, "model_answered", served->model_answered);
    key_str(out, "response_id", served->response_id);
    key_str(out, "finish", NAME_OF(finishes, served->finish));
    if (served->has_usage)
        key_usage(out, &served->usage);
}

bool record_read(struct arena *arena, hg_str bytes, hg_record *ret, hg_usage *ret_usage)
{
    struct reader reader = {bytes, false};
    struct chain *out = chain_new(arena), *attempts = chain_new(arena);
    struct served served = {0};

    *ret = (hg_record){.size = sizeof *ret, .nanousd = -1};
    if (get_number(&reader) != RECORD_VERSION)
        return false;
    json_obj(out);
    request_read(arena, &reader, out, ret);
    error_read(arena, &reader, out, ret);
    flags_read(&reader, out);
    times_read(&reader, out, ret);
    pairs_read(arena, &reader, out, "tags", NULL);
    pairs_read(arena, &reader, out, "metadata", &ret->meta);
    ret->attempts = (uint32_t)get_number(&reader);
    json_arr(attempts);
    for (uint32_t i = 0; i < ret->attempts && !reader.failed; i++)
        attempt_read(arena, &reader, attempts, &served);
    json_end(attempts);
    served_write(out, &served, ret);
    JSON_KEY(out, "attempts");
    json_put_raw(out, chain_flat(attempts, arena));
    json_end(out);
    if (reader.failed)
        return false;
    *ret_usage = served.usage;
    ret->usage = served.has_usage ? ret_usage : NULL;
    ret->json = chain_flat(out, arena);
    return true;
}
