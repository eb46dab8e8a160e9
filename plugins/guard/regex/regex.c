/* Judges texts by patterns (PCRE2) and by built-in sets of things with a shape of their own. A
 * pattern that runs into its limits is a failure of the guard, never a pass: what that means is for
 * the one who uses the guard to say. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <headgate/plugin.h>

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hits.h"
#include "sets.h"

enum {
    RULES_MAX = 256,
    SETS_MAX = 16,
    HITS_MAX = 100000,
    OVERLAP = 256, /* bytes of a stream that are seen twice */
    GAP = 2,       /* bytes that may stand between two parts of one thing */
    MATCH_LIMIT = 200000,
    DEPTH_LIMIT = 2000,
    HEAP_LIMIT_KB = 16 * 1024
};

static const hg_host *H;

struct rule {
    pcre2_code *code;
    hg_str with;          /* redact */
    hg_str name, message; /* deny */
};

struct rules {
    struct rule *list;
    size_t count;
};

struct regex {
    struct rules deny, redact;
    const struct set *sets[SETS_MAX];
    size_t n_sets;
    uint32_t sets_action; /* HG_REDACT, HG_DENY or HG_FLAG */
    uint32_t stages;
    pcre2_match_context *limits;
    pcre2_match_data *match;
    pcre2_jit_stack *stack;
    struct hits hits; /* of the check under way; its memory is used again */
};

/* ---- matching ----------------------------------------------------------------------------- */

enum {
    FOUND_NONE,
    FOUND,
    FOUND_FAILED
};

static int rule_find(const struct regex *regex, const struct rule *rule, hg_str text, size_t from,
                     size_t *ret_at, size_t *ret_n)
{
    int rc = pcre2_match(rule->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, from, 0,
                         regex->match, regex->limits);

    if (rc == PCRE2_ERROR_NOMATCH)
        return FOUND_NONE;
    if (rc < 0)
        return FOUND_FAILED;
    const size_t *place = pcre2_get_ovector_pointer(regex->match);

    if (place[1] < place[0]) /* \K in a lookahead can turn a match around */
        return FOUND_FAILED;
    *ret_at = place[0];
    *ret_n = place[1] - place[0];
    return FOUND;
}

static hg_rc failed(hg_op op, const char *kind, size_t number)
{
    return H->fail(op, HG_E_INTERNAL, "%s[%zu] ran into its limits on this text", kind, number);
}

static hg_rc too_many(hg_op op)
{
    return H->fail(op, HG_E_TOOBIG, "more than %d matches in one check", HITS_MAX);
}

static void say_no(const struct rule *rule, hg_op op, size_t number, hg_verdict *out)
{
    out->action = HG_DENY;
    out->code = rule->name;
    out->message = rule->message;
    out->details = H->fmt(op, "{\"rule\":\"deny[%zu]\"}", number);
    out->score = 1;
}

/* The first pattern that matches any text says no. */
static hg_rc check_deny(const struct regex *regex, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    size_t at, n;

    for (size_t i = 0; i < regex->deny.count; i++) {
        for (size_t k = 0; k < in->n_texts; k++) {
            int found = rule_find(regex, &regex->deny.list[i], in->texts[k].text, 0, &at, &n);

            if (found == FOUND_FAILED)
                return failed(op, "deny", i);
            if (found == FOUND) {
                say_no(&regex->deny.list[i], op, i, out);
                return HG_OK;
            }
        }
    }
    return HG_OK;
}

/* In a piece of a stream, what ends where the piece ends may go on, perhaps behind a dot or a
 * space: the next piece has it whole. */
static bool goes_on(const hg_guard_in *in, hg_str text, size_t at, size_t n)
{
    return in->stage == HG_STAGE_WINDOW && !in->last && text.n - at - n <= GAP &&
           text.n - at < OVERLAP;
}

static hg_rc find_redact(struct regex *regex, hg_op op, const hg_guard_in *in, const hg_text *text)
{
    for (size_t i = 0; i < regex->redact.count; i++) {
        const struct rule *rule = &regex->redact.list[i];
        size_t at, n;
        int found;

        for (size_t from = 0; from <= text->text.n; from = at + (n ? n : 1)) {
            found = rule_find(regex, rule, text->text, from, &at, &n);
            if (found == FOUND_FAILED)
                return failed(op, "redact", i);
            if (found == FOUND_NONE)
                break;
            if (n && !goes_on(in, text->text, at, n) &&
                !hits_add(&regex->hits, text->part, at, n, rule->with, HITS_MAX))
                return too_many(op);
        }
    }
    return HG_OK;
}

