/* record_read.c - the record out of the ring, and as the line of JSON that loggers write. Control
 * does this for each request of all workers, so the line is written straight into one buffer. */
#include "gateway/record.h"

#include "base/buffer.h"
#include "base/text.h"
#include "gateway/tunnel.h"
#include "json/write.h"

/* ---- taking it apart ------------------------------------------------------------------------- */

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

struct attempt_record {
    bool serves, detached, reused, has_usage;
    hg_str target, provider, model_sent, model_answered, response_id, message;
    hg_str dialect, lost; /* of a translation */
    uint64_t status, fault, finish;
    uint64_t started, duration, first_byte, connected; /* ns */
    hg_usage usage;
};

static void get_attempt(struct reader *reader, struct attempt_record *ret)
{
    ret->serves = get_number(reader);
    ret->target = get_string(reader);
    ret->provider = get_string(reader);
    ret->model_sent = get_string(reader);
    ret->model_answered = get_string(reader);
    ret->response_id = get_string(reader);
    ret->dialect = get_string(reader);
    ret->lost = get_string(reader);
    ret->status = get_number(reader);
    ret->fault = get_number(reader);
    ret->message = get_string(reader);
    ret->detached = get_number(reader);
    ret->finish = get_number(reader);
    ret->started = get_number(reader);
    ret->duration = get_number(reader);
    ret->first_byte = get_number(reader);
    ret->connected = get_number(reader);
    ret->reused = get_number(reader);
    ret->has_usage = get_usage(reader, &ret->usage);
}

/* ---- the line -------------------------------------------------------------------------------- */

/* Every member ends with a comma, and what closes an object takes the last one back: so nothing has
 * to know what came before it. A key comes with its quotes and colon, as a literal. */
struct line {
    struct buffer *buffer;
    char *at, *end;
};

static void line_begin(struct line *line, struct buffer *buffer)
{
    buffer->off = buffer->len = 0;
    line->buffer = buffer;
    line->at = buffer_room(buffer, 1024);
    line->end = buffer->p + buffer->cap;
}

static void line_grow(struct line *line, size_t n)
{
    line->buffer->len = (size_t)(line->at - line->buffer->p);
    line->at = buffer_room(line->buffer, n);
    line->end = line->buffer->p + line->buffer->cap;
}

/* Room for `n` bytes, and for a few that frame them. */
static inline void line_need(struct line *line, size_t n)
{
    enum {
        FRAME = 8
    };

    if ((size_t)(line->end - line->at) < n + FRAME)
        line_grow(line, n + FRAME);
}

static void put_quoted(struct line *line, hg_str text)
{
    line_need(line, JSON_ESCAPED_MAX * text.n);
    *line->at++ = '"';
    line->at = json_escape_at(line->at, text);
    *line->at++ = '"';
}

/* The literals' sizes are known here, so that copying them is a few moves and no call. */
static inline __attribute__((always_inline)) void put_literal(struct line *line, const char *text,
                                                              size_t n)
{
    line_need(line, n + PUT_U64_MAX);
    memcpy(line->at, text, n);
    line->at += n;
}
#define PUT_LITERAL(line, text) put_literal(line, text, sizeof(text) - 1)
#define PUT_KEY(line, key)      PUT_LITERAL(line, "\"" key "\":")

static void put_member_text(struct line *line, hg_str text)
{
    put_quoted(line, text);
    *line->at++ = ',';
}

/* Members. Those without a value are left out: empty texts, and durations of 0. */
#define KEY_STR(line, key, text)          \
    do {                                  \
        hg_str text_ = (text);            \
                                          \
        if (text_.n) {                    \
            PUT_KEY(line, key);           \
            put_member_text(line, text_); \
        }                                 \
    } while (0)

static void put_member_number(struct line *line, uint64_t number)
{
    line->at = put_u64(line->at, number);
    *line->at++ = ',';
}

#define KEY_NUMBER(line, key, number)    \
    do {                                 \
        PUT_KEY(line, key);              \
        put_member_number(line, number); \
    } while (0)

#define KEY_US(line, key, ns)                          \
    do {                                               \
        uint64_t ns_ = (ns);                           \
                                                       \
        if (ns_)                                       \
            KEY_NUMBER(line, key, (ns_ + 500) / 1000); \
    } while (0)

