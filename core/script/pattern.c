/* A pattern is a line of items without alternatives, so everything that can be wrong with it is
 * found in one walk (pattern_init) and the matcher need not look for mistakes. It backs up by
 * recursion, once for each capture or repetition at most; the work is counted in steps. */
#include "script/pattern.h"

#include <ctype.h>
#include <string.h>

#include "base/ensure.h"

enum {
    ESCAPE = '%'
};

static inline unsigned char byte_at(const char *p)
{
    return (unsigned char)*p;
}

/* ---- the walk that checks ------------------------------------------------------------------ */

struct check {
    const char *p, *end;
    const char *message;
    int captures, depth;
    bool is_open[PATTERN_CAPTURES_MAX];
};

static bool check_failed(struct check *check, const char *message)
{
    check->message = message;
    return false;
}

/* p stands behind the '['. A ']' that comes first is an ordinary letter. */
static const char *set_end(const char *p, const char *end)
{
    bool is_first = true;

    if (p < end && *p == '^')
        p++;
    for (; p < end && (*p != ']' || is_first); is_first = false) {
        if (*p == ESCAPE && p + 1 < end)
            p++;
        p++;
    }
    return p < end ? p + 1 : NULL;
}

/* The end of the class of one character that begins at p: a letter, '.', %x or [set]. */
static const char *class_end(const char *p, const char *end)
{
    if (*p == ESCAPE)
        return p + 2 <= end ? p + 2 : NULL;
    return *p == '[' ? set_end(p + 1, end) : p + 1;
}

static bool is_repetition(char c)
{
    return c == '*' || c == '+' || c == '-' || c == '?';
}

static bool check_class(struct check *check)
{
    const char *end = class_end(check->p, check->end);

    if (!end)
        return check_failed(check, *check->p == ESCAPE
                                       ? "malformed pattern (ends with '%'; write '%%' for one)"
                                       : "malformed pattern (missing ']')");
    check->p = end;
    if (check->p < check->end && is_repetition(*check->p)) {
        check->p++;
        check->depth++;
    }
    return true;
}

static bool check_escape(struct check *check)
{
    char what = check->p + 1 < check->end ? check->p[1] : '\0';

    if (what == 'b') {
        if (check->end - check->p < 4)
            return check_failed(check, "malformed pattern (%b needs two characters, as in %b())");
        check->p += 4;
        return true;
    }
    if (what == 'f') {
        if (check->end - check->p < 3 || check->p[2] != '[')
            return check_failed(check, "malformed pattern (%f needs a set, as in %f[%w])");
        check->p += 2;
        const char *end = class_end(check->p, check->end);

        if (!end)
            return check_failed(check, "malformed pattern (missing ']')");
        check->p = end;
        return true;
    }
    if (what >= '0' && what <= '9') {
        int index = what - '1';

        if (index < 0 || index >= check->captures || check->is_open[index])
            return check_failed(check, "invalid capture index in pattern (no such capture there)");
        check->p += 2;
        return true;
    }
    return check_class(check);
}

static bool check_open(struct check *check)
{
    bool is_position = check->p + 1 < check->end && check->p[1] == ')';

    if (check->captures == PATTERN_CAPTURES_MAX)
        return check_failed(check, "too many captures in a pattern (32 is the most)");
    check->is_open[check->captures++] = !is_position;
    check->p += is_position ? 2 : 1;
    check->depth++;
    return true;
}

static bool check_close(struct check *check)
{
    for (int i = check->captures; i-- > 0;)
        if (check->is_open[i]) {
            check->is_open[i] = false;
            check->p++;
            check->depth++;
            return true;
        }
    return check_failed(check, "malformed pattern (')' without '('; write '%)' for a letter)");
}

static bool check_item(struct check *check)
{
    switch (*check->p) {
    case '(':
        return check_open(check);
    case ')':
        return check_close(check);
    case ESCAPE:
        return check_escape(check);
    case '$':
        if (check->p + 1 == check->end) {
            check->p++;
            return true;
        }
        return check_class(check);
    default:
        return check_class(check);
    }
}

static bool check_all(struct check *check)
{
    while (check->p < check->end)
        if (!check_item(check))
            return false;
    for (int i = 0; i < check->captures; i++)
        if (check->is_open[i])
            return check_failed(check, "unfinished capture (missing ')')");
    if (check->depth > PATTERN_DEPTH_MAX)
        return check_failed(check, "pattern too complex (over 200 captures and repetitions)");
    return true;
}