/* Which sets were found is told as bits. */
static hg_rc find_sets(struct regex *regex, hg_op op, const hg_guard_in *in, const hg_text *text,
                       uint32_t *found)
{
    for (size_t i = 0; i < regex->n_sets; i++) {
        const struct set *set = regex->sets[i];
        size_t at, n;

        for (size_t from = 0; set->find(text->text, from, &at, &n); from = at + n) {
            if (goes_on(in, text->text, at, n) && regex->sets_action == HG_REDACT)
                continue;
            *found |= 1u << i;
            if (regex->sets_action != HG_REDACT)
                break;
            if (!hits_add(&regex->hits, text->part, at, n, (hg_str){set->with, strlen(set->with)},
                          HITS_MAX))
                return too_many(op);
        }
    }
    return HG_OK;
}

/* {"sets":["email","iban"]}, and how many places were changed. Never what stood there. */
static hg_str details_of(const struct regex *regex, hg_op op, uint32_t found, size_t edits)
{
    hg_str names = {0};

    for (size_t i = 0; i < regex->n_sets; i++) {
        if (found & 1u << i)
            names = H->fmt(op, "%.*s%s\"%s\"", (int)names.n, names.n ? names.p : "",
                           names.n ? "," : "", regex->sets[i]->name);
    }
    return H->fmt(op, "{\"sets\":[%.*s],\"edits\":%zu}", (int)names.n, names.n ? names.p : "",
                  edits);
}

static hg_rc edits_give(struct regex *regex, hg_op op, hg_verdict *out)
{
    size_t count = hits_merge(&regex->hits);
    hg_edit *edits = H->alloc(op, count * sizeof *edits);

    if (!edits)
        return H->fail(op, HG_E_NOMEM, "no memory for %zu edits", count);
    for (size_t i = 0; i < count; i++) {
        const struct hit *hit = &regex->hits.list[i];

        edits[i] = (hg_edit){.text = hit->text, .at = hit->at, .n = hit->n, .with = hit->with};
    }
    out->action = HG_REDACT;
    out->edits = edits;
    out->n_edits = count;
    return HG_OK;
}

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    struct regex *regex = st;
    uint32_t found = 0;
    hg_rc rc;

    if (!(regex->stages & in->stage))
        return HG_OK;
    regex->hits.count = 0;
    rc = check_deny(regex, op, in, out);
    if (rc != HG_OK || out->action == HG_DENY)
        return rc;
    for (size_t i = 0; i < in->n_texts && rc == HG_OK; i++) {
        rc = find_redact(regex, op, in, &in->texts[i]);
        if (rc == HG_OK)
            rc = find_sets(regex, op, in, &in->texts[i], &found);
    }
    if (rc != HG_OK || (!found && !regex->hits.count))
        return rc;
    if (regex->hits.count)
        rc = edits_give(regex, op, out);
    else
        out->action = regex->sets_action;
    if (found && regex->sets_action == HG_DENY) {
        out->action = HG_DENY;
        out->code = HG_S("sensitive_data");
        out->message = HG_S("The text holds personal data or keys.");
    }
    out->details = details_of(regex, op, found, out->n_edits);
    out->score = 1;
    return rc;
}

/* ---- settings ----------------------------------------------------------------------------- */

static void rules_done(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        pcre2_code_free(rules->list[i].code);
    free(rules->list);
}

static hg_rc rule_compile(struct rule *rule, hg_op op, const char *kind, size_t number,
                          hg_str pattern, bool ignore_case)
{
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
                       (ignore_case ? PCRE2_CASELESS : 0);
    uint32_t matches_empty = 0;
    PCRE2_UCHAR why[128];
    size_t at;
    int code;

    if (pattern.n == 0)
        return H->fail(op, HG_E_CONFIG, "%s[%zu]: needs a pattern", kind, number);
    rule->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, options, &code, &at, NULL);
    if (!rule->code) {
        pcre2_get_error_message(code, why, sizeof why);
        return H->fail(op, HG_E_CONFIG, "%s[%zu]: %s at character %zu", kind, number,
                       (const char *)why, at);
    }
    pcre2_pattern_info(rule->code, PCRE2_INFO_MATCHEMPTY, &matches_empty);
    if (matches_empty)
        return H->fail(op, HG_E_CONFIG, "%s[%zu]: matches the empty text, so it would always match",
                       kind, number);
    pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE); /* without it, it is only slower */
    return HG_OK;
}

