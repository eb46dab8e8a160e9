#include "dialect/translation.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "dialect/vectors.h"
#include "json/index.h"

/* A name or id of the client's and what the provider got in its place. */
struct alias {
    struct alias *next;
    hg_str ours, theirs;
    bool is_id;
};

void translation_begin(struct translation *translation, struct arena *arena,
                       const struct dialect *client, const struct dialect *provider, hg_str model)
{
    *translation = (struct translation){
        .arena = arena, .client = client, .provider = provider, .model = model};
    translation->lost_end = &translation->lost;
}

/* ---- losses ------------------------------------------------------------------------------------
 */

void translation_lose(struct translation *translation, const char *fmt, ...)
{
    struct chat_name *name;
    va_list args;
    hg_str what;

    va_start(args, fmt);
    what = arena_vfmt(translation->arena, fmt, args);
    va_end(args);
    for (name = translation->lost; name; name = name->next)
        if (text_is(name->text.s, what))
            return;
    name = arena_zalloc(translation->arena, sizeof *name);
    name->text = chat_plain(what);
    *translation->lost_end = name;
    translation->lost_end = &name->next;
}

hg_str translation_losses(const struct translation *translation)
{
    struct chain *list = chain_new(translation->arena);

    for (const struct chat_name *name = translation->lost; name; name = name->next) {
        if (list->len)
            CHAIN_PUT_LIT(list, ", ");
        chain_put(list, name->text.s.p, name->text.s.n);
    }
    return chain_flat(list, translation->arena);
}

bool translation_keeps(struct translation *translation, const struct chat_extra *extra,
                       const char *const *own)
{
    bool is_own = false;

    for (; *own; own++)
        is_own |= text_is(extra->key, text_of(*own));
    if (!extra->is_known && !is_own)
        return true;
    translation_lose(translation, "%.*s", TEXT_ARG(extra->key));
    return false;
}

/* ---- names and ids -----------------------------------------------------------------------------
 */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_taken_by(char c, const char *also)
{
    return is_alnum(c) || (c && strchr(also, c));
}

static bool fits(hg_str text, const char *also, size_t max, bool is_exact)
{
    if (text.n == 0 || text.n > max || (is_exact && text.n != max))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!is_taken_by(text.p[i], also))
            return false;
    return true;
}

static struct alias *alias_of(struct translation *translation, hg_str ours, bool is_id)
{
    struct alias *alias = translation->aliases;

    while (alias && !(alias->is_id == is_id && text_is(alias->ours, ours)))
        alias = alias->next;
    return alias;
}

static bool is_used(struct translation *translation, hg_str theirs, bool is_id)
{
    for (struct alias *alias = translation->aliases; alias; alias = alias->next)
        if (alias->is_id == is_id && text_is(alias->theirs, theirs))
            return true;
    return false;
}

static hg_str alias_add(struct translation *translation, hg_str ours, hg_str theirs, bool is_id)
{
    struct alias *alias = arena_zalloc(translation->arena, sizeof *alias);

    *alias = (struct alias){translation->aliases, ours, theirs, is_id};
    translation->aliases = alias;
    return theirs;
}

/* FNV-1a: a stranger's id must become the same one each time it is sent. */
static uint64_t hash_of(hg_str text, uint64_t salt)
{
    uint64_t hash = 0xcbf29ce484222325u ^ salt;

    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (uint8_t)text.p[i]) * 0x100000001b3u;
    return hash;
}

static void put_digits(char *at, size_t n, uint64_t hash)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < n; i++, hash /= 36)
        at[i] = digits[hash % 36];
}

/* What may stay of the name, then a hash that tells it from others that became alike. */
static hg_str name_like(struct translation *translation, hg_str name, const char *also, size_t max,
                        uint64_t salt)
{
    enum {
        HASH = 6
    };
    size_t n = name.n < max - HASH - 1 ? name.n : max - HASH - 1;
    char *like = arena_alloc(translation->arena, n + HASH + 1);

    for (size_t i = 0; i < n; i++)
        like[i] = is_taken_by(name.p[i], also) ? name.p[i] : '_';
    like[n] = '_';
    put_digits(like + n + 1, HASH, hash_of(name, salt));
    return (hg_str){like, n + 1 + HASH};
}

