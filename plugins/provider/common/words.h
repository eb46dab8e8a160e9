/* words.h - the few things done with texts in all providers. */
#pragma once

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <headgate/abi.h>

static inline hg_str word_of(const char *text)
{
    return (hg_str){text, text ? strlen(text) : 0};
}

static inline bool word_is(hg_str text, const char *word)
{
    return text.n == strlen(word) && (text.n == 0 || memcmp(text.p, word, text.n) == 0);
}

/* Whatever their case. */
static inline bool word_is_alike(hg_str text, const char *word)
{
    return text.n == strlen(word) && (text.n == 0 || strncasecmp(text.p, word, text.n) == 0);
}

static inline bool word_starts(hg_str text, hg_str start)
{
    return text.n >= start.n && memcmp(text.p, start.p, start.n) == 0;
}

/* Copies to `at`; returns the byte behind. */
static inline char *word_put(char *at, hg_str text)
{
    if (text.n)
        memcpy(at, text.p, text.n);
    return at + text.n;
}
