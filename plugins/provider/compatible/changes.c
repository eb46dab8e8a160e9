#include "changes.h"

#include <stdlib.h>
#include <string.h>

#include "common/words.h"
#include "messages.h"

enum {
    CHANGE_DROP = 1,
    CHANGE_RENAME,
    CHANGE_CHOICES,
    CHANGE_TOOL_CHOICE,
    CHANGE_TOOLS,
    CHANGE_FORMAT,
    CHANGE_STOPS,
    CHANGE_TEMPERATURE,
    CHANGE_EFFORT,
    CHANGE_MESSAGES
};

/* ---- once --------------------------------------------------------------------------------- */

/* What OpenAI has and hardly anybody else: refused by some, meaningless to the others. */
static const char only_openai[] =
    "audio metadata modalities prediction prompt_cache_key prompt_cache_options "
    "prompt_cache_retention safety_identifier service_tier store verbosity web_search_options";

/* The first word of `words`, which moves on; empty at the end. */
static hg_str word_next(const char **words)
{
    const char *at = *words ? *words : "", *end;

    while (*at == ' ')
        at++;
    end = at;
    while (*end && *end != ' ')
        end++;
    *words = end;
    return (hg_str){at, (size_t)(end - at)};
}

static bool words_have(const char *words, hg_str word)
{
    hg_str one;

    while ((one = word_next(&words)).n) {
        if (one.n == word.n && memcmp(one.p, word.p, word.n) == 0)
            return true;
    }
    return false;
}

/* The first change of a key counts. */
static void change_add(struct changes *changes, hg_str key, uint32_t kind, hg_str to)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->list[i].key.n == key.n && memcmp(changes->list[i].key.p, key.p, key.n) == 0)
            return;
    }
    if (changes->count == CHANGES_MAX || key.n == 0 || key.n > 63)
        return;
    changes->list[changes->count++] = (struct change){key, to, kind};
    changes->lengths |= UINT64_C(1) << key.n;
}

static void row_read(struct changes *changes, const struct vendor *vendor)
{
    const char *words = vendor->renames;
    bool takes_all = vendor->takes && strcmp(vendor->takes, "*") == 0;
    hg_str word;

    while ((word = word_next(&words)).n) {
        const char *mark = memchr(word.p, '=', word.n);
        size_t n = (size_t)(mark - word.p);

        change_add(changes, (hg_str){word.p, n}, CHANGE_RENAME, (hg_str){mark + 1, word.n - n - 1});
    }
    words = vendor->refuses;
    while ((word = word_next(&words)).n)
        change_add(changes, word, CHANGE_DROP, (hg_str){0});
    words = only_openai;
    while (!takes_all && (word = word_next(&words)).n) {
        if (!words_have(vendor->takes, word))
            change_add(changes, word, CHANGE_DROP, (hg_str){0});
    }
}

/* What the wants come to, member by member. */
static void wants_read(struct changes *changes)
{
    const hg_str none = {0};

    if (!(changes->wants & TAKES_NEW_LIMIT)) {
        change_add(changes, HG_S("max_completion_tokens"), CHANGE_RENAME, HG_S("max_tokens"));
        changes->wire |= HG_WIRE_MAX_TOKENS;
    }
    if (changes->wants & WANTS_ONE_CHOICE)
        change_add(changes, HG_S("n"), CHANGE_CHOICES, none);
    if (changes->wants & WANTS_AUTO_TOOLS)
        change_add(changes, HG_S("tool_choice"), CHANGE_TOOL_CHOICE, none);
    if (changes->wants & WANTS_NO_STRICT)
        change_add(changes, HG_S("tools"), CHANGE_TOOLS, none);
    if (changes->wire & HG_WIRE_NO_SCHEMA)
        change_add(changes, HG_S("response_format"), CHANGE_FORMAT, none);
    if (changes->wire & HG_WIRE_NO_STREAM_USAGE)
        change_add(changes, HG_S("stream_options"), CHANGE_DROP, none);
    if (changes->stops)
        change_add(changes, HG_S("stop"), CHANGE_STOPS, none);
    if (changes->degrees > 0)
        change_add(changes, HG_S("temperature"), CHANGE_TEMPERATURE, none);
    if (changes->efforts)
        change_add(changes, HG_S("reasoning_effort"), CHANGE_EFFORT, none);
    change_add(changes, HG_S("messages"), CHANGE_MESSAGES, none);
}

