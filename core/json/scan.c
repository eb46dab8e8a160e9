/* The strict pass. It is one loop without recursion: `value` begins a value, and what follows a
 * finished one is decided by the innermost open bracket. Strings, nearly all of a request, are left
 * to find.h. */
#include "json/scan.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "json/find.h"

static const uint8_t *fault_at(struct json_scan *scan, const uint8_t *p, const char *reason)
{
    scan->fault = (struct json_fault){(size_t)(p - scan->from), reason};
    return NULL;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* `p` is at the backslash. */
static inline const uint8_t *escape_end(struct json_scan *scan, const uint8_t *p)
{
    scan->escaped = true;
    if (scan->end - p < 2)
        return fault_at(scan, scan->end, "unfinished string");
    switch (p[1]) {
    case 'n':
    case '"':
    case '\\':
    case '/':
    case 't':
    case 'r':
    case 'b':
    case 'f':
        return p + 2;
    case 'u':
        if (scan->end - p < 6)
            return fault_at(scan, scan->end, "unfinished string");
        if (is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) && is_hex(p[5]))
            return p + 6;
        return fault_at(scan, p, "\\u without four hexadecimal digits");
    default:
        return fault_at(scan, p, "unknown escape in a string");
    }
}

enum {
    WORTH_A_LOOK = 64
};

/* Behind the characters from `p` on that are not ASCII, with single spaces and the like between
 * them; NULL if one is not UTF-8. The first time the whole rest of the text is tried at once, and
 * if it is UTF-8, no character is looked at again. If it is not, the loop finds the place. */
static const uint8_t *foreign_end(struct json_scan *scan, const uint8_t *p)
{
    const uint8_t *end = scan->end;

    if (!scan->looked && end - p >= WORTH_A_LOOK) {
        scan->looked = true;
        if (utf8_is_valid(scan->from, p, end)) {
            scan->foreign = 0x80;
            return p;
        }
    }
    while (end - p >= 4) {
        uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

        if ((v & 0xC0E0) == 0x80C0 && p[0] >= 0xC2) {
            p += 2;
        } else if ((v & 0xC0C0F0) == 0x8080E0 && (v & 0x200F) != 0 && (v & 0x200F) != 0x200D) {
            p += 3;
        } else if (p[0] < 0x80) {
            if (p[1] < 0x80 || find_is_string_special(p[0], 0))
                return p;
            p++;
        } else {
            break;
        }
    }
    if (p == end || *p < 0x80)
        return p;
    size_t n = utf8_length(p, end);

    return n ? p + n : fault_at(scan, p, "invalid UTF-8");
}

static const uint8_t *long_string_end(struct json_scan *scan, const uint8_t *p)
{
    while (p) {
        p = find_string_special_far(scan->from, p, scan->end, scan->foreign, &scan->escaped);
        if (p == scan->end)
            return fault_at(scan, p, "unfinished string");
        if (*p == '"')
            return p + 1;
        if (*p == '\\')
            p = escape_end(scan, p);
        else if (*p >= 0x80)
            p = foreign_end(scan, p);
        else
            return fault_at(scan, p, "control character in a string");
    }
    return NULL;
}

/* `p` is behind the opening quote; returns behind the closing one. Most strings are short. */
static inline const uint8_t *string_end(struct json_scan *scan, const uint8_t *p,
                                        const uint8_t *end)
{
    p = find_string_special(p, end);
    return p < end && *p == '"' ? p + 1 : long_string_end(scan, p);
}