bool pattern_init(struct pattern *pattern, hg_str text, bool may_anchor, hg_str subject,
                  const char **ret_message)
{
    /* Pointers are compared and added to; an empty text may come without one. */
    if (!text.p)
        text.p = "";
    if (!subject.p)
        subject.p = "";
    pattern->anchored = may_anchor && text.n && *text.p == '^';
    if (pattern->anchored)
        text = (hg_str){text.p + 1, text.n - 1};
    pattern->text = text;
    pattern->subject = subject;
    pattern->steps = PATTERN_STEPS_MAX;
    pattern->captures = 0;

    struct check check = {.p = text.p, .end = text.p + text.n};

    if (check_all(&check))
        return true;
    *ret_message = check.message;
    return false;
}

bool pattern_is_plain(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] && strchr("^$*+?.([%-", text.p[i]))
            return false;
    return true;
}

/* ---- one character against one class --------------------------------------------------------- */

static bool letter_class(unsigned char c, unsigned char letter)
{
    bool is_in;

    switch (tolower(letter)) {
    case 'a':
        is_in = isalpha(c);
        break;
    case 'c':
        is_in = iscntrl(c);
        break;
    case 'd':
        is_in = isdigit(c);
        break;
    case 'g':
        is_in = isgraph(c);
        break;
    case 'l':
        is_in = islower(c);
        break;
    case 'p':
        is_in = ispunct(c);
        break;
    case 's':
        is_in = isspace(c);
        break;
    case 'u':
        is_in = isupper(c);
        break;
    case 'w':
        is_in = isalnum(c);
        break;
    case 'x':
        is_in = isxdigit(c);
        break;
    default:
        return letter == c;
    }
    return is_in != (isupper(letter) != 0);
}

/* p stands on '[', close on the ']' that ends the set. A long set is as much work as a long text,
 * so its parts are steps too. */
static bool set_has(struct pattern *pattern, unsigned char c, const char *p, const char *close)
{
    bool if_found = true;

    if (*++p == '^') {
        if_found = false;
        p++;
    }
    while (p < close) {
        pattern->steps--;
        if (*p == ESCAPE) {
            if (letter_class(c, byte_at(p + 1)))
                return if_found;
            p += 2;
        } else if (p[1] == '-' && p + 2 < close) {
            if (byte_at(p) <= c && c <= byte_at(p + 2))
                return if_found;
            p += 3;
        } else {
            if (byte_at(p) == c)
                return if_found;
            p++;
        }
    }
    return !if_found;
}

static inline const char *subject_end(const struct pattern *pattern)
{
    return pattern->subject.p + pattern->subject.n;
}

/* Is there a character at `s`, and is it in the class [p, end)? */
static bool class_has(struct pattern *pattern, const char *s, const char *p, const char *end)
{
    if (s >= subject_end(pattern) || --pattern->steps < 0)
        return false;
    switch (*p) {
    case '.':
        return true;
    case ESCAPE:
        return letter_class(byte_at(s), byte_at(p + 1));
    case '[':
        return set_has(pattern, byte_at(s), p, end - 1);
    default:
        return *p == *s;
    }
}

/* ---- the matcher ----------------------------------------------------------------------------- */

static const char *match(struct pattern *pattern, const char *s, const char *p);

/* As many as possible, then one less each time the rest does not match. */
static const char *match_most(struct pattern *pattern, const char *s, const char *p,
                              const char *end)
{
    const char *at = s;

    while (class_has(pattern, at, p, end))
        at++;
    for (;;) {
        const char *done = match(pattern, at, end + 1);

        if (done || at == s || pattern->steps < 0)
            return done;
        at--;
    }
}

/* As few as possible, then one more each time. */
static const char *match_least(struct pattern *pattern, const char *s, const char *p,
                               const char *end)
{
    do {
        const char *done = match(pattern, s, end + 1);

        if (done)
            return done;
    } while (class_has(pattern, s++, p, end));
    return NULL;
}

static const char *match_open(struct pattern *pattern, const char *s, const char *p)
{
    bool is_position = p[1] == ')';
    struct pattern_capture *capture = &pattern->capture[pattern->captures++];

    *capture = (struct pattern_capture){s, is_position ? PATTERN_POSITION : PATTERN_OPEN};

    const char *done = match(pattern, s, p + (is_position ? 2 : 1));

    if (!done)
        pattern->captures--;
    return done;
}

