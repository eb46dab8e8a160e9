/* cli.h - the commands of the program, one file each, and the options they share.
 *
 * A command gets argv from its own name on, prints its result to standard output and its trouble to
 * standard error, and returns the exit status. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    CLI_OK = 0,
    CLI_FAILED = 1, /* understood, but it did not work */
    CLI_USAGE = 2,  /* not understood */
};

struct command {
    const char *name;
    const char *summary; /* one line for the list of commands */
    int (*run)(int argc, char **argv);
};

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_stop(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_test(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_plugin(int argc, char **argv);
int cli_version(int argc, char **argv);

/* An option of a command. Exactly one of `flag` and `value` is set. `--name X` and `--name=X` both
 * work, and so does `-letter X` if there is a letter. */
struct cli_option {
    const char *name;
    char letter;        /* 0: none */
    const char *holder; /* what the value is, in help: "FILE"; NULL for a flag */
    const char *help;
    bool *flag;
    const char **value;
};

struct cli_options {
    const char *usage;               /* "headgate run [-c FILE] [--run-dir DIR]" */
    const char *about;               /* what the command does, lines of at most 80 columns */
    const struct cli_option *option; /* ends with a NULL name */
    int words_max;                   /* how many plain words it takes */
};

enum {
    CLI_GO_ON = -1
};

/* Sets the options and moves the plain words to the front: argv[1] up to argv[*ret_words]. Returns
 * CLI_GO_ON, or the exit status when `--help` was answered or something was not understood. */
int cli_parse(const struct cli_options *options, int argc, char **argv, int *ret_words);

/* "headgate NAME: ..." on standard error; returns CLI_FAILED. */
int cli_fail(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where to look for the configuration and for a running gateway, when no option says so. */
#define CLI_CONFIG_DEFAULT "headgate.lua"

extern const struct command command_table[]; /* ends with a NULL name; see main.c */
