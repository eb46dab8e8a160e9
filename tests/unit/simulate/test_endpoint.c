#include "simulate/endpoint.h"

#include <math.h>

#include "asking.h"
#include "simulate/damage.h"
#include "simulate/embedding.h"
#include "simulate/words.h"
#include "support/suite.h"

#define CHAT  "/v1/chat/completions"
#define HELLO "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello gate\"}]"

static struct asking asking;

static void ask(const char *path, const char *body, const char *options)
{
    asking_begin(&asking, METHOD_POST, path, body);
    ck_assert(asking_set(&asking, options));
    endpoint_answer(&asking.ask, asking.reply);
    damage_apply(&asking.ask, asking.reply);
}

static void teardown(void)
{
    asking_end(&asking);
}

static const char *string_at(const json_t *document, const char *member)
{
    const json_t *choice = json_array_get(json_object_get(document, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");

    return json_string_value(json_object_get(message ? message : choice, member));
}

START_TEST(the_same_request_gets_the_same_answer)
{
    ask(CHAT, HELLO "}", "");
    struct asking first = asking;

    ask(CHAT, HELLO "}", "");
    ck_assert_uint_eq(asking.reply->status, 200);
    ck_assert(text_is(first.reply->pieces[0].bytes, asking.reply->pieces[0].bytes));
    asking_end(&asking);
    ask(CHAT, HELLO ",\"seed\":1}", "");
    ck_assert(!text_is(first.reply->pieces[0].bytes, asking.reply->pieces[0].bytes));
    asking_end(&first);
}
END_TEST

START_TEST(an_answer_repeats_the_prompt_and_counts_words)
{
    ask(CHAT, HELLO "}", "tokens=12");
    json_t *document = asking_document(&asking, 0);
    const json_t *usage = json_object_get(document, "usage");

    ck_assert_ptr_nonnull(strstr(string_at(document, "content"), "\"Hello gate\""));
    ck_assert_int_eq(json_integer_value(json_object_get(usage, "completion_tokens")), 12);
    ck_assert_int_eq(json_integer_value(json_object_get(usage, "total_tokens")), 20);
    json_decref(document);
}
END_TEST

START_TEST(a_limit_of_tokens_cuts_the_text)
{
    ask(CHAT, HELLO ",\"max_completion_tokens\":3}", "text=one%20two%20three%20four");
    json_t *document = asking_document(&asking, 0);
    const json_t *choice = json_array_get(json_object_get(document, "choices"), 0);

    ck_assert_str_eq(string_at(document, "content"), "one two three");
    ck_assert_str_eq(json_string_value(json_object_get(choice, "finish_reason")), "length");
    json_decref(document);
}
END_TEST

/* Joins the content of all chunks and counts what else there is. */
static char *joined(size_t *ret_usage, size_t *ret_done)
{
    static char text[4096];

    text[0] = 0;
    *ret_usage = *ret_done = 0;
    for (size_t i = 0; i < asking.reply->count; i++) {
        json_t *chunk = asking_document(&asking, i);
        const json_t *delta =
            json_object_get(json_array_get(json_object_get(chunk, "choices"), 0), "delta");
        const char *content = json_string_value(json_object_get(delta, "content"));

        *ret_done += text_is(asking.reply->pieces[i].bytes, HG_S("data: [DONE]\n\n"));
        *ret_usage += json_is_object(json_object_get(chunk, "usage"));
        if (content)
            strncat(text, content, sizeof text - strlen(text) - 1);
        json_decref(chunk);
    }
    return text;
}

START_TEST(a_stream_says_what_the_whole_answer_says)
{
    size_t usage, done;

    ask(CHAT, HELLO ",\"stream\":true}", "text=one%20two%20three%20four");
    ck_assert(asking.reply->is_stream);
    ck_assert_str_eq(joined(&usage, &done), "one two three four");
    ck_assert_uint_eq(usage, 0);
    ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(usage_comes_in_its_own_chunk_when_it_is_asked_for)
{
    size_t usage, done;

    ask(CHAT, HELLO ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", "");
    joined(&usage, &done);
    ck_assert_uint_eq(usage, 1);
    json_t *chunk = asking_document(&asking, asking.reply->count - 2);

    ck_assert_uint_eq(json_array_size(json_object_get(chunk, "choices")), 0);
    json_decref(chunk);
    asking_end(&asking);
    ask(CHAT, HELLO ",\"stream\":true}", "usage=finish");
    joined(&usage, &done);
    ck_assert_uint_eq(usage, 1);
}
END_TEST

START_TEST(text_is_divided_into_as_many_events_as_wanted)
{
    size_t usage, done;

    ask(CHAT, HELLO ",\"stream\":true}", "events=2,text=a%20b%20c%20d%20e");
    ck_assert_uint_eq(asking.reply->count, 2 + 1 + 1);
    ck_assert_str_eq(joined(&usage, &done), "a b c d e");
}
END_TEST

#define TOOLS                                                                               \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":" \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"unit\":"         \
    "{\"enum\":[\"C\",\"F\"]},\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":7}}}}}]"