hg_str translation_tool_name(struct translation *translation, struct chat_text name,
                             const char *also, size_t max)
{
    hg_str ours = chat_decode(translation->arena, name), theirs;
    const struct alias *alias;
    uint64_t salt = 0;

    if (fits(ours, also, max, false))
        return ours;
    if ((alias = alias_of(translation, ours, false)))
        return alias->theirs;
    do
        theirs = name_like(translation, ours, also, max, salt++);
    while (is_used(translation, theirs, false));
    return alias_add(translation, ours, theirs, false);
}

hg_str translation_tool_alias(struct translation *translation, hg_str ours, hg_str theirs)
{
    const struct alias *alias = alias_of(translation, ours, false);
    hg_str wanted = theirs;

    if (alias && text_starts(alias->theirs, theirs))
        return alias->theirs;
    for (uint64_t salt = 0; is_used(translation, theirs, false); salt++)
        theirs = name_like(translation, wanted, "_", wanted.n + 7, salt);
    return alias_add(translation, ours, theirs, false);
}

hg_str translation_call_id(struct translation *translation, struct chat_text id, const char *also,
                           size_t max, bool is_exact)
{
    hg_str ours = chat_decode(translation->arena, id), theirs;
    const struct alias *alias;
    uint64_t salt = 0;

    if (fits(ours, also, max, is_exact))
        return ours;
    if ((alias = alias_of(translation, ours, true)))
        return alias->theirs;
    size_t n = is_exact || max < 16 ? max : 16;
    char *like = arena_alloc(translation->arena, n);

    do {
        put_digits(like, n < 12 ? n : 12, hash_of(ours, salt));
        if (n > 12)
            put_digits(like + 12, n - 12, hash_of(ours, salt ^ 0x9e3779b97f4a7c15u));
        theirs = (hg_str){like, n};
        salt++;
    } while (is_used(translation, theirs, true));
    return alias_add(translation, ours, theirs, true);
}

struct chat_text translation_user(struct translation *translation, struct chat_text user,
                                  size_t max)
{
    enum {
        DIGITS = 24
    };
    hg_str name = chat_decode(translation->arena, user);
    char *like;

    if (!chat_has(user) || name.n <= max)
        return user;
    like = arena_alloc(translation->arena, 5 + DIGITS);
    put_mem(like, "user_", 5);
    put_digits(like + 5, DIGITS / 2, hash_of(name, 0));
    put_digits(like + 5 + DIGITS / 2, DIGITS / 2, hash_of(name, 0x9e3779b97f4a7c15u));
    return chat_plain((hg_str){like, 5 + DIGITS});
}

static hg_str put_back(const struct translation *translation, hg_str theirs, bool is_id)
{
    for (const struct alias *alias = translation->aliases; alias; alias = alias->next)
        if (alias->is_id == is_id && text_is(alias->theirs, theirs))
            return alias->ours;
    return theirs;
}

/* ---- the way home ------------------------------------------------------------------------------
 */

/* The forced tool's arguments are what the client asked for as text. */
static bool json_unwrap(hg_event *event)
{
    switch (event->type) {
    case HG_EV_TOOL_START:
    case HG_EV_TOOL_END:
    case HG_EV_TEXT: /* what a model says beside it is not the document */
        return false;
    case HG_EV_TOOL_ARGS:
        event->type = HG_EV_TEXT;
        event->index = 0;
        return true;
    case HG_EV_FINISH:
        if (event->finish == HG_FIN_TOOLS)
            event->finish = HG_FIN_STOP;
        return true;
    default:
        return true;
    }
}

void translation_event(struct translation *translation, struct dialect_writer *writer,
                       const hg_event *event, struct chain *out)
{
    hg_event ours = *event;

    if (translation->unwraps_json && !json_unwrap(&ours))
        return;
    if (ours.type == HG_EV_START && !ours.name.n) /* some do not say: it is what was asked for */
        ours.name = translation->model;
    if (ours.type == HG_EV_TOOL_START) {
        ours.name = put_back(translation, ours.name, false);
        ours.id = put_back(translation, ours.id, true);
    }
    if (ours.type == HG_EV_START && !ours.name.n) /* some providers do not say who answers */
        ours.name = translation->model;
    if (translation->encodes_vectors && ours.type == HG_EV_EXTRA &&
        text_is(ours.name, HG_S("data")))
        ours.text = vectors_base64(out->arena, ours.text);
    translation->client->write(writer, &ours, out);
}
