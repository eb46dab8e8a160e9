/* headgate simulate: a fake provider for trying things out, for tests and for drills. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "net/listener.h"
#include "simulate/simulator.h"

/* What the command line says, as it was written. */
struct wishes {
    const char *listen, *replay, *script, *spec, *record, *key, *with;
    const char *split, *delay, *first_delay;
};

static bool set_option(struct rule *rule, struct arena *arena, const char *name, const char *value,
                       struct error *error)
{
    return !value || rule_set(rule, arena, text_of(name), text_of(value), error);
}

static bool rule_read(const struct wishes *wishes, struct arena *arena, struct rule *rule,
                      struct error *error)
{
    *rule = rule_default;
    if (!set_option(rule, arena, "split", wishes->split, error) ||
        !set_option(rule, arena, "delay", wishes->delay, error) ||
        !set_option(rule, arena, "first-delay", wishes->first_delay, error))
        return false;
    hg_str list = arena_fmt(arena, "sim:%s", wishes->with ? wishes->with : "");

    return rule_set_model(rule, arena, list, error);
}

static bool setup_read(const struct wishes *wishes, struct arena *arena,
                       struct simulator_setup *setup, struct error *error)
{
    return rule_read(wishes, arena, &setup->rule, error) &&
           (!wishes->replay || (setup->replay = replay_open(wishes->replay, error))) &&
           (!wishes->script || (setup->drill = drill_open(wishes->script, error))) &&
           (!wishes->spec || (setup->spec = spec_open(wishes->spec, error))) &&
           (!wishes->record || (setup->diary = diary_open(wishes->record, error))) &&
           (setup->fd = listener_open(wishes->listen, error)) >= 0;
}

static void on_signal(void *arg, int number)
{
    (void)number;
    loop_stop(arg);
}

static void serve(struct simulator_setup *setup, const char *address)
{
    int host = (int)(strrchr(address, ':') - address);
    struct simulator *simulator;

    signal(SIGPIPE, SIG_IGN);
    setup->loop = loop_new();
    loop_on_signal(setup->loop, SIGTERM, on_signal, setup->loop);
    loop_on_signal(setup->loop, SIGINT, on_signal, setup->loop);
    simulator = simulator_new(setup);
    if (setup->replay)
        fprintf(stderr, "%zu recordings\n", replay_count(setup->replay));
    if (setup->spec)
        fprintf(stderr, "%zu described requests\n", spec_count(setup->spec));
    printf("listening on http://%.*s:%u\n", host, address, listener_port(setup->fd));
    fflush(stdout);
    loop_run(setup->loop);
    simulator_free(&simulator);
    loop_free(&setup->loop);
}

static void print_help_tail(void)
{
    puts(
        "\nWhat an answer is like can be asked for in four places, each overriding the one "
        "before:\n"
        "--with tokens=5,delay=1s; the script's \"answer\"; the model \"sim:status=429,...\"; and\n"
        "request headers, \"x-simulate-status: 429\". The options:\n");
    rule_print_help(stdout);
}

int cli_simulate(int argc, char **argv)
{
    struct wishes wishes = {.listen = "127.0.0.1:0"};
    const struct cli_option option[] = {
        {"listen", 0, "ADDRESS", "host:port; port 0 takes a free one", NULL, &wishes.listen},
        {"replay", 0, "DIR", "answer from recordings", NULL, &wishes.replay},
        {"script", 0, "FILE", "rules for answers, as JSON", NULL, &wishes.script},
        {"spec", 0, "PATH", "refuse what an API's description does not allow", NULL, &wishes.spec},
        {"record", 0, "FILE", "write what comes in, a JSON line each", NULL, &wishes.record},
        {"key", 0, "KEY", "refuse those who do not send it", NULL, &wishes.key},
        {"split", 0, "HOW", "cut writes: N bytes or random:SEED", NULL, &wishes.split},
        {"delay", 0, "TIME", "wait before each answer", NULL, &wishes.delay},
        {"first-delay", 0, "TIME", "wait between head and body", NULL, &wishes.first_delay},
        {"with", 0, "OPTIONS", "name=value,... for every answer", NULL, &wishes.with},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate simulate [--listen ADDRESS] [--replay DIR] [--script FILE] ...",
        .about =
            "A fake provider. It speaks the formats of OpenAI (chat and responses), Anthropic,\n"
            "Google, Amazon (Converse) and Cohere on their own paths, whole and streamed.\n"
            "The same request always gets the same answer.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);
    struct simulator_setup setup = {.fd = -1};
    struct error error = {0};

    if (status != CLI_GO_ON) {
        if (status == CLI_OK)
            print_help_tail();
        return status;
    }
    struct arena *arena = arena_new();

    setup.key = text_of(wishes.key);
    if (setup_read(&wishes, arena, &setup, &error)) {
        serve(&setup, wishes.listen);
        status = CLI_OK;
    } else {
        status = cli_fail("simulate", "%s", error.text);
    }
    if (setup.fd >= 0)
        close(setup.fd);
    diary_free(&setup.diary);
    drill_free(&setup.drill);
    spec_free(&setup.spec);
    replay_free(&setup.replay);
    arena_free(&arena);
    return status;
}
