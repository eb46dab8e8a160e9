#include "net/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"

START_TEST(hosts_and_ports_are_cut_apart)
{
    static const struct {
        const char *text, *host;
        unsigned port;
    } cases[] = {
        {"localhost:80", "localhost", 80},       {"api.example.org:443", "api.example.org", 443},
        {"127.0.0.1:65535", "127.0.0.1", 65535}, {"[::1]:8080", "::1", 8080},
        {"[2001:db8::5]:1", "2001:db8::5", 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hg_str host;
        uint16_t port;

        ck_assert_msg(address_split(text_of(cases[i].text), &host, &port), "%s", cases[i].text);
        ck_assert(text_is(host, text_of(cases[i].host)));
        ck_assert_uint_eq(port, cases[i].port);
    }
}
END_TEST

START_TEST(what_is_no_host_and_port_is_refused)
{
    static const char *const cases[] = {
        "",           ":",         ":80",       "host",       "host:",    "host:0",
        "host:65536", "host:x",    "host:-1",   "host:+80",   "host: 80", "host:080000",
        "::1",        "::1:80",    "[::1]",     "[::1]80",    "[::1:80",  "::1]:80",
        "[]:80",      "[host]:80", "[::1]]:80", "[[::1]]:80", "a:b:80",
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hg_str host;
        uint16_t port;

        ck_assert_msg(!address_split(text_of(cases[i]), &host, &port), "%s", cases[i]);
    }
}
END_TEST

START_TEST(numeric_hosts_are_four_decimals_or_v6)
{
    static const char *const numeric[] = {"1.2.3.4", "0.0.0.0", "255.255.255.255", "::",
                                          "::1",     "[::1]",   "::ffff:1.2.3.4",  "2001:DB8::1"};
    static const char *const not [] = {
        "",           "1",          "1.2",          "1.2.3",          "1.2.3.4.",
        "1.2.3.4.5",  "01.2.3.4",   "1.2.3.010",    "0x1.2.3.4",      "0x7f000001",
        "2130706433", "1.2.3.256",  " 1.2.3.4",     "1.2.3.4 ",       "1.2.3.-4",
        "[1.2.3.4]",  "1.2.3.4:80", "::1%lo",       "fe80::1%1",      "[::1",
        "::1]",       "1::2::3",    ":::",          "g::1",           "localhost",
        "[]",         "[",          "::ffff:127.1", "\xd9\xa1.2.3.4",
    };

    for (size_t i = 0; i < sizeof numeric / sizeof *numeric; i++)
        ck_assert_msg(address_is_numeric(text_of(numeric[i])), "%s", numeric[i]);
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        ck_assert_msg(!address_is_numeric(text_of(not [i])), "%s", not [i]);
    ck_assert(!address_is_numeric((hg_str){"1.2.3.4\0", 8}));
    ck_assert(!address_is_numeric((hg_str){"1.2.3.4\0.evil.test", 18}));
}
END_TEST

START_TEST(names_that_resolvers_take_for_numbers_are_known)
{
    static const char *const looks[] = {"1",          "127.1",      "0x7f.1",  "0x7f000001",
                                        "2130706433", "0177.0.0.1", "1.2.3.4", "1.2.3.4.",
                                        "foo.0x1",    "foo.09",     "0x",      "1.0XaF"};
    static const char *const not [] = {"localhost", "a.b", "1a", "1.2.3.4a", "0xg", "x0", "", "."};

    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        ck_assert_msg(address_looks_numeric(text_of(looks[i])), "%s", looks[i]);
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        ck_assert_msg(!address_looks_numeric(text_of(not [i])), "%s", not [i]);
}
END_TEST

START_TEST(listening_addresses_are_read_and_written)
{
    static const char *const cases[][2] = {
        {"127.0.0.1:8787", "127.0.0.1:8787"},  {"127.0.0.1:0", "127.0.0.1:0"},
        {"[::1]:8787", "[::1]:8787"},          {":8787", "[::]:8787"},
        {"[::ffff:10.0.0.1]:1", "10.0.0.1:1"}, {"[0:0::0:00A]:65535", "[::a]:65535"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        struct address address;
        char text[ADDRESS_TEXT_MAX];

        ck_assert_msg(address_parse(&address, text_of(cases[i][0]), &error), "%s", error.text);
        ck_assert_str_eq(address_text(&address, text), cases[i][1]);
    }
}
END_TEST

START_TEST(mistakes_in_listening_addresses_are_explained)
{
    struct error error = {0};
    struct address address;

    ck_assert(!address_parse(&address, HG_S("8787"), &error));
    ck_assert_msg(strstr(error.text, "write 127.0.0.1:8787"), "%s", error.text);
    ck_assert(!address_parse(&address, HG_S("localhost:8787"), &error));
    ck_assert_str_eq(error.text, "\"localhost\" is not a numeric address");
    ck_assert(!address_parse(&address, HG_S("127.1:8787"), &error));
    ck_assert(!address_parse(&address, HG_S("127.0.0.1:99999"), &error));
    ck_assert_str_eq(error.text, "\"99999\" is not a port (0 to 65535)");
    ck_assert(!address_parse(&address, HG_S("::1:80"), &error));
}
END_TEST

START_TEST(addresses_are_compared_with_port_and_family)
{
    struct address a, b;

    ck_assert(address_of_host(&a, HG_S("10.0.0.1"), 80));
    ck_assert(address_of_host(&b, HG_S("10.0.0.1"), 81));
    ck_assert(!address_is(&a, &b));
    address_set_port(&b, 80);
    ck_assert_uint_eq(address_port(&b), 80);
    ck_assert(address_is(&a, &b));
    ck_assert(address_of_host(&b, HG_S("::ffff:10.0.0.1"), 80));
    ck_assert(!address_is(&a, &b));
    ck_assert(address_of_host(&a, HG_S("::ffff:10.0.0.1"), 80));
    ck_assert(address_is(&a, &b));
    address_set_port(&a, 1);
    ck_assert(!address_is(&a, &b));
}
END_TEST

START_TEST(every_address_has_its_class)
{
    static const struct {
        const char *host;
        enum address_class class;
    } cases[] = {
        {"1.1.1.1", ADDRESS_PUBLIC},
        {"100.63.255.255", ADDRESS_PUBLIC},
        {"100.128.0.0", ADDRESS_PUBLIC},
        {"172.15.0.1", ADDRESS_PUBLIC},
        {"172.32.0.1", ADDRESS_PUBLIC},
        {"192.167.1.1", ADDRESS_PUBLIC},
        {"126.255.255.255", ADDRESS_PUBLIC},
        {"127.0.0.1", ADDRESS_LOOPBACK},
        {"127.255.255.254", ADDRESS_LOOPBACK},
        {"10.1.2.3", ADDRESS_PRIVATE},
        {"172.16.0.1", ADDRESS_PRIVATE},
        {"172.31.255.255", ADDRESS_PRIVATE},
        {"192.168.0.1", ADDRESS_PRIVATE},
        {"100.64.0.1", ADDRESS_PRIVATE},
        {"169.254.1.1", ADDRESS_LINK_LOCAL},
        {"169.254.169.254", ADDRESS_METADATA},
        {"169.254.170.2", ADDRESS_METADATA},
        {"100.100.100.200", ADDRESS_METADATA},
        {"168.63.129.16", ADDRESS_METADATA},
        {"192.0.0.192", ADDRESS_METADATA},
        {"0.0.0.0", ADDRESS_UNSPECIFIED},
        {"0.1.2.3", ADDRESS_UNSPECIFIED},
        {"224.0.0.1", ADDRESS_MULTICAST},
        {"255.255.255.255", ADDRESS_MULTICAST},
        {"240.0.0.1", ADDRESS_RESERVED},
        {"192.0.2.1", ADDRESS_RESERVED},
        {"198.19.0.1", ADDRESS_RESERVED},
        {"203.0.113.9", ADDRESS_RESERVED},
        {"2606:4700::1111", ADDRESS_PUBLIC},
        {"::1", ADDRESS_LOOPBACK},
        {"::", ADDRESS_UNSPECIFIED},
        {"fc00::1", ADDRESS_PRIVATE},
        {"fdff::1", ADDRESS_PRIVATE},
        {"fec0::1", ADDRESS_PRIVATE},
        {"fe80::1", ADDRESS_LINK_LOCAL},
        {"febf::1", ADDRESS_LINK_LOCAL},
        {"fd00:ec2::254", ADDRESS_METADATA},
        {"fd20:ce::254", ADDRESS_METADATA},
        {"fe80::a9fe:a9fe", ADDRESS_METADATA},
        {"ff02::1", ADDRESS_MULTICAST},
        {"2001:db8::1", ADDRESS_RESERVED},
        {"2001::1", ADDRESS_RESERVED},
        {"100::1", ADDRESS_RESERVED},
        {"4000::1", ADDRESS_RESERVED},
        /* One inside the other. */
        {"::ffff:127.0.0.1", ADDRESS_LOOPBACK},
        {"::ffff:7f00:1", ADDRESS_LOOPBACK},
        {"::ffff:169.254.169.254", ADDRESS_METADATA},
        {"::ffff:8.8.8.8", ADDRESS_PUBLIC},
        {"::127.0.0.1", ADDRESS_RESERVED},
        {"64:ff9b::10.0.0.1", ADDRESS_PRIVATE},
        {"64:ff9b::a9fe:a9fe", ADDRESS_METADATA},
        {"64:ff9b::8.8.8.8", ADDRESS_PUBLIC},
        {"64:ff9b:1::8.8.8.8", ADDRESS_PRIVATE},
        {"2002:7f00:1::", ADDRESS_LOOPBACK},
        {"2002:808:808::1", ADDRESS_PUBLIC},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address;

        ck_assert_msg(address_of_host(&address, text_of(cases[i].host), 80), "%s", cases[i].host);
        ck_assert_msg(address_class(&address) == cases[i].class, "%s is %s", cases[i].host,
                      address_class_name(address_class(&address)));
    }
}
END_TEST

START_TEST(the_longest_address_has_room)
{
    struct address address;
    char text[ADDRESS_TEXT_MAX];

    ck_assert(address_of_host(&address, HG_S("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535));
    ck_assert_str_eq(address_text(&address, text),
                     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    ck_assert_str_eq(address_host_text(&address, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    address_set(&address, (const struct sockaddr *)"\1\0/socket", 9);
    ck_assert_str_eq(address_text(&address, text), "unknown:0");
    ck_assert_int_eq(address_class(&address), ADDRESS_RESERVED);
}
END_TEST

RUN_SUITE("net/address", hosts_and_ports_are_cut_apart, what_is_no_host_and_port_is_refused,
          numeric_hosts_are_four_decimals_or_v6, names_that_resolvers_take_for_numbers_are_known,
          listening_addresses_are_read_and_written, mistakes_in_listening_addresses_are_explained,
          addresses_are_compared_with_port_and_family, every_address_has_its_class,
          the_longest_address_has_room)
