#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/memory.h"

hg_str text_trim(hg_str text)
{
    while (text.n && (*text.p == ' ' || *text.p == '\t'))
        text.p++, text.n--;
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}

hg_str text_cut(hg_str text, char sep, hg_str *rest)
{
    const char *at = text.n ? memchr(text.p, sep, text.n) : NULL;
    size_t n = at ? (size_t)(at - text.p) : text.n;

    *rest = at ? (hg_str){at + 1, text.n - n - 1} : (hg_str){text.p + text.n, 0};
    return (hg_str){text.p, n};
}

/* May one of these eight bytes be a control character? Where a byte is 0 the subtraction borrows
 * into its high bit: the first that is one is always seen, those behind it may only be suspected.
 */
static inline bool may_be_control(uint64_t v)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t deletes = v ^ ones * 0x7f;

    return (((v - ones * 0x20) | (deletes - ones)) & ~v & highs) != 0;
}

bool text_has_control(hg_str text)
{
    size_t i = 0;
    uint64_t v;

    for (; text.n - i >= sizeof v; i += sizeof v) {
        memcpy(&v, text.p + i, sizeof v);
        if (may_be_control(v))
            break;
    }
    for (; i < text.n; i++)
        if (((unsigned char)text.p[i] < 0x20 && text.p[i] != '\t') || text.p[i] == 0x7f)
            return true;
    return false;
}

bool text_to_u64(hg_str text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text.n == 0 || text.n > 20)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)text.p[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

/* A decimal number with at most one point, and the unit that follows it. */
static bool number_and_unit(hg_str text, double *ret_number, hg_str *ret_unit)
{
    double number = 0, place = 0;
    size_t i = 0;

    for (; i < text.n && (isdigit((unsigned char)text.p[i]) || text.p[i] == '.'); i++) {
        if (text.p[i] == '.') {
            if (place != 0 || i == 0)
                return false;
            place = 1;
        } else if (place != 0) {
            place /= 10;
            number += place * (text.p[i] - '0');
        } else {
            number = number * 10 + (text.p[i] - '0');
        }
    }
    if (i == 0 || number > 1e15)
        return false;
    *ret_number = number;
    *ret_unit = (hg_str){text.p + i, text.n - i};
    return true;
}

struct unit {
    const char *name;
    double factor;
};

static bool scaled(hg_str text, const struct unit *units, size_t count, double *ret_value)
{
    double number;
    hg_str unit;

    if (!number_and_unit(text, &number, &unit))
        return false;
    for (size_t i = 0; i < count; i++)
        if (text_is_nocase(unit, text_of(units[i].name))) {
            *ret_value = number * units[i].factor;
            return *ret_value < 9e18;
        }
    return false;
}

bool text_to_duration(hg_str text, hg_ns *ret_duration)
{
    static const struct unit units[] = {{"ns", 1},     {"us", 1e3},   {"ms", 1e6},
                                        {"s", 1e9},    {"", 1e9},     {"m", 60e9},
                                        {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    double value;

    if (!scaled(text, units, sizeof units / sizeof *units, &value))
        return false;
    *ret_duration = (hg_ns)value;
    return true;
}

bool text_to_size(hg_str text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},          {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10}, {"KiB", 1 << 10},
        {"M", 1 << 20},   {"MB", 1 << 20}, {"MiB", 1 << 20}, {"G", 1 << 30},  {"GB", 1 << 30},
        {"GiB", 1 << 30}, {"T", 0x1p40},   {"TB", 0x1p40},   {"TiB", 0x1p40}};
    double value;

    if (!scaled(text, units, sizeof units / sizeof *units, &value))
        return false;
    *ret_bytes = (uint64_t)value;
    return true;
}

/* Levenshtein distance, with a swap of neighbours counted as one step. Words here are short. */
static unsigned distance(hg_str a, hg_str b)
{
    enum {
        LONGEST = 40
    };
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    if (a.n > LONGEST || b.n > LONGEST)
        return LONGEST;
    for (unsigned j = 0; j <= b.n; j++)
        above[j] = j, before[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned cost = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

            if (above[j] + 1 < cost)
                cost = above[j] + 1;
            if (row[j - 1] + 1 < cost)
                cost = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < cost)
                cost = before[j - 2] + 1;
            row[j] = cost;
        }
        unsigned *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.n];
}

const char *text_suggest(hg_str word, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)(word.n < 5 ? 2 : 3);

    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(word, text_of(words[i]));

        if (d < best_distance)
            best_distance = d, best = words[i];
    }
    return best;
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static size_t digits_of(uint64_t value)
{
    size_t n = 1;

    for (; value >= 10000; value /= 10000)
        n += 4;
    return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Two digits for each division. */
char *put_u64(char *at, uint64_t value)
{
    char *end = at + digits_of(value), *to = end;

    for (; value >= 10; value /= 100) {
        to -= 2;
        memcpy(to, pairs + value % 100 * 2, 2);
    }
    if (to > at)
        *at = (char)('0' + value);
    return end;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_percent_at(hg_str text, size_t at, char *ret_byte)
{
    if (at >= text.n || text.n - at < 3 || text.p[at] != '%')
        return false;
    int high = hex_value(text.p[at + 1]), low = hex_value(text.p[at + 2]);

    if (high < 0 || low < 0)
        return false;
    *ret_byte = (char)(high << 4 | low);
    return true;
}

char *put_hex(char *at, uint64_t value)
{
    char digits[16];
    int n = 16;

    do {
        digits[--n] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    return put_mem(at, digits + n, (size_t)(16 - n));
}

/* The date of a day since 1970 in the Gregorian calendar. Counted from the first of March, so that
 * the odd day comes last; an era is the 400 years after which everything repeats. */
static void date_of(int64_t day, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    enum {
        DAYS_BEFORE_1970 = 719468, /* since the first of March in the year 0 */
        DAYS_OF_ERA = 146097
    };
    uint64_t days = (uint64_t)(day + DAYS_BEFORE_1970 + DAYS_OF_ERA), era = days / DAYS_OF_ERA;
    unsigned of_era = (unsigned)(days % DAYS_OF_ERA);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0 is March */

    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = (unsigned)((era - 1) * 400) + year + (month >= 10);
}

static char *put_pair(char *at, unsigned number, char behind)
{
    memcpy(at, pairs + number * 2, 2);
    at[2] = behind;
    return at + 3;
}

char *put_utc(char *at, int64_t us)
{
    static const int64_t first = INT64_C(-62167219200) * 1000000;
    static const int64_t last = INT64_C(253402300800) * 1000000 - 1;
    static const int64_t day_us = INT64_C(86400) * 1000000;
    unsigned year, month, day;

    us = us < first ? first : us > last ? last : us;
    int64_t days = us / day_us - (us % day_us < 0);
    uint64_t rest = (uint64_t)(us - days * day_us);
    unsigned second = (unsigned)(rest / 1000000), part = (unsigned)(rest % 1000000);

    date_of(days, &year, &month, &day);
    memcpy(at, pairs + year / 100 * 2, 2);
    at = put_pair(at + 2, year % 100, '-');
    at = put_pair(at, month, '-');
    at = put_pair(at, day, 'T');
    at = put_pair(at, second / 3600, ':');
    at = put_pair(at, second / 60 % 60, ':');
    at = put_pair(at, second % 60, '.');
    memcpy(at, pairs + part / 10000 * 2, 2);
    memcpy(at + 2, pairs + part / 100 % 100 * 2, 2);
    return put_pair(at + 4, part % 100, 'Z');
}
