/* Messages are cut at the places that change, and put together anew; what lies between stays as the
 * client wrote it. Only messages that must be joined are written by us, from their role and
 * content. */
#include "messages.h"

#include "common/words.h"

enum {
    ROLE_OTHER,
    ROLE_SYSTEM,
    ROLE_USER,
    ROLE_ASSISTANT
};

/* A message, and what of it is looked at. */
struct message {
    hg_str whole, name; /* `name` from its key to the end of its value */
    hg_json role, content;
    uint32_t kind; /* ROLE_... */
    bool is_plain; /* role and content and perhaps a name are all there is */
};

struct fitting {
    const hg_host *host;
    hg_op op;
    uint32_t todo;
};

static const char *end_of(hg_str text)
{
    return text.p + text.n;
}

static hg_str between(const char *from, const char *to)
{
    return (hg_str){from, (size_t)(to - from)};
}

/* ---- reading ------------------------------------------------------------------------------ */

static uint32_t role_of(const struct fitting *f, hg_json role)
{
    hg_str word = f->host->json->raw(role);

    if (word_is(word, "\"system\""))
        return ROLE_SYSTEM;
    if (word_is(word, "\"developer\""))
        return f->todo & MESSAGES_NO_DEVELOPER ? ROLE_SYSTEM : ROLE_OTHER;
    if (word_is(word, "\"user\""))
        return ROLE_USER;
    return word_is(word, "\"assistant\"") ? ROLE_ASSISTANT : ROLE_OTHER;
}

static bool message_read(const struct fitting *f, hg_json value, struct message *ret)
{
    const hg_json_api *json = f->host->json;
    hg_json_it it = {0};
    hg_json member;
    hg_str key;

    *ret = (struct message){.whole = json->raw(value), .is_plain = true};
    if (value.kind != HG_J_OBJ)
        return false;
    while (json->next(value, &it, &key, &member)) {
        if (word_is(key, "role"))
            ret->role = member;
        else if (word_is(key, "content"))
            ret->content = member;
        else if (word_is(key, "name"))
            ret->name = between(key.p - 1, end_of(json->raw(member)));
        else
            ret->is_plain = false;
    }
    ret->kind = role_of(f, ret->role);
    return true;
}

/* Whether content is a list of texts and of nothing else. */
static bool content_is_texts(const struct fitting *f, hg_json content)
{
    const hg_json_api *json = f->host->json;
    hg_json_it it = {0};
    hg_json part;

    if (content.kind != HG_J_ARR)
        return false;
    while (json->next(content, &it, NULL, &part)) {
        if (!word_is(json->raw(json->get(part, "/type")), "\"text\"") ||
            json->get(part, "/text").kind != HG_J_STR)
            return false;
    }
    return true;
}

static hg_str inside(const struct fitting *f, hg_json string)
{
    hg_str raw = f->host->json->raw(string);

    return (hg_str){raw.p + 1, raw.n - 2};
}

/* ---- one message, cut where it changes ---------------------------------------------------- */

/* From a key to the end of its value, with one of the commas beside it. */
static hg_str member_with_comma(hg_str whole, hg_str member)
{
    const char *from = member.p, *to = end_of(member);
    const char *next = to;

    while (next < end_of(whole) && (unsigned char)*next <= ' ')
        next++;
    if (*next == ',')
        return between(from, next + 1);
    while (from > whole.p && *from != ',' && *from != '{')
        from--;
    return *from == ',' ? between(from, to) : between(from + 1, to);
}

struct cut {
    hg_str at;
    hg_json texts; /* what stands there now: texts joined, or `with` */
    hg_str with;
};

static void texts_put(struct draft *out, const struct fitting *f, hg_json texts)
{
    hg_json_it it = {0};
    hg_json part;
    bool any = false;

    while (f->host->json->next(texts, &it, NULL, &part)) {
        draft_put(out, any ? HG_S("\\n") : HG_S(""));
        draft_put(out, inside(f, f->host->json->get(part, "/text")));
        any = true;
    }
}

