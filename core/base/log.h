/* log.h - the program's own log: one line for what an operator can act on, to standard error.
 *
 *   2026-11-24T15:00:00.000Z warn  worker 2: [pii] could not ... (req 0abc)
 *
 * The record of a request is not a log line; see gateway/record.h. Secrets never come here. */
#pragma once

#include <stdbool.h>

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR
};

/* "debug", "info", "warn", "error"; false if it is none of them. */
bool log_level_of(const char *name, enum log_level *ret_level);

void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

/* Who speaks: "supervisor", "worker 1". A static string or one that lives on. */
void log_set_process(const char *name);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)                        \
    do {                                      \
        if (log_wants(LOG_DEBUG))             \
            log_line(LOG_DEBUG, __VA_ARGS__); \
    } while (0)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
