/* Options of all commands: understood the same way everywhere, with a suggestion for a misspelt one
 * and a help text made from the same table. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

enum {
    NAMES_MAX = 32
};

static void print_help(const struct cli_options *options)
{
    printf("usage: %s\n\n%s\n\noptions:\n", options->usage, options->about);
    for (const struct cli_option *option = options->option; option->name; option++) {
        char left[64];
        char letter[] = {'-', option->letter, ',', ' ', '\0'};

        snprintf(left, sizeof left, "%s--%s%s%s", option->letter ? letter : "    ", option->name,
                 option->holder ? " " : "", option->holder ? option->holder : "");
        printf("  %-24s %s\n", left, option->help);
    }
    printf("  %-24s %s\n", "-h, --help", "show this");
}

/* "headgate run": the first two words of the usage. */
static int command_words(const struct cli_options *options)
{
    const char *end = strchr(options->usage, ' ');

    end = end ? strchr(end + 1, ' ') : NULL;
    return end ? (int)(end - options->usage) : (int)strlen(options->usage);
}

static int complain(const struct cli_options *options, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int complain(const struct cli_options *options, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "%.*s: ", command_words(options), options->usage);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nusage: %s\n", options->usage);
    return CLI_USAGE;
}

static int unknown(const struct cli_options *options, const char *arg)
{
    const char *names[NAMES_MAX];
    size_t count = 0;

    for (const struct cli_option *option = options->option; option->name; option++)
        if (count < NAMES_MAX - 1)
            names[count++] = option->name;
    names[count++] = "help";
    hg_str word = text_of(arg);

    while (word.n && *word.p == '-')
        word = (hg_str){word.p + 1, word.n - 1};
    word = text_cut(word, '=', &(hg_str){NULL, 0});
    const char *near = text_suggest(word, names, count);

    return complain(options, "no option '%s'%s%s%s", arg, near ? "; did you mean --" : "",
                    near ? near : "", near ? "?" : "");
}

static bool is_named(const struct cli_option *option, const char *arg)
{
    size_t n = strlen(option->name);

    if (arg[1] != '-')
        return option->letter && arg[1] == option->letter && (!arg[2] || option->value);
    return !strncmp(arg + 2, option->name, n) && (!arg[2 + n] || arg[2 + n] == '=');
}

static const struct cli_option *find(const struct cli_options *options, const char *arg)
{
    const struct cli_option *option = options->option;

    while (option->name && !is_named(option, arg))
        option++;
    return option->name ? option : NULL;
}

/* The value that sticks to the option itself: --name=X, -nX; NULL if there is none. */
static const char *attached(const struct cli_option *option, const char *arg)
{
    if (arg[1] != '-')
        return arg[2] ? arg + 2 : NULL;
    arg += 2 + strlen(option->name);
    return *arg == '=' ? arg + 1 : NULL;
}

/* Sets the option at argv[*at], which moves on to its value if that is a word of its own. */
static int take_option(const struct cli_options *options, int argc, char **argv, int *at)
{
    const struct cli_option *option = find(options, argv[*at]);

    if (!option)
        return unknown(options, argv[*at]);
    const char *value = attached(option, argv[*at]);

    if (option->flag && value)
        return complain(options, "--%s takes no value", option->name);
    if (option->flag) {
        *option->flag = true;
        return CLI_GO_ON;
    }
    if (!value && ++*at < argc)
        value = argv[*at];
    if (!value || !*value)
        return complain(options, "--%s needs a value: %s", option->name, option->holder);
    *option->value = value;
    return CLI_GO_ON;
}

static bool is_help(const char *arg)
{
    return !strcmp(arg, "-h") || !strcmp(arg, "--help");
}

int cli_parse(const struct cli_options *options, int argc, char **argv, int *ret_words)
{
    bool options_end = false;
    int words = 0;

    for (int at = 1; at < argc; at++) {
        char *arg = argv[at];
        int status = CLI_GO_ON;

        if (options_end || arg[0] != '-' || !arg[1]) {
            argv[++words] = arg;
        } else if (!strcmp(arg, "--")) {
            options_end = true;
        } else if (is_help(arg)) {
            print_help(options);
            return CLI_OK;
        } else {
            status = take_option(options, argc, argv, &at);
        }
        if (status != CLI_GO_ON)
            return status;
    }
    if (words > options->words_max)
        return complain(options, "'%s' is one word too many", argv[options->words_max + 1]);
    if (ret_words)
        *ret_words = words;
    return CLI_GO_ON;
}

int cli_fail(const char *command, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "headgate %s: ", command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_FAILED;
}
