#include "place.h"

#include <string.h>
#include <strings.h>

#include "words.h"

/* ---- what may stand in a URL -------------------------------------------------------------- */

static bool is_dot(const char *p, size_t n, size_t *ret_n)
{
    if (n && *p == '.') {
        *ret_n = 1;
        return true;
    }
    *ret_n = 3;
    return n >= 3 && strncasecmp(p, "%2e", 3) == 0;
}

/* "." or "..", in any spelling: it would leave the part of the API that base_url opens. */
static bool is_dots(const char *p, size_t n)
{
    size_t dots = 0, taken;

    while (n && is_dot(p, n, &taken)) {
        p += taken;
        n -= taken;
        dots++;
    }
    return n == 0 && (dots == 1 || dots == 2);
}

/* What may stand in a URL behind the host. */
static bool path_is_sane(hg_str path)
{
    size_t start = 0;

    for (size_t i = 0; i <= path.n; i++) {
        unsigned char c = i < path.n ? (unsigned char)path.p[i] : '/';

        if (c <= ' ' || c >= 0x7f || c == '#' || c == '\\')
            return false;
        if (c != '/' && c != '?')
            continue;
        if (is_dots(path.p + start, i - start))
            return false;
        if (c == '?')
            return true;
        start = i + 1;
    }
    return true;
}

static bool query_is_sane(hg_str query)
{
    for (size_t i = 0; i < query.n; i++) {
        unsigned char c = (unsigned char)query.p[i];

        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return true;
}

/* A host, and perhaps a port that exists: what else the gateway could not connect to. */
static bool authority_is_sane(hg_str authority)
{
    const char *end = authority.p + authority.n;
    const char *bracket = *authority.p == '[' ? memchr(authority.p, ']', authority.n) : NULL;
    const char *host_end = bracket ? bracket + 1 : authority.p;
    unsigned port = 0;

    if (*authority.p == '[' && !bracket)
        return false;
    while (!bracket && host_end < end && *host_end != ':')
        host_end++;
    if (host_end == authority.p || host_end == end)
        return host_end != authority.p;
    if (*host_end != ':')
        return false;
    for (const char *p = host_end + 1; p < end; p++) {
        if (*p < '0' || *p > '9' || port > 65535)
            return false;
        port = port * 10 + (unsigned)(*p - '0');
    }
    return port > 0 && port <= 65535;
}

/* ---- places ------------------------------------------------------------------------------- */

hg_rc place_read(const hg_host *host, hg_op op, const char *setting, hg_str url,
                 struct place *ret_place)
{
    size_t scheme = word_starts(url, HG_S("https://"))  ? 8
                    : word_starts(url, HG_S("http://")) ? 7
                                                        : 0;
    struct place place = {.base = url};

    if (scheme == 0 || url.n == scheme || url.p[scheme] == '/' || url.p[scheme] == '?' ||
        !query_is_sane(url))
        return host->fail(op, HG_E_CONFIG, "%s: a URL like \"https://api.example.com/v1\"",
                          setting);
    const char *mark = memchr(url.p, '?', url.n);

    if (mark) {
        place.base.n = (size_t)(mark - url.p);
        place.query = (hg_str){mark + 1, url.n - place.base.n - 1};
    }
    if (memchr(place.base.p, '@', place.base.n))
        return host->fail(op, HG_E_CONFIG, "%s: no user name or password here; use api_key",
                          setting);
    const char *name = url.p + scheme;
    const char *slash = memchr(name, '/', place.base.n - scheme);
    size_t name_n = slash ? (size_t)(slash - name) : place.base.n - scheme;

    if (!authority_is_sane((hg_str){name, name_n}))
        return host->fail(op, HG_E_CONFIG, "%s: a host, or HOST:PORT with a port up to 65535",
                          setting);
    while (place.base.n > scheme && place.base.p[place.base.n - 1] == '/')
        place.base.n--;
    *ret_place = place;
    return HG_OK;
}

/* Where a kind of request lives; what has no single place keeps the path it came with. */
static hg_str path_of_kind(uint32_t kind)
{
    switch (kind) {
    case HG_R_CHAT:
        return HG_S("/chat/completions");
    case HG_R_COMPLETE:
        return HG_S("/completions");
    case HG_R_EMBED:
        return HG_S("/embeddings");
    case HG_R_MODERATE:
        return HG_S("/moderations");
    case HG_R_RERANK:
        return HG_S("/rerank");
    case HG_R_REALTIME:
        return HG_S("/realtime");
    default:
        return (hg_str){0};
    }
}

hg_str place_tail(const hg_req_info *info)
{
    hg_str tail = info->path, known = path_of_kind(info->kind);

    if (word_starts(tail, HG_S("/v1/"))) {
        tail.p += 3;
        tail.n -= 3;
    }
    if (info->kind == HG_R_REALTIME)
        return known;
    return known.n && !word_starts(tail, known) ? known : tail;
}

char *place_put(char *at, hg_str value)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '_' || c == '.') {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    return at;
}

/* What says the model or the version is the provider's to say, and a name that is encoded could say
 * it as well. */
static bool pair_passes(hg_str pair)
{
    const char *mark = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
    hg_str name = {pair.p, mark ? (size_t)(mark - pair.p) : pair.n};

    return pair.n && !(name.n && memchr(name.p, '%', name.n)) && !word_is(name, "model") &&
           !word_is(name, "deployment") && !word_is(name, "api-version") &&
           !word_is(name, "api-key");
}

hg_rc place_session(const hg_host *host, hg_op op, const struct place *place, const char *name,
                    const hg_req_info *info, hg_str *ret_url)
{
    hg_str rest = info->query;
    char *query = host->alloc(op, strlen(name) + 3 * info->model.n + rest.n + 3), *at = query;

    if (!query)
        return host->fail(op, HG_E_TOOBIG, "the URL is too long");
    if (info->model.n) {
        at = word_put(at, word_of(name));
        *at++ = '=';
        at = place_put(at, info->model);
    }
    while (rest.n) {
        const char *mark = memchr(rest.p, '&', rest.n);
        hg_str pair = {rest.p, mark ? (size_t)(mark - rest.p) : rest.n};
        size_t used = pair.n + (mark != NULL);

        if (pair_passes(pair)) {
            if (at > query)
                *at++ = '&';
            at = word_put(at, pair);
        }
        rest = (hg_str){rest.p + used, rest.n - used};
    }
    return place_url(host, op, place, place_tail(info), (hg_str){query, (size_t)(at - query)},
                     ret_url);
}

hg_rc place_url(const hg_host *host, hg_op op, const struct place *place, hg_str tail, hg_str query,
                hg_str *ret_url)
{
    if (tail.n == 0 || tail.p[0] != '/' || !path_is_sane(tail) || !query_is_sane(query))
        return host->fail(op, HG_E_INPUT, "the path or query is not one to pass on");
    char *url = host->alloc(op, place->base.n + tail.n + place->query.n + query.n + 3), *at = url;

    if (!url)
        return host->fail(op, HG_E_TOOBIG, "the URL is too long");
    at = word_put(word_put(at, place->base), tail);
    if (place->query.n) {
        *at++ = '?';
        at = word_put(at, place->query);
    }
    if (query.n) {
        *at++ = place->query.n ? '&' : '?';
        at = word_put(at, query);
    }
    *ret_url = (hg_str){url, (size_t)(at - url)};
    return HG_OK;
}