#define KEY_FLAG(line, key, flag)                    \
    do {                                             \
        if (flag)                                    \
            PUT_LITERAL(line, "\"" key "\":true,");  \
        else                                         \
            PUT_LITERAL(line, "\"" key "\":false,"); \
    } while (0)

#define KEY_OBJECT(line, key) PUT_LITERAL(line, "\"" key "\":{")
#define KEY_ARRAY(line, key)  PUT_LITERAL(line, "\"" key "\":[")

static void close_with(struct line *line, char bracket)
{
    line_need(line, 0);
    if (line->at[-1] == ',')
        line->at--;
    *line->at++ = bracket;
    *line->at++ = ',';
}

/* ---- words ----------------------------------------------------------------------------------- */

#define WORD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const hg_str kinds[] = {
    [HG_R_CHAT] = WORD("chat"),
    [HG_R_COMPLETE] = WORD("completion"),
    [HG_R_EMBED] = WORD("embedding"),
    [HG_R_IMAGE] = WORD("image"),
    [HG_R_AUDIO] = WORD("audio"),
    [HG_R_RERANK] = WORD("rerank"),
    [HG_R_MODERATE] = WORD("moderation"),
    [HG_R_MODELS] = WORD("models"),
    [HG_R_RAW] = WORD("raw"),
    [HG_R_COUNT] = WORD("count"),
    [HG_R_REALTIME] = WORD("realtime"),
};
static const hg_str finishes[] = {
    [HG_FIN_STOP] = WORD("stop"),        [HG_FIN_LENGTH] = WORD("length"),
    [HG_FIN_TOOLS] = WORD("tool_calls"), [HG_FIN_FILTER] = WORD("content_filter"),
    [HG_FIN_OTHER] = WORD("other"),
};
static const hg_str cache_states[] = {
    [CACHE_MISS] = WORD("miss"), [CACHE_HIT] = WORD("hit"), [CACHE_ERROR] = WORD("error")};
static const hg_str tunnel_sides[] = {[TUNNEL_CLIENT] = WORD("client"),
                                      [TUNNEL_PROVIDER] = WORD("provider"),
                                      [TUNNEL_GATEWAY] = WORD("gateway")};
static const hg_str guard_actions[] = {[HG_PASS] = WORD("pass"),
                                       [HG_DENY] = WORD("deny"),
                                       [HG_REDACT] = WORD("redact"),
                                       [HG_FLAG] = WORD("flag")};

#define NAME_OF(table, number) \
    ((number) < sizeof(table) / sizeof *(table) ? (table)[number] : HG_S(""))

static hg_str fault_text(uint64_t kind)
{
    return kind > FAULT_NONE && kind < FAULT_COUNT ? fault_name((enum fault_kind)kind) : HG_S("");
}

static hg_str outcome_of(hg_str fault)
{
    return fault.n ? fault : HG_S("ok");
}

