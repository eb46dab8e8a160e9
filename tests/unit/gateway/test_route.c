/* Which of the routes a request is for: by path, method and host. */
#include "gateway/route.h"

#include <lauxlib.h>
#include <lua.h>

#include "base/text.h"
#include "gateway/gateway.h"
#include "support/suite.h"

static struct gateway gateway;
static struct route first, second;
static struct head head;
static struct request request;
static char *texts[2];

/* The names of routes are their own; these are not changed. */
static char *fixed(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void setup(void)
{
    second = (struct route){.name = fixed("second"), .match = LUA_NOREF};
    first = (struct route){.next = &second, .name = fixed("first"), .match = LUA_NOREF};
    gateway = (struct gateway){.routes = &first};
    head = (struct head){.method = METHOD_POST,
                         .path = HG_S("/v1/chat/completions"),
                         .host = HG_S("api.example.com:8443")};
    request = (struct request){.gateway = &gateway, .head = &head};
}

static bool takes_path(const char *pattern, const char *path)
{
    texts[0] = fixed(pattern);
    first.paths = texts;
    first.path_count = 1;
    head.path = text_of(path);
    return route_find(&gateway, &request) == &first;
}

static bool takes_host(const char *pattern, const char *host)
{
    texts[0] = fixed(pattern);
    first.hosts = texts;
    first.host_count = 1;
    head.host = text_of(host);
    return route_find(&gateway, &request) == &first;
}

START_TEST(the_first_that_is_for_it_is_taken)
{
    ck_assert_ptr_eq(route_find(&gateway, &request), &first);
    first.next = NULL;
    ck_assert(!takes_path("/v1/embeddings", "/v1/chat/completions"));
    ck_assert_ptr_null(route_find(&gateway, &request));
}
END_TEST

START_TEST(a_path_is_taken_whole_or_with_all_below_it)
{
    ck_assert(takes_path("/v1/chat/completions", "/v1/chat/completions"));
    ck_assert(!takes_path("/v1/chat", "/v1/chat/completions"));
    ck_assert(!takes_path("/v1/chat/completions", "/v1/chat/completions/x"));
    ck_assert(takes_path("/v1/...", "/v1/chat/completions"));
    ck_assert(takes_path("/v1/...", "/v1/"));
    ck_assert(!takes_path("/v1/...", "/v1"));
    ck_assert(!takes_path("/v1/...", "/v10/chat"));
    ck_assert(takes_path("/v1*", "/v10/chat"));
    ck_assert(takes_path("*", "/"));
    ck_assert(!takes_path("/V1/chat", "/v1/chat"));
}
END_TEST

START_TEST(one_of_several_paths_is_enough)
{
    texts[0] = fixed("/v1/embeddings");
    texts[1] = fixed("/v1/chat/completions");
    first.paths = texts;
    first.path_count = 2;
    ck_assert_ptr_eq(route_find(&gateway, &request), &first);
    head.path = HG_S("/v1/models");
    ck_assert_ptr_eq(route_find(&gateway, &request), &second);
}
END_TEST

START_TEST(a_method_is_taken_in_any_case)
{
    texts[0] = fixed("get");
    first.methods = texts;
    first.method_count = 1;
    ck_assert_ptr_eq(route_find(&gateway, &request), &second);
    head.method = METHOD_GET;
    ck_assert_ptr_eq(route_find(&gateway, &request), &first);
}
END_TEST

START_TEST(a_host_is_taken_with_any_port_unless_it_names_one)
{
    ck_assert(takes_host("api.example.com", "api.example.com"));
    ck_assert(takes_host("api.example.com", "API.Example.com:8443"));
    ck_assert(takes_host("api.example.com:8443", "api.example.com:8443"));
    ck_assert(!takes_host("api.example.com:8443", "api.example.com"));
    ck_assert(!takes_host("api.example.com:8443", "api.example.com:84"));
    ck_assert(!takes_host("api.example.com", "api.example.com.evil.org"));
    ck_assert(!takes_host("api.example.com", ""));
}
END_TEST

START_TEST(a_star_in_a_host_is_for_all_names_below_and_not_for_the_name_itself)
{
    ck_assert(takes_host("*.example.com", "api.example.com"));
    ck_assert(takes_host("*.example.com", "a.b.EXAMPLE.com:1"));
    ck_assert(!takes_host("*.example.com", "example.com"));
    ck_assert(!takes_host("*.example.com", ".example.com"));
    ck_assert(!takes_host("*.example.com", "notexample.com"));
    ck_assert(!takes_host("*.example.com", "api.example.com.evil.org"));
}
END_TEST

START_TEST(an_address_of_ipv6_keeps_its_colons)
{
    ck_assert(takes_host("[::1]", "[::1]:8080"));
    ck_assert(takes_host("[::1]:8080", "[::1]:8080"));
    ck_assert(!takes_host("[::1]:8080", "[::1]"));
    ck_assert(!takes_host("[::1]", "[::2]:8080"));
    ck_assert(!takes_host("[::1]", "["));
}
END_TEST

START_TEST(what_is_no_route_has_no_name)
{
    ck_assert(text_is(route_name(&first), HG_S("first")));
    ck_assert_uint_eq(route_name(NULL).n, 0);
}
END_TEST

RUN_SUITE_WITH("route", setup, NULL, the_first_that_is_for_it_is_taken,
               a_path_is_taken_whole_or_with_all_below_it, one_of_several_paths_is_enough,
               a_method_is_taken_in_any_case, a_host_is_taken_with_any_port_unless_it_names_one,
               a_star_in_a_host_is_for_all_names_below_and_not_for_the_name_itself,
               an_address_of_ipv6_keeps_its_colons, what_is_no_route_has_no_name)
