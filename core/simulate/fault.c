#include "simulate/fault.h"

#include <jansson.h>

#include "base/text.h"
#include "http/frame.h"
#include "simulate/fault_words.h"
#include "simulate/words.h"

/* ---- which one it is ------------------------------------------------------------------------- */

static const struct fault_words *words_named(const struct dialect *dialect, hg_str name)
{
    const struct fault_words *words = fault_words_of(dialect);

    while (words->name && !text_is(name, text_of(words->name)))
        words++;
    return words->name ? words : NULL;
}

/* What stands first in the table is the usual one of its status. */
static const struct fault_words *words_of_status(const struct dialect *dialect, unsigned status)
{
    const struct fault_words *words = fault_words_of(dialect);

    while (words->name && words->status != status)
        words++;
    return words->name ? words : NULL;
}

bool fault_is_wanted(const struct rule *rule)
{
    bool is_elsewhere = rule->error_in_200 || rule->error_event_at != UNSET;

    return (rule->status != UNSET && rule->status >= 400) || (rule->error.n && !is_elsewhere);
}

static void use(struct fault *fault, const struct fault_words *words)
{
    fault->status = words->status;
    fault->type = text_of(words->type);
    fault->code = text_of(words->code);
    fault->message = text_of(words->message);
    fault->details = text_of(words->details);
    fault->body = text_of(words->body);
}

/* How long to wait, as Google tells it. */
static hg_str details_waiting(struct arena *arena, hg_str wait)
{
    return arena_fmt(arena,
                     "[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\","
                     "\"retryDelay\":\"%.*ss\"}]",
                     TEXT_ARG(wait));
}

struct fault fault_of(struct arena *arena, const struct dialect *dialect, const struct rule *rule,
                      unsigned status)
{
    const struct fault_words *words = words_named(dialect, rule->error);
    struct fault fault = {.status = status, .message = HG_S("An error.")};

    if (rule->status != UNSET && rule->status >= 400)
        fault.status = (unsigned)rule->status;
    if (words || (words = words_of_status(dialect, fault.status)))
        use(&fault, words);
    if (rule->status != UNSET)
        fault.status = (unsigned)rule->status;
    if (dialect == &dialect_gemini && rule->retry_after.n && !fault.details.n)
        fault.details = details_waiting(arena, rule->retry_after);
    if (rule->error_type.n)
        fault.type = rule->error_type;
    if (rule->error_code.n)
        fault.code = rule->error_code;
    if (rule->error_message.n)
        fault.message = rule->error_message;
    if (rule->error_type.n || rule->error_code.n || rule->error_message.n)
        fault.body = (hg_str){0};
    return fault;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static json_t *text_or_null(hg_str text)
{
    return text.n ? document_of_text(text) : json_null();
}

/* With the place in the request, which the gateway's own errors never have. */
static json_t *openai_body(const struct fault *fault)
{
    hg_str type = fault->type;

    if (!type.n)
        type = fault->status < 500 ? HG_S("invalid_request_error") : HG_S("server_error");
    return json_pack("{s:{s:o, s:o, s:o, s:o}}", "error", "message",
                     document_of_text(fault->message), "type", document_of_text(type), "param",
                     text_or_null(fault->param), "code", text_or_null(fault->code));
}

static json_t *dialect_body(struct arena *arena, const struct dialect *dialect,
                            const struct fault *fault)
{
    hg_str text =
        dialect->error_body(arena, (int)fault->status, fault->type, fault->code, fault->message);

    return json_loadb(text.p, text.n, 0, NULL);
}

/* What providers put to their errors so that one can ask them about it. */
static void add_id(struct reply *reply, const struct dialect *dialect, json_t *body,
                   const struct fault *fault)
{
    uint64_t seed = words_hash(fault->message);

    if (dialect == &dialect_anthropic) {
        hg_str id = words_id(reply->arena, "req_", seed);

        json_object_set_new(body, "request_id", document_of_text(id));
        reply_header(reply, HG_S("request-id"), id);
    } else if (dialect == &dialect_cohere) {
        json_object_set_new(body, "id", document_of_text(words_id(reply->arena, "", seed)));
    } else if (dialect == &dialect_converse) {
        reply_header(reply, HG_S("x-amzn-requestid"), words_id(reply->arena, "", seed));
    }
}

static void add_field(struct reply *reply, const struct dialect *dialect, const struct fault *fault)
{
    hg_str name, value;

    if (!dialect->error_field)
        return;
    dialect->error_field((int)fault->status, fault->type, &name, &value);
    reply_header(reply, name, fault->type.n ? fault->type : value);
}

void fault_answer(struct reply *reply, const struct dialect *dialect, const struct fault *fault)
{
    bool is_openai = dialect == &dialect_openai_chat || dialect == &dialect_openai_responses;
    json_t *body;

    reply_clear(reply);
    reply->status = fault->status;
    if (fault->body.n) {
        reply->content_type = HG_S("application/json");
        reply_add(reply, fault->body, false);
        return;
    }
    body = is_openai ? openai_body(fault) : dialect_body(reply->arena, dialect, fault);
    if (fault->details.n)
        json_object_set_new(json_object_get(body, "error"), "details",
                            json_loadb(fault->details.p, fault->details.n, 0, NULL));
    add_id(reply, dialect, body, fault);
    add_field(reply, dialect, fault);
    reply_json(reply, body);
}

void fault_refuse(struct reply *reply, const struct dialect *dialect, unsigned status, hg_str param,
                  hg_str message)
{
    struct fault fault = fault_of(reply->arena, dialect, &rule_default, status);

    fault.status = status;
    fault.param = param;
    if (message.n)
        fault.message = message;
    fault.details = fault.body = (hg_str){0};
    fault_answer(reply, dialect, &fault);
}

/* ---- in a stream ----------------------------------------------------------------------------- */

/* Formats that number their events number this one too. */
static hg_str numbered(struct reply *reply, hg_str bytes)
{
    static const hg_str zero = {"\"sequence_number\":0", 19};
    const char *at = memmem(bytes.p, bytes.n, zero.p, zero.n);
    size_t before;

    if (!at)
        return bytes;
    before = (size_t)(at - bytes.p) + zero.n - 1;
    return arena_fmt(reply->arena, "%.*s%zu%.*s", (int)before, bytes.p, reply->count,
                     (int)(bytes.n - before - 1), at + zero.n);
}

/* The gateway puts an end mark behind an error, for clients that wait for one; providers do not. */
static bool is_end_mark(const struct reply *reply, const struct dialect *dialect, hg_str bytes)
{
    struct frame frame;

    return dialect->is_end && frame_parse(reply->arena, dialect->framing, bytes, &frame) &&
           dialect->is_end(frame.event, frame.data);
}

void fault_event(struct reply *reply, const struct dialect *dialect, const struct fault *fault)
{
    hg_str bytes = dialect->error_event(reply->arena, fault->type, fault->code, fault->message);
    bool is_first = true;

    bytes = numbered(reply, bytes);
    reply->is_stream = true;
    reply->framing = dialect->framing;
    reply->content_type = dialect->stream_type;
    while (bytes.n) {
        size_t n = frame_first(dialect->framing, bytes);
        hg_str piece = {bytes.p, n && n < bytes.n ? n : bytes.n};

        if (is_first || !is_end_mark(reply, dialect, piece))
            reply_add(reply, piece, true);
        bytes.p += piece.n, bytes.n -= piece.n;
        is_first = false;
    }
}
