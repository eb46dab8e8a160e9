/* address.h - where a socket connects to or listens on: an IPv4 or IPv6 address with a port.
 *
 * Numbers are read strictly. What inet_aton would also take (octal, hexadecimal, "127.1", a bare
 * integer) is never an address here, so that what a policy has looked at is what is connected to.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <headgate/abi.h>

#include "base/error.h"

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

enum {
    ADDRESS_TEXT_MAX = 56
}; /* "[v6]:port" with its NUL */

/* Cuts "host:port" or "[v6]:port". The host is given without brackets and may be a name. */
bool address_split(hg_str text, hg_str *ret_host, uint16_t *ret_port);

/* A numeric host, v6 with or without brackets. False if it is not one; never asks DNS. */
bool address_of_host(struct address *ret_address, hg_str host, uint16_t port);
bool address_is_numeric(hg_str host);

/* A name that resolvers would read as an alternate spelling of an IPv4 address ("0x7f.1", "127.1",
 * "2130706433"), because its last label is a number. Such names must not be resolved. */
bool address_looks_numeric(hg_str host);

/* For listeners: "127.0.0.1:8787", "[::1]:0", ":8787" (all interfaces, v6 and v4). */
bool address_parse(struct address *ret_address, hg_str text, struct error *error);

/* From accept and getsockname. A length beyond the storage is cut. */
void address_set(struct address *address, const struct sockaddr *sockaddr, socklen_t len);

const struct sockaddr *address_sockaddr(const struct address *address);
int address_family(const struct address *address);
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);
bool address_is(const struct address *a, const struct address *b); /* port included */

/* "127.0.0.1:80", "[::1]:80"; a mapped v4 reads as v4. Both return `out`. */
const char *address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);
const char *address_host_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);

/* What kind of place it is, for deciding where requests of other people may go. An IPv4 address
 * inside an IPv6 one (mapped, NAT64, 6to4) counts as itself. */
enum address_class {
    ADDRESS_PUBLIC,
    ADDRESS_LOOPBACK,
    ADDRESS_PRIVATE,     /* RFC 1918, shared 100.64/10, unique local fc00::/7, site local */
    ADDRESS_LINK_LOCAL,  /* 169.254/16, fe80::/10 */
    ADDRESS_METADATA,    /* where clouds hand out credentials; also inside the ranges above */
    ADDRESS_UNSPECIFIED, /* 0.0.0.0/8 and ::, which Linux takes for loopback */
    ADDRESS_MULTICAST,   /* and broadcast */
    ADDRESS_RESERVED,    /* documentation, benchmarks, Teredo, future use */
};

enum address_class address_class(const struct address *address);
const char *address_class_name(enum address_class class); /* "loopback", "cloud metadata"... */
