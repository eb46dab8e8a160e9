/* Which strings of a document are text that people or models wrote. */
#include "dialect/dialect.h"
#include "dialect/texts.h"
#include "support/suite.h"
#include "unit/dialect/gemini/answers.h"
#include "json/splice.h"

static const struct dialect *const dialect = &dialect_gemini;

START_TEST(every_text_is_visited)
{
    static const char request[] =
        "{\"system_instruction\":\"t1\",\"contents\":[{\"parts\":[{\"text\":\"t2\"},{"
        "\"functionResponse\":{\"name\":\"n\",\"response\":{\"a\":[\"t3\",{\"b\":\"t4\"}]}}},{"
        "\"inlineData\":{\"mimeType\":\"n\",\"data\":\"n\"}},{\"executable_code\":{\"language\":"
        "\"n\",\"code\":\"t5\"}}]},\"t6\"]}";
    struct dialect_texts texts =
        texts_of_request(dialect, arena, HG_R_CHAT, parsed(text_of(request)));

    ck_assert_uint_eq(texts.count, 6);
    for (size_t i = 0; i < 6; i++)
        same(texts.list[i].text, arena_cstr(arena, arena_fmt(arena, "t%zu", i + 1)));
    ck_assert_uint_eq(texts.list[0].role, HG_ROLE_SYSTEM);
    ck_assert_uint_eq(texts.list[2].role, HG_ROLE_TOOL);
    texts = texts_of_request(dialect, arena, HG_R_RAW,
                             parsed(HG_S("{\"requests\":[{\"content\":{\"parts\":[{\"text\":"
                                         "\"t1\"}]}}],\"generateContentRequest\":{\"contents\":[{"
                                         "\"parts\":[{\"text\":\"t2\"}]}]}}")));
    ck_assert_uint_eq(texts.count, 2);
}
END_TEST

START_TEST(what_sources_repeat_can_be_taken_out)
{
    hg_json doc = parsed(HG_S(CANDIDATE(
        "{\"text\":\"secret\"}", ",\"groundingMetadata\":{\"groundingSupports\":[{\"segment\":{"
                                 "\"endIndex\":6,\"text\":\"secret\"}}]}")));
    struct splice *splice = splice_new(arena, doc);
    struct chain *out = chain_new(arena);

    dialect->event_unrepeat(doc, splice);
    splice_into(splice, out);
    has(chain_flat(out, arena), "\"segment\":{\"endIndex\":6}");
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/texts", setup, teardown, every_text_is_visited,
               what_sources_repeat_can_be_taken_out)
