#include "delay.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)

static const double day = 86400e9;

static bool delay_set(double ns, hg_ns *ret_delay)
{
    if (!(ns > 0) || ns > day)
        return false;
    *ret_delay = (hg_ns)ns;
    return true;
}

/* A decimal number at the start of `text`; returns how many bytes it took. No sign, no exponent. */
static size_t number_parse(hg_str text, double *ret_value)
{
    double value = 0, scale = 1;
    bool fraction = false;
    size_t i = 0;

    for (; i < text.n && i < 32; i++) {
        char c = text.p[i];

        if (c == '.' && !fraction && i) {
            fraction = true;
        } else if (c >= '0' && c <= '9') {
            value = value * 10 + (c - '0');
            scale *= fraction ? 10 : 1;
        } else {
            break;
        }
    }
    *ret_value = value / scale;
    return i;
}

/* A unit at the start of `text`, as nanoseconds; 0 if there is none. */
static double unit_parse(hg_str text, size_t *ret_n)
{
    static const struct {
        const char *word;
        double ns;
    } units[] = {{"milliseconds", 1e6}, {"minutes", 60e9}, {"minute", 60e9}, {"seconds", 1e9},
                 {"second", 1e9},       {"hours", 3600e9}, {"hour", 3600e9}, {"min", 60e9},
                 {"sec", 1e9},          {"ms", 1e6},       {"us", 1e3},      {"ns", 1},
                 {"h", 3600e9},         {"m", 60e9},       {"s", 1e9},       {"d", 86400e9}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].word);

        if (text.n >= n && strncasecmp(text.p, units[i].word, n) == 0) {
            *ret_n = n;
            return units[i].ns;
        }
    }
    return 0;
}

static hg_str text_from(hg_str text, size_t n)
{
    return (hg_str){text.p + n, text.n - n};
}

/* "1m2.5s", "20 seconds"; returns how many bytes belong to it, 0 if it is none. */
static size_t duration_parse(hg_str text, double *ret_ns)
{
    double sum = 0;
    size_t done = 0;

    while (done < text.n) {
        double value, unit;
        size_t at = done, n = number_parse(text_from(text, at), &value), unit_n = 0;

        if (n == 0)
            break;
        at += n;
        if (at < text.n && text.p[at] == ' ')
            at++;
        unit = unit_parse(text_from(text, at), &unit_n);
        if (unit <= 0)
            break;
        sum += value * unit;
        done = at + unit_n;
    }
    *ret_ns = sum;
    return done;
}

/* Both kinds of date are in the C locale's words: the process never sets another. */
static bool date_parse(const char *text, int64_t wall_ms, hg_ns *ret_delay)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *rest = strptime(text, forms[i], &tm);

        if (rest && (*rest == 'Z' || *rest == '.' || *rest == '+' || strcmp(rest, " GMT") == 0))
            return delay_set(((double)timegm(&tm) * 1e3 - (double)wall_ms) * 1e6, ret_delay);
    }
    return false;
}

bool delay_parse(hg_str text, int64_t wall_ms, hg_ns *ret_delay)
{
    char copy[64];
    double value;
    size_t n;

    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    n = number_parse(text, &value);
    if (n == 0 || n != text.n) {
        if (duration_parse(text, &value) == text.n)
            return delay_set(value, ret_delay);
        return date_parse(copy, wall_ms, ret_delay);
    }
    if (value > 1e12)
        return delay_set((value - (double)wall_ms) * 1e6, ret_delay);
    if (value > 1e9)
        return delay_set((value * 1e3 - (double)wall_ms) * 1e6, ret_delay);
    return delay_set(value * 1e9, ret_delay);
}

/* The longest of the limits that are used up; vendors name them differently. */
static hg_ns delay_of_reset(const hg_http_api *http, const hg_headers *headers, int64_t wall_ms)
{
    static const char *const limits[] = {"-requests",
                                         "-tokens",
                                         "",
                                         "-requests-day",
                                         "-requests-minute",
                                         "-tokens-minute",
                                         "-tokens-day",
                                         "-tokens-per-minute",
                                         "-tokens-per-day"};
    hg_ns longest = 0;

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char name[64];
        double left;
        hg_ns delay;

        snprintf(name, sizeof name, "x-ratelimit-remaining%s", limits[i]);
        hg_str remaining = http->header(headers, name);

        if (remaining.n == 0 || number_parse(remaining, &left) != remaining.n || left >= 1)
            continue;
        snprintf(name, sizeof name, "x-ratelimit-reset%s", limits[i]);
        if (delay_parse(http->header(headers, name), wall_ms, &delay) && delay > longest)
            longest = delay;
    }
    return longest;
}

/* "Please try again in 6ms", "retry after 20 seconds". */
static hg_ns delay_of_words(hg_str message)
{
    static const char *const words[] = {"try again in ", "try again after ", "retry in ",
                                        "retry after "};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);

        for (size_t at = 0; at + n < message.n; at++) {
            double ns;
            hg_ns delay;

            if (strncasecmp(message.p + at, words[i], n) == 0 &&
                duration_parse(text_from(message, at + n), &ns) && delay_set(ns, &delay))
                return delay;
        }
    }
    return 0;
}

hg_ns delay_asked(const hg_http_api *http, const hg_headers *headers, hg_str message,
                  int64_t wall_ms)
{
    if (http && headers) {
        hg_str ms = http->header(headers, "retry-after-ms");
        double value;
        hg_ns delay;

        if (ms.n && number_parse(ms, &value) == ms.n && delay_set(value * 1e6, &delay))
            return delay;
        if (delay_parse(http->header(headers, "retry-after"), wall_ms, &delay))
            return delay;
        delay = delay_of_reset(http, headers, wall_ms);
        if (delay)
            return delay;
    }
    return delay_of_words(message);
}