static size_t cuts_find(const struct fitting *f, const struct message *m, struct cut cuts[3])
{
    const hg_json_api *json = f->host->json;
    size_t n = 0;

    if (f->todo & MESSAGES_NO_DEVELOPER && m->role.kind == HG_J_STR &&
        word_is(json->raw(m->role), "\"developer\""))
        cuts[n++] = (struct cut){json->raw(m->role), {0}, HG_S("\"system\"")};
    if (f->todo & MESSAGES_NO_NAMES && m->name.n && m->kind != ROLE_OTHER)
        cuts[n++] = (struct cut){member_with_comma(m->whole, m->name), {0}, HG_S("")};
    if (f->todo & MESSAGES_TEXT && content_is_texts(f, m->content))
        cuts[n++] = (struct cut){json->raw(m->content), m->content, HG_S("")};
    else if (f->todo & MESSAGES_NO_NULL && m->content.kind == HG_J_NULL)
        cuts[n++] = (struct cut){json->raw(m->content), {0}, HG_S("\"\"")};
    return n;
}

static void cuts_sort(struct cut *cuts, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k && cuts[k].at.p < cuts[k - 1].at.p; k--) {
            struct cut other = cuts[k];

            cuts[k] = cuts[k - 1];
            cuts[k - 1] = other;
        }
    }
}

static void message_put(struct draft *out, const struct fitting *f, const struct message *m)
{
    const char *at = m->whole.p;
    struct cut cuts[3];
    size_t n = cuts_find(f, m, cuts);

    cuts_sort(cuts, n);
    for (size_t i = 0; i < n; i++) {
        draft_put(out, between(at, cuts[i].at.p));
        if (cuts[i].texts.kind == HG_J_ARR) {
            draft_put(out, HG_S("\""));
            texts_put(out, f, cuts[i].texts);
            draft_put(out, HG_S("\""));
        } else {
            draft_put(out, cuts[i].with);
        }
        at = end_of(cuts[i].at);
    }
    draft_put(out, between(at, end_of(m->whole)));
}

/* ---- several messages as one -------------------------------------------------------------- */

static bool has_text(const struct fitting *f, const struct message *m)
{
    return m->content.kind == HG_J_STR || content_is_texts(f, m->content);
}

/* What can be joined with others of its role. */
static bool can_join(const struct fitting *f, const struct message *m)
{
    if (m->kind == ROLE_SYSTEM)
        return f->todo & MESSAGES_SYSTEM_FIRST && has_text(f, m);
    return f->todo & MESSAGES_TURNS && m->is_plain &&
           (m->kind == ROLE_USER || m->kind == ROLE_ASSISTANT) &&
           (m->content.kind == HG_J_STR || m->content.kind == HG_J_ARR);
}

static void words_put(struct draft *out, const struct fitting *f, const struct message *m)
{
    if (m->content.kind == HG_J_STR)
        draft_put(out, inside(f, m->content));
    else
        texts_put(out, f, m->content);
}

static void parts_put(struct draft *out, const struct fitting *f, const struct message *m)
{
    hg_str raw = f->host->json->raw(m->content);

    if (m->content.kind == HG_J_ARR) {
        draft_put(out, (hg_str){raw.p + 1, raw.n - 2});
        return;
    }
    draft_put(out, HG_S("{\"type\":\"text\",\"text\":"));
    draft_put(out, raw);
    draft_put(out, HG_S("}"));
}

static void joined_put(struct draft *out, const struct fitting *f, const struct message *all,
                       size_t n)
{
    bool texts = true;

    for (size_t i = 0; i < n; i++)
        texts = texts && has_text(f, &all[i]);
    draft_put(out, HG_S("{\"role\":"));
    draft_put(out, all->kind == ROLE_SYSTEM ? HG_S("\"system\"") : f->host->json->raw(all->role));
    draft_put(out, texts ? HG_S(",\"content\":\"") : HG_S(",\"content\":["));
    for (size_t i = 0; i < n; i++) {
        if (texts) {
            draft_put(out, i ? HG_S("\\n\\n") : HG_S(""));
            words_put(out, f, &all[i]);
        } else {
            draft_put(out, i ? HG_S(",") : HG_S(""));
            parts_put(out, f, &all[i]);
        }
    }
    draft_put(out, texts ? HG_S("\"}") : HG_S("]}"));
}

/* ---- the list ----------------------------------------------------------------------------- */

