#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "support/suite.h"

static const char *config;
static bool now;

static const struct cli_option option[] = {
    {"config", 'c', "FILE", "the configuration", NULL, &config},
    {"now", 0, NULL, "at once", &now, NULL},
    {0},
};

static const struct cli_options options = {
    .usage = "headgate try [-c FILE] [--now] [WORD]",
    .about = "For tests.",
    .option = option,
    .words_max = 1,
};

/* Splits at spaces. */
static int parse(const char *line, int *ret_words, char **argv)
{
    static char text[256];
    int argc = 0;

    config = NULL;
    now = false;
    snprintf(text, sizeof text, "try %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return cli_parse(&options, argc, argv, ret_words);
}

static int try(const char *line)
{
    char *argv[16];

    return parse(line, NULL, argv);
}

START_TEST(every_way_to_write_a_value_works)
{
    static const char *const lines[] = {"-c a.lua", "-ca.lua", "--config a.lua", "--config=a.lua"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_int_eq(try(lines[i]), CLI_GO_ON);
        ck_assert_str_eq(config, "a.lua");
    }
}
END_TEST

START_TEST(flags_and_words_may_stand_in_any_order)
{
    char *argv[16];
    int words = 0;

    ck_assert_int_eq(parse("--now one -c x", &words, argv), CLI_GO_ON);
    ck_assert(now);
    ck_assert_int_eq(words, 1);
    ck_assert_str_eq(argv[1], "one");
    ck_assert_str_eq(config, "x");
}
END_TEST

START_TEST(after_two_dashes_everything_is_a_word)
{
    char *argv[16];
    int words = 0;

    ck_assert_int_eq(parse("-- --now", &words, argv), CLI_GO_ON);
    ck_assert(!now);
    ck_assert_str_eq(argv[1], "--now");
}
END_TEST

START_TEST(what_is_not_understood_is_a_usage_error)
{
    static const char *const lines[] = {"--cnfig x", "-x",      "--now=1", "-c",
                                        "--config=", "one two", "--no"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(try(lines[i]) == CLI_USAGE, "%s", lines[i]);
}
END_TEST

START_TEST(help_is_no_error)
{
    ck_assert_int_eq(try("--help"), CLI_OK);
    ck_assert_int_eq(try("-h"), CLI_OK);
}
END_TEST

RUN_SUITE("cli/options", every_way_to_write_a_value_works, flags_and_words_may_stand_in_any_order,
          after_two_dashes_everything_is_a_word, what_is_not_understood_is_a_usage_error,
          help_is_no_error)
