#include "dialect/path.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* As nearly always: nothing is to be undone. */
static bool is_plain(hg_str path)
{
    char before = 0;

    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];

        if (c == '%' || c == '\\' || (before == '/' && (c == '/' || c == '.')))
            return false;
        before = c;
    }
    return before != '/' && path.n && path.n <= PATH_MAX_PLAIN;
}

hg_str path_plain(hg_str path, char plain[PATH_MAX_PLAIN])
{
    size_t n = 0;

    if (is_plain(path))
        return path;

    /* As if with a slash at the end, so that the last segment is looked at like others. */
    for (size_t i = 0; i <= path.n; i++) {
        char c = i < path.n ? path.p[i] : '/';

        if (text_percent_at(path, i, &c))
            i += 2;
        if (c == '\\')
            c = '/';
        if (c == '/' && n && plain[n - 1] == '/')
            continue;
        if (c == '/' && n >= 2 && plain[n - 1] == '.' && plain[n - 2] == '/') {
            n--;
            continue;
        }
        if (c == '/' && n >= 3 && memcmp(plain + n - 3, "/..", 3) == 0) {
            n -= 3;
            while (n && plain[n - 1] != '/')
                n--;
            n += n == 0;
            continue;
        }
        if (n == PATH_MAX_PLAIN)
            return HG_S("");
        plain[n++] = c;
    }
    while (n > 1 && plain[n - 1] == '/')
        n--;
    return (hg_str){plain, n};
}
