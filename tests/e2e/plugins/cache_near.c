/* A semantic cache of a few entries: letters and digits alone count. The same text scores 1, the
 * same letters 0.9. */
#include <string.h>

#include <headgate/plugin.h>

static const hg_host *H;

enum {
    ENTRIES = 16,
    TEXT = 256
};

static struct entry {
    char scope[TEXT], text[TEXT], letters[TEXT], value[4096], meta[16];
    size_t value_n;
} entries[ENTRIES];
static unsigned count;

static void keep(char *to, size_t room, hg_str text)
{
    size_t n = text.n < room - 1 ? text.n : room - 1;

    memcpy(to, text.p, n);
    to[n] = 0;
}

static void letters(char *to, hg_str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n && n < TEXT - 1; i++)
        if ((unsigned char)((text.p[i] | 0x20) - 'a') < 26 || (unsigned char)(text.p[i] - '0') < 10)
            to[n++] = (char)(text.p[i] | 0x20);
    to[n] = 0;
}

static hg_rc lookup(void *st, hg_op op, const hg_cache_key *key, hg_cache_hit *out)
{
    char scope[TEXT], text[TEXT], mine[TEXT];

    (void)st;
    if (!(key->flags & HG_C_SEMANTIC))
        return H->fail(op, HG_E_INTERNAL, "asked for an exact answer");
    keep(scope, TEXT, key->scope);
    keep(text, TEXT, key->text);
    letters(mine, key->text);
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(entries[i].scope, scope) && !strcmp(entries[i].letters, mine)) {
            out->value.p = entries[i].value;
            out->value.n = entries[i].value_n;
            out->meta.p = entries[i].meta;
            out->meta.n = strlen(entries[i].meta);
            out->score = strcmp(entries[i].text, text) ? 0.9 : 1;
            return HG_OK;
        }
    return HG_MISS;
}

static hg_rc store(void *st, hg_op op, const hg_cache_key *key, const hg_body *value, hg_str meta,
                   hg_ns ttl)
{
    struct entry *entry = &entries[count];
    hg_str bytes = H->body->flat(op, value);

    (void)st, (void)ttl;
    if (count == ENTRIES || bytes.n > sizeof entry->value)
        return HG_SKIP;
    keep(entry->scope, TEXT, key->scope);
    keep(entry->text, TEXT, key->text);
    letters(entry->letters, key->text);
    memcpy(entry->value, bytes.p, bytes.n);
    entry->value_n = bytes.n;
    keep(entry->meta, sizeof entry->meta, meta);
    count++;
    return HG_OK;
}

static const hg_cache cache = {
    .size = sizeof cache, .caps = HG_C_SEMANTIC, .lookup = lookup, .store = store};
HG_PLUGIN(H, "near", "1.0", .ifaces = (const hg_iface[]){{HG_CACHE, &cache}, {0}});
