/* documents.h - for tests of dialects: an arena for each test, JSON texts parsed into it, and what
 * a text is, has and lacks. */
#pragma once

#include <check.h>
#include <string.h>

#include "base/text.h"
#include "json/index.h"

static struct arena *arena;

static inline void setup(void)
{
    arena = arena_new();
}

static inline void teardown(void)
{
    arena_free(&arena);
}

static inline hg_json parsed(hg_str text)
{
    struct json_fault fault = {0, ""};
    hg_json root = {0};

    ck_assert_msg(json_parse(arena, text, &root, &fault), "%.*s: %s", TEXT_ARG(text), fault.reason);
    return root;
}

static inline void same(hg_str text, const char *expected)
{
    ck_assert_msg(text_is(text, text_of(expected)), "\n got '%.*s'\nwant '%s'", TEXT_ARG(text),
                  expected);
}

static inline void has(hg_str text, const char *piece)
{
    ck_assert_msg(memmem(text.p, text.n, piece, strlen(piece)), "\n got '%.*s'\nlacks '%s'",
                  TEXT_ARG(text), piece);
}

static inline void lacks(hg_str text, const char *piece)
{
    ck_assert_msg(!memmem(text.p, text.n, piece, strlen(piece)), "\n got '%.*s'\nhas '%s'",
                  TEXT_ARG(text), piece);
}