static const struct {
    const char *word;
    uint32_t wire, wants;
} flags[] = {{"string_content", HG_WIRE_STRING_CONTENT, 0},
             {"empty_content", HG_WIRE_EMPTY_CONTENT, 0},
             {"reasoning_content", HG_WIRE_REASONING, 0},
             {"no_schema", HG_WIRE_NO_SCHEMA, 0},
             {"top_k", HG_WIRE_TOP_K, 0},
             {"no_stream_options", HG_WIRE_NO_STREAM_USAGE, 0},
             {"no_urls", HG_WIRE_NO_URLS, 0},
             {"one_choice", 0, WANTS_ONE_CHOICE},
             {"auto_tools", 0, WANTS_AUTO_TOOLS},
             {"no_strict", 0, WANTS_NO_STRICT},
             {"no_names", 0, WANTS_NO_NAMES},
             {"system_first", 0, WANTS_SYSTEM_FIRST},
             {"turns", 0, WANTS_TURNS},
             {"max_completion_tokens", 0, TAKES_NEW_LIMIT},
             {"developer", 0, TAKES_DEVELOPER}};

static void flags_read(struct changes *changes, const hg_host *host, hg_op op, hg_json list)
{
    hg_json_it it = {0};
    hg_json value;

    while (list.kind == HG_J_ARR && host->json->next(list, &it, NULL, &value)) {
        hg_str word = host->json->str(op, value);

        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
            if (word_is(word, flags[i].word)) {
                changes->wire |= flags[i].wire;
                changes->wants |= flags[i].wants;
            }
        }
    }
}

static hg_rc settings_read(struct changes *changes, const hg_host *host, hg_op op, hg_json settings)
{
    hg_json renames = host->json->get(settings, "/renames"), value;
    hg_json refuses = host->json->get(settings, "/refuses");
    hg_json_it it = {0};
    hg_str key;

    while (renames.kind == HG_J_OBJ && host->json->next(renames, &it, &key, &value))
        change_add(changes, key, CHANGE_RENAME, host->json->str(op, value));
    it = (hg_json_it){0};
    while (refuses.kind == HG_J_ARR && host->json->next(refuses, &it, NULL, &value))
        change_add(changes, host->json->str(op, value), CHANGE_DROP, (hg_str){0});
    if (changes->count > CHANGES_MAX / 2)
        return host->fail(op, HG_E_CONFIG, "refuses, renames: at most %d together",
                          CHANGES_MAX / 2);
    return HG_OK;
}

hg_rc changes_read(struct changes *changes, const hg_host *host, hg_op op,
                   const struct vendor *vendor, hg_json settings)
{
    hg_rc rc;

    *changes = (struct changes){.name = vendor->name,
                                .wire = vendor->wire,
                                .wants = vendor->wants,
                                .stops = vendor->stops,
                                .efforts = vendor->efforts,
                                .hottest = vendor->hottest};
    changes->degrees = vendor->hottest ? strtod(vendor->hottest, NULL) : 0;
    flags_read(changes, host, op, host->json->get(settings, "/flags"));
    rc = settings_read(changes, host, op, settings);
    row_read(changes, vendor);
    wants_read(changes);
    return rc;
}

/* ---- for each request --------------------------------------------------------------------- */

struct fitting {
    const struct changes *changes;
    const hg_host *host;
    hg_op op;
    hg_json doc;
    bool is_strict;   /* the client wants to be told what is left out */
    hg_json messages; /* as the client has them; absent in another dialect */
    hg_str preface;   /* for a system message of ours */
    struct draft patch;
};

