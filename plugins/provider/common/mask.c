#include "mask.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '*' || c == '/' || c == '+' || c == '=';
}

/* How many bytes at `at` are a secret: after a known beginning, what a key is made of. */
static size_t secret_at(hg_str text, size_t at, hg_str own)
{
    static const struct {
        const char *word;
        size_t least;
    } begins[] = {{"sk-", 8}, {"Bearer ", 8}, {"key=", 8}, {"gsk_", 8}, {"xai-", 16}, {"hf_", 16}};

    if (own.n >= 6 && text.n - at >= own.n && memcmp(text.p + at, own.p, own.n) == 0)
        return own.n;
    if (at && is_key_char(text.p[at - 1]))
        return 0;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t n = strlen(begins[i].word), end = at + n;

        if (text.n - at < n || strncasecmp(text.p + at, begins[i].word, n) != 0)
            continue;
        while (end < text.n && is_key_char(text.p[end]))
            end++;
        if (end - at - n >= begins[i].least)
            return end - at;
    }
    return 0;
}

hg_str mask_secrets(const hg_host *host, hg_op op, hg_str text, hg_str own)
{
    static const char stars[] = "[secret]";
    char *masked = host->alloc(op, MASK_MAX + sizeof stars);
    size_t n = 0;

    for (size_t at = 0; at < text.n && n < MASK_MAX;) {
        size_t secret = secret_at(text, at, own);

        if (secret) {
            memcpy(masked + n, stars, sizeof stars - 1);
            n += sizeof stars - 1;
            at += secret;
        } else {
            masked[n++] = text.p[at++];
        }
    }
    if (n >= MASK_MAX) { /* perhaps within a character */
        while (n && (masked[n - 1] & 0xc0) == 0x80)
            n--;
        if (n && (masked[n - 1] & 0x80))
            n--;
    }
    return (hg_str){masked, n};
}
