#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"

/* ---- reading -------------------------------------------------------------------------------- */

/* Reads the digits of a port, 1 to 65535; 0 as well where a listener may ask for any free one. */
static bool address_port_of(hg_str text, bool zero_too, uint16_t *ret_port)
{
    uint64_t port;

    if (text.n > 5 || !text_to_u64(text, &port) || port > UINT16_MAX || (port == 0 && !zero_too))
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* The host is what stands in brackets, or has no colon. */
static bool cut_port(hg_str text, hg_str *ret_host, hg_str *ret_port)
{
    const char *end = text.n ? memrchr(text.p, ':', text.n) : NULL;

    if (!end)
        return false;
    hg_str host = {text.p, (size_t)(end - text.p)};

    *ret_port = (hg_str){end + 1, text.n - host.n - 1};
    if (host.n && host.p[0] == '[') {
        if (host.n < 4 || host.p[host.n - 1] != ']')
            return false;
        *ret_host = (hg_str){host.p + 1, host.n - 2};
        return !memchr(ret_host->p, ']', ret_host->n) && memchr(ret_host->p, ':', ret_host->n);
    }
    *ret_host = host;
    return !host.n || (!memchr(host.p, ':', host.n) && !memchr(host.p, ']', host.n));
}

bool address_split(hg_str text, hg_str *ret_host, uint16_t *ret_port)
{
    hg_str host, port_text;
    uint16_t port;

    if (!cut_port(text, &host, &port_text) || !host.n || !address_port_of(port_text, false, &port))
        return false;
    *ret_host = host;
    *ret_port = port;
    return true;
}

static void set_v4(struct address *address, struct in_addr v4, uint16_t port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = v4};

    address_set(address, (const struct sockaddr *)&sin, sizeof sin);
}

static void set_v6(struct address *address, const struct in6_addr *v6, uint16_t port)
{
    struct sockaddr_in6 sin6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *v6};

    address_set(address, (const struct sockaddr *)&sin6, sizeof sin6);
}

bool address_of_host(struct address *ret_address, hg_str host, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    bool in_brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (in_brackets)
        host = (hg_str){host.p + 1, host.n - 2};
    if (!host.n || host.n >= sizeof text || memchr(host.p, 0, host.n))
        return false;
    *put_text(text, host) = 0;

    /* inet_pton takes four decimal numbers and nothing else. */
    if (!in_brackets && inet_pton(AF_INET, text, &v4) == 1)
        set_v4(ret_address, v4, port);
    else if (inet_pton(AF_INET6, text, &v6) == 1)
        set_v6(ret_address, &v6, port);
    else
        return false;
    return true;
}

