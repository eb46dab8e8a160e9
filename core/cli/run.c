/* headgate run: the gateway itself, in the foreground. */
#include <limits.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "process/run_dir.h"
#include "process/supervisor.h"

int cli_run(int argc, char **argv)
{
    const char *config = CLI_CONFIG_DEFAULT, *run_dir = NULL;
    const struct cli_option option[] = {
        {"config", 'c', "FILE", "the configuration (" CLI_CONFIG_DEFAULT ")", NULL, &config},
        {"run-dir", 0, "DIR", "folder for pid and state", NULL, &run_dir},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate run [-c FILE] [--run-dir DIR]",
        .about = "Starts the gateway and stays in the foreground. SIGTERM lets open requests\n"
                 "finish and stops; SIGQUIT stops at once; SIGHUP reloads the configuration.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);

    if (status != CLI_GO_ON)
        return status;
    char *own = run_dir ? NULL : run_dir_default();

    status = supervisor_run(&(struct supervisor_options){config, run_dir ? run_dir : own});
    free(own);
    return status;
}
