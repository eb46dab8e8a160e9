/* headgate reload: SIGHUP, and then the supervisor's verdict. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/running.h"
#include "process/state.h"

/* Longer than a supervisor may take to check and to start. */
#define PATIENCE (150 * NS_PER_S)

static int number(const json_t *state, const char *key)
{
    return (int)json_integer_value(json_object_get(json_object_get(state, "changes"), key));
}

static int report(const json_t *state)
{
    const json_t *changes = json_object_get(state, "changes");

    if (!json_is_true(json_object_get(changes, "ok")))
        return cli_fail("reload", "refused, nothing has changed: %s",
                        json_string_value(json_object_get(changes, "reason")));
    printf("reloaded: generation %d serves\n",
           (int)json_integer_value(json_object_get(state, "generation")));
    return CLI_OK;
}

static int reload(const struct running *running)
{
    hg_ns deadline = clock_precise() + PATIENCE;
    json_t *state = running_state(running);
    int begun = number(state, "begun");

    if (!state)
        return CLI_FAILED;
    json_decref(state);
    if (!running_signal(running, SIGHUP))
        return CLI_FAILED;
    while (running_wait(running, deadline)) {
        state = state_read(running->dir);
        if (number(state, "ended") > begun) {
            int status = report(state);

            json_decref(state);
            return status;
        }
        json_decref(state);
    }
    return cli_fail("reload", running_is_alive(running)
                                  ? "the gateway has not finished the reload; see its log"
                                  : "the gateway has ended; see its log");
}

int cli_reload(int argc, char **argv)
{
    const char *run_dir = NULL;
    const struct cli_option option[] = {
        {"run-dir", 0, "DIR", "the folder of the running gateway", NULL, &run_dir},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate reload [--run-dir DIR]",
        .about = "Has the running gateway read its configuration again, and says what came of it.\n"
                 "A configuration with a mistake changes nothing.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);
    struct running running;

    if (status != CLI_GO_ON)
        return status;
    if (!running_find(&running, "reload", run_dir))
        return CLI_FAILED;
    status = reload(&running);
    running_done(&running);
    return status;
}
