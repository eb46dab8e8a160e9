#include "simulate/drill.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/text.h"
#include "simulate/file.h"

struct drill {
    json_t *rules;  /* an array of objects */
    uint64_t *used; /* of each, how often */
};

static const char *const match_names[] = {"path",    "method",  "model",
                                          "headers", "dialect", "contains"};

/* ---- reading ------------------------------------------------------------------------------- */

static bool check_match(const json_t *match, struct error *error)
{
    enum {
        COUNT = sizeof match_names / sizeof *match_names
    };
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)match, name, value) {
        bool known = false;

        for (size_t i = 0; i < COUNT; i++)
            known = known || strcmp(name, match_names[i]) == 0;
        if (!known) {
            const char *nearest = text_suggest(text_of(name), match_names, COUNT);

            return error_set(error, "match: unknown member \"%s\"%s%s", name,
                             nearest ? ": did you mean " : "", nearest ? nearest : "");
        }
        if (!(strcmp(name, "headers") == 0 ? json_is_object(value) : json_is_string(value)))
            return error_set(error, "match: \"%s\" has the wrong type", name);
    }
    return true;
}

static bool check_rule(const json_t *rule, struct error *error)
{
    const json_t *answer = json_object_get(rule, "answer"), *count = json_object_get(rule, "count");
    struct rule scratch = rule_default;
    const char *name;
    json_t *value;

    if (!json_is_object(rule) || !json_is_object(answer))
        return error_set(error, "a rule is an object with an object \"answer\"");
    json_object_foreach((json_t *)(uintptr_t)rule, name, value)
        if (strcmp(name, "match") != 0 && strcmp(name, "answer") != 0 && strcmp(name, "count") != 0)
            return error_set(error, "unknown member \"%s\": a rule has match, answer, count", name);
    if (count && (!json_is_integer(count) || json_integer_value(count) < 1))
        return error_set(error, "count: must be a whole number above 0");
    if (!check_match(json_object_get(rule, "match"), error))
        return false;
    struct arena *arena = arena_new();
    bool fine = rule_set_json(&scratch, arena, answer, error);

    arena_free(&arena);
    return fine || error_prefix(error, "answer");
}

/* One value after the other: lines of objects, or one array of them. */
static bool read_rules(json_t *rules, hg_str text, struct error *error)
{
    while (text.n && strchr(" \t\r\n", *text.p))
        text.p++, text.n--;
    while (text.n) {
        json_error_t where;
        json_t *value = json_loadb(text.p, text.n, JSON_DISABLE_EOF_CHECK, &where);

        if (!value)
            return error_set(error, "rule %zu: %s", json_array_size(rules) + 1, where.text);
        if (json_is_array(value))
            json_array_extend(rules, value);
        else
            json_array_append(rules, value);
        json_decref(value);
        text.p += where.position, text.n -= (size_t)where.position;
        while (text.n && strchr(" \t\r\n", *text.p))
            text.p++, text.n--;
    }
    for (size_t i = 0; i < json_array_size(rules); i++)
        if (!check_rule(json_array_get(rules, i), error))
            return error_prefix(error, "rule %zu", i + 1);
    return true;
}

struct drill *drill_open(const char *path, struct error *error)
{
    struct buffer text = {0};
    struct drill *drill;

    if (!file_read(path, &text, error))
        return NULL;
    drill = xcalloc(1, sizeof *drill);
    drill->rules = json_array();
    bool fine = read_rules(drill->rules, buffer_text(&text), error);

    buffer_done(&text);
    if (!fine) {
        error_prefix(error, "%s", path);
        drill_free(&drill);
        return NULL;
    }
    drill->used = xcalloc(json_array_size(drill->rules) + 1, sizeof *drill->used);
    return drill;
}

void drill_free(struct drill **drill)
{
    if (!*drill)
        return;
    json_decref((*drill)->rules);
    free((*drill)->used);
    free(*drill);
    *drill = NULL;
}

/* ---- using --------------------------------------------------------------------------------- */

/* Shell patterns: "gpt-4*". */
static bool fits(const struct ask *ask, const char *pattern, hg_str text)
{
    return fnmatch(pattern, arena_cstr(ask->arena, text), 0) == 0;
}

static bool headers_fit(const struct ask *ask, const json_t *headers)
{
    const char *name;
    json_t *pattern;

    json_object_foreach((json_t *)(uintptr_t)headers, name, pattern) {
        char *lower = arena_cstr(ask->arena, text_of(name));

        for (char *c = lower; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        hg_str value = head_field(ask->head, text_of(lower));

        if (!value.n || !fits(ask, json_string_value(pattern), value))
            return false;
    }
    return true;
}

static bool matches(const struct ask *ask, const json_t *match)
{
    const char *path = json_string_value(json_object_get(match, "path"));
    const char *method = json_string_value(json_object_get(match, "method"));
    const char *model = json_string_value(json_object_get(match, "model"));
    const char *dialect = json_string_value(json_object_get(match, "dialect"));
    const json_t *contains = json_object_get(match, "contains");

    return (!path || fits(ask, path, ask->head->path)) &&
           (!method || fits(ask, method, http_method_name(ask->head->method))) &&
           (!model || fits(ask, model, ask->model)) &&
           (!dialect || fits(ask, dialect, text_of(ask->dialect->name))) &&
           (!contains || memmem(ask->body.p ? ask->body.p : "", ask->body.n,
                                json_string_value(contains), json_string_length(contains))) &&
           headers_fit(ask, json_object_get(match, "headers"));
}

bool drill_apply(struct drill *drill, const struct ask *ask, struct rule *rule, struct error *error)
{
    const json_t *one;
    size_t i;

    json_array_foreach(drill->rules, i, one) {
        const json_t *count = json_object_get(one, "count");

        if (count && drill->used[i] >= (uint64_t)json_integer_value(count))
            continue;
        if (!matches(ask, json_object_get(one, "match")))
            continue;
        drill->used[i]++;
        return rule_set_json(rule, ask->arena, json_object_get(one, "answer"), error);
    }
    return true;
}
