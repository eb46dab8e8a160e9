/* Texts of requests, answers and events: all are found, and edits change nothing else. */
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "support/suite.h"
#include "unit/dialect/documents.h"

static const struct dialect *const dialect = &dialect_openai_chat;

static hg_str flat(const struct chain *chain)
{
    return chain_flat(chain, arena);
}

static const char talk[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"be\\nkind\"},"
    "{\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"image_url\"},"
    "{\"type\":\"input_text\",\"text\":\"two\"},\"three\"],\"role\":\"user\"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"function\":"
    "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
    "{\"role\":\"tool\",\"content\":\"result\"},"
    "{\"role\":\"user\",\"content\":\"shown\",\"content\":\"hidden\"}]}";

static hg_str talk_text(void)
{
    return text_of(talk);
}

START_TEST(all_texts_of_a_request_are_found)
{
    static const struct {
        uint32_t role;
        const char *text;
    } want[] = {{HG_ROLE_SYSTEM, "be\nkind"},
                {HG_ROLE_USER, "one"},
                {HG_ROLE_USER, "two"},
                {HG_ROLE_USER, "three"},
                {HG_ROLE_ASSISTANT, "{\"a\":1}"},
                {HG_ROLE_TOOL, "result"},
                {HG_ROLE_USER, "shown"},
                {HG_ROLE_USER, "hidden"}};
    struct dialect_texts texts = texts_of_request(dialect, arena, HG_R_CHAT, parsed(talk_text()));

    ck_assert_uint_eq(texts.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < texts.count; i++) {
        same(texts.list[i].text, want[i].text);
        ck_assert_uint_eq(texts.list[i].role, want[i].role);
        ck_assert_uint_eq(texts.list[i].part, i);
    }
}
END_TEST

/* More than the list has room for at first, and the role behind the text. */
START_TEST(many_texts_are_found)
{
    enum {
        COUNT = 500
    };
    struct chain *body = chain_new(arena);

    CHAIN_PUT_LIT(body, "{\"messages\":[");
    for (int i = 0; i < COUNT; i++) {
        hg_str message = arena_fmt(arena, "%s{\"content\":\"text %d\",\"role\":\"%s\"}",
                                   i ? "," : "", i, i % 2 ? "assistant" : "user");

        chain_put(body, message.p, message.n);
    }
    CHAIN_PUT_LIT(body, "]}");
    struct dialect_texts texts = texts_of_request(dialect, arena, HG_R_CHAT, parsed(flat(body)));

    ck_assert_uint_eq(texts.count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        same(texts.list[i].text, arena_fmt(arena, "text %u", i).p);
        ck_assert_uint_eq(texts.list[i].role, i % 2 ? HG_ROLE_ASSISTANT : HG_ROLE_USER);
        ck_assert_uint_eq(texts.list[i].part, i);
    }
}
END_TEST

static size_t texts_count(uint32_t kind, hg_str document)
{
    return texts_of_request(dialect, arena, kind, parsed(document)).count;
}

START_TEST(texts_of_other_requests_are_found)
{
    ck_assert_uint_eq(texts_count(HG_R_EMBED, HG_S("{\"input\":[\"a\",\"b\"]}")), 2);
    ck_assert_uint_eq(texts_count(HG_R_EMBED, HG_S("{\"input\":[[1,2],[3]]}")), 0);
    ck_assert_uint_eq(texts_count(HG_R_EMBED, HG_S("{\"input\":[1,\"a\"]}")), 1);
    ck_assert_uint_eq(texts_count(HG_R_COMPLETE, HG_S("{\"prompt\":\"a\",\"suffix\":\"b\"}")), 2);
    ck_assert_uint_eq(
        texts_count(HG_R_MODERATE, HG_S("{\"input\":[{\"type\":\"text\",\"text\":\"a\"}]}")), 1);
}
END_TEST

START_TEST(edits_change_their_text_and_nothing_else)
{
    const hg_edit edits[] = {
        {.text = 6, .at = 0, .n = 5, .with = HG_S("\"x\"\n")},
        {.text = 0, .at = 3, .n = 4, .with = HG_S("KIND")},
        {.text = 0, .at = 0, .n = 2, .with = HG_S("BE")},
        {.text = 3, .at = 2, .n = 999, .with = HG_S("")},
        {.text = 7, .at = 6, .n = 0, .with = HG_S("!")},
    };
    struct chain *out = chain_new(arena);
    hg_str before = talk_text();

    texts_edit_request(dialect, arena, HG_R_CHAT, parsed(before),
                       &(struct dialect_edits){edits, sizeof edits / sizeof *edits}, out);
    hg_json doc = parsed(flat(out));

    same(json_str(arena, json_get(doc, "/messages/0/content")), "BE\nKIND");
    same(json_raw(json_get(doc, "/messages/1/content/3")), "\"th\"");
    same(json_raw(json_get(doc, "/messages/2")),
         "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"function\":"
         "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]}");
    same(json_raw(json_get(doc, "/messages/4")),
         "{\"role\":\"user\",\"content\":\"\\\"x\\\"\\n\",\"content\":\"hidden!\"}");
}
END_TEST

START_TEST(texts_of_an_answer_are_found_and_edited)
{
    hg_json doc = parsed(HG_S("{\"choices\":[{\"message\":{\"content\":\"a\",\"refusal\":null,"
                              "\"reasoning\":\"b\",\"tool_calls\":[{\"function\":{\"arguments\":"
                              "\"c\"}}]}},{\"message\":{\"content\":\"d\"}}]}"));
    hg_edit edit = {.text = 3, .at = 0, .n = 1, .with = HG_S("[x]")};
    struct chain *out = chain_new(arena);
    struct dialect_texts texts = texts_of_answer(dialect, arena, HG_R_CHAT, doc);

    ck_assert_uint_eq(texts.count, 4);
    same(texts.list[0].text, "a");
    same(texts.list[1].text, "b");
    same(texts.list[2].text, "c");
    same(texts.list[3].text, "d");
    texts_edit_answer(dialect, arena, HG_R_CHAT, doc, &(struct dialect_edits){&edit, 1}, out);
    same(json_raw(json_get(parsed(flat(out)), "/choices/1/message/content")), "\"[x]\"");
}
END_TEST

START_TEST(an_event_gets_another_text)
{
    struct chain *out = chain_new(arena);

    texts_swap_event(dialect, arena, HG_S(""),
                     HG_S("{\"choices\":[{\"delta\":{\"content\":\"secret\",\"x\": 1},"
                          "\"message\":{\"content\":\"a secret\"},\"text\":\"secret\"}]}"),
                     HG_S("[\"]"), out);
    same(flat(out), "data: {\"choices\":[{\"delta\":{\"content\":\"[\\\"]\",\"x\": 1}}]}\n\n");
    out = chain_new(arena);
    texts_swap_event(dialect, arena, HG_S(""),
                     HG_S("{\"choices\":[{\"delta\":{\"reasoning\":\"ab\",\"content\":\"cd\"}}]}"),
                     HG_S("x"), out);
    same(flat(out), "data: {\"choices\":[{\"delta\":{\"reasoning\":\"x\",\"content\":\"\"}}]}\n\n");
    out = chain_new(arena);
    texts_swap_event(dialect, arena, HG_S(""), HG_S("no\njson"), HG_S("x"), out);
    same(flat(out), "data: no\ndata: json\n\n");
}
END_TEST

RUN_SUITE_WITH("dialect/openai_chat/texts", setup, teardown, all_texts_of_a_request_are_found,
               many_texts_are_found, texts_of_other_requests_are_found,
               edits_change_their_text_and_nothing_else, texts_of_an_answer_are_found_and_edited,
               an_event_gets_another_text)