static json_t *arguments_of_call(void)
{
    json_t *document = asking_document(&asking, 0), *arguments;
    const json_t *message =
        json_object_get(json_array_get(json_object_get(document, "choices"), 0), "message");
    const json_t *call = json_array_get(json_object_get(message, "tool_calls"), 0);
    const char *text =
        json_string_value(json_object_get(json_object_get(call, "function"), "arguments"));

    arguments = text ? json_loads(text, 0, NULL) : NULL;
    json_decref(document);
    return arguments;
}

START_TEST(a_required_tool_is_called_with_arguments_that_fit_its_schema)
{
    ask(CHAT, HELLO TOOLS ",\"tool_choice\":\"required\"}", "");
    json_t *arguments = arguments_of_call();
    json_int_t days = json_integer_value(json_object_get(arguments, "days"));

    ck_assert(json_is_string(json_object_get(arguments, "city")));
    ck_assert(days >= 1 && days <= 7);
    json_decref(arguments);
}
END_TEST

START_TEST(a_tool_is_called_when_the_prompt_names_it_and_not_otherwise)
{
    ask(CHAT, HELLO TOOLS "}", "");
    ck_assert_ptr_null(arguments_of_call());
    asking_end(&asking);
    ask(CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"use weather\"}]" TOOLS "}",
        "");
    json_t *arguments = arguments_of_call();

    ck_assert_ptr_nonnull(arguments);
    json_decref(arguments);
}
END_TEST

START_TEST(a_json_schema_is_kept_to)
{
    ask(CHAT,
        HELLO ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\","
              "\"schema\":{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"},"
              "\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/n\"}}},"
              "\"$defs\":{\"n\":{\"type\":\"number\"}}}}}}",
        "");
    json_t *document = asking_document(&asking, 0);
    json_t *value = json_loads(string_at(document, "content"), 0, NULL);

    ck_assert(json_is_boolean(json_object_get(value, "ok")));
    ck_assert(json_is_number(json_array_get(json_object_get(value, "list"), 0)));
    json_decref(value);
    json_decref(document);
}
END_TEST

START_TEST(a_schema_that_contains_itself_ends)
{
    json_t *schema =
        json_loads("{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"}}}", 0, NULL);

    asking_begin(&asking, METHOD_GET, "/", "{}");
    json_decref(words_of_schema(schema, 1));
    json_decref(schema);
}
END_TEST

START_TEST(several_choices_differ)
{
    ask(CHAT, HELLO ",\"n\":3}", "");
    json_t *document = asking_document(&asking, 0);
    const json_t *choices = json_object_get(document, "choices");

    ck_assert_uint_eq(json_array_size(choices), 3);
    ck_assert(!json_equal(json_object_get(json_array_get(choices, 0), "message"),
                          json_object_get(json_array_get(choices, 1), "message")));
    json_decref(document);
}
END_TEST

START_TEST(the_older_completions_answer_each_prompt)
{
    ask("/v1/completions", "{\"model\":\"m\",\"prompt\":[\"one\",\"two\"]}", "");
    json_t *document = asking_document(&asking, 0);

    ck_assert_uint_eq(json_array_size(json_object_get(document, "choices")), 2);
    ck_assert_ptr_nonnull(strstr(string_at(document, "text"), "\"one\""));
    json_decref(document);
}
END_TEST

