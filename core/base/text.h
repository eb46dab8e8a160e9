/* text.h - words about hg_str, the borrowed {pointer, length} text that core and plugins share. */
#pragma once

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <headgate/abi.h>

/* For printf: ("%.*s", TEXT_ARG(text)). */
#define TEXT_ARG(text) (int)(text).n, (text).p

/* NULL becomes empty. */
static inline hg_str text_of(const char *s)
{
    return (hg_str){s, s ? strlen(s) : 0};
}

static inline bool text_is(hg_str a, hg_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters without regard to case. */
static inline bool text_is_nocase(hg_str a, hg_str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool text_starts(hg_str text, hg_str prefix)
{
    return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

static inline bool text_ends(hg_str text, hg_str suffix)
{
    return text.n >= suffix.n &&
           (suffix.n == 0 || memcmp(text.p + text.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Without spaces and tabs at both ends. */
hg_str text_trim(hg_str text);

/* Whether there is a control character in it that a header field must not hold: any but a tab. */
bool text_has_control(hg_str text);

/* The part before `sep`; *rest becomes the part behind it, or empty when there is no `sep`. */
hg_str text_cut(hg_str text, char sep, hg_str *rest);

/* Whether "%2F" or the like stands at `at`; *ret_byte is what it means. */
bool text_percent_at(hg_str text, size_t at, char *ret_byte);

/* Digits only, no sign, no overflow. */
bool text_to_u64(hg_str text, uint64_t *ret_value);

/* "250ms", "8s", "5m", "2h", "1.5s" or plain seconds ("30"). */
bool text_to_duration(hg_str text, hg_ns *ret_duration);

/* "64KB", "1MB", "2GB" (powers of 1024, the B may be left out) or plain bytes. */
bool text_to_size(hg_str text, uint64_t *ret_bytes);

/* The nearest of `count` words, if it is near enough to be a misspelling; NULL otherwise. */
const char *text_suggest(hg_str word, const char *const *words, size_t count);

/* Writers without printf, for the request path: they return the end of what they wrote. */
static inline char *put_mem(char *at, const void *p, size_t n)
{
    memcpy(at, p, n);
    return at + n;
}

static inline char *put_text(char *at, hg_str text)
{
    return text.n ? put_mem(at, text.p, text.n) : at;
}

#define PUT_U64_MAX 20
char *put_u64(char *at, uint64_t value);
char *put_hex(char *at, uint64_t value); /* no leading zeros */

/* Microseconds since 1970 as "2026-11-24T18:20:07.239225Z", for the years 0 to 9999; a moment
 * outside of them is written as the nearest inside. */
#define PUT_UTC_SIZE 27
char *put_utc(char *at, int64_t us);
