/* pattern.h - Lua patterns with a limit on the work: "x" * 200 against ".-.-.-.-y" takes the
 * standard matcher half a minute, and no hook can interrupt C. Same meaning as in Lua 5.4, except
 * that a malformed pattern is refused before it is tried. Knows nothing of Lua. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <headgate/abi.h>

enum {
    PATTERN_CAPTURES_MAX = 32,
    PATTERN_DEPTH_MAX = 200, /* captures and repetitions in one pattern */
    PATTERN_STEPS_MAX = 1000000
};

struct pattern_capture {
    const char *at;
    ptrdiff_t len; /* PATTERN_POSITION for () */
};
enum {
    PATTERN_OPEN = -1,
    PATTERN_POSITION = -2
};

struct pattern {
    hg_str text;    /* the pattern, without the anchor */
    hg_str subject; /* what is searched */
    bool anchored;
    long steps; /* left; less than 0: the limit was reached and every result is "no match" */
    int captures;
    struct pattern_capture capture[PATTERN_CAPTURES_MAX];
};

/* False with a static message if `text` is malformed. A leading ^ is an anchor if `may_anchor`. */
bool pattern_init(struct pattern *pattern, hg_str text, bool may_anchor, hg_str subject,
                  const char **ret_message);

/* The end of a match that begins exactly at `at`, with the captures filled; NULL if there is none.
 */
const char *pattern_match_at(struct pattern *pattern, const char *at);

/* The first match that begins at or behind `from`. */
bool pattern_search(struct pattern *pattern, const char *from, hg_str *ret_match);

/* True if nothing in `text` has a special meaning. */
bool pattern_is_plain(hg_str text);

static inline bool pattern_exhausted(const struct pattern *pattern)
{
    return pattern->steps < 0;
}
