#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static const char *const names[] = {"debug", "info", "warn", "error"};

static struct {
    enum log_level level;
    const char *process;
} settings = {LOG_INFO, "headgate"};

bool log_level_of(const char *name, enum log_level *ret_level)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

void log_set_level(enum log_level level)
{
    settings.level = level;
}

bool log_wants(enum log_level level)
{
    return level >= settings.level;
}

void log_set_process(const char *name)
{
    settings.process = name;
}

/* Text from outside must not forge a line of its own. */
static void defuse(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
}

void log_line(enum log_level level, const char *fmt, ...)
{
    char line[2048];
    char when[32];
    struct tm tm;
    va_list args;
    int64_t us = clock_wall_us();
    time_t seconds = (time_t)(us / 1000000);

    if (!log_wants(level))
        return;
    gmtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    size_t n = (size_t)snprintf(line, sizeof line, "%s.%03dZ %-5s %s: ", when,
                                (int)(us / 1000 % 1000), names[level], settings.process);
    if (n >= sizeof line)
        n = sizeof line - 1;
    va_start(args, fmt);
    int more = vsnprintf(line + n, sizeof line - n, fmt, args);

    va_end(args);
    n += more < 0 ? 0 : (size_t)more;
    if (n > sizeof line - 2)
        n = sizeof line - 2;
    defuse(line, n);
    line[n++] = '\n';
    /* One write, so that lines of several processes do not mix. There is nobody to tell of an
     * error here. */
    if (write(STDERR_FILENO, line, n) < 0)
        return;
}
