#include "gateway/models/catalogue.h"

#include <string.h>

#include "base/chain.h"
#include "base/text.h"
#include "support/suite.h"
#include "json/write.h"

static const char *found(const char *vendor, const char *model)
{
    const struct model_facts *facts = catalogue_find(text_of(vendor), text_of(model));

    return facts ? facts->name : "none";
}

static const struct model_facts rows[] = {
#include "gateway/models/catalogue.inc"
};

START_TEST(the_rows_are_sorted_so_that_each_is_found)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hg_str model, vendor = text_cut(text_of(rows[i].name), '/', &model);

        ck_assert_str_eq(catalogue_find(vendor, model)->name, rows[i].name);
        ck_assert(i == 0 || strcmp(rows[i - 1].name, rows[i].name) < 0);
    }
}
END_TEST

START_TEST(every_row_says_what_can_be_told)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = arena_new();
        struct chain *out = chain_new(arena);

        json_obj(out);
        catalogue_put(&rows[i], out);
        json_end(out);
        ck_assert(json_ok(out));
        ck_assert(rows[i].deprecated <= 1 ||
                  (rows[i].deprecated > 20200000 && rows[i].deprecated < 21000000));
        arena_free(&arena);
    }
}
END_TEST

START_TEST(a_model_is_that_of_its_vendor_first)
{
    ck_assert_str_eq(found("azure", "gpt-4o"), "azure/gpt-4o");
    ck_assert_str_eq(found("openrouter", "openai/gpt-4o"), "openrouter/openai/gpt-4o");
    ck_assert_str_eq(found("google", "gemini-2.5-pro"), "google/gemini-2.5-pro");
}
END_TEST

START_TEST(what_a_vendor_does_not_list_is_the_makers)
{
    ck_assert_str_eq(found("nobody", "gpt-4o"), "openai/gpt-4o");
    ck_assert_str_eq(found("", "claude-opus-4-5"), "anthropic/claude-opus-4-5");
    ck_assert_str_eq(found("", "anthropic/claude-opus-4-5"), "anthropic/claude-opus-4-5");
    ck_assert_str_eq(found("nobody", "some/path/gpt-4o"), "openai/gpt-4o");
    ck_assert_str_eq(found("openai", "no-such-model"), "none");
    ck_assert_str_eq(found("", ""), "none");
}
END_TEST

START_TEST(a_date_at_the_end_is_left_out_if_need_be)
{
    ck_assert_str_eq(found("openai", "gpt-4o-2031-01-01"), "openai/gpt-4o");
    ck_assert_str_eq(found("", "claude-opus-4-5-20310101"), "anthropic/claude-opus-4-5");
    ck_assert_str_eq(found("openai", "gpt-4o-2031-1-01"), "none");
    ck_assert_str_eq(found("openai", "-2031-01-01"), "none");
}
END_TEST

START_TEST(a_name_that_is_too_long_is_none)
{
    char name[4000];

    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    ck_assert_str_eq(found("openai", name), "none");
    ck_assert_str_eq(found(name, "gpt-4o"), "openai/gpt-4o");
    ck_assert(!catalogue_has_vendor(text_of(name)));
}
END_TEST

START_TEST(a_misspelt_name_is_suggested)
{
    ck_assert_str_eq(catalogue_suggest(HG_S("openai"), HG_S("gpt-4o-mni")), "gpt-4o-mini");
    ck_assert_ptr_null(catalogue_suggest(HG_S("openai"), HG_S("my-own-thing")));
    ck_assert_ptr_null(catalogue_suggest(HG_S("nobody"), HG_S("gpt-4o")));
    ck_assert(catalogue_has_vendor(HG_S("openai")));
    ck_assert(!catalogue_has_vendor(HG_S("open")));
}
END_TEST

START_TEST(what_is_known_is_written_as_members)
{
    static const struct model_facts old = {"x/y", 1000, 0, "chat ti>t tr", 20261231};
    static const struct model_facts gone = {"x/z", 0, 0, "embedding t>", 1};
    struct arena *arena = arena_new();
    struct chain *out = chain_new(arena);

    json_obj(out);
    catalogue_put(&old, out);
    json_end(out);
    json_obj(out);
    catalogue_put(&gone, out);
    json_end(out);
    hg_str text = chain_flat(out, arena);
    const char *wanted =
        "{\"kind\":\"chat\","
        "\"modalities\":{\"input\":[\"text\",\"image\"],\"output\":[\"text\"]},"
        "\"capabilities\":[\"tools\",\"reasoning\"],\"deprecated\":\"2026-12-31\"}"
        "{\"kind\":\"embedding\",\"modalities\":{\"input\":[\"text\"],\"output\":[]},"
        "\"capabilities\":[],\"deprecated\":true}";

    ck_assert_str_eq(arena_cstr(arena, text), wanted);
    arena_free(&arena);
}
END_TEST

RUN_SUITE("catalogue", the_rows_are_sorted_so_that_each_is_found, every_row_says_what_can_be_told,
          a_model_is_that_of_its_vendor_first, what_a_vendor_does_not_list_is_the_makers,
          a_date_at_the_end_is_left_out_if_need_be, a_name_that_is_too_long_is_none,
          a_misspelt_name_is_suggested, what_is_known_is_written_as_members)
