/* headgate version: of the program, and of what plugins are built against. */
#include <stdio.h>

#include <headgate/abi.h>

#include "cli/cli.h"

int cli_version(int argc, char **argv)
{
    const struct cli_option option[] = {{0}};
    const struct cli_options options = {
        .usage = "headgate version",
        .about = "Prints the version of the program and of its plugin ABI.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);

    if (status != CLI_GO_ON)
        return status;
    printf("headgate %s (plugin ABI %d.%d)\n", HEADGATE_VERSION, HG_ABI_MAJOR, HG_ABI_MINOR);
    return CLI_OK;
}