static hg_str member(hg_op op, hg_json from, const char *place, hg_str dflt)
{
    hg_json value = H->json->get(from, place);

    return value.kind == HG_J_STR ? H->json->str(op, value) : dflt;
}

/* Each is a pattern, or an object with one. */
static hg_rc rules_read(struct rules *rules, hg_op op, hg_json list, const char *kind,
                        bool ignore_case)
{
    hg_json_it it = {0};
    hg_json value;

    if (list.kind != HG_J_ARR)
        return HG_OK;
    rules->list = calloc(RULES_MAX, sizeof *rules->list);
    if (!rules->list)
        return H->fail(op, HG_E_NOMEM, "no memory");
    while (H->json->next(list, &it, NULL, &value)) {
        struct rule *rule = &rules->list[rules->count];
        hg_str pattern = value.kind == HG_J_STR ? H->json->str(op, value)
                                                : member(op, value, "/pattern", (hg_str){0});

        if (rules->count == RULES_MAX)
            return H->fail(op, HG_E_CONFIG, "%s: at most %d patterns", kind, RULES_MAX);
        rule->with = member(op, value, "/with", HG_S("[REDACTED]"));
        rule->name = member(op, value, "/code", HG_S("content_denied"));
        rule->message = member(op, value, "/message", HG_S("The text is not allowed here."));
        rules->count++;
        hg_rc rc = rule_compile(rule, op, kind, rules->count - 1, pattern, ignore_case);

        if (rc != HG_OK)
            return rc;
    }
    return HG_OK;
}

static hg_rc sets_read(struct regex *regex, hg_op op, hg_json settings)
{
    hg_str action = member(op, settings, "/action", HG_S("redact"));
    hg_json list = H->json->get(settings, "/sets"), value;
    hg_json_it it = {0};

    regex->sets_action = action.n == 4 && memcmp(action.p, "deny", 4) == 0   ? HG_DENY
                         : action.n == 4 && memcmp(action.p, "flag", 4) == 0 ? HG_FLAG
                                                                             : HG_REDACT;
    if (regex->sets_action == HG_REDACT && !(action.n == 6 && memcmp(action.p, "redact", 6) == 0))
        return H->fail(op, HG_E_CONFIG, "action: \"redact\", \"deny\" or \"flag\"");
    while (list.kind == HG_J_ARR && H->json->next(list, &it, NULL, &value)) {
        hg_str name = H->json->str(op, value);
        const struct set *set = set_by_name(name);

        if (!set || regex->n_sets == SETS_MAX)
            return H->fail(op, HG_E_CONFIG, "sets: there is no set \"%.*s\"",
                           (int)(name.n < 64 ? name.n : 64), name.n ? name.p : "");
        regex->sets[regex->n_sets++] = set;
    }
    return HG_OK;
}

static hg_rc stages_read(struct regex *regex, hg_op op, hg_json settings)
{
    hg_json list = H->json->get(settings, "/stages"), value;
    hg_json_it it = {0};

    regex->stages = HG_STAGE_REQUEST | HG_STAGE_RESPONSE | HG_STAGE_WINDOW;
    if (list.kind != HG_J_ARR)
        return HG_OK;
    regex->stages = 0;
    while (H->json->next(list, &it, NULL, &value)) {
        hg_str name = H->json->str(op, value);

        if (name.n == 7 && memcmp(name.p, "request", 7) == 0)
            regex->stages |= HG_STAGE_REQUEST;
        else if (name.n == 8 && memcmp(name.p, "response", 8) == 0)
            regex->stages |= HG_STAGE_RESPONSE | HG_STAGE_WINDOW;
        else
            return H->fail(op, HG_E_CONFIG, "stages: \"request\", \"response\" or both");
    }
    if (regex->stages == 0)
        return H->fail(op, HG_E_CONFIG, "stages: an empty list would judge nothing");
    return HG_OK;
}

