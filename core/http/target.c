#include "http/target.h"

#include "base/text.h"

static bool is_dot_segment(hg_str segment)
{
    unsigned dots = 0;

    while (segment.n) {
        if (*segment.p == '.')
            segment.p++, segment.n--;
        else if (segment.n >= 3 && segment.p[0] == '%' && segment.p[1] == '2' &&
                 (segment.p[2] | 0x20) == 'e')
            segment.p += 3, segment.n -= 3;
        else
            return false;
        dots++;
    }
    return dots == 1 || dots == 2;
}

/* Looks at a path that begins with a slash. *ret_doubled: two slashes follow each other somewhere.
 */
static const char *path_look(hg_str path, bool *ret_doubled)
{
    const char *end = path.p + path.n;
    hg_str rest;

    for (const char *at = path.p; at < end; at++) {
        if (*at == '\\')
            return "a backslash in the path";
        if (*at != '/' || at + 1 == end)
            continue;
        *ret_doubled |= at[1] == '/';
        if ((at[1] == '.' || at[1] == '%') &&
            is_dot_segment(text_cut((hg_str){at + 1, (size_t)(end - at - 1)}, '/', &rest)))
            return "dot segments in the path";
    }
    return NULL;
}

static hg_str slashes_squeeze(hg_str path, struct arena *arena)
{
    char *copy = arena_alloc(arena, path.n), *to = copy;

    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] != '/' || i + 1 == path.n || path.p[i + 1] != '/')
            *to++ = path.p[i];
    return (hg_str){copy, (size_t)(to - copy)};
}

/* Letters, digits, and what RFC 3986 lets stand in a host with a port; no user information. */
static bool is_authority(hg_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i], letter = c | 0x20;

        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
            (c == 0 || !strchr("-._~%!$&'()*+,;=:[]", c)))
            return false;
    }
    return text.n > 0;
}

/* The part of an absolute target behind its authority, which must be the Host that was sent. */
static const char *absolute_split(struct head *head, hg_str *ret_rest)
{
    hg_str target = head->target;
    size_t scheme = text_starts(target, HG_S("http://"))    ? 7
                    : text_starts(target, HG_S("https://")) ? 8
                                                            : 0;
    if (!scheme)
        return "a request target that is neither a path nor an http URL";
    hg_str after = {target.p + scheme, target.n - scheme};
    size_t n = 0;

    while (n < after.n && after.p[n] != '/' && after.p[n] != '?')
        n++;
    if (!is_authority((hg_str){after.p, n}))
        return "a request target with a malformed host";
    if (!text_is_nocase((hg_str){after.p, n}, head->host))
        return "a request target and a Host field that differ";
    *ret_rest = (hg_str){after.p + n, after.n - n};
    return NULL;
}

const char *target_split(struct head *head, struct arena *arena)
{
    hg_str rest = head->target;
    bool doubled = false;

    if (rest.n == 0)
        return "no request target";
    if (memchr(rest.p, '#', rest.n))
        return "a fragment in the request target";
    if (*rest.p != '/' && !(rest.n == 1 && *rest.p == '*')) {
        const char *wrong = absolute_split(head, &rest);

        if (wrong)
            return wrong;
    }
    head->path = text_cut(rest, '?', &head->query);
    if (head->path.n == 0)
        head->path = HG_S("/");
    if (*head->path.p != '/')
        return NULL;
    /* Routing and authorisation look at the same path, so it has one spelling: repeated slashes are
     * made one, and what would climb up is refused. */
    const char *wrong = path_look(head->path, &doubled);

    if (!wrong && doubled)
        head->path = slashes_squeeze(head->path, arena);
    return wrong;
}
