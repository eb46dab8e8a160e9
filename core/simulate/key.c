#include "simulate/key.h"

#include "base/text.h"

/* The key as each format's clients send it; AWS signatures name it. */
static bool is_key(hg_str given, hg_str key)
{
    static const hg_str credential = {"Credential=", 11};
    hg_str rest, scheme = text_cut(given, ' ', &rest);
    const char *at = memmem(rest.p ? rest.p : "", rest.n, credential.p, credential.n);

    if (text_is_nocase(scheme, HG_S("bearer")))
        return text_is(text_trim(rest), key);
    if (!at)
        return text_is(given, key);
    rest.n -= (size_t)(at - rest.p) + credential.n;
    rest.p = at + credential.n;
    return text_is(text_cut(rest, '/', &rest), key);
}

static bool key_in_query(hg_str query, hg_str key)
{
    while (query.n) {
        hg_str value, name = text_cut(text_cut(query, '&', &query), '=', &value);

        if (text_is(name, HG_S("key")) && text_is(value, key))
            return true;
    }
    return false;
}

bool key_fits(hg_str key, const struct head *head)
{
    static const char *const fields[] = {"authorization", "x-api-key", "x-goog-api-key", "api-key"};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (is_key(head_field(head, text_of(fields[i])), key))
            return true;
    return !key.n || key_in_query(head->query, key);
}