static double likeness(const char *a, const char *b)
{
    enum {
        N = 256
    };
    float one[N], other[N];
    double dot = 0;

    embedding_of(text_of(a), one, N);
    embedding_of(text_of(b), other, N);
    for (size_t i = 0; i < N; i++)
        dot += (double)one[i] * (double)other[i];
    return dot;
}

START_TEST(embeddings_of_texts_with_common_words_are_near)
{
    asking_begin(&asking, METHOD_GET, "/", "{}");
    ck_assert(likeness("the gate is open", "The gate is open!") > 0.999);
    ck_assert(likeness("the gate is open", "the gate is closed") > 0.5);
    ck_assert(likeness("the gate is open", "seven herons slept") < 0.4);
}
END_TEST

START_TEST(embeddings_come_as_numbers_or_base64)
{
    ask("/v1/embeddings", "{\"model\":\"e\",\"input\":[\"a\",\"b\"],\"dimensions\":3}", "");
    json_t *document = asking_document(&asking, 0);
    const json_t *data = json_object_get(document, "data");

    ck_assert_uint_eq(json_array_size(data), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(data, 1), "embedding")), 3);
    json_decref(document);
    asking_end(&asking);
    ask("/v1/embeddings",
        "{\"model\":\"e\",\"input\":\"a\",\"dimensions\":3,\"encoding_format\":\"base64\"}", "");
    document = asking_document(&asking, 0);
    data = json_array_get(json_object_get(document, "data"), 0);
    ck_assert_uint_eq(json_string_length(json_object_get(data, "embedding")), 16);
    json_decref(document);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_as_the_api_does)
{
    ask(CHAT, "not json", "");
    ck_assert_uint_eq(asking.reply->status, 400);
    asking_end(&asking);
    ask(CHAT, "{\"messages\":[]}", "");
    ck_assert_uint_eq(asking.reply->status, 400);
    asking_end(&asking);
    ask("/v1/nothing", HELLO "}", "");
    ck_assert_uint_eq(asking.reply->status, 404);
    asking_end(&asking);
    ask("/v1/models", HELLO "}", "");
    ck_assert_uint_eq(asking.reply->status, 405);
}
END_TEST

START_TEST(an_error_event_replaces_the_rest_of_a_stream)
{
    ask(CHAT, HELLO ",\"stream\":true}", "error-event-at=2,error-message=oops");
    ck_assert_uint_eq(asking.reply->count, 3);
    json_t *chunk = asking_document(&asking, 2);

    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(chunk, "error"), "message")),
                     "oops");
    json_decref(chunk);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_do_not_end_up_in_json)
{
    asking_begin(&asking, METHOD_POST, CHAT, HELLO "}");
    asking.rule.status = 400;
    asking.rule.error_message = HG_S("bad \xff byte");
    damage_apply(&asking.ask, asking.reply);
    json_t *document = asking_document(&asking, 0);

    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(document, "error"), "message")),
        "bad ? byte");
    json_decref(document);
}
END_TEST

RUN_SUITE_WITH("endpoint", NULL, teardown, the_same_request_gets_the_same_answer,
               an_answer_repeats_the_prompt_and_counts_words, a_limit_of_tokens_cuts_the_text,
               a_stream_says_what_the_whole_answer_says,
               usage_comes_in_its_own_chunk_when_it_is_asked_for,
               text_is_divided_into_as_many_events_as_wanted,
               a_required_tool_is_called_with_arguments_that_fit_its_schema,
               a_tool_is_called_when_the_prompt_names_it_and_not_otherwise,
               a_json_schema_is_kept_to, a_schema_that_contains_itself_ends, several_choices_differ,
               the_older_completions_answer_each_prompt,
               embeddings_of_texts_with_common_words_are_near, embeddings_come_as_numbers_or_base64,
               what_makes_no_sense_is_refused_as_the_api_does,
               an_error_event_replaces_the_rest_of_a_stream,
               bytes_that_are_no_utf8_do_not_end_up_in_json)
