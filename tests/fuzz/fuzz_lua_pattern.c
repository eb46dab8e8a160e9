/* A pattern and a text, with a zero byte between them: whatever they are, the matcher stays inside
 * both and within its steps. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "script/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const struct pattern *pattern, hg_str text)
{
    hg_str subject = pattern->subject;

    ensure(text.p >= subject.p && text.n <= subject.n);
    ensure((size_t)(text.p - subject.p) <= subject.n - text.n);
}

static void check_captures(const struct pattern *pattern)
{
    ensure(pattern->captures >= 0 && pattern->captures <= PATTERN_CAPTURES_MAX);
    for (int i = 0; i < pattern->captures; i++) {
        const struct pattern_capture *capture = &pattern->capture[i];

        ensure(capture->len >= 0 || capture->len == PATTERN_POSITION);
        check_inside(pattern, (hg_str){capture->at, capture->len > 0 ? (size_t)capture->len : 0});
    }
}

static void try_everything(hg_str text, hg_str subject)
{
    struct pattern pattern;
    const char *message = NULL;
    hg_str match;

    if (!pattern_init(&pattern, text, true, subject, &message)) {
        ensure(message && *message);
        return;
    }
    for (const char *from = subject.p; from <= subject.p + subject.n;) {
        if (!pattern_search(&pattern, from, &match))
            break;
        check_inside(&pattern, match);
        check_captures(&pattern);
        ensure(match.p >= from);
        from = match.n ? match.p + match.n : match.p + 1;
    }
    if (pattern_is_plain(text) && subject.n >= text.n && !memchr(text.p, ')', text.n)) {
        struct pattern plain;
        const char *at = memmem(subject.p, subject.n, text.p, text.n);

        ensure(pattern_init(&plain, text, false, subject, &message));
        if (pattern_search(&plain, subject.p, &match))
            ensure(at == match.p);
        else
            ensure(!at || pattern_exhausted(&plain));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t n = zero ? (size_t)(zero - data) : size;

    /* Copies of exact size, so that a step beyond is seen. */
    char *text = xmalloc(n + 1), *subject = xmalloc(size - n + 1);
    size_t rest = zero ? size - n - 1 : 0;

    memcpy(text, data, n);
    memcpy(subject, data + size - rest, rest);
    char *exact_text = realloc(text, n ? n : 1), *exact_subject = realloc(subject, rest ? rest : 1);

    try_everything((hg_str){exact_text, n}, (hg_str){exact_subject, rest});
    free(exact_text);
    free(exact_subject);
    return 0;
}
