#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/utf8.h"
#include "json/find.h"

enum {
    SHORT = 64, /* bytes of text */
    ESCAPE_MAX = 6
};

static uint64_t depth_bit(const struct chain *out)
{
    return UINT64_C(1) << (out->depth - 1);
}

static void comma(struct chain *out)
{
    if (out->has_items & depth_bit(out))
        chain_put(out, ",", 1);
    out->has_items |= depth_bit(out);
}

/* Puts what belongs before a value; false if a value does not belong here. */
static bool value_begins(struct chain *out)
{
    if (out->broken || out->depth == 0)
        return !out->broken;
    if (out->is_object & depth_bit(out)) {
        out->broken = !out->after_key;
        out->after_key = false;
    } else {
        comma(out);
    }
    return !out->broken;
}

static void container_begins(struct chain *out, bool is_object)
{
    if (!value_begins(out))
        return;
    if (out->depth == CHAIN_DEPTH) {
        out->broken = true;
        return;
    }
    out->depth++;
    out->has_items &= ~depth_bit(out);
    out->is_object &= ~depth_bit(out);
    if (is_object)
        out->is_object |= depth_bit(out);
    chain_put(out, is_object ? "{" : "[", 1);
}

void json_obj(struct chain *out)
{
    container_begins(out, true);
}

void json_arr(struct chain *out)
{
    container_begins(out, false);
}

void json_end(struct chain *out)
{
    if (out->depth == 0 || out->after_key)
        out->broken = true;
    if (out->broken)
        return;
    chain_put(out, out->is_object & depth_bit(out) ? "}" : "]", 1);
    out->depth--;
}

static void quoted(struct chain *out, hg_str text)
{
    char room[SHORT * ESCAPE_MAX + 2], *at = room;

    if (text.n <= SHORT) { /* as nearly all: in one piece */
        *at++ = '"';
        if (text.n)
            at = json_escape_at(at, text);
        *at++ = '"';
        chain_put(out, room, (size_t)(at - room));
        return;
    }
    chain_put(out, "\"", 1);
    json_escape(out, text);
    chain_put(out, "\"", 1);
}

static bool key_begins(struct chain *out)
{
    if (out->depth == 0 || out->after_key || !(out->is_object & depth_bit(out)))
        out->broken = true;
    return !out->broken;
}

void json_key_written(struct chain *out, const char *written, size_t n)
{
    size_t from = 0;

    if (!key_begins(out))
        return;
    if (!(out->has_items & depth_bit(out)))
        from = 1; /* no comma before the first one */
    out->has_items |= depth_bit(out);
    chain_put(out, written + from, n - from);
    out->after_key = true;
}

void json_key(struct chain *out, hg_str key)
{
    if (!key_begins(out))
        return;
    comma(out);
    quoted(out, key);
    chain_put(out, ":", 1);
    out->after_key = true;
}

/* The escape of an ASCII character that needs one; its length. */
static size_t escape_of(uint8_t c, char at[6])
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char letter = c < 0x20 ? letters[c] : (char)c;

    at[0] = '\\';
    at[1] = letter;
    if (letter)
        return 2;
    at[1] = 'u';
    at[2] = at[3] = '0';
    at[4] = hex[c >> 4];
    at[5] = hex[c & 15];
    return 6;
}

/* Behind what can be written as it is. */
static const uint8_t *clean_end(const uint8_t *p, const uint8_t *end)
{
    while ((p = find_string_special(p, end)) < end) {
        size_t n = utf8_length(p, end);

        if (n == 0 || (n == 1 && find_is_string_special(*p, 0)))
            return p;
        p += n;
    }
    return p;
}

void json_escape(struct chain *out, hg_str text)
{
    /* An absent text has no place to count from. */
    const uint8_t *p = (const uint8_t *)(text.n ? text.p : ""), *end = p + text.n;

    while (p < end) {
        const uint8_t *clean = clean_end(p, end);
        char escape[6];

        chain_put(out, p, (size_t)(clean - p));
        p = clean;
        if (p < end && *p < 0x80) {
            chain_put(out, escape, escape_of(*p++, escape));
        } else if (p < end) {
            CHAIN_PUT_LIT(out, "\xEF\xBF\xBD");
            p += utf8_broken_length(p, end);
        }
    }
}