static void member_begin(struct fitting *f, hg_str key)
{
    draft_put(&f->patch, f->patch.n ? HG_S(",\"") : HG_S("{\""));
    draft_put(&f->patch, key);
    draft_put(&f->patch, HG_S("\":"));
}

static void member_put(struct fitting *f, hg_str key, hg_str raw)
{
    member_begin(f, key);
    draft_put(&f->patch, raw);
}

static hg_rc member_lose(struct fitting *f, hg_str key)
{
    if (f->is_strict)
        return f->host->fail(f->op, HG_E_INPUT, "%s does not take %.*s", f->changes->name,
                             (int)key.n, key.p);
    member_put(f, key, HG_S("null"));
    return HG_OK;
}

static hg_rc choices_fit(struct fitting *f, hg_str key, hg_json value)
{
    if (f->host->json->i64(value, 1) > 1)
        return f->host->fail(f->op, HG_E_INPUT, "%s gives one choice: n must be 1",
                             f->changes->name);
    member_put(f, key, HG_S("null"));
    return HG_OK;
}

/* Called with a tool_choice of any dialect: a word, or an object with a type. */
static hg_rc tool_choice_fit(struct fitting *f, hg_json value)
{
    const hg_json_api *json = f->host->json;
    hg_str word = json->str(f->op, value.kind == HG_J_OBJ ? json->get(value, "/type") : value);

    if (word_is(word, "auto") || word_is(word, "none"))
        return HG_OK;
    if (f->is_strict)
        return f->host->fail(f->op, HG_E_INPUT, "%s lets models choose: tool_choice must be auto",
                             f->changes->name);
    member_put(f, HG_S("tool_choice"), HG_S("\"auto\""));
    return HG_OK;
}

static void tools_change(struct fitting *f, hg_str key, hg_json value)
{
    struct draft tools = {.host = f->host, .op = f->op};

    if (tools_fit(&tools, value))
        member_put(f, key, draft_text(&tools));
    f->patch.failed |= tools.failed;
}

/* A schema that cannot be enforced is at least told, and the answer is JSON. */
static hg_rc format_fit(struct fitting *f, hg_str key, hg_json value)
{
    static const char ask[] = "Answer with one JSON value and nothing else. It follows this JSON "
                              "Schema: ";
    const hg_json_api *json = f->host->json;
    hg_json schema = json->get(value, "/json_schema/schema");
    struct draft preface = {.host = f->host, .op = f->op};

    if (!word_is(json->str(f->op, json->get(value, "/type")), "json_schema"))
        return HG_OK;
    if (f->is_strict)
        return f->host->fail(f->op, HG_E_INPUT, "%s cannot keep to a JSON Schema",
                             f->changes->name);
    draft_put(&preface, HG_S(ask));
    draft_quote(&preface, schema.kind == HG_J_OBJ ? json->raw(schema) : HG_S("{}"));
    f->preface = draft_text(&preface);
    f->patch.failed |= preface.failed;
    member_put(f, key, HG_S("{\"type\":\"json_object\"}"));
    return HG_OK;
}

/* The first few of a list of stop sequences. */
static hg_rc stops_fit(struct fitting *f, hg_str key, hg_json value)
{
    hg_str raw = f->host->json->raw(value), last = {0};
    hg_json_it it = {0};
    hg_json stop;
    uint32_t n = 0;

    while (value.kind == HG_J_ARR && f->host->json->next(value, &it, NULL, &stop)) {
        if (n++ < f->changes->stops)
            last = f->host->json->raw(stop);
    }
    if (n <= f->changes->stops)
        return HG_OK;
    if (f->is_strict)
        return f->host->fail(f->op, HG_E_INPUT, "%s takes %u stop sequences at most",
                             f->changes->name, (unsigned)f->changes->stops);
    member_begin(f, key);
    draft_put(&f->patch, (hg_str){raw.p, (size_t)(last.p + last.n - raw.p)});
    draft_put(&f->patch, HG_S("]"));
    return HG_OK;
}