static const char *match_close(struct pattern *pattern, const char *s, const char *p)
{
    int i = pattern->captures - 1;

    while (pattern->capture[i].len != PATTERN_OPEN)
        i--;
    pattern->capture[i].len = s - pattern->capture[i].at;

    const char *done = match(pattern, s, p + 1);

    if (!done)
        pattern->capture[i].len = PATTERN_OPEN;
    return done;
}

/* %bxy: from an x to the y that balances it. */
static const char *match_balance(struct pattern *pattern, const char *s, const char *p)
{
    const char *end = subject_end(pattern);
    long open = 1;

    if (s >= end || *s != p[2])
        return NULL;
    while (++s < end && --pattern->steps >= 0) {
        if (*s == p[3]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == p[2]) {
            open++;
        }
    }
    return NULL;
}

/* %f[set]: the border where the set begins; outside of the subject there are zero bytes. */
static bool is_frontier(struct pattern *pattern, const char *s, const char *set, const char *end)
{
    unsigned char before = s == pattern->subject.p ? '\0' : byte_at(s - 1);
    unsigned char here = s == subject_end(pattern) ? '\0' : byte_at(s);

    return !set_has(pattern, before, set, end - 1) && set_has(pattern, here, set, end - 1);
}

static const char *match_again(struct pattern *pattern, const char *s, int index)
{
    const struct pattern_capture *capture = &pattern->capture[index];

    if (capture->len < 0 || capture->len > subject_end(pattern) - s)
        return NULL;
    pattern->steps -= (long)capture->len / 16; /* memcmp is quick, but not free */
    return memcmp(s, capture->at, (size_t)capture->len) == 0 ? s + capture->len : NULL;
}

/* An item of fixed behaviour: where it ends in the subject, and *p moves behind it. */
static const char *match_escape(struct pattern *pattern, const char *s, const char **p)
{
    const char *at = *p;

    if (at[1] == 'b') {
        *p += 4;
        return match_balance(pattern, s, at);
    }
    if (at[1] == 'f') {
        *p = class_end(at + 2, pattern->text.p + pattern->text.n);
        return is_frontier(pattern, s, at + 2, *p) ? s : NULL;
    }
    *p += 2;
    return match_again(pattern, s, at[1] - '1');
}

static bool is_special_escape(const char *p)
{
    return p[0] == ESCAPE && (p[1] == 'b' || p[1] == 'f' || (p[1] >= '0' && p[1] <= '9'));
}

static const char *match(struct pattern *pattern, const char *s, const char *p)
{
    const char *pattern_end = pattern->text.p + pattern->text.n;

    while (s && p < pattern_end) {
        if (--pattern->steps < 0)
            return NULL;
        if (*p == '(')
            return match_open(pattern, s, p);
        if (*p == ')')
            return match_close(pattern, s, p);
        if (*p == '$' && p + 1 == pattern_end)
            return s == subject_end(pattern) ? s : NULL;
        if (is_special_escape(p)) {
            s = match_escape(pattern, s, &p);
            continue;
        }

        const char *end = class_end(p, pattern_end);

        ensure(end); /* others were refused before */
        char repetition = end < pattern_end ? *end : '\0';

        pattern->steps -= (end - p) / 8; /* finding the end of a long set is work as well */
        if (repetition == '*')
            return match_most(pattern, s, p, end);
        if (repetition == '-')
            return match_least(pattern, s, p, end);
        if (repetition == '+')
            return class_has(pattern, s, p, end) ? match_most(pattern, s + 1, p, end) : NULL;
        if (repetition == '?') {
            const char *done =
                class_has(pattern, s, p, end) ? match(pattern, s + 1, end + 1) : NULL;

            if (done)
                return done;
            p = end + 1;
            continue;
        }
        s = class_has(pattern, s, p, end) ? s + 1 : NULL;
        p = end;
    }
    return pattern->steps < 0 ? NULL : s;
}

const char *pattern_match_at(struct pattern *pattern, const char *at)
{
    pattern->captures = 0;
    if (--pattern->steps < 0)
        return NULL;
    return match(pattern, at, pattern->text.p);
}

bool pattern_search(struct pattern *pattern, const char *from, hg_str *ret_match)
{
    const char *end = subject_end(pattern);

    do {
        const char *done = pattern_match_at(pattern, from);

        if (done) {
            *ret_match = (hg_str){from, (size_t)(done - from)};
            return true;
        }
    } while (from++ < end && !pattern->anchored && pattern->steps >= 0);
    return false;
}
