#include "gateway/url.h"

#include <string.h>

bool url_split(hg_str url, struct url *ret)
{
    size_t scheme = text_starts(url, HG_S("http://"))    ? 7
                    : text_starts(url, HG_S("https://")) ? 8
                                                         : 0;
    hg_str rest = {url.p + scheme, url.n - scheme};
    size_t end = 0;
    uint64_t port;

    if (!scheme)
        return false;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    ret->is_tls = scheme == 8;
    ret->authority = (hg_str){rest.p, end};
    ret->path = (hg_str){rest.p + end, rest.n - end};
    if (ret->path.n == 0)
        ret->path = HG_S("/");
    if (memchr(ret->authority.p, '@', ret->authority.n))
        return false;
    const char *after_host = ret->authority.n && *ret->authority.p == '['
                                 ? memchr(ret->authority.p, ']', ret->authority.n)
                                 : ret->authority.p;
    if (!after_host)
        return false;
    const char *colon =
        memchr(after_host, ':', (size_t)(ret->authority.p + ret->authority.n - after_host));
    size_t host = colon ? (size_t)(colon - ret->authority.p) : ret->authority.n;

    ret->host = (hg_str){ret->authority.p, host};
    ret->port = ret->is_tls ? 443 : 80;
    if (!colon)
        return host > 0;
    if (!text_to_u64((hg_str){colon + 1, ret->authority.n - host - 1}, &port) || port == 0 ||
        port > 65535)
        return false;
    ret->port = (uint16_t)port;
    return host > 0;
}
