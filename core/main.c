/* The program: finds the command and runs it. Exit status 0: done, 1: it did not work, 2: not
 * understood. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "process/fds.h"

const struct command command_table[] = {
    {"run", "start the gateway", cli_run},
    {"check", "check the configuration without serving", cli_check},
    {"reload", "have the running gateway read its configuration again", cli_reload},
    {"stop", "stop the running gateway", cli_stop},
    {"status", "show the running gateway and its workers", cli_status},
    {"test", "run the tests of routes", cli_test},
    {"simulate", "be a provider that answers without a model", cli_simulate},
    {"plugin", "list plugins and what they offer", cli_plugin},
    {"version", "show the version", cli_version},
    {0},
};

static void print_commands(FILE *out)
{
    fprintf(out, "usage: headgate COMMAND [OPTIONS]\n\ncommands:\n");
    for (const struct command *command = command_table; command->name; command++)
        fprintf(out, "  %-10s %s\n", command->name, command->summary);
    fprintf(out, "\n`headgate COMMAND --help` tells more; headgate(8) tells all.\n");
}

static const struct command *find(const char *name)
{
    const struct command *command = command_table;

    while (command->name && strcmp(command->name, name) != 0)
        command++;
    return command->name ? command : NULL;
}

static int refuse(const char *name)
{
    const char *names[sizeof command_table / sizeof *command_table];
    size_t count = 0;

    for (const struct command *command = command_table; command->name; command++)
        names[count++] = command->name;
    const char *near = text_suggest(text_of(name), names, count);

    fprintf(stderr, "headgate: no command '%s'", name);
    if (near)
        fprintf(stderr, "; did you mean '%s'?\n", near);
    else
        fprintf(stderr, "; `headgate --help` lists them\n");
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    fds_open_standard();
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_commands(stdout);
        return CLI_OK;
    }
    if (!strcmp(argv[1], "--version"))
        argv[1] = (char[]){"version"};
    const struct command *command = find(argv[1]);

    return command ? command->run(argc - 1, argv + 1) : refuse(argv[1]);
}