static hg_rc limits_make(struct regex *regex, hg_op op, hg_json settings)
{
    int64_t limit = H->json->i64(H->json->get(settings, "/match_limit"), MATCH_LIMIT);

    if (limit < 100 || limit > 100000000)
        return H->fail(op, HG_E_CONFIG, "match_limit: 100 to 100000000 steps");
    regex->limits = pcre2_match_context_create(NULL);
    regex->match = pcre2_match_data_create(1, NULL);
    if (!regex->limits || !regex->match)
        return H->fail(op, HG_E_NOMEM, "no memory");
    pcre2_set_match_limit(regex->limits, (uint32_t)limit);
    pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KB);
    regex->stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL);
    if (regex->stack)
        pcre2_jit_stack_assign(regex->limits, NULL, regex->stack);
    return HG_OK;
}

static hg_rc settings_read(struct regex *regex, hg_op op, hg_json settings)
{
    bool ignore_case = H->json->get(settings, "/ignore_case").kind == HG_J_TRUE;
    hg_rc rc = limits_make(regex, op, settings);

    if (rc == HG_OK)
        rc = stages_read(regex, op, settings);
    if (rc == HG_OK)
        rc = sets_read(regex, op, settings);
    if (rc == HG_OK)
        rc = rules_read(&regex->deny, op, H->json->get(settings, "/deny"), "deny", ignore_case);
    if (rc == HG_OK)
        rc = rules_read(&regex->redact, op, H->json->get(settings, "/redact"), "redact",
                        ignore_case);
    if (rc == HG_OK && !regex->deny.count && !regex->redact.count && !regex->n_sets)
        rc = H->fail(op, HG_E_CONFIG, "needs deny, redact or sets: it would judge nothing");
    return rc;
}

static void destroy(void *st)
{
    struct regex *regex = st;

    rules_done(&regex->deny);
    rules_done(&regex->redact);
    pcre2_match_data_free(regex->match);
    pcre2_match_context_free(regex->limits);
    pcre2_jit_stack_free(regex->stack);
    free(regex->hits.list);
    free(regex);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct regex *regex = calloc(1, sizeof *regex);
    hg_rc rc;

    (void)self;
    if (!regex)
        return H->fail(op, HG_E_NOMEM, "no memory");
    rc = settings_read(regex, op, settings);
    if (rc != HG_OK) {
        destroy(regex);
        return rc;
    }
    *ret_st = regex;
    return HG_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"deny\":{\"type\":\"array\",\"description\":\"Patterns that no text may match.\","
    "\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"pattern\"],\"properties\":{"
    "\"pattern\":{\"type\":\"string\",\"description\":\"A PCRE2 pattern.\"},"
    "\"message\":{\"type\":\"string\",\"description\":\"What the caller is told.\"},"
    "\"code\":{\"type\":\"string\",\"description\":\"The code of the error.\"}}}]}},"
    "\"redact\":{\"type\":\"array\",\"description\":\"Patterns whose matches are replaced.\","
    "\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"pattern\"],\"properties\":{"
    "\"pattern\":{\"type\":\"string\",\"description\":\"A PCRE2 pattern.\"},"
    "\"with\":{\"type\":\"string\",\"description\":\"What stands there instead.\"}}}]}},"
    "\"sets\":{\"type\":\"array\",\"description\":\"Built-in things to look for.\","
    "\"items\":{\"type\":\"string\",\"enum\":[\"email\",\"credit_card\",\"us_ssn\",\"phone\","
    "\"iban\",\"ipv4\",\"api_key\"]}},"
    "\"action\":{\"type\":\"string\",\"enum\":[\"redact\",\"deny\",\"flag\"],"
    "\"default\":\"redact\",\"description\":\"What to do about a member of sets.\"},"
    "\"stages\":{\"type\":\"array\",\"description\":\"What is judged; without it, both.\","
    "\"items\":{\"type\":\"string\",\"enum\":[\"request\",\"response\"]}},"
    "\"ignore_case\":{\"type\":\"boolean\",\"default\":false,"
    "\"description\":\"Whether patterns take upper and lower case as equal.\"},"
    "\"match_limit\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":100000000,"
    "\"default\":200000,\"description\":\"Steps after which a pattern counts as failed.\"}}}";

static const hg_guard guard = {.size = sizeof guard,
                               .stages = HG_STAGE_REQUEST | HG_STAGE_RESPONSE | HG_STAGE_WINDOW,
                               .overlap_chars = OVERLAP,
                               .check = check};

HG_PLUGIN(H, "regex", "0.1.0", .summary = "judges texts by patterns and built-in sets",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});