bool address_is_numeric(hg_str host)
{
    struct address unused;

    return address_of_host(&unused, host, 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Decimal and octal digits, or 0x with hexadecimal ones. No top-level domain looks like that. */
static bool is_number(hg_str label)
{
    bool hex = label.n >= 2 && label.p[0] == '0' && (label.p[1] | 0x20) == 'x';

    for (size_t i = hex ? 2 : 0; i < label.n; i++)
        if (!(hex ? is_hex_digit(label.p[i]) : is_digit(label.p[i])))
            return false;
    return label.n > 0;
}

bool address_looks_numeric(hg_str host)
{
    if (host.n && host.p[host.n - 1] == '.')
        host.n--;
    const char *dot = host.n ? memrchr(host.p, '.', host.n) : NULL;
    size_t start = dot ? (size_t)(dot + 1 - host.p) : 0;

    return is_number((hg_str){host.p + start, host.n - start});
}

bool address_parse(struct address *ret_address, hg_str text, struct error *error)
{
    hg_str host, port_text;
    uint16_t port;

    if (!cut_port(text, &host, &port_text))
        return error_set(error,
                         "\"%.*s\" is not an address with a port; write 127.0.0.1:8787, "
                         "[::1]:8787 or :8787",
                         TEXT_ARG(text));
    if (!address_port_of(port_text, true, &port))
        return error_set(error, "\"%.*s\" is not a port (0 to 65535)", TEXT_ARG(port_text));
    if (!host.n)
        set_v6(ret_address, &in6addr_any, port);
    else if (!address_of_host(ret_address, host, port))
        return error_set(error, "\"%.*s\" is not a numeric address", TEXT_ARG(host));
    return true;
}

/* ---- parts and text ------------------------------------------------------------------------- */

void address_set(struct address *address, const struct sockaddr *sockaddr, socklen_t len)
{
    *address = (struct address){0};
    if (len > sizeof address->storage)
        len = sizeof address->storage;
    memcpy(&address->storage, sockaddr, len);
    address->len = len;
}

const struct sockaddr *address_sockaddr(const struct address *address)
{
    return (const struct sockaddr *)&address->storage;
}

int address_family(const struct address *address)
{
    return address->storage.ss_family;
}

static const struct sockaddr_in *as_v4(const struct address *address)
{
    return (const struct sockaddr_in *)&address->storage;
}

static const struct sockaddr_in6 *as_v6(const struct address *address)
{
    return (const struct sockaddr_in6 *)&address->storage;
}

uint16_t address_port(const struct address *address)
{
    if (address_family(address) == AF_INET)
        return ntohs(as_v4(address)->sin_port);
    return address_family(address) == AF_INET6 ? ntohs(as_v6(address)->sin6_port) : 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    /* sin_port and sin6_port are at the same place. */
    _Static_assert(offsetof(struct sockaddr_in, sin_port) ==
                       offsetof(struct sockaddr_in6, sin6_port),
                   "the port has moved");
    ensure(address_family(address) == AF_INET || address_family(address) == AF_INET6);
    ((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
}

bool address_is(const struct address *a, const struct address *b)
{
    if (address_family(a) != address_family(b) || address_port(a) != address_port(b))
        return false;
    if (address_family(a) == AF_INET)
        return as_v4(a)->sin_addr.s_addr == as_v4(b)->sin_addr.s_addr;
    return address_family(a) == AF_INET6 && as_v6(a)->sin6_scope_id == as_v6(b)->sin6_scope_id &&
           memcmp(&as_v6(a)->sin6_addr, &as_v6(b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

const char *address_host_text(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
    const struct in6_addr *v6 = &as_v6(address)->sin6_addr;

    if (address_family(address) == AF_INET)
        inet_ntop(AF_INET, &as_v4(address)->sin_addr, out, ADDRESS_TEXT_MAX);
    else if (address_family(address) != AF_INET6)
        snprintf(out, ADDRESS_TEXT_MAX, "unknown");
    else if (IN6_IS_ADDR_V4MAPPED(v6))
        inet_ntop(AF_INET, v6->s6_addr + 12, out, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, v6, out, ADDRESS_TEXT_MAX);
    return out;
}

const char *address_text(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
    char host[ADDRESS_TEXT_MAX];
    bool brackets = strchr(address_host_text(address, host), ':');

    /* The longest host has 45 characters; brackets, colon and port add 8. */
    snprintf(out, ADDRESS_TEXT_MAX, "%s%.45s%s:%u", brackets ? "[" : "", host, brackets ? "]" : "",
             (unsigned)address_port(address));
    return out;
}

/* ---- classes -------------------------------------------------------------------------------- */

struct v4_range {
    uint8_t net[4];
    uint8_t bits;
    enum address_class class;
};

/* The first that fits counts: single addresses come before the ranges they lie in. */
static const struct v4_range v4_ranges[] = {
    {{169, 254, 169, 254}, 32, ADDRESS_METADATA}, /* most clouds */
    {{169, 254, 170, 2}, 32, ADDRESS_METADATA},   /* AWS containers */
    {{169, 254, 170, 23}, 32, ADDRESS_METADATA},  /* AWS pods */
    {{100, 100, 100, 200}, 32, ADDRESS_METADATA}, /* Alibaba */
    {{192, 0, 0, 192}, 32, ADDRESS_METADATA},     /* Oracle */
    {{168, 63, 129, 16}, 32, ADDRESS_METADATA},   /* Azure's host */
    {{0, 0, 0, 0}, 8, ADDRESS_UNSPECIFIED},        {{10, 0, 0, 0}, 8, ADDRESS_PRIVATE},
    {{100, 64, 0, 0}, 10, ADDRESS_PRIVATE},        {{127, 0, 0, 0}, 8, ADDRESS_LOOPBACK},
    {{169, 254, 0, 0}, 16, ADDRESS_LINK_LOCAL},    {{172, 16, 0, 0}, 12, ADDRESS_PRIVATE},
    {{192, 0, 0, 0}, 24, ADDRESS_RESERVED},        {{192, 0, 2, 0}, 24, ADDRESS_RESERVED},
    {{192, 88, 99, 0}, 24, ADDRESS_RESERVED},      {{192, 168, 0, 0}, 16, ADDRESS_PRIVATE},
    {{198, 18, 0, 0}, 15, ADDRESS_RESERVED},       {{198, 51, 100, 0}, 24, ADDRESS_RESERVED},
    {{203, 0, 113, 0}, 24, ADDRESS_RESERVED},      {{224, 0, 0, 0}, 4, ADDRESS_MULTICAST},
    {{255, 255, 255, 255}, 32, ADDRESS_MULTICAST}, {{240, 0, 0, 0}, 4, ADDRESS_RESERVED},
};

static const struct v6_range {
    struct in6_addr net;
    uint8_t bits;
    enum address_class class;
    uint8_t v4_at; /* an IPv4 address is embedded there and decides; 0: none */
} v6_ranges[] = {
    {{{{0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54}}}, 128, ADDRESS_METADATA, 0},        /* AWS */
    {{{{0xfd, 0, 0x0e, 0xc2, [15] = 0x23}}}, 128, ADDRESS_METADATA, 0},              /* AWS pods */
    {{{{0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe}}}, 128, ADDRESS_METADATA, 0},     /* OpenStack */
    {{{{0xfd, 0x20, 0, 0xce, [15] = 0x54, [14] = 0x02}}}, 128, ADDRESS_METADATA, 0}, /* Google */
    {{{{0}}}, 128, ADDRESS_UNSPECIFIED, 0},
    {{{{[15] = 1}}}, 128, ADDRESS_LOOPBACK, 0},
    {{{{[10] = 0xff, 0xff}}}, 96, ADDRESS_RESERVED, 12},       /* mapped */
    {{{{0}}}, 96, ADDRESS_RESERVED, 0},                        /* compatible, abandoned */
    {{{{0, 0x64, 0xff, 0x9b}}}, 96, ADDRESS_RESERVED, 12},     /* NAT64 */
    {{{{0, 0x64, 0xff, 0x9b, 0, 1}}}, 48, ADDRESS_PRIVATE, 0}, /* NAT64 of a site */
    {{{{0x20, 0x02}}}, 16, ADDRESS_RESERVED, 2},               /* 6to4 */
    {{{{0x20, 0x01, 0, 0}}}, 32, ADDRESS_RESERVED, 0},         /* Teredo */
    {{{{0x20, 0x01, 0x0d, 0xb8}}}, 32, ADDRESS_RESERVED, 0},   /* documentation */
    {{{{0x3f, 0xff}}}, 20, ADDRESS_RESERVED, 0},               /* documentation */
    {{{{0x01}}}, 64, ADDRESS_RESERVED, 0},                     /* discard */
    {{{{0xfc}}}, 7, ADDRESS_PRIVATE, 0},
    {{{{0xfe, 0x80}}}, 10, ADDRESS_LINK_LOCAL, 0},
    {{{{0xfe, 0xc0}}}, 10, ADDRESS_PRIVATE, 0},
    {{{{0xff}}}, 8, ADDRESS_MULTICAST, 0},
    {{{{0x20}}}, 3, ADDRESS_PUBLIC, 0},
};

static bool starts_alike(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned rest = bits % 8;

    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

static enum address_class class_of_v4(const uint8_t v4[4])
{
    for (size_t i = 0; i < sizeof v4_ranges / sizeof *v4_ranges; i++)
        if (starts_alike(v4, v4_ranges[i].net, v4_ranges[i].bits))
            return v4_ranges[i].class;
    return ADDRESS_PUBLIC;
}

/* Only 2000::/3 is given out, so everything that no range knows is reserved. */
static enum address_class class_of_v6(const uint8_t v6[16])
{
    for (size_t i = 0; i < sizeof v6_ranges / sizeof *v6_ranges; i++) {
        const struct v6_range *range = &v6_ranges[i];

        if (!starts_alike(v6, range->net.s6_addr, range->bits))
            continue;
        return range->v4_at ? class_of_v4(v6 + range->v4_at) : range->class;
    }
    return ADDRESS_RESERVED;
}

enum address_class address_class(const struct address *address)
{
    uint8_t v4[4];

    if (address_family(address) == AF_INET6)
        return class_of_v6(as_v6(address)->sin6_addr.s6_addr);
    if (address_family(address) != AF_INET)
        return ADDRESS_RESERVED;
    memcpy(v4, &as_v4(address)->sin_addr, sizeof v4);
    return class_of_v4(v4);
}

const char *address_class_name(enum address_class class)
{
    static const char *const names[] = {
        [ADDRESS_PUBLIC] = "public",           [ADDRESS_LOOPBACK] = "loopback",
        [ADDRESS_PRIVATE] = "private",         [ADDRESS_LINK_LOCAL] = "link-local",
        [ADDRESS_METADATA] = "cloud metadata", [ADDRESS_UNSPECIFIED] = "unspecified",
        [ADDRESS_MULTICAST] = "multicast",     [ADDRESS_RESERVED] = "reserved",
    };

    return names[class];
}