/* Providers put (parts of) keys into their messages; they end here. */
static hg_str masked(struct arena *arena, hg_str text)
{
    enum {
        KEY_MIN = 8
    };

    if (!text.n)
        return text;
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

/* ---- parts of the record --------------------------------------------------------------------- */

static void request_read(struct reader *reader, struct line *line, hg_record *ret)
{
    ret->id = get_string(reader);
    KEY_STR(line, "id", ret->id);
    hg_str parent = get_string(reader);

    KEY_STR(line, "parent", parent);
    if (parent.n)
        KEY_FLAG(line, "shadow", true);
    int64_t us = (int64_t)get_number(reader);

    ret->start_ms = us / 1000;
    PUT_LITERAL(line, "\"time\":\"");
    line_need(line, PUT_UTC_SIZE);
    line->at = put_utc(line->at, us);
    PUT_LITERAL(line, "\",");
    ret->key_id = get_string(reader);
    KEY_STR(line, "key", ret->key_id);
    KEY_STR(line, "dialect", get_string(reader));
    ret->route = get_string(reader);
    KEY_STR(line, "route", ret->route);
    KEY_STR(line, "method", get_string(reader));
    KEY_STR(line, "path", get_string(reader));
    uint64_t kind = get_number(reader);

    KEY_STR(line, "kind", NAME_OF(kinds, kind));
    KEY_FLAG(line, "stream", get_number(reader));
    KEY_STR(line, "model", get_string(reader));
    ret->http_status = (uint32_t)get_number(reader);
    KEY_NUMBER(line, "status", ret->http_status);
}

static void error_read(struct arena *arena, struct reader *reader, struct line *line,
                       hg_record *ret)
{
    hg_str kind = fault_text(get_number(reader)), code = get_string(reader);
    hg_str message = get_string(reader), target = get_string(reader);

    ret->outcome = outcome_of(kind);
    KEY_STR(line, "outcome", ret->outcome);
    if (!kind.n)
        return;
    KEY_OBJECT(line, "error");
    KEY_STR(line, "kind", kind);
    KEY_STR(line, "code", code);
    KEY_STR(line, "message", masked(arena, message));
    KEY_STR(line, "target", target);
    close_with(line, '}');
}

static void flags_read(struct reader *reader, struct line *line)
{
    if (get_number(reader))
        KEY_FLAG(line, "client_gone", true);
    if (get_number(reader))
        KEY_FLAG(line, "truncated", true);
    uint64_t cache = get_number(reader);

    KEY_STR(line, "cache", NAME_OF(cache_states, cache));
    uint64_t guard = get_number(reader);
    hg_str code = get_string(reader);

    if (guard) {
        KEY_STR(line, "guard", NAME_OF(guard_actions, guard));
        KEY_STR(line, "guard_code", code);
    }
}

static void times_read(struct reader *reader, struct line *line, hg_record *ret)
{
    ret->total = (hg_ns)get_number(reader);
    ret->first_token = (hg_ns)get_number(reader);
    ret->upstream = (hg_ns)get_number(reader);
    ret->gateway = ret->total - ret->upstream;
    KEY_US(line, "duration_us", (uint64_t)ret->total);
    KEY_US(line, "first_token_us", (uint64_t)ret->first_token);
    KEY_US(line, "upstream_us", (uint64_t)ret->upstream);
    KEY_US(line, "gateway_us", (uint64_t)ret->gateway);
    uint64_t chunks = get_number(reader), gaps = get_number(reader);

    if (chunks)
        KEY_NUMBER(line, "chunks", chunks);
    KEY_US(line, "gap_mean_us", chunks > 1 ? gaps / (chunks - 1) : 0);
    KEY_US(line, "gap_max_us", get_number(reader));
    KEY_NUMBER(line, "request_bytes", get_number(reader));
    KEY_NUMBER(line, "response_bytes", get_number(reader));
}

/* A session over a WebSocket. */
static void tunnel_read(struct reader *reader, struct line *line)
{
    if (!get_number(reader))
        return;
    uint64_t side = get_number(reader);

    KEY_OBJECT(line, "websocket");
    KEY_STR(line, "closed_by", NAME_OF(tunnel_sides, side));
    KEY_NUMBER(line, "close_code", get_number(reader));
    KEY_NUMBER(line, "messages_in", get_number(reader));
    KEY_NUMBER(line, "messages_out", get_number(reader));
    close_with(line, '}');
}

/* The object with its key, or nothing; *ret_n is how long the object alone is, without its comma.
 */
static void pairs_read(struct reader *reader, struct line *line, hg_str key, size_t *ret_n)
{
    uint64_t count = get_number(reader);

    *ret_n = 0;
    if (!count)
        return;
    line_need(line, key.n);
    line->at = put_text(line->at, key);
    size_t start = (size_t)(line->at - line->buffer->p) - 1;

    for (; count && !reader->failed; count--) {
        put_quoted(line, get_string(reader));
        *line->at++ = ':';
        put_quoted(line, get_string(reader));
        *line->at++ = ',';
    }
    close_with(line, '}');
    *ret_n = (size_t)(line->at - line->buffer->p) - 1 - start;
}

static void usage_write(struct line *line, const hg_usage *usage)
{
    KEY_OBJECT(line, "usage");
    if (usage->flags & HG_U_INPUT)
        KEY_NUMBER(line, "input", usage->input);
    if (usage->flags & HG_U_OUTPUT)
        KEY_NUMBER(line, "output", usage->output);
    if (usage->flags & HG_U_CACHED)
        KEY_NUMBER(line, "cached_input", usage->cached_input);
    if (usage->flags & HG_U_CACHE_WRITE)
        KEY_NUMBER(line, "cache_write", usage->cache_write);
    if (usage->flags & HG_U_REASONING)
        KEY_NUMBER(line, "reasoning", usage->reasoning);
    if (usage->flags & HG_U_AUDIO_IN)
        KEY_NUMBER(line, "audio_in", usage->audio_in);
    if (usage->flags & HG_U_AUDIO_OUT)
        KEY_NUMBER(line, "audio_out", usage->audio_out);
    if (usage->flags & HG_U_IMAGES)
        KEY_NUMBER(line, "images", usage->images);
    if (usage->flags & HG_U_ESTIMATED)
        KEY_FLAG(line, "estimated", true);
    close_with(line, '}');
}

/* What the record as a whole takes from the attempt that made the answer. */
static void served_write(struct line *line, const struct attempt_record *served, hg_record *ret)
{
    ret->provider = served->provider;
    ret->model = served->model_answered.n ? served->model_answered : served->model_sent;
    KEY_STR(line, "target", served->target);
    KEY_STR(line, "provider", served->provider);
    KEY_STR(line, "model_sent", served->model_sent);
    KEY_STR(line, "model_answered", served->model_answered);
    KEY_STR(line, "response_id", served->response_id);
    KEY_STR(line, "finish", NAME_OF(finishes, served->finish));
    if (served->has_usage)
        usage_write(line, &served->usage);
}

static void attempt_write(struct arena *arena, struct line *line,
                          const struct attempt_record *attempt)
{
    PUT_LITERAL(line, "{");
    KEY_STR(line, "target", attempt->target);
    KEY_STR(line, "model", attempt->model_sent);
    KEY_STR(line, "model_answered", attempt->model_answered);
    KEY_STR(line, "dialect", attempt->dialect);
    KEY_STR(line, "lost", attempt->lost);
    if (attempt->status)
        KEY_NUMBER(line, "status", attempt->status);
    KEY_STR(line, "outcome", outcome_of(fault_text(attempt->fault)));
    KEY_STR(line, "message", masked(arena, attempt->message));
    if (attempt->detached)
        KEY_FLAG(line, "shadow", true);
    KEY_US(line, "started_us", attempt->started);
    KEY_US(line, "duration_us", attempt->duration);
    KEY_US(line, "first_byte_us", attempt->first_byte);
    KEY_US(line, "connected_us", attempt->connected);
    KEY_FLAG(line, "reused", attempt->reused);
    if (attempt->has_usage)
        usage_write(line, &attempt->usage);
    close_with(line, '}');
}

static bool attempts_read(struct arena *arena, struct reader *reader, struct line *line,
                          hg_record *ret, hg_usage *ret_usage)
{
    struct attempt_record attempts[RECORD_ATTEMPTS];
    const struct attempt_record *served = attempts;
    uint64_t count = get_number(reader);

    if (count > RECORD_ATTEMPTS)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        get_attempt(reader, &attempts[i]);
        if (attempts[i].serves)
            served = &attempts[i];
    }
    if (reader->failed)
        return false;
    ret->attempts = (uint32_t)count;
    if (count) {
        served_write(line, served, ret);
        *ret_usage = served->usage;
        ret->usage = served->has_usage ? ret_usage : NULL;
    }
    KEY_ARRAY(line, "attempts");
    for (uint64_t i = 0; i < count; i++)
        attempt_write(arena, line, &attempts[i]);
    close_with(line, ']');
    return true;
}

