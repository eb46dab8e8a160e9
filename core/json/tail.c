#include "json/tail.h"

#include <string.h>

#include "base/text.h"
#include "json/index.h"
#include "json/scan.h"

/* Inside a string each quote has a backslash before it, so `"key"` with its quotes bare can only be
 * a string of its own; a colon behind it makes it a key. */
static bool member_at(hg_str text, const char *quote, hg_str key, hg_str *ret_value)
{
    const uint8_t *end = (const uint8_t *)text.p + text.n;
    const uint8_t *p = (const uint8_t *)quote + key.n + 2;

    if (quote > text.p && quote[-1] == '\\')
        return false;
    p = json_skip_space(p, end);
    if (p == end || *p != ':')
        return false;
    p = json_skip_space(p + 1, end);
    if (p == end || *p != '{')
        return false;
    *ret_value =
        (hg_str){(const char *)p, json_measure((hg_str){(const char *)p, (size_t)(end - p)})};
    return ret_value->n > 0;
}

bool json_find_last_key(hg_str text, hg_str key, hg_str *ret_value)
{
    size_t rest = text.n;

    while (rest > key.n) {
        const char *second = memrchr(text.p, '"', rest);
        size_t at = second ? (size_t)(second - text.p) : 0;

        if (!second || at < key.n + 1)
            return false;
        const char *first = second - key.n - 1;

        if (*first == '"' && memcmp(first + 1, key.p, key.n) == 0 &&
            member_at(text, first, key, ret_value))
            return true;
        rest = at;
    }
    return false;
}