/* Whether there is anything to do; nearly always there is not. */
static bool is_changed(const struct fitting *f, hg_json messages)
{
    uint32_t last = ROLE_OTHER;
    bool seen_other = false, last_joins = false;
    hg_json_it it = {0};
    struct cut cuts[3];
    hg_json value;

    while (f->host->json->next(messages, &it, NULL, &value)) {
        struct message m;

        if (!message_read(f, value, &m))
            return false; /* no messages that we know how to change */
        bool joins = can_join(f, &m);

        if (cuts_find(f, &m, cuts) || (joins && last_joins && m.kind == last) ||
            (joins && m.kind == ROLE_SYSTEM && seen_other))
            return true;
        seen_other |= m.kind != ROLE_SYSTEM;
        last_joins = joins;
        last = m.kind;
    }
    return false;
}

/* All of them, the system's messages in front if they are to be. NULL if that is not possible. */
static struct message *messages_read(const struct fitting *f, struct draft *out, hg_json messages,
                                     size_t *ret_n)
{
    const hg_json_api *json = f->host->json;
    bool moves = f->todo & MESSAGES_SYSTEM_FIRST;
    struct message *all;
    hg_json value;
    size_t n = 0;

    for (hg_json_it it = {0}; json->next(messages, &it, NULL, NULL);)
        n++;
    all = n ? f->host->alloc(f->op, (n + 1) * sizeof *all) : NULL; /* one is being read */
    out->failed |= n && !all;
    if (!all)
        return NULL;
    *ret_n = n;
    n = 0;
    for (int front = moves; front >= 0; front--) {
        for (hg_json_it it = {0}; json->next(messages, &it, NULL, &value);) {
            if (!message_read(f, value, &all[n]))
                return NULL;
            if (!moves || front == (all[n].kind == ROLE_SYSTEM && can_join(f, &all[n])))
                n++;
        }
    }
    return all;
}

/* How many messages from the first of `all` on become one. */
static size_t run_of(const struct fitting *f, const struct message *all, size_t n)
{
    size_t run = 1;

    if (!can_join(f, all))
        return 1;
    while (run < n && all[run].kind == all->kind && can_join(f, &all[run]))
        run++;
    return run;
}

bool messages_fit(struct draft *out, hg_json messages, uint32_t todo, hg_str preface)
{
    struct fitting f = {out->host, out->op, todo};
    size_t n = 0;
    struct message *all;

    if (messages.kind != HG_J_ARR || (!preface.n && !is_changed(&f, messages)))
        return false;
    all = messages_read(&f, out, messages, &n);
    if (!all)
        return false;
    draft_put(out, HG_S("["));
    if (preface.n) {
        draft_put(out, HG_S("{\"role\":\"system\",\"content\":\""));
        draft_put(out, preface);
        draft_put(out, HG_S("\"}"));
    }
    for (size_t i = 0, run; i < n; i += run) {
        run = run_of(&f, &all[i], n - i);
        draft_put(out, i || preface.n ? HG_S(",") : HG_S(""));
        if (run > 1)
            joined_put(out, &f, &all[i], run);
        else
            message_put(out, &f, &all[i]);
    }
    draft_put(out, HG_S("]"));
    return true;
}

/* ---- tools -------------------------------------------------------------------------------- */

/* `strict` of a function with its comma; empty if it has none. */
static hg_str strict_find(const hg_host *host, hg_json tool)
{
    hg_json function = host->json->get(tool, "/function"), value;
    hg_json_it it = {0};
    hg_str key;

    while (function.kind == HG_J_OBJ && host->json->next(function, &it, &key, &value)) {
        if (word_is(key, "strict"))
            return member_with_comma(host->json->raw(function),
                                     between(key.p - 1, end_of(host->json->raw(value))));
    }
    return (hg_str){0};
}

bool tools_fit(struct draft *out, hg_json tools)
{
    const hg_json_api *json = out->host->json;
    const char *at = json->raw(tools).p;
    hg_json_it it = {0};
    bool any = false;
    hg_json tool;

    while (tools.kind == HG_J_ARR && json->next(tools, &it, NULL, &tool)) {
        hg_str strict = strict_find(out->host, tool);

        if (!strict.n)
            continue;
        draft_put(out, between(at, strict.p));
        at = end_of(strict);
        any = true;
    }
    if (any)
        draft_put(out, between(at, end_of(json->raw(tools))));
    return any;
}
