/* Vectors: asked for in OpenAI's form, answered in it. */
#include "dialect/dialect.h"
#include "dialect/translation.h"
#include "support/suite.h"
#include "unit/dialect/gemini/answers.h"

static const struct dialect *const dialect = &dialect_gemini;

static struct translation translation;

START_TEST(vectors_are_asked_for_and_read)
{
    struct chain *out = chain_new(arena);
    struct error error = {""};
    struct dialect_reader *reader;

    translation_begin(&translation, arena, &dialect_openai_chat, dialect, HG_S("e"));
    ck_assert(dialect->write_embed(
        &translation, parsed(HG_S("{\"input\":[\"a\",\"b\"],\"dimensions\":2}")), out, &error));
    same(chain_flat(out, arena),
         "{\"requests\":[{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":\"a\"}]},"
         "\"outputDimensionality\":2},{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":"
         "\"b\"}]},\"outputDimensionality\":2}]}");
    ck_assert(!dialect->write_embed(&translation, parsed(HG_S("{\"input\":[[1,2]]}")),
                                    chain_new(arena), &error));
    heard = chain_new(arena);
    reader = dialect->reader_new(arena, HG_R_EMBED, &(struct dialect_sink){on_event, NULL});
    dialect->reader_whole(reader, arena,
                          parsed(HG_S("{\"embeddings\":[{\"values\":[0.1,2]},{\"values\":[3]}]}")));
    same(chain_flat(heard, arena),
         "start 0.0 |||0\n"
         "extra 0.0 |data|[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.1,2]},{"
         "\"object\":\"embedding\",\"index\":1,\"embedding\":[3]}]|0\n"
         "finish 0.0 |||1\n");
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/embed", setup, teardown, vectors_are_asked_for_and_read)