static hg_rc temperature_fit(struct fitting *f, hg_str key, hg_json value)
{
    if (f->host->json->f64(value, 0) <= f->changes->degrees)
        return HG_OK;
    if (f->is_strict)
        return f->host->fail(f->op, HG_E_INPUT, "%s takes a temperature of %s at most",
                             f->changes->name, f->changes->hottest);
    member_put(f, key, word_of(f->changes->hottest));
    return HG_OK;
}

static void effort_fit(struct fitting *f, hg_str key, hg_json value)
{
    const char *words = f->changes->efforts;
    hg_str asked = f->host->json->str(f->op, value), word;

    while ((word = word_next(&words)).n) {
        const char *mark = memchr(word.p, '=', word.n);
        size_t n = (size_t)(mark - word.p);

        if (asked.n != n || memcmp(asked.p, word.p, n) != 0)
            continue;
        member_begin(f, key);
        draft_put(&f->patch, HG_S("\""));
        draft_put(&f->patch, (hg_str){mark + 1, word.n - n - 1});
        draft_put(&f->patch, HG_S("\""));
    }
}

/* Whether another member, which the client has sent, is to go by this name. */
static bool is_taken(const struct fitting *f, hg_str key)
{
    for (size_t i = 0; i < f->changes->count; i++) {
        const struct change *change = &f->changes->list[i];

        if (change->kind == CHANGE_RENAME && change->to.n == key.n &&
            memcmp(change->to.p, key.p, key.n) == 0 &&
            f->host->json
                    ->get(f->doc, f->host->fmt(f->op, "/%.*s", (int)change->key.n, change->key.p).p)
                    .kind > HG_J_NULL)
            return true;
    }
    return false;
}

/* Of two limits the new one counts, whichever is the vendor's. */
static void rename_make(struct fitting *f, const struct change *change, hg_json value)
{
    member_put(f, change->key, HG_S("null"));
    if (word_is(change->to, "max_completion_tokens") &&
        f->host->json->get(f->doc, "/max_completion_tokens").kind == HG_J_NUM)
        return;
    member_put(f, change->to, f->host->json->raw(value));
}

static hg_rc change_make(struct fitting *f, const struct change *change, hg_json value)
{
    switch (change->kind) {
    case CHANGE_DROP:
        return member_lose(f, change->key);
    case CHANGE_RENAME:
        rename_make(f, change, value);
        return HG_OK;
    case CHANGE_CHOICES:
        return choices_fit(f, change->key, value);
    case CHANGE_TOOL_CHOICE:
        return tool_choice_fit(f, value);
    case CHANGE_TOOLS:
        tools_change(f, change->key, value);
        return HG_OK;
    case CHANGE_FORMAT:
        return format_fit(f, change->key, value);
    case CHANGE_STOPS:
        return stops_fit(f, change->key, value);
    case CHANGE_TEMPERATURE:
        return temperature_fit(f, change->key, value);
    case CHANGE_EFFORT:
        effort_fit(f, change->key, value);
        return HG_OK;
    default:
        f->messages = value;
        return HG_OK;
    }
}

static const struct change *change_find(const struct changes *changes, hg_str key)
{
    if (key.n > 63 || !(changes->lengths >> key.n & 1u))
        return NULL;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->list[i];

        if (change->key.n == key.n && memcmp(change->key.p, key.p, key.n) == 0)
            return change;
    }
    return NULL;
}

