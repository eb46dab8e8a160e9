/* The response object, which repeats what was asked for, and the events at both ends. */
#include "dialect/openai_responses/writer.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/write.h"

/* Members that come back as they were asked for. */
static const struct {
    const char *key, *otherwise;
    bool may_be_null;
} echoed[] = {
    {"instructions", "null", true},
    {"max_output_tokens", "null", true},
    {"max_tool_calls", "null", true},
    {"parallel_tool_calls", "true", false},
    {"previous_response_id", "null", true},
    {"prompt_cache_key", "null", true},
    {"reasoning", "{\"effort\":null,\"summary\":null}", false},
    {"safety_identifier", "null", true},
    {"temperature", "null", true},
    {"text", "{\"format\":{\"type\":\"text\"}}", false},
    {"tool_choice", "\"auto\"", false},
    {"tools", "[]", false},
    {"top_logprobs", "0", false},
    {"top_p", "null", true},
    {"truncation", "\"disabled\"", false},
    {"user", "null", true},
    {"metadata", "{}", false},
};

static void echo_put(const struct dialect_writer *writer, struct chain *out)
{
    for (size_t i = 0; i < sizeof echoed / sizeof *echoed; i++) {
        hg_json value = json_member(writer->asked, text_of(echoed[i].key));
        bool is_there = value.kind > HG_J_NULL || (value.kind && echoed[i].may_be_null);

        json_key(out, text_of(echoed[i].key));
        json_put_raw(out, is_there ? json_raw(value) : text_of(echoed[i].otherwise));
    }
    JSON_KEY(out, "background");
    json_put_bool(out, false);
    JSON_KEY(out, "store");
    json_put_bool(out, false);
    if (!writer->tier.n)
        return;
    JSON_KEY(out, "service_tier");
    json_put_raw(out, writer->tier);
}

static void usage_put(const hg_usage *usage, struct chain *out)
{
    JSON_KEY(out, "usage");
    if (!usage->flags) {
        json_put_null(out);
        return;
    }
    json_obj(out);
    JSON_KEY(out, "input_tokens");
    json_put_u64(out, usage->input);
    JSON_KEY(out, "input_tokens_details");
    json_obj(out);
    JSON_KEY(out, "cached_tokens");
    json_put_u64(out, usage->cached_input);
    JSON_KEY(out, "cache_write_tokens");
    json_put_u64(out, usage->cache_write);
    json_end(out);
    JSON_KEY(out, "output_tokens");
    json_put_u64(out, usage->output);
    JSON_KEY(out, "output_tokens_details");
    json_obj(out);
    JSON_KEY(out, "reasoning_tokens");
    json_put_u64(out, usage->reasoning);
    json_end(out);
    JSON_KEY(out, "total_tokens");
    json_put_u64(out, usage->input + usage->output);
    json_end(out);
}

static void outputs_put(const struct dialect_writer *writer, struct chain *out)
{
    JSON_KEY(out, "output");
    json_arr(out);
    for (const struct output *output = writer->outputs; output; output = output->next)
        if (output->is_closed)
            responses_writer_output_put(output, false, out);
    json_end(out);
}

/* The words for errors of a response are few; the type is told in the event. */
static void error_put(const struct dialect_writer *writer, struct chain *out)
{
    JSON_KEY(out, "error");
    if (!writer->has_failed) {
        json_put_null(out);
        return;
    }
    json_obj(out);
    JSON_KEY(out, "code");
    json_put_str(out, writer->error_type.n ? writer->error_type : HG_S("server_error"));
    JSON_KEY(out, "message");
    json_put_str(out, writer->error_message);
    json_end(out);
}

static void incomplete_put(const struct dialect_writer *writer, bool is_incomplete,
                           struct chain *out)
{
    JSON_KEY(out, "incomplete_details");
    if (!is_incomplete) {
        json_put_null(out);
        return;
    }
    json_obj(out);
    JSON_KEY(out, "reason");
    json_put_str(out, writer->finish == HG_FIN_LENGTH ? HG_S("max_output_tokens")
                                                      : HG_S("content_filter"));
    json_end(out);
}

static bool is_incomplete(const struct dialect_writer *writer)
{
    return writer->finish == HG_FIN_LENGTH || writer->finish == HG_FIN_FILTER;
}

static void response_put(const struct dialect_writer *writer, const char *status, struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "id");
    json_put_str(out, writer->id);
    JSON_KEY(out, "object");
    json_put_str(out, HG_S("response"));
    JSON_KEY(out, "created_at");
    json_put_i64(out, writer->created);
    JSON_KEY(out, "status");
    json_put_str(out, text_of(status));
    JSON_KEY(out, "completed_at");
    if (text_is(text_of(status), HG_S("completed")))
        json_put_i64(out, writer->created + (clock_now() - writer->began) / NS_PER_S);
    else
        json_put_null(out);
    error_put(writer, out);
    incomplete_put(writer, is_incomplete(writer), out);
    JSON_KEY(out, "model");
    json_put_str(out, writer->model);
    echo_put(writer, out);
    outputs_put(writer, out);
    usage_put(&writer->usage, out);
    json_end(out);
}

static void response_event(struct dialect_writer *writer, const char *type, const char *status,
                           struct chain *out)
{
    responses_writer_event_begin(writer, type, out);
    JSON_KEY(out, "response");
    response_put(writer, status, out);
    responses_writer_event_end(out);
}

void responses_writer_begin(struct dialect_writer *writer, struct chain *out)
{
    response_event(writer, "response.created", "in_progress", out);
    response_event(writer, "response.in_progress", "in_progress", out);
}

void responses_writer_end_stream(struct dialect_writer *writer, struct chain *out)
{
    if (is_incomplete(writer))
        response_event(writer, "response.incomplete", "incomplete", out);
    else
        response_event(writer, "response.completed", "completed", out);
}

/* As OpenAI's servers do it: once as an event of its own, once as what became of the response. */
void responses_writer_failed(struct dialect_writer *writer, struct chain *out)
{
    responses_writer_event_begin(writer, "error", out);
    responses_error_put(out, writer->error_type, (hg_str){NULL, 0}, writer->error_message);
    responses_writer_event_end(out);
    response_event(writer, "response.failed", "failed", out);
}

void responses_writer_end_whole(struct dialect_writer *writer, struct chain *out)
{
    if (writer->has_failed) {
        hg_str body = responses_error_body(writer->arena, 502, writer->error_type,
                                           (hg_str){NULL, 0}, writer->error_message);

        chain_put_const(out, body.p, body.n);
        return;
    }
    response_put(writer, is_incomplete(writer) ? "incomplete" : "completed", out);
}
