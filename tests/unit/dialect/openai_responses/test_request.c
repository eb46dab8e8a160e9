/* Requests: read into normal form, and written for providers. */
#include "support/suite.h"

#include "base/text.h"
#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "json/index.h"
#include "json/write.h"

static const struct dialect *const dialect = &dialect_openai_responses;
static struct arena *arena;
static struct translation translation;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json parsed(const char *text)
{
    hg_json doc;

    ck_assert_msg(json_parse(arena, text_of(text), &doc, NULL), "%s", text);
    return doc;
}

/* The document as `to` takes it, or the reason why it cannot be. */
static const char *translated(const struct dialect *from, const struct dialect *to,
                              const char *text)
{
    struct chat *chat = arena_zalloc(arena, sizeof *chat);
    struct chain *out = chain_new(arena);
    struct error error = {""};

    translation_begin(&translation, arena, from, to, HG_S("m"));
    if (!from->read_chat(arena, HG_S(""), parsed(text), chat, &error) ||
        !to->write_chat(&translation, chat, out, &error))
        return arena_cstr(arena, text_of(error.text));
    ck_assert(json_ok(out));
    return arena_cstr(arena, chain_flat(out, arena));
}

static const char *to_chat(const char *text)
{
    return translated(dialect, &dialect_openai_chat, text);
}

static const char *from_chat(const char *text)
{
    return translated(&dialect_openai_chat, dialect, text);
}

static void assert_lost(const char *what)
{
    ck_assert_str_eq(arena_cstr(arena, translation_losses(&translation)), what);
}

/* ---- what is asked for -------------------------------------------------------------------------
 */

START_TEST(the_path_says_what_is_asked_for)
{
    static const struct {
        enum method method;
        const char *path;
        uint32_t kind;
    } paths[] = {{METHOD_POST, "/v1/responses", HG_R_CHAT},
                 {METHOD_POST, "/v1//responses/", HG_R_CHAT},
                 {METHOD_POST, "/v1/x/../respons%65s", HG_R_CHAT},
                 {METHOD_GET, "/v1/responses", 0},
                 {METHOD_GET, "/v1/responses/resp_1", 0},
                 {METHOD_POST, "/v1/responses/resp_1/cancel", 0},
                 {METHOD_POST, "/v1/responses/compact", 0},
                 {METHOD_POST, "/v1/responses/input_tokens", HG_R_COUNT},
                 {METHOD_POST, "/v1/chat/completions", 0}};
    uint32_t kind;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_uint_eq(dialect_kind_of(dialect, paths[i].method, text_of(paths[i].path)),
                          paths[i].kind);
    ck_assert_ptr_eq(dialect_of_path(METHOD_GET, HG_S("/v1/responses/resp_1/input_items"), &kind),
                     &dialect_openai_chat);
    ck_assert_uint_eq(kind, HG_R_RAW);
}
END_TEST

START_TEST(a_request_is_read_without_a_walk)
{
    struct dialect_request request;

    dialect->read_request(arena, HG_R_CHAT, HG_S("/v1/responses"),
                          parsed("{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}"), &request);
    ck_assert(text_is(request.model, HG_S("m")));
    ck_assert(request.is_stream && request.wants_usage);
}
END_TEST

START_TEST(all_texts_of_a_request_are_found)
{
    static const char *const want[] = {"be kind", "hello", "look",  "thinking", "{\"a\":1}",
                                       "result",  "ls -l", "found", "query me", "sys"};
    static const uint32_t roles[] = {
        HG_ROLE_SYSTEM, HG_ROLE_USER,      HG_ROLE_USER, HG_ROLE_ASSISTANT, HG_ROLE_ASSISTANT,
        HG_ROLE_TOOL,   HG_ROLE_ASSISTANT, HG_ROLE_TOOL, HG_ROLE_ASSISTANT, HG_ROLE_SYSTEM};
    struct dialect_texts texts = texts_of_request(
        dialect, arena, HG_R_CHAT,
        parsed(
            "{\"instructions\":\"be kind\",\"input\":["
            "{\"role\":\"user\",\"content\":\"hello\"},"
            "{\"content\":[{\"type\":\"input_text\",\"text\":\"look\"},{\"type\":\"input_image\","
            "\"image_url\":\"data:image/png;base64,AAAA\",\"detail\":\"low\"}],\"role\":\"user\"},"
            "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\","
            "\"text\":\"thinking\"}],\"encrypted_content\":\"xxx\"},"
            "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":"
            "\"{\\\"a\\\":1}\"},"
            "{\"output\":\"result\",\"call_id\":\"c\",\"type\":\"function_call_output\"},"
            "{\"type\":\"shell_call\",\"action\":{\"commands\":[\"ls -l\"]}},"
            "{\"type\":\"shell_call_output\",\"output\":[{\"stdout\":\"found\"}]},"
            "{\"type\":\"file_search_call\",\"queries\":[\"query me\"]},"
            "{\"role\":\"developer\",\"content\":\"sys\"}]}"));

    ck_assert_uint_eq(texts.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < texts.count; i++) {
        ck_assert_str_eq(arena_cstr(arena, texts.list[i].text), want[i]);
        ck_assert_msg(texts.list[i].role == roles[i], "role of %s", want[i]);
    }
}
END_TEST