bool record_read(struct arena *arena, struct buffer *scratch, hg_str bytes, hg_record *ret,
                 hg_usage *ret_usage)
{
    struct reader reader = {bytes, false};
    struct line line;
    size_t tags, meta;

    *ret = (hg_record){.size = sizeof *ret, .nanousd = -1};
    *ret_usage = (hg_usage){.size = sizeof *ret_usage};
    if (get_number(&reader) != RECORD_VERSION)
        return false;
    line_begin(&line, scratch);
    PUT_LITERAL(&line, "{");
    request_read(&reader, &line, ret);
    error_read(arena, &reader, &line, ret);
    flags_read(&reader, &line);
    times_read(&reader, &line, ret);
    tunnel_read(&reader, &line);
    pairs_read(&reader, &line, HG_S("\"tags\":{"), &tags);
    pairs_read(&reader, &line, HG_S("\"metadata\":{"), &meta);
    size_t meta_end = (size_t)(line.at - scratch->p) - 1;

    if (!attempts_read(arena, &reader, &line, ret, ret_usage))
        return false;
    close_with(&line, '}');
    ret->json = arena_text(arena, (hg_str){scratch->p, (size_t)(line.at - scratch->p) - 1});
    if (meta)
        ret->meta = (hg_str){ret->json.p + meta_end - meta, meta};
    return true;
}
