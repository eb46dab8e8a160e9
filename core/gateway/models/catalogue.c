#include "gateway/models/catalogue.h"

#include <stdio.h>

#include "base/chain.h"
#include "base/text.h"
#include "json/write.h"

static const struct model_facts rows[] = {
#include "gateway/models/catalogue.inc"
};

enum {
    ROWS = sizeof rows / sizeof *rows,
    LONGEST = 192,
    NEAR_MAX = 512 /* models of one vendor */
};

/* Who makes models, and not only hosts them: a plain name means theirs. */
static const char *const makers[] = {"openai",   "anthropic", "google",     "mistral", "cohere",
                                     "deepseek", "xai",       "moonshot",   "zai",     "dashscope",
                                     "minimax",  "ai21",      "amazon-nova"};

/* ---- finding ----------------------------------------------------------------------------------
 */

/* The first row whose name is not before `name`. */
static size_t row_at(hg_str name)
{
    size_t low = 0, high = ROWS;

    while (low < high) {
        size_t mid = (low + high) / 2;
        hg_str at = text_of(rows[mid].name);
        int order = memcmp(at.p, name.p, at.n < name.n ? at.n : name.n);

        if (order < 0 || (order == 0 && at.n < name.n))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const struct model_facts *row_named(hg_str name)
{
    size_t at = row_at(name);

    return at < ROWS && text_is(text_of(rows[at].name), name) ? &rows[at] : NULL;
}

static const struct model_facts *of_vendor(hg_str vendor, hg_str model)
{
    char name[LONGEST];

    if (vendor.n >= sizeof name || model.n >= sizeof name - vendor.n)
        return NULL;
    char *end = put_text(put_text(put_text(name, vendor), HG_S("/")), model);

    return row_named((hg_str){name, (size_t)(end - name)});
}

/* Without "-2026-01-31", "-20260131" or "-latest" at the end. */
static hg_str undated(hg_str model)
{
    static const char *const forms[] = {"-dddd-dd-dd", "-dddddddd", "-latest"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        hg_str form = text_of(forms[i]);
        size_t n = 0;

        if (model.n <= form.n)
            continue;
        for (const char *at = model.p + model.n - form.n; n < form.n; n++, at++)
            if (i < 2 && form.p[n] == 'd' ? *at < '0' || *at > '9' : *at != form.p[n])
                break;
        if (n == form.n)
            return (hg_str){model.p, model.n - form.n};
    }
    return model;
}

static const struct model_facts *find_exact(hg_str vendor, hg_str model)
{
    const struct model_facts *found = vendor.n ? of_vendor(vendor, model) : NULL;
    const char *slash = memrchr(model.p, '/', model.n);

    if (!found && slash)
        found = row_named(model);
    if (slash)
        model = (hg_str){slash + 1, (size_t)(model.p + model.n - slash) - 1};
    for (size_t i = 0; i < sizeof makers / sizeof *makers && !found; i++)
        found = of_vendor(text_of(makers[i]), model);
    return found;
}

const struct model_facts *catalogue_find(hg_str vendor, hg_str model)
{
    const struct model_facts *found = model.n ? find_exact(vendor, model) : NULL;
    hg_str plain = undated(model);

    return found || plain.n == model.n ? found : find_exact(vendor, plain);
}

/* ---- the models of a vendor ------------------------------------------------------------------ */

static bool is_of(const struct model_facts *facts, hg_str vendor)
{
    return strncmp(facts->name, vendor.p, vendor.n) == 0 && facts->name[vendor.n] == '/';
}

/* Where its rows begin; ROWS if it has none. */
static size_t vendor_at(hg_str vendor)
{
    char name[LONGEST];

    if (!vendor.n || vendor.n >= sizeof name)
        return ROWS;
    size_t at =
        row_at((hg_str){name, (size_t)(put_text(put_text(name, vendor), HG_S("/")) - name)});

    return at < ROWS && is_of(&rows[at], vendor) ? at : ROWS;
}

bool catalogue_has_vendor(hg_str vendor)
{
    return vendor_at(vendor) < ROWS;
}

const char *catalogue_suggest(hg_str vendor, hg_str model)
{
    const char *names[NEAR_MAX];
    size_t count = 0;

    for (size_t at = vendor_at(vendor); at < ROWS && count < NEAR_MAX; at++) {
        if (!is_of(&rows[at], vendor))
            break;
        names[count++] = rows[at].name + vendor.n + 1;
    }
    return text_suggest(model, names, count);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct word {
    char letter;
    const char *word;
};

static const struct word forms_of[] = {
    {'t', "text"}, {'i', "image"}, {'a', "audio"}, {'v', "video"}, {'f', "file"},
};
static const struct word skills_of[] = {
    {'t', "tools"},          {'p', "parallel_tools"}, {'s', "json_schema"},  {'r', "reasoning"},
    {'c', "prompt_caching"}, {'w', "web_search"},     {'u', "computer_use"},
};

static void words_put(hg_str letters, const struct word *words, size_t count, struct chain *out)
{
    json_arr(out);
    for (size_t i = 0; i < letters.n; i++)
        for (size_t k = 0; k < count; k++)
            if (words[k].letter == letters.p[i])
                json_put_str(out, text_of(words[k].word));
    json_end(out);
}

#define WORDS_PUT(letters, words, out) \
    words_put(letters, words, sizeof(words) / sizeof *(words), out)

hg_str catalogue_kind(const struct model_facts *facts)
{
    hg_str rest;

    return text_cut(text_of(facts->traits), ' ', &rest);
}

static void deprecated_put(uint32_t date, struct chain *out)
{
    char text[32];
    int n =
        snprintf(text, sizeof text, "%04u-%02u-%02u", date / 10000, date / 100 % 100, date % 100);

    JSON_KEY(out, "deprecated");
    if (date == 1)
        json_put_bool(out, true);
    else
        json_put_str(out, (hg_str){text, (size_t)n});
}

void catalogue_put(const struct model_facts *facts, struct chain *out)
{
    hg_str rest, skills, into, kind = text_cut(text_of(facts->traits), ' ', &rest);
    hg_str from = text_cut(text_cut(rest, ' ', &skills), '>', &into);

    JSON_KEY(out, "kind");
    json_put_str(out, kind);
    JSON_KEY(out, "modalities");
    json_obj(out);
    JSON_KEY(out, "input");
    WORDS_PUT(from, forms_of, out);
    JSON_KEY(out, "output");
    WORDS_PUT(into, forms_of, out);
    json_end(out);
    JSON_KEY(out, "capabilities");
    WORDS_PUT(skills, skills_of, out);
    if (facts->deprecated)
        deprecated_put(facts->deprecated, out);
}
