/* headgate stop: SIGTERM or SIGQUIT, and then waiting for the end. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/running.h"

static int stop(const struct running *running, bool now, hg_ns patience)
{
    hg_ns deadline = patience ? clock_precise() + patience : INT64_MAX;

    if (!running_signal(running, now ? SIGQUIT : SIGTERM))
        return CLI_FAILED;
    while (running_wait(running, deadline))
        ;
    if (running_is_alive(running))
        return cli_fail("stop",
                        "the gateway (pid %d) still lets open requests finish; "
                        "`headgate stop --now` cuts them",
                        (int)running->pid);
    printf("stopped (pid %d)\n", (int)running->pid);
    return CLI_OK;
}

int cli_stop(int argc, char **argv)
{
    const char *run_dir = NULL, *timeout = NULL;
    bool now = false;
    const struct cli_option option[] = {
        {"now", 0, NULL, "do not wait for open requests", &now, NULL},
        {"timeout", 0, "TIME", "how long to wait for the end (no limit)", NULL, &timeout},
        {"run-dir", 0, "DIR", "the folder of the running gateway", NULL, &run_dir},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate stop [--now] [--timeout TIME] [--run-dir DIR]",
        .about =
            "Stops the running gateway and waits until it has ended. Open requests may finish\n"
            "within drain_timeout, unless --now is given.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);
    struct running running;
    hg_ns patience = 0;

    if (status != CLI_GO_ON)
        return status;
    if (timeout && !text_to_duration(text_of(timeout), &patience)) {
        cli_fail("stop", "--timeout '%s' is no time; write 30s or 5m", timeout);
        return CLI_USAGE;
    }
    if (!running_find(&running, "stop", run_dir))
        return CLI_FAILED;
    status = stop(&running, now, patience);
    running_done(&running);
    return status;
}