/* Eight bytes at once: nothing but ASCII that is neither control, quote nor backslash? Where a byte
 * is 0, its high bit comes out of the borrow; a borrow from below only makes a byte suspicious that
 * follows another one. */
static inline bool all_plain(uint64_t v)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t quotes = v ^ ones * '"', slashes = v ^ ones * '\\';

    return !(((v - ones * 0x20) | (quotes - ones) | (slashes - ones) | v) & highs);
}

/* Most texts are short and plain: they are looked at while they are copied. */
static const uint8_t *plain_copy(char *at, const uint8_t *p, const uint8_t *end)
{
    uint64_t v;

    for (; end - p >= (ptrdiff_t)sizeof v; p += sizeof v, at += sizeof v) {
        memcpy(&v, p, sizeof v);
        if (!all_plain(v))
            return p;
        memcpy(at, &v, sizeof v);
    }
    while (p < end && !find_is_string_special(*p, 0))
        *at++ = (char)*p++;
    return p;
}

char *json_escape_at(char *at, hg_str text)
{
    const uint8_t *from = (const uint8_t *)text.p, *end = from + text.n;
    const uint8_t *p = plain_copy(at, from, end);

    at += p - from;
    while (p < end) {
        const uint8_t *clean = clean_end(p, end);

        at = put_mem(at, p, (size_t)(clean - p));
        p = clean;
        if (p < end && *p < 0x80) {
            at += escape_of(*p++, at);
        } else if (p < end) {
            at = put_mem(at, "\xEF\xBF\xBD", 3);
            p += utf8_broken_length(p, end);
        }
    }
    return at;
}

void json_put_str(struct chain *out, hg_str text)
{
    if (value_begins(out))
        quoted(out, text);
}

void json_str_begin(struct chain *out)
{
    (void)value_begins(out);
    CHAIN_PUT_LIT(out, "\"");
}

void json_str_end(struct chain *out)
{
    CHAIN_PUT_LIT(out, "\"");
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* In a valid value they stand between tokens only. */
static void put_on_one_line(struct chain *out, hg_str json)
{
    size_t from = 0;

    for (size_t i = 0; i < json.n; i++)
        if (is_break(json.p[i])) {
            chain_put(out, json.p + from, i - from);
            from = i + 1;
        }
    chain_put(out, json.p + from, json.n - from);
}

void json_put_raw(struct chain *out, hg_str json)
{
    if (!value_begins(out))
        return;
    if (json.n && (memchr(json.p, '\n', json.n) || memchr(json.p, '\r', json.n)))
        put_on_one_line(out, json);
    else
        chain_put(out, json.p, json.n);
}

void json_put_u64(struct chain *out, uint64_t value)
{
    char digits[PUT_U64_MAX];

    json_put_raw(out, (hg_str){digits, (size_t)(put_u64(digits, value) - digits)});
}

void json_put_i64(struct chain *out, int64_t value)
{
    char digits[PUT_U64_MAX + 1], *at = digits;

    if (value < 0)
        *at++ = '-';
    at = put_u64(at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    json_put_raw(out, (hg_str){digits, (size_t)(at - digits)});
}

void json_put_f64(struct chain *out, double value)
{
    char digits[32];
    int n = 0;

    if (!isfinite(value)) {
        json_put_null(out);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(digits, sizeof digits, "%.*g", precision, value);
        double again = strtod(digits, NULL);

        if (!(again < value) && !(again > value))
            break;
    }
    json_put_raw(out, (hg_str){digits, (size_t)n});
}

void json_put_bool(struct chain *out, int value)
{
    if (value < 0)
        json_put_null(out);
    else
        json_put_raw(out, value ? HG_S("true") : HG_S("false"));
}

void json_put_null(struct chain *out)
{
    json_put_raw(out, HG_S("null"));
}

bool json_ok(const struct chain *out)
{
    return !out->broken && out->depth == 0 && !out->after_key;
}
