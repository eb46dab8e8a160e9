/* Requests to Cohere and from its clients. */
#include <string.h>

#include "base/text.h"
#include "dialect/texts.h"
#include "dialect/translation.h"
#include "support/suite.h"
#include "json/index.h"

static const struct dialect *const dialect = &dialect_cohere;
static struct arena *arena;
static struct translation translation;
static struct error error;

static void setup(void)
{
    arena = arena_new();
    error.text[0] = 0;
}

static void teardown(void)
{
    arena_free(&arena);
}

static hg_json parsed(const char *text)
{
    struct json_fault fault = {0, ""};
    hg_json root = {0};

    ck_assert_msg(json_parse(arena, text_of(text), &root, &fault), "%s: %s", text, fault.reason);
    return root;
}

static bool has(hg_str text, hg_str piece)
{
    return memmem(text.p, text.n, piece.p, piece.n) != NULL;
}

static void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(text),
                  expected);
}

/* From one dialect to another; "" and the error's text if it was refused. */
static hg_str carried(const struct dialect *from, const struct dialect *to, const char *text)
{
    struct chain *out = chain_new(arena);
    struct chat chat;
    hg_json doc;

    translation_begin(&translation, arena, from, to, HG_S("m"));
    if (!from->read_chat(arena, HG_S(""), parsed(text), &chat, &error) ||
        !to->write_chat(&translation, &chat, out, &error))
        return HG_S("");
    ck_assert_msg(json_parse(arena, chain_flat(out, arena), &doc, NULL), "%.*s",
                  TEXT_ARG(chain_flat(out, arena)));
    return chain_flat(out, arena);
}

static hg_str asked(const char *text)
{
    return carried(&dialect_openai_chat, dialect, text);
}

static void lost(const char *expected)
{
    same(translation_losses(&translation), expected);
}

#define HI    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define OUT   "{\"model\":\"m\"," HI
#define TOOL  "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}"
#define TOOL2 "{\"type\":\"function\",\"function\":{\"name\":\"g\",\"parameters\":{}}}"

/* ---- what the path and the document say ------------------------------------------------------
 */

