/* headgate check: all that a start would find out, without a start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "gateway/config/config.h"
#include "process/checker.h"
#include "process/run_dir.h"

enum {
    PATIENCE = 60
};

static void count(struct buffer *out, size_t n, const char *noun, const char *plural)
{
    char text[64];
    int length =
        snprintf(text, sizeof text, "%s%zu %s", out->len ? ", " : "", n, n == 1 ? noun : plural);

    if (n)
        buffer_add(out, text, (size_t)length);
}

static size_t instances(const struct config *config, const char *kind)
{
    size_t n = 0;

    for (size_t i = 0; i < config->instance_count; i++)
        n += !strcmp(config->instances[i].kind, kind);
    return n;
}

static void print_summary(const struct config *config)
{
    struct buffer out = {0};

    count(&out, instances(config, "provider"), "provider", "providers");
    count(&out, instances(config, "cache"), "cache", "caches");
    count(&out, instances(config, "guard"), "guard", "guards");
    count(&out, instances(config, "logger"), "logger", "loggers");
    count(&out, config->route_count, "route", "routes");
    printf("ok: %.*s\n", (int)out.len, buffer_at(&out));
    buffer_done(&out);
}

int cli_check(int argc, char **argv)
{
    const char *config_path = CLI_CONFIG_DEFAULT;
    const struct cli_option option[] = {
        {"config", 'c', "FILE", "the configuration (" CLI_CONFIG_DEFAULT ")", NULL, &config_path},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate check [-c FILE]",
        .about = "Evaluates the configuration, loads every plugin, makes every instance and\n"
                 "compiles every route, as a start would do, but serves nothing. Prints one line:\n"
                 "what there is, or what is wrong and where.",
        .option = option,
    };
    int status = cli_parse(&options, argc, argv, NULL);
    char folder[] = "/tmp/headgate-check-XXXXXX";
    struct error error;

    if (status != CLI_GO_ON)
        return status;
    if (!mkdtemp(folder))
        return cli_fail("check", "cannot make a folder in /tmp");
    struct config *config = checker_run(config_path, folder, PATIENCE, &error);

    run_dir_remove(folder);
    if (!config)
        return cli_fail("check", "%s", error.text);
    print_summary(config);
    config_free(&config);
    return CLI_OK;
}