/* ---- for others --------------------------------------------------------------------------------
 */

START_TEST(a_request_becomes_a_chat)
{
    ck_assert_str_eq(
        to_chat(
            "{\"model\":\"x\",\"instructions\":\"be kind\",\"input\":\"hi\","
            "\"max_output_tokens\":5,\"temperature\":0,\"top_p\":1e0,\"stream\":false,"
            "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"a\":1},"
            "\"strict\":true},\"verbosity\":\"low\"},\"reasoning\":{\"effort\":\"high\"},"
            "\"metadata\":{\"k\":\"v\"},\"store\":false,\"include\":[\"reasoning.encrypted_"
            "content\"],\"truncation\":\"disabled\",\"previous_response_id\":null,"
            "\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"new_thing\":[1]}"),
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},{\"role\":"
        "\"user\",\"content\":\"hi\"}],\"max_tokens\":5,\"temperature\":0,\"top_p\":1e0,"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
        "\"a\":1},\"strict\":true}},\"reasoning_effort\":\"high\",\"verbosity\":\"low\","
        "\"metadata\":{\"k\":\"v\"},\"new_thing\":[1]}");
    assert_lost("");
}
END_TEST

/* Pitfalls 87 and 88. */
START_TEST(a_turn_in_many_items_is_one_message)
{
    ck_assert_str_eq(
        to_chat(
            "{\"input\":[{\"role\":\"user\",\"content\":\"q\"},"
            "{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[],\"encrypted_content\":\"e\"},"
            "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
            "\"text\":\"so\",\"annotations\":[]}]},"
            "{\"type\":\"function_call\",\"id\":\"fc\",\"call_id\":\"c1\",\"name\":\"f\","
            "\"arguments\":\"{}\"},"
            "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"g\",\"arguments\":\"\"},"
            "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"one\"},"
            "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":[{\"type\":"
            "\"input_text\",\"text\":\"two\"}]},"
            "{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
            "\"b\"}]}"),
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
        "\"assistant\","
        "\"content\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{"
        "\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{"
        "\"name\":\"g\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
        "\"content\":\"one\"},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"two\"},"
        "{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}");
    assert_lost("");
}
END_TEST

START_TEST(tools_and_their_choice_become_a_chats)
{
    ck_assert_str_eq(
        to_chat("{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":"
                "\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":null}],\"tool_choice\":{"
                "\"type\":\"function\",\"name\":\"f\"},\"parallel_tool_calls\":false}"),
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{"
        "\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":"
        "\"object\"}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
        "\"parallel_tool_calls\":false}");
    ck_assert_ptr_nonnull(strstr(
        to_chat(
            "{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":"
            "{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
            "\"name\":\"f\"}]}}"),
        "\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"required\","
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}}"));
}
END_TEST

START_TEST(a_tool_of_free_text_is_a_function_with_one_argument)
{
    const char *chat = to_chat(
        "{\"tools\":[{\"type\":\"custom\",\"name\":\"patch\",\"description\":\"d\",\"format\":{"
        "\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"s: A\"}}],\"input\":[{\"type\":"
        "\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"patch\",\"input\":\" a\\n\\\"b\\\" \"},"
        "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c\",\"output\":\"ok\"}]}");

    ck_assert_ptr_nonnull(
        strstr(chat, "\"function\":{\"name\":\"patch\",\"arguments\":\"{\\\"input\\\":\\\" a\\\\n"
                     "\\\\\\\"b\\\\\\\" \\\"}\"}"));
    ck_assert_ptr_nonnull(strstr(chat,
                                 "\"parameters\":{\"type\":\"object\",\"properties\":{"
                                 "\"input\":{\"type\":\"string\"}},\"required\":[\"input\"],"));
}
END_TEST

START_TEST(pictures_and_files_are_carried_over)
{
    ck_assert_str_eq(
        to_chat(
            "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":"
            "\"https://h/i.png\",\"detail\":\"low\"},{\"type\":\"input_file\",\"filename\":"
            "\"f.pdf\",\"file_data\":\"data:application/pdf;base64,QUJD\"}]}]}"),
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
        "\"image_url\":{\"url\":\"https://h/i.png\",\"detail\":\"low\"}},{\"type\":\"file\","
        "\"file\":{\"filename\":\"f.pdf\",\"file_data\":\"data:application/"
        "pdf;base64,QUJD\"}}]}]}");
    ck_assert_ptr_nonnull(strstr(
        to_chat("{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
                "\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"c\","
                "\"output\":[{\"type\":\"input_text\",\"text\":\"see\"},{\"type\":\"input_image\","
                "\"image_url\":\"https://h/i\"}]}]}"),
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"https://h/i\"}}]}"));
}
END_TEST

static const struct {
    const char *request, *why;
} refused[] = {
    {"{\"input\":\"x\",\"previous_response_id\":\"resp_1\"}", "previous_response_id: "},
    {"{\"input\":\"x\",\"conversation\":\"conv_1\"}", "conversation: "},
    {"{\"input\":\"x\",\"prompt\":{\"id\":\"p\"}}", "prompt: "},
    {"{\"input\":\"x\",\"background\":true}", "background: "},
    {"{\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_1\"}]}",
     "input[0].type: item_reference: "},
    {"{\"input\":[{\"role\":\"user\",\"content\":\"x\"},{\"id\":\"msg_1\"}]}",
     "input[1].type: item_reference: "},
    {"{\"model\":\"m\"}", "input: "},
    {"{\"input\":[1]}", "input[0]: "},
    {"{\"input\":[{\"role\":\"robot\",\"content\":\"x\"}]}", "input[0].role: "},
    {"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\"}]}]}",
     "input[0].content[0].text: "},
    {"{\"input\":[{\"type\":\"function_call\",\"name\":\"f\"}]}", "input[0].call_id: "},
    {"{\"input\":[{\"type\":7}]}", "input[0].type: "},
    {"{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"xml\"}}}", "text.format.type: "},
    {"{\"input\":\"x\",\"tool_choice\":7}", "tool_choice: "},
    {"{\"input\":\"x\",\"tools\":[{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":"
     "\"web_search\"}}",
     "tools: web_search "},
};

START_TEST(what_makes_no_sense_elsewhere_is_refused_by_name)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *why = to_chat(refused[i].request);

        ck_assert_msg(strncmp(why, refused[i].why, strlen(refused[i].why)) == 0, "%s: %s",
                      refused[i].request, why);
    }
}
END_TEST