START_TEST(paths_of_version_two_are_cohere_s)
{
    static const struct {
        enum method method;
        const char *path;
        uint32_t kind;
    } cases[] = {
        {METHOD_POST, "/v2/chat", HG_R_CHAT},   {METHOD_POST, "/v2//chat/", HG_R_CHAT},
        {METHOD_POST, "/v2/%63hat", HG_R_CHAT}, {METHOD_POST, "/v2/embed", HG_R_RAW},
        {METHOD_POST, "/v2/rerank", HG_R_RAW},  {METHOD_GET, "/v2/chat", 0},
        {METHOD_POST, "/v2/chats", 0},          {METHOD_POST, "/v1/chat", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(dialect_kind_of(dialect, cases[i].method, text_of(cases[i].path)) ==
                          cases[i].kind,
                      "%s", cases[i].path);
}
END_TEST

START_TEST(a_request_is_read)
{
    struct dialect_request request;
    hg_json doc = parsed("{\"model\":\"command\",\"stream\":true,\"messages\":["
                         "{\"role\":\"user\",\"content\":\"12345678\"},{\"role\":\"user\","
                         "\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]}");

    dialect->read_request(arena, HG_R_CHAT, HG_S(""), doc, &request);
    same(request.model, "command");
    ck_assert(request.is_stream && request.wants_usage);
    ck_assert_uint_eq(dialect->tokens(HG_R_CHAT, doc), 4 + 2 + 4 + 800);
}
END_TEST

START_TEST(guards_see_every_text)
{
    static const char *const want[] = {"s",         "u",  "plan",     "thought",   "said",
                                       "{\"a\":1}", "in", "document", "its title", "aside"};
    static const uint32_t roles[] = {
        HG_ROLE_SYSTEM,    HG_ROLE_USER, HG_ROLE_ASSISTANT, HG_ROLE_ASSISTANT, HG_ROLE_ASSISTANT,
        HG_ROLE_ASSISTANT, HG_ROLE_TOOL, HG_ROLE_TOOL,      HG_ROLE_USER,      HG_ROLE_USER};
    struct dialect_texts texts = texts_of_request(
        dialect, arena, HG_R_CHAT,
        parsed("{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
               "{\"content\":[{\"type\":\"text\",\"text\":\"u\"}],\"role\":\"user\"},"
               "{\"role\":\"assistant\",\"tool_plan\":\"plan\",\"content\":["
               "{\"type\":\"thinking\",\"thinking\":\"thought\"},{\"type\":\"text\",\"text\":"
               "\"said\"}],\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\","
               "\"arguments\":\"{\\\"a\\\":1}\"}}]},"
               "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":[{\"type\":\"text\","
               "\"text\":\"in\"},{\"type\":\"document\",\"document\":{\"data\":{\"x\":"
               "\"document\"}}}]}],\"documents\":[{\"data\":{\"title\":\"its title\"}},"
               "\"aside\"]}"));

    ck_assert_uint_eq(texts.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < texts.count; i++) {
        same(texts.list[i].text, want[i]);
        ck_assert_msg(texts.list[i].role == roles[i], "%s", want[i]);
    }
}
END_TEST

/* ---- members ---------------------------------------------------------------------------------
 */

START_TEST(members_have_cohere_s_names)
{
    same(asked("{\"model\":\"x\"," HI ",\"max_completion_tokens\":7,\"temperature\":0,"
               "\"top_p\":0.5,\"top_k\":3,\"seed\":1e3,\"stop\":\"end\",\"logprobs\":true,"
               "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
               "\"safety_mode\":\"OFF\"}"),
         /* pitfalls 99, 102: 0 is said, and the limit has its name; extras travel */
         OUT ",\"max_tokens\":7,\"temperature\":0,\"p\":0.5,\"k\":3,\"seed\":1e3,"
             "\"logprobs\":true,\"stop_sequences\":[\"end\"],\"safety_mode\":\"OFF\","
             "\"stream\":true}");
    lost("");
}
END_TEST

START_TEST(nothing_is_invented) /* pitfall 100 */
{
    same(asked("{" HI "}"), OUT "}");
    lost("");
}
END_TEST

START_TEST(numbers_out_of_range_are_clamped) /* pitfall 104 */
{
    same(asked("{" HI ",\"temperature\":1.7,\"top_p\":1,\"frequency_penalty\":-2,"
               "\"presence_penalty\":1.0}"),
         OUT ",\"temperature\":1,\"p\":0.99,\"frequency_penalty\":0,\"presence_penalty\":1.0}");
    lost("temperature, top_p, frequency_penalty");
}
END_TEST

START_TEST(what_cohere_cannot_do_is_noted)
{
    same(asked("{" HI ",\"n\":2,\"logit_bias\":{},\"user\":\"u\",\"top_logprobs\":2,"
               "\"store\":true,\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]}"),
         OUT ",\"stop_sequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}");
    lost("stop, n, top_logprobs, logit_bias, user, store");
}
END_TEST

START_TEST(thinking_is_an_amount_or_off) /* pitfall 112 */
{
    same(asked("{" HI ",\"reasoning_effort\":\"low\"}"),
         OUT ",\"thinking\":{\"type\":\"enabled\",\"token_budget\":1024}}");
    same(asked("{" HI ",\"reasoning_effort\":\"none\"}"),
         OUT ",\"thinking\":{\"type\":\"disabled\"}}");
    same(asked("{" HI ",\"thinking\":{\"type\":\"disabled\"}}"),
         OUT ",\"thinking\":{\"type\":\"disabled\"}}");
    same(asked("{" HI ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":500}}"),
         OUT ",\"thinking\":{\"type\":\"enabled\",\"token_budget\":500}}");
}
END_TEST

START_TEST(a_schema_stands_flat_in_its_format)
{
    same(asked("{" HI ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
               "\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}}"),
         OUT ",\"response_format\":{\"type\":\"json_object\",\"json_schema\":"
             "{\"type\":\"object\"}}}");
    same(asked("{" HI ",\"response_format\":{\"type\":\"json_object\"}}"),
         OUT ",\"response_format\":{\"type\":\"json_object\"}}");
}
END_TEST

START_TEST(beside_tools_a_format_is_asked_for_in_words)
{
    hg_str out = asked("{" HI ",\"tools\":[" TOOL "],\"response_format\":{\"type\":"
                       "\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"object\"}}}}");

    ck_assert(!has(out, HG_S("response_format")));
    ck_assert(has(out, HG_S("{\\\"type\\\":\\\"object\\\"}")));
    lost("response_format beside tools");
}
END_TEST

/* ---- tools -----------------------------------------------------------------------------------
 */

#define TOOLS ",\"tools\":[" TOOL "," TOOL2 "]"

START_TEST(choices_of_tools_are_words_and_shorter_lists) /* pitfall 106 */
{
    same(asked("{" HI TOOLS ",\"tool_choice\":\"auto\"}"), OUT TOOLS "}");
    same(asked("{" HI TOOLS ",\"tool_choice\":\"none\"}"), OUT TOOLS ",\"tool_choice\":\"NONE\"}");
    same(asked("{" HI TOOLS ",\"tool_choice\":\"required\"}"),
         OUT TOOLS ",\"tool_choice\":\"REQUIRED\"}");
    same(asked("{" HI TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":"
               "{\"name\":\"g\"}}}"),
         OUT ",\"tools\":[" TOOL2 "],\"tool_choice\":\"REQUIRED\"}");
    same(asked("{" HI TOOLS ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":"
               "{\"mode\":\"auto\",\"tools\":[{\"function\":{\"name\":\"f\"}}]}}}"),
         OUT ",\"tools\":[" TOOL "]}");
    lost("");
    asked("{" HI TOOLS ",\"parallel_tool_calls\":false}");
    lost("parallel_tool_calls");
    same(asked("{" HI TOOLS ",\"tool_choice\":{\"function\":{\"name\":\"h\"}}}"), "");
    ck_assert_str_eq(error.text, "tool_choice: names no tool of this request");
}
END_TEST

START_TEST(an_empty_list_of_tools_is_left_out) /* pitfall 108 */
{
    same(asked("{" HI ",\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":false}"),
         OUT "}");
}
END_TEST

START_TEST(strictness_is_one_for_all_tools)
{
    hg_str out = asked("{" HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
                       "\"strict\":true}}]}");

    same(out, OUT ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
                  "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],"
                  "\"strict_tools\":true}");
}
END_TEST

START_TEST(tools_that_a_provider_runs_are_lost) /* pitfall 97 */
{
    same(asked("{" HI ",\"tools\":[{\"type\":\"web_search\"}]}"), OUT "}");
    lost("tools.web_search");
}
END_TEST

START_TEST(an_odd_name_of_a_tool_comes_back) /* pitfall 92 */
{
    hg_str out = asked("{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c 1\","
                       "\"function\":{\"name\":\"a.b\",\"arguments\":\"\"}}]},"
                       "{\"role\":\"tool\",\"tool_call_id\":\"c 1\",\"content\":\"r\"}]}");
    hg_json doc;

    ck_assert(json_parse(arena, out, &doc, NULL));
    hg_str id = json_str(arena, json_get(doc, "/messages/0/tool_calls/0/id"));
    hg_str name = json_str(arena, json_get(doc, "/messages/0/tool_calls/0/function/name"));

    ck_assert(text_starts(name, HG_S("a_b_")) && !memchr(id.p, ' ', id.n));
    /* pitfall 87: the same id for call and result; 25: no arguments are an empty object */
    ck_assert(json_is(json_get(doc, "/messages/1/tool_call_id"), id));
    same(json_str(arena, json_get(doc, "/messages/0/tool_calls/0/function/arguments")), "{}");
}
END_TEST

/* ---- messages --------------------------------------------------------------------------------
 */

#define CALL                                                                            \
    "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\"," \
    "\"arguments\":\"{}\"}}]"

START_TEST(what_is_said_beside_calls_is_their_plan)
{
    same(asked("{\"messages\":[{\"role\":\"assistant\",\"content\":\"I look\"," CALL "}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_plan\":\"I look\"," CALL
         "}]}");
    same(asked("{\"messages\":[{\"role\":\"assistant\",\"content\":null,"
               "\"reasoning_content\":\"hm\"," CALL "}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_plan\":\"hm\"," CALL "}]}");
    same(asked("{\"messages\":[{\"role\":\"assistant\",\"content\":\"I look\","
               "\"reasoning_content\":\"hm\"," CALL "}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":"
         "\"thinking\",\"thinking\":\"hm\"}],\"tool_plan\":\"I look\"," CALL "}]}");
}
END_TEST

START_TEST(signed_thoughts_of_others_stay_away) /* pitfall 98 */
{
    same(asked("{\"messages\":[{\"role\":\"assistant\",\"content\":\"yes\",\"thinking_blocks\":["
               "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"}]}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
         "\"text\":\"yes\"}]}]}");
    lost("reasoning");
}
END_TEST

START_TEST(empty_messages_are_left_out) /* pitfall 82 */
{
    same(asked("{\"messages\":[{\"role\":\"system\",\"content\":\"\"},{\"role\":\"user\","
               "\"content\":[{\"type\":\"text\",\"text\":\" \\n\"}]},{\"role\":\"assistant\","
               "\"content\":\"\"},{\"role\":\"developer\",\"content\":\"be\"},"
               "{\"role\":\"user\",\"content\":\"hi\"}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
         "{\"role\":\"user\",\"content\":\"hi\"}]}");
}
END_TEST

START_TEST(an_empty_result_is_not_empty) /* pitfall 91 */
{
    same(asked("{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"\"},"
               "{\"role\":\"tool\",\"tool_call_id\":\"d\",\"content\":[{\"type\":\"text\","
               "\"text\":\"1\"},{\"type\":\"text\",\"text\":\"2\"}]}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":"
         "\"[no result]\"},{\"role\":\"tool\",\"tool_call_id\":\"d\",\"content\":\"1\\n2\"}]}");
}
END_TEST

START_TEST(images_stay_parts_and_text_files_become_documents)
{
    same(asked("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\",\"detail\":"
               "\"low\"}},{\"type\":\"file\",\"file\":{\"filename\":\"n.txt\",\"file_data\":"
               "\"data:text/plain;base64,aGk=\"}}]}]}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
         "\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\","
         "\"detail\":\"low\"}}]}],\"documents\":[{\"data\":{\"title\":\"n.txt\",\"text\":\"hi\"}}]"
         "}");
    same(asked("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\","
               "\"input_audio\":{\"data\":\"\",\"format\":\"wav\"}}]}]}"),
         "");
    ck_assert_str_eq(error.text, "messages: Cohere takes no audio");
    same(asked("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{"
               "\"file_data\":\"data:application/pdf;base64,aGk=\"}}]}]}"),
         "");
    ck_assert_str_eq(error.text, "messages: Cohere takes files of plain text only");
}
END_TEST

/* ---- clients of Cohere's ---------------------------------------------------------------------
 */

START_TEST(a_client_s_request_goes_there_and_back)
{
    static const char request[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\\n\"},{\"type\":"
        "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\"}}]},"
        "{\"role\":\"assistant\",\"tool_plan\":\"p\"," CALL "},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"},"
        "{\"role\":\"user\",\"content\":\"hi\"}],\"documents\":[{\"data\":{\"title\":\"t\","
        "\"text\":\"d\"}}],\"tools\":[" TOOL "],\"strict_tools\":true,\"tool_choice\":"
        "\"REQUIRED\",\"max_tokens\":5,\"temperature\":0.25,\"p\":0.9,\"k\":5,"
        "\"frequency_penalty\":0.5,\"presence_penalty\":0.5,\"seed\":12345678901234567890,"
        "\"logprobs\":false,\"stop_sequences\":[\"x\"],\"thinking\":{\"type\":\"enabled\","
        "\"token_budget\":9},\"citation_options\":{\"mode\":\"FAST\"},\"mystery\":[1],"
        "\"stream\":true}";

    same(carried(dialect, dialect, request), request);
    lost("");
}
END_TEST

START_TEST(a_client_s_request_goes_to_others)
{
    same(carried(dialect, &dialect_openai_chat,
                 "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"documents\":[\"d\"],"
                 "\"p\":0.5,\"stop_sequences\":[\"x\"],\"safety_mode\":\"OFF\",\"mystery\":1,"
                 "\"response_format\":{\"type\":\"json_object\",\"json_schema\":{\"type\":"
                 "\"object\"}}}"),
         "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
         "\"text\":\"d\"},{\"type\":\"text\",\"text\":\"hi\"}]}],\"top_p\":0.5,\"stop\":[\"x\"],"
         "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
         "\"structured_output\",\"schema\":{\"type\":\"object\"}}},\"mystery\":1}");
    lost("safety_mode");
}
END_TEST

START_TEST(a_member_that_only_the_others_know_is_not_said_twice)
{
    same(carried(dialect, &dialect_openai_chat, "{" HI ",\"p\":0.5,\"top_p\":0.6}"),
         OUT ",\"top_p\":0.5}");
    lost("top_p");
    ck_assert(carried(dialect, &dialect_openai_responses, "{" HI ",\"p\":0.5,\"top_p\":0.6}").n);
}
END_TEST

START_TEST(a_fault_says_where_it_is)
{
    static const struct {
        const char *request, *text;
    } cases[] = {
        {"{}", "messages: must be a list"},
        {"{\"messages\":[{\"role\":\"user\"},{\"role\":\"bot\"}]}",
         "messages[1].role: must be one of system, user, assistant, tool"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"}]}]}",
         "messages[0].content[0].type: must be a string"},
        {"{\"messages\":[{\"role\":\"tool\"}]}", "messages[0].tool_call_id: must name the call"},
        {"{\"messages\":[],\"tool_choice\":\"auto\"}", "tool_choice: must be NONE or REQUIRED"},
        {"{\"messages\":[],\"response_format\":{}}",
         "response_format.type: must be text or json_object"},
    };
    struct chat chat;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(!dialect->read_chat(arena, HG_S(""), parsed(cases[i].request), &chat, &error));
        ck_assert_str_eq(error.text, cases[i].text);
    }
}
END_TEST

/* ---- embeddings ------------------------------------------------------------------------------
 */

static hg_str embedded(const char *text)
{
    struct chain *out = chain_new(arena);

    translation_begin(&translation, arena, &dialect_openai_chat, dialect, HG_S("m"));
    return dialect->write_embed(&translation, parsed(text), out, &error) ? chain_flat(out, arena)
                                                                         : HG_S("");
}

START_TEST(embeddings_are_asked_for_in_cohere_s_way) /* pitfalls 114, 115 */
{
    same(embedded("{\"model\":\"x\",\"input\":\"a\"}"),
         "{\"model\":\"m\",\"texts\":[\"a\"],\"embedding_types\":[\"float\"],\"input_type\":"
         "\"search_document\"}");
    same(embedded("{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\",\"dimensions\":256,"
                  "\"input_type\":\"search_query\",\"truncate\":\"END\",\"user\":\"u\"}"),
         "{\"model\":\"m\",\"texts\":[\"a\",\"b\"],\"embedding_types\":[\"base64\"],"
         "\"input_type\":\"search_query\",\"output_dimension\":256,\"truncate\":\"END\"}");
    lost("user");
    same(embedded("{\"input\":\"a\",\"encoding_format\":null}"),
         "{\"model\":\"m\",\"texts\":[\"a\"],\"embedding_types\":[\"float\"],\"input_type\":"
         "\"search_document\"}");
    same(embedded("{\"input\":[[1,2]]}"), "");
    ck_assert_str_eq(error.text, "input: this provider takes texts, no numbers of tokens");
    same(embedded("{\"input\":[]}"), "");
}
END_TEST

RUN_SUITE_WITH("dialect/cohere/requests", setup, teardown, paths_of_version_two_are_cohere_s,
               a_request_is_read, guards_see_every_text, members_have_cohere_s_names,
               nothing_is_invented, numbers_out_of_range_are_clamped,
               what_cohere_cannot_do_is_noted, thinking_is_an_amount_or_off,
               a_schema_stands_flat_in_its_format, beside_tools_a_format_is_asked_for_in_words,
               choices_of_tools_are_words_and_shorter_lists, an_empty_list_of_tools_is_left_out,
               strictness_is_one_for_all_tools, tools_that_a_provider_runs_are_lost,
               an_odd_name_of_a_tool_comes_back, what_is_said_beside_calls_is_their_plan,
               signed_thoughts_of_others_stay_away, empty_messages_are_left_out,
               an_empty_result_is_not_empty, images_stay_parts_and_text_files_become_documents,
               a_client_s_request_goes_there_and_back, a_client_s_request_goes_to_others,
               a_member_that_only_the_others_know_is_not_said_twice, a_fault_says_where_it_is,
               embeddings_are_asked_for_in_cohere_s_way)
