/* headgate status: what runs, for people or (--json) for programs. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/running.h"
#include "net/unix_socket.h"

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "-";
}

static int number(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static void format_span(double seconds, char *ret, size_t size)
{
    long s = (long)seconds;

    if (s >= 86400)
        snprintf(ret, size, "%ldd %ldh", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(ret, size, "%ldh %ldm", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(ret, size, "%ldm %lds", s / 60, s % 60);
    else
        snprintf(ret, size, "%lds", s);
}

static void print_child(const json_t *child)
{
    char name[32], uptime[32];

    if (number(child, "number"))
        snprintf(name, sizeof name, "%s %d", text(child, "kind"), number(child, "number"));
    else
        snprintf(name, sizeof name, "%s", text(child, "kind"));
    format_span(json_real_value(json_object_get(child, "uptime")), uptime, sizeof uptime);
    printf("%-12s %8d  %10d  %-9s %9s  %7d  %8d\n", name, number(child, "pid"),
           number(child, "generation"), text(child, "state"), uptime, number(child, "streams"),
           number(child, "restarts"));
}

static void print_children(const json_t *state)
{
    size_t i;
    json_t *child;

    printf("\n%-12s %8s  %10s  %-9s %9s  %7s  %8s\n", "process", "pid", "generation", "state",
           "uptime", "streams", "restarts");
    json_array_foreach(json_object_get(state, "processes"), i, child)
        print_child(child);
}

static void print_changes(const json_t *state)
{
    const json_t *changes = json_object_get(state, "changes");

    if (number(changes, "ended") > 1 && !json_is_true(json_object_get(changes, "ok")))
        printf("\nthe last reload was refused: %s\n", text(changes, "reason"));
}

static void print_address(const char *what, const json_t *listener)
{
    const char *address = text(listener, "address");
    const char *scheme = json_is_true(json_object_get(listener, "tls")) ? "https" : "http";

    if (unix_socket_path(address))
        printf("%s on %s\n", what, address);
    else
        printf("%s on %s://%s\n", what, scheme, address);
}

static void print_state(const json_t *state)
{
    size_t i;
    json_t *listener;

    printf("headgate %s is %s: pid %d, generation %d, configuration %s\n", text(state, "version"),
           text(state, "phase"), number(state, "pid"), number(state, "generation"),
           text(state, "config"));
    json_array_foreach(json_object_get(state, "listeners"), i, listener)
        print_address("listening", listener);
    if (json_is_object(json_object_get(state, "admin")))
        print_address("admin", json_object_get(state, "admin"));
    print_children(state);
    print_changes(state);
}

int cli_status(int argc, char **argv)
{
    const char *run_dir = NULL;
    bool as_json = false;
    const struct cli_option option[] = {
        {"json", 0, NULL, "as a JSON document", &as_json, NULL},
        {"run-dir", 0, "DIR", "the folder of the running gateway", NULL, &run_dir},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate status [--json] [--run-dir DIR]",
        .about = "Shows the running gateway: its addresses and its processes.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);
    struct running running;

    if (status != CLI_GO_ON)
        return status;
    if (!running_find(&running, "status", run_dir))
        return CLI_FAILED;
    json_t *state = running_state(&running);

    running_done(&running);
    if (!state)
        return CLI_FAILED;
    if (as_json) {
        json_dumpf(state, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_state(state);
    }
    json_decref(state);
    return CLI_OK;
}
