#include "gateway/models/hints.h"

#include "base/text.h"
#include "gateway/models/catalogue.h"
#include "support/suite.h"

static const struct model_facts rows[] = {
#include "gateway/models/catalogue.inc"
};

/* The first model whose end is a day, or is said without one. */
static const struct model_facts *ending(bool with_day)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (with_day ? rows[i].deprecated > 1 : rows[i].deprecated == 1)
            return &rows[i];
    ck_abort_msg("the catalogue has none");
}

static const char *hinted(const struct model_facts *facts, uint32_t today)
{
    static char room[200];
    hg_str model, vendor = text_cut(text_of(facts->name), '/', &model);
    hg_str hint = hint_for(vendor, model, today, room);

    room[hint.n] = 0;
    return room;
}

static const char *about(const char *name)
{
    struct model_facts facts = {.deprecated = 0};

    strcpy(facts.name, name);
    return hinted(&facts, 20261124);
}

START_TEST(a_model_that_goes_soon_or_has_gone_is_said)
{
    const struct model_facts *facts = ending(true);

    ck_assert_str_eq(hinted(facts, facts->deprecated - 10000), "");
    ck_assert_int_eq(strncmp(hinted(facts, facts->deprecated - 1), "goes on 20", 10), 0);
    ck_assert_int_eq(strncmp(hinted(facts, facts->deprecated), "went on 20", 10), 0);
    ck_assert_str_eq(hinted(ending(false), 20261124), "is deprecated");
}
END_TEST

START_TEST(a_name_that_is_nearly_one_is_said)
{
    ck_assert_str_eq(about("openai/gpt4o-mini"), "is not known; did you mean 'gpt-4o-mini'?");
    ck_assert_str_eq(about("openai/gpt-4o-mni"), "is not known; did you mean 'gpt-4o-mini'?");
}
END_TEST

START_TEST(what_may_be_newer_than_the_catalogue_is_left_alone)
{
    ck_assert_str_eq(about("openai/gpt-4o"), "");
    ck_assert_str_eq(about("openai/gpt-7o-mini"), "");
    ck_assert_str_eq(about("openai/gpt-4o-mini-2"), "");
    ck_assert_str_eq(about("openai/our-own-model"), "");
    ck_assert_str_eq(about("nobody/gpt4o-mini"), "");
}
END_TEST

RUN_SUITE("hints", a_model_that_goes_soon_or_has_gone_is_said, a_name_that_is_nearly_one_is_said,
          what_may_be_newer_than_the_catalogue_is_left_alone)