START_TEST(what_does_not_arrive_is_told)
{
    to_chat("{\"input\":[{\"type\":\"web_search_call\",\"id\":\"ws\",\"status\":\"completed\"},"
            "{\"role\":\"user\",\"content\":\"x\"},{\"type\":\"reasoning\",\"summary\":[{\"type\":"
            "\"summary_text\",\"text\":\"t\"}]},{\"role\":\"assistant\",\"content\":\"y\"}],"
            "\"store\":true,\"include\":[\"file_search_call.results\"],\"max_tool_calls\":3,"
            "\"truncation\":\"auto\",\"reasoning\":{\"context\":\"auto\"}}");
    assert_lost("web_search_call, reasoning, store, include, max_tool_calls, truncation, "
                "reasoning.context");
}
END_TEST

/* Pitfalls 77 and 128: OpenAI's own is for OpenAI alone; what we wrapped comes back. */
START_TEST(reasoning_goes_back_only_to_who_made_it)
{
    struct chat chat;

    ck_assert(dialect->read_chat(
        arena, HG_S(""),
        parsed("{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],"
               "\"encrypted_content\":\"gAAAA\"},{\"type\":\"reasoning\",\"id\":\"rs_2\","
               "\"summary\":[],\"content\":[{\"type\":\"reasoning_text\",\"text\":\"hm\"}],"
               "\"encrypted_content\":\"headgate.signature:sig\"},{\"type\":\"reasoning\",\"id\":"
               "\"rs_3\",\"summary\":[],\"encrypted_content\":\"headgate.encrypted:enc\"}]}"),
        &chat, NULL));
    const struct chat_part *part = chat.messages->parts;

    ck_assert(!chat_has(part->encrypted) && !chat_has(part->signature));
    part = part->next;
    ck_assert(text_is(part->signature.s, HG_S("sig")) && text_is(part->text.s, HG_S("hm")));
    part = part->next;
    ck_assert(text_is(part->encrypted.s, HG_S("enc")) && !part->next);
}
END_TEST

/* ---- for a provider of this format -------------------------------------------------------------
 */