static void messages_change(struct fitting *f)
{
    uint32_t wants = f->changes->wants, wire = f->changes->wire;
    uint32_t todo = (wants & TAKES_DEVELOPER ? 0 : MESSAGES_NO_DEVELOPER) |
                    (wants & WANTS_NO_NAMES ? MESSAGES_NO_NAMES : 0) |
                    (wants & WANTS_SYSTEM_FIRST ? MESSAGES_SYSTEM_FIRST : 0) |
                    (wants & WANTS_TURNS ? MESSAGES_TURNS : 0) |
                    (wire & HG_WIRE_STRING_CONTENT ? MESSAGES_TEXT : 0) |
                    (wire & HG_WIRE_EMPTY_CONTENT ? MESSAGES_NO_NULL : 0);
    struct draft messages = {.host = f->host, .op = f->op};

    if ((todo || f->preface.n) && messages_fit(&messages, f->messages, todo, f->preface))
        member_put(f, HG_S("messages"), draft_text(&messages));
    f->patch.failed |= messages.failed;
}

/* The client speaks the vendor's dialect: what it has is looked at, member by member. */
static hg_rc members_fit(struct fitting *f)
{
    hg_json_it it = {0};
    hg_json value;
    hg_str key;

    while (f->host->json->next(f->doc, &it, &key, &value)) {
        const struct change *change = change_find(f->changes, key);
        hg_rc rc = HG_OK;

        if (value.kind == HG_J_NULL && !is_taken(f, key))
            member_put(f, key, HG_S("null")); /* OpenAI's way of not saying anything */
        else if (change && value.kind != HG_J_NULL)
            rc = change_make(f, change, value);
        if (rc != HG_OK)
            return rc;
    }
    messages_change(f);
    return HG_OK;
}

/* Where other dialects have what may have to go by another name. */
static hg_json value_elsewhere(const struct fitting *f, hg_str key)
{
    static const struct {
        const char *key, *place;
    } places[] = {{"max_tokens", "/max_tokens"},
                  {"max_tokens", "/max_output_tokens"},
                  {"max_tokens", "/generationConfig/maxOutputTokens"},
                  {"seed", "/seed"},
                  {"seed", "/generationConfig/seed"}};
    hg_json value = {0};

    for (size_t i = 0; !value.kind && i < sizeof places / sizeof *places; i++) {
        if (word_is(key, places[i].key))
            value = f->host->json->get(f->doc, places[i].place);
    }
    return value.kind == HG_J_NUM ? value : (hg_json){0};
}

/* The client speaks another dialect: what the core will write is not there yet, so whatever it may
 * write of what this vendor does not take is taken off. */
static hg_rc members_fit_blindly(struct fitting *f)
{
    const struct changes *changes = f->changes;
    hg_json choice = f->host->json->get(f->doc, "/tool_choice");

    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->list[i];
        hg_json value = {0};

        if (change->kind == CHANGE_RENAME)
            value = value_elsewhere(f, change->key);
        if (value.kind)
            member_put(f, change->to, f->host->json->raw(value));
        if (change->kind == CHANGE_DROP || value.kind)
            member_put(f, change->key, HG_S("null"));
    }
    if (!(changes->wants & WANTS_AUTO_TOOLS) || !choice.kind ||
        !f->host->json->get(f->doc, "/tools").kind)
        return HG_OK;
    return tool_choice_fit(f, choice);
}

hg_rc changes_patch(const struct changes *changes, const hg_host *host, hg_op op, const hg_req *req,
                    const hg_req_info *info, hg_json *ret_patch)
{
    hg_str wish = host->req->header(req, "x-headgate-strict");
    struct fitting f = {.changes = changes,
                        .host = host,
                        .op = op,
                        .doc = host->req->json(req),
                        .is_strict = word_is(wish, "true") || word_is(wish, "1"),
                        .patch = {.host = host, .op = op}};
    hg_rc rc = info->wire == HG_WIRE_OPENAI_CHAT ? members_fit(&f) : members_fit_blindly(&f);

    *ret_patch = (hg_json){0};
    if (rc != HG_OK || (!f.patch.n && !f.patch.failed))
        return rc;
    draft_put(&f.patch, HG_S("}"));
    if (f.patch.failed || host->json->parse(op, draft_text(&f.patch), ret_patch) != HG_OK)
        return host->fail(op, HG_E_TOOBIG, "the request is too large to be changed for %s",
                          changes->name);
    return HG_OK;
}
