/* Which strings of a document are text that people or models wrote. */
#include "dialect/texts.h"
#include "support/suite.h"
#include "unit/dialect/converse/requests.h"

START_TEST(guards_see_every_text_and_nothing_else)
{
    static const char *const want[] = {"s", "hi", "t", "a-name", "key-text", "and", "deep", "new"};
    hg_json doc = doc_of(
        "{\"system\":[{\"text\":\"s\"}],\"messages\":[{\"content\":[{\"text\":\"hi\"},"
        "{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}}],\"role\":\"user\"},"
        "{\"role\":\"assistant\",\"content\":[{\"text\":\"t\"},{\"toolUse\":{\"toolUseId\":\"id\","
        "\"name\":\"a-name\",\"input\":{\"type\":\"key-text\"}}}]},{\"role\":\"user\",\"content\":["
        "{\"text\":\"and\"},{\"toolResult\":{\"toolUseId\":\"id\",\"content\":[{\"json\":[{"
        "\"bytes\":"
        "\"deep\"}]}]}},{\"newKind\":{\"words\":\"new\"}}]}]}");
    struct dialect_texts texts = texts_of_request(&dialect_converse, arena, HG_R_CHAT, doc);

    ck_assert_uint_eq(texts.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < texts.count; i++)
        ck_assert_msg(text_is(texts.list[i].text, text_of(want[i])), "%s", want[i]);
    ck_assert_uint_eq(texts.list[0].role, HG_ROLE_SYSTEM);
    ck_assert_uint_eq(texts.list[1].role, HG_ROLE_USER);
    ck_assert_uint_eq(texts.list[2].role, HG_ROLE_ASSISTANT);
    ck_assert_uint_gt(dialect_converse.tokens(HG_R_CHAT, doc), 800);
}
END_TEST

RUN_SUITE_WITH("dialect/converse/texts", setup, teardown, guards_see_every_text_and_nothing_else)