START_TEST(a_chat_becomes_a_request)
{
    ck_assert_str_eq(
        from_chat(
            "{\"model\":\"x\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},"
            "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"},{\"type\":"
            "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QQ==\"}}]},"
            "{\"role\":\"assistant\",\"content\":\"so\",\"tool_calls\":[{\"id\":\"c1\",\"type\":"
            "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r\"}],\"max_tokens\":9,"
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":"
            "{\"type\":\"function\",\"function\":{\"name\":\"f\"}},\"response_format\":{"
            "\"type\":\"json_object\"},\"reasoning_effort\":\"low\",\"stream\":true}"),
        "{\"model\":\"m\",\"instructions\":\"be kind\",\"input\":[{\"role\":\"user\",\"content\":[{"
        "\"type\":\"input_text\",\"text\":\"q\"},{\"type\":\"input_image\",\"image_url\":"
        "\"data:image/png;base64,QQ==\"}]},{\"role\":\"assistant\",\"content\":\"so\"},{\"type\":"
        "\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"r\"}],\"tools\":[{"
        "\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}"
        "},"
        "\"strict\":false}],\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"},"
        "\"max_output_tokens\":9,\"text\":{\"format\":{\"type\":\"json_object\"}},\"reasoning\":{"
        "\"effort\":\"low\"},\"store\":false,\"stream\":true}");
    assert_lost("");
}
END_TEST

START_TEST(what_the_format_has_no_word_for_is_told)
{
    from_chat("{\"messages\":[{\"role\":\"user\",\"name\":\"u\",\"content\":\"x\"},{\"role\":"
              "\"assistant\",\"reasoning_content\":\"hm\",\"content\":\"y\"}],\"n\":2,\"seed\":1,"
              "\"stop\":\"s\",\"frequency_penalty\":0,\"top_k\":3,\"logit_bias\":{}}");
    assert_lost("name, reasoning, top_k, seed, frequency_penalty, logit_bias, n, stop");
}
END_TEST

START_TEST(a_custom_tool_stays_one)
{
    const char *request = from_chat(
        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":"
        "null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":\"p\","
        "\"input\":"
        "\"i\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"}],\"tools\":[{"
        "\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"format\":{\"type\":\"grammar\","
        "\"grammar\":{"
        "\"syntax\":\"lark\",\"definition\":\"d\"}}}}]}");

    ck_assert_ptr_nonnull(strstr(request, "{\"type\":\"custom_tool_call\",\"call_id\":\"c\","
                                          "\"name\":\"p\",\"input\":\"i\"}"));
    ck_assert_ptr_nonnull(
        strstr(request, "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c\""));
    ck_assert_ptr_nonnull(
        strstr(request, "{\"type\":\"custom\",\"name\":\"p\",\"format\":{\"type\":\"grammar\","
                        "\"syntax\":\"lark\",\"definition\":\"d\"}}"));
}
END_TEST

START_TEST(there_and_back_nothing_of_its_own_is_lost)
{
    static const char request[] =
        "{\"model\":\"m\",\"instructions\":\"be \\\"kind\\\"\",\"input\":[{\"role\":\"user\","
        "\"content\":\"q\"},{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
        "\"encrypted_content\":\"gAAAA\"},{\"type\":\"web_search_call\",\"id\":\"ws_1\"},"
        "{\"role\":\"assistant\",\"content\":\"so\"},{\"type\":\"custom_tool_call\",\"call_id\":"
        "\"c\",\"name\":\"p\",\"input\":\"i\"},{\"type\":\"custom_tool_call_output\",\"call_id\":"
        "\"c\",\"output\":\"r\"}],\"tools\":[{\"type\":\"web_search\"},{\"type\":\"function\","
        "\"name\":\"f\",\"parameters\":{}}],\"tool_choice\":{\"type\":\"web_search\"},"
        "\"max_output_tokens\":9,\"temperature\":0.50,\"text\":{\"verbosity\":\"low\"},"
        "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},\"metadata\":{},\"store\":false,"
        "\"prompt_cache_key\":\"k\",\"unknown\":7,\"stream\":true}";

    ck_assert_str_eq(translated(dialect, dialect, request), request);
    assert_lost("");
}
END_TEST

RUN_SUITE_WITH("dialect/openai_responses/request", setup, teardown, the_path_says_what_is_asked_for,
               a_request_is_read_without_a_walk, all_texts_of_a_request_are_found,
               a_request_becomes_a_chat, a_turn_in_many_items_is_one_message,
               tools_and_their_choice_become_a_chats,
               a_tool_of_free_text_is_a_function_with_one_argument,
               pictures_and_files_are_carried_over,
               what_makes_no_sense_elsewhere_is_refused_by_name, what_does_not_arrive_is_told,
               reasoning_goes_back_only_to_who_made_it, a_chat_becomes_a_request,
               what_the_format_has_no_word_for_is_told, a_custom_tool_stays_one,
               there_and_back_nothing_of_its_own_is_lost)