static const uint8_t *digits_end(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static const uint8_t *number_end(struct json_scan *scan, const uint8_t *p)
{
    const uint8_t *end = scan->end, *digits = p + (*p == '-');

    p = digits_end(digits, end);
    if (p == digits)
        return fault_at(scan, p, "a number without digits");
    if (*digits == '0' && p > digits + 1)
        return fault_at(scan, digits, "a number with a leading zero");
    if (p < end && *p == '.') {
        digits = p + 1;
        p = digits_end(digits, end);
        if (p == digits)
            return fault_at(scan, p, "a number without digits behind the point");
    }
    if (p < end && (*p | 0x20) == 'e') {
        digits = p + 1;
        if (digits < end && (*digits == '+' || *digits == '-'))
            digits++;
        p = digits_end(digits, end);
        if (p == digits)
            return fault_at(scan, p, "a number without digits in the exponent");
    }
    return p;
}

static const uint8_t *literal_end(struct json_scan *scan, const uint8_t *p, hg_str literal)
{
    if ((size_t)(scan->end - p) < literal.n || memcmp(p, literal.p, literal.n) != 0)
        return fault_at(scan, p, "not a JSON value");
    return p + literal.n;
}

static inline const uint8_t *scalar_end(struct json_scan *scan, const uint8_t *p,
                                        const uint8_t *end)
{
    switch (*p) {
    case '"':
        return string_end(scan, p + 1, end);
    case 't':
        return literal_end(scan, p, HG_S("true"));
    case 'f':
        return literal_end(scan, p, HG_S("false"));
    case 'n':
        return literal_end(scan, p, HG_S("null"));
    default:
        if (*p == '-' || (*p >= '0' && *p <= '9'))
            return number_end(scan, p);
        return fault_at(scan, p, "not a JSON value");
    }
}

static struct json_member *member_new(struct json_scan *scan)
{
    if (scan->count == scan->room) {
        struct json_member *more = arena_alloc(scan->arena, 2 * scan->room * sizeof *more);

        memcpy(more, scan->members, scan->count * sizeof *more);
        scan->members = more;
        scan->room *= 2;
    }
    return &scan->members[scan->count++];
}

static void member_record(struct json_scan *scan, const uint8_t *key, const uint8_t *key_end,
                          const uint8_t *value)
{
    hg_str raw = {(const char *)key, (size_t)(key_end - key)};
    hg_str plain = scan->escaped ? json_unescape(scan->arena, raw) : raw;

    *member_new(scan) = (struct json_member){.key = plain.p,
                                             .key_n = (uint32_t)plain.n,
                                             .raw_key_at = (uint32_t)(key - scan->from),
                                             .raw_key_n = (uint32_t)raw.n,
                                             .at = (uint32_t)(value - scan->from)};
}

/* A key, its colon, and on to the value. */
static inline const uint8_t *key_end(struct json_scan *scan, const uint8_t *p, const uint8_t *end,
                                     bool record)
{
    const uint8_t *key = p + 1, *behind;

    if (p == end || *p != '"')
        return fault_at(scan, p, "a key was expected");
    scan->escaped = false;
    behind = string_end(scan, key, end);
    if (!behind)
        return NULL;
    p = json_skip_space(behind, end);
    if (p == end || *p != ':')
        return fault_at(scan, p, "a colon was expected");
    p = json_skip_space(p + 1, end);
    if (record)
        member_record(scan, key, behind - 1, p);
    return p;
}

/* A state machine, so longer than usual. Each turn is one value, with its key if it has one, and
 * the brackets that close behind it. */
const uint8_t *json_scan_value(struct json_scan *scan, const uint8_t *p)
{
    /* Callers set what is read; the rest of a scan is large. */
    /* cppcheck-suppress ctuuninitvar */
    const uint8_t *const end = scan->end;
    const bool records = scan->arena;
    unsigned depth = 0;
    bool has_key = false;

    for (;;) {
        if (has_key && !(p = key_end(scan, p, end, records && depth == 1)))
            return NULL;
        if (p == end)
            return fault_at(scan, p, "the text ends too early");
        uint8_t opened = *p;

        if ((opened | 0x20) == '{') {
            uint8_t closer = (uint8_t)(opened + 2);

            if (depth == scan->depth_limit)
                return fault_at(scan, p, "nested too deep");
            p = json_skip_space(p + 1, end);
            if (p == end || *p != closer) {
                scan->closers[depth++] = closer;
                has_key = opened == '{';
                continue;
            }
            p++;
        } else if (!(p = scalar_end(scan, p, end))) {
            return NULL;
        }

        /* A value has ended. Close what ends with it, until another one begins. */
        for (;;) {
            if (depth <= 1) {
                if (depth == 0)
                    return p;
                if (scan->count)
                    scan->members[scan->count - 1].end = (uint32_t)(p - scan->from);
            }
            p = json_skip_space(p, end);
            if (p == end)
                return fault_at(scan, p, "the text ends too early");
            uint8_t closer = scan->closers[depth - 1];

            if (*p == ',') {
                p = json_skip_space(p + 1, end);
                has_key = closer == '}';
                break;
            }
            if (*p != closer)
                return fault_at(scan, p, "a comma or a closing bracket was expected");
            p++;
            depth--;
        }
    }
}

size_t json_measure(hg_str text)
{
    struct json_scan scan;

    scan.from = (const uint8_t *)text.p;
    scan.end = scan.from + text.n;
    scan.arena = NULL;
    scan.count = 0;
    scan.foreign = 0;
    scan.looked = true; /* more than the value may follow */
    scan.depth_limit = JSON_DEPTH;
    if (text.n == 0 || text.n >= UINT32_MAX)
        return 0;
    const uint8_t *end = json_scan_value(&scan, scan.from);

    return end ? (size_t)(end - scan.from) : 0;
}

/* A quote ends the string unless an odd number of backslashes stands before it. */
const uint8_t *json_skip_string_from(const uint8_t *from, const uint8_t *p, const uint8_t *end,
                                     const uint8_t *quote)
{
    const uint8_t *first = p + 1;

    for (;;) {
        const uint8_t *slash = quote;

        while (slash > first && slash[-1] == '\\')
            slash--;
        if (((quote - slash) & 1) == 0)
            return quote + 1;
        first = quote + 1;
        quote = find_quote(from, first, end);
    }
}

const uint8_t *json_skip_container(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
    size_t depth = 0;

    do {
        p = find_bracket(from, p, end);
        if (*p == '"') {
            p = json_skip_string(from, p, end);
            continue;
        }
        if ((*p | 0x20) == '{')
            depth++;
        else
            depth--;
        p++;
    } while (depth);
    return p;
}
