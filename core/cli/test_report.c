/* How a test went: a line for it, what is to be said of it below. */
#include <stdio.h>
#include <string.h>

#include "cli/test.h"

void bench_drop_instructions(struct bench *bench)
{
    for (size_t i = 0; i < bench->route_count; i++)
        engine_instructions(bench->engine, bench->routes[i]);
    engine_instructions(bench->engine, "headgate/");
}

static void print_instructions(struct bench *bench)
{
    engine_instructions(bench->engine, "headgate/test");

    uint64_t library = engine_instructions(bench->engine, "headgate/");

    for (size_t i = 0; i < bench->route_count; i++)
        printf("      %llu instructions in %s\n",
               (unsigned long long)engine_instructions(bench->engine, bench->routes[i]),
               bench->routes[i]);
    printf("      %llu instructions in the library\n", (unsigned long long)library);
}

/* Further lines go below the first. */
static void print_indented(const char *text, size_t len)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;

        printf("      %.*s\n", (int)n, text);
        text += n + (end != NULL);
        len -= n + (end != NULL);
    }
}

void bench_report(struct bench *bench)
{
    if (!bench->failure) {
        bench->run->passed++;
        printf("ok    %s: %s\n", bench->file, bench->name);
    } else {
        bench->run->failed++;
        printf("FAIL  %s: %s\n", bench->file, bench->name);
        print_indented(bench->failure, strlen(bench->failure));
    }
    if (bench->log.len && (bench->failure || bench->run->is_verbose))
        print_indented(buffer_at(&bench->log), bench->log.len);
    if (bench->run->is_verbose)
        print_instructions(bench);
}

void test_report_error(struct test_run *run, const char *file, const struct error *error)
{
    run->failed++;
    printf("FAIL  %s: it does not load\n", file);
    print_indented(error->text, strlen(error->text));
}
