/* One table names every option, its kind and its place in struct rule; reading a value, the help
 * text and the spelling suggestions all come from it. */
#include "simulate/rule.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/text.h"
#include "simulate/fault_words.h"
#include "simulate/reply.h"

enum kind {
    KIND_FLAG,
    KIND_NUMBER,
    KIND_DURATION,
    KIND_TEXT,
    KIND_FIELD, /* text that stands in the head */
    KIND_SPLIT,
    KIND_GARBAGE,
    KIND_ENDLESS,
    KIND_USAGE,
    KIND_ERROR,
    KIND_HEADER
};

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *sentence;
};

#define AT(member) offsetof(struct rule, member)

static const struct option options[] = {
    {"status", KIND_NUMBER, AT(status), "answers with this status; 400 and above is an error"},
    {"delay", KIND_DURATION, AT(delay), "waits before the head"},
    {"first-delay", KIND_DURATION, AT(first_delay), "waits between the head and the body"},
    {"event-delay", KIND_DURATION, AT(event_delay), "waits between events"},
    {"write-delay", KIND_DURATION, AT(write_delay), "waits between split writes"},
    {"split", KIND_SPLIT, AT(split), "cuts writes: N bytes, random:SEED, or at:3+17+99"},
    {"chunk-bytes", KIND_SPLIT, AT(split), "the same as split"},
    {"reset-after-bytes", KIND_NUMBER, AT(reset_after_bytes), "resets; 0: before the head"},
    {"reset-after-events", KIND_NUMBER, AT(reset_after_events), "resets after so many events"},
    {"stall-after-bytes", KIND_NUMBER, AT(stall_after_bytes), "falls silent; 0: before the head"},
    {"stall-after-events", KIND_NUMBER, AT(stall_after_events), "falls silent"},
    {"close-after-bytes", KIND_NUMBER, AT(close_after_bytes), "closes; 0: before the head"},
    {"close-after-events", KIND_NUMBER, AT(close_after_events), "closes after so many events"},
    {"garbage", KIND_GARBAGE, AT(garbage), "bytes, head, chunk, json, sse, html or empty"},
    {"endless", KIND_ENDLESS, AT(endless), "never ends: head, body or events"},
    {"content-length", KIND_FIELD, AT(content_length), "a wrong length: a number, or +N or -N"},
    {"raw", KIND_TEXT, AT(raw), "sends these bytes for head and body"},
    {"close", KIND_FLAG, AT(close), "closes the connection after the answer, and says so"},
    {"until-close", KIND_FLAG, AT(until_close), "gives no length: the close ends the body"},
    {"early", KIND_FLAG, AT(early), "answers without waiting for the request's body"},
    {"content-type", KIND_FIELD, AT(content_type), "another content type"},
    {"retry-after", KIND_FIELD, AT(retry_after), "the field retry-after"},
    {"retry-after-ms", KIND_FIELD, AT(retry_after_ms), "the field retry-after-ms"},
    {"header", KIND_HEADER, AT(headers), "adds a field: \"name: value\""},
    {"body", KIND_TEXT, AT(body), "sends this body"},
    {"text", KIND_TEXT, AT(text), "answers with this text"},
    {"reasoning", KIND_TEXT, AT(reasoning), "reasons first"},
    {"finish", KIND_TEXT, AT(finish), "the finish reason; none: leaves it out"},
    {"usage", KIND_USAGE, AT(usage), "of streams, asked for or not: on chunk, finish or every"},
    {"tool", KIND_TEXT, AT(tool), "answers with a call of this tool"},
    {"tool-arguments", KIND_TEXT, AT(tool_arguments), "the arguments of that call"},
    {"tool-calls", KIND_NUMBER, AT(tool_calls), "how many calls"},
    {"error", KIND_ERROR, AT(error), "an error as the provider words it; see below"},
    {"error-type", KIND_TEXT, AT(error_type), "the type of an error"},
    {"error-code", KIND_TEXT, AT(error_code), "the code of an error"},
    {"error-message", KIND_TEXT, AT(error_message), "the message of an error"},
    {"error-in-200", KIND_FLAG, AT(error_in_200), "an error object with status 200"},
    {"error-event-at", KIND_NUMBER, AT(error_event_at), "an error as event N (from 0), then ends"},
    {"no-usage", KIND_FLAG, AT(no_usage), "leaves usage out"},
    {"no-done", KIND_FLAG, AT(no_done), "leaves the end mark of a stream out"},
    {"crlf", KIND_FLAG, AT(crlf), "ends the lines of events with CRLF"},
    {"tokens", KIND_NUMBER, AT(tokens), "answers with so many words"},
    {"events", KIND_NUMBER, AT(events), "divides the text into so many events"},
    {"comments", KIND_NUMBER, AT(comments), "sends so many comments or pings first"},
    {"dimensions", KIND_NUMBER, AT(dimensions), "of embeddings"},
    {"prompt-tokens", KIND_NUMBER, AT(prompt_tokens), "what usage says"},
    {"completion-tokens", KIND_NUMBER, AT(completion_tokens), "what usage says"},
    {"cached-tokens", KIND_NUMBER, AT(cached_tokens), "what usage says"},
    {"reasoning-tokens", KIND_NUMBER, AT(reasoning_tokens), "what usage says"},
    {"cassette", KIND_TEXT, AT(cassette), "with --replay: answers with this recording"},
};

enum {
    OPTION_COUNT = sizeof options / sizeof *options
};

const struct rule rule_default = {
    .reset_after_bytes = UNSET,
    .reset_after_events = UNSET,
    .stall_after_bytes = UNSET,
    .stall_after_events = UNSET,
    .close_after_bytes = UNSET,
    .close_after_events = UNSET,
    .status = UNSET,
    .error_event_at = UNSET,
    .tokens = UNSET,
    .events = UNSET,
    .comments = UNSET,
    .tool_calls = UNSET,
    .dimensions = UNSET,
    .prompt_tokens = UNSET,
    .completion_tokens = UNSET,
    .cached_tokens = UNSET,
    .reasoning_tokens = UNSET,
};

static const struct option *option_find(hg_str name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (text_is(name, text_of(options[i].name)))
            return &options[i];
    return NULL;
}

static bool unknown_option(hg_str name, struct error *error)
{
    const char *names[OPTION_COUNT], *nearest;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = options[i].name;
    nearest = text_suggest(name, names, OPTION_COUNT);
    if (nearest)
        return error_set(error, "unknown option \"%.*s\": did you mean \"%s\"?", TEXT_ARG(name),
                         nearest);
    return error_set(error, "unknown option \"%.*s\"", TEXT_ARG(name));
}

/* "3+17+99"; in a header commas do as well. */
static bool split_offsets(struct split *split, struct arena *arena, hg_str list)
{
    uint64_t before = 0;

    split->offsets = arena_alloc(arena, (list.n / 2 + 1) * sizeof *split->offsets);
    split->count = 0;
    while (list.n) {
        hg_str rest = list;
        size_t n = 0;

        while (n < list.n && list.p[n] != '+' && list.p[n] != ',')
            n++;
        if (!text_to_u64((hg_str){list.p, n}, &split->offsets[split->count]))
            return false;
        if (split->offsets[split->count] <= before)
            return false;
        before = split->offsets[split->count++];
        rest.p += n, rest.n -= n;
        list = rest.n ? (hg_str){rest.p + 1, rest.n - 1} : rest;
    }
    return split->count > 0;
}

static bool split_set(struct split *split, struct arena *arena, hg_str value)
{
    hg_str rest, first = text_cut(value, ':', &rest);

    *split = (struct split){0};
    if (text_is(first, HG_S("random"))) {
        split->mode = SPLIT_RANDOM;
        return text_to_u64(rest, &split->size);
    }
    if (text_is(first, HG_S("at"))) {
        split->mode = SPLIT_OFFSETS;
        return split_offsets(split, arena, rest);
    }
    split->mode = SPLIT_SIZE;
    return text_to_u64(value, &split->size) && split->size > 0;
}

static bool one_of(hg_str value, const char *const *words)
{
    for (; *words; words++)
        if (text_is(value, text_of(*words)))
            return true;
    return false;
}

static bool flag_set(bool *flag, hg_str value)
{
    static const char *const yes[] = {"", "1", "true", "yes", "on", NULL};
    static const char *const no[] = {"0", "false", "no", "off", NULL};

    *flag = one_of(value, yes);
    return *flag || one_of(value, no);
}

static bool is_field_value(hg_str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == 0)
            return false;
    return true;
}

/* Adds a header line; refused if it would break the head. */
static bool rule_add_header(struct rule *rule, struct arena *arena, hg_str name, hg_str value,
                            struct error *error)
{
    bool clean = name.n > 0;

    for (size_t i = 0; i < name.n; i++)
        clean = clean && name.p[i] > ' ' && name.p[i] != ':' && name.p[i] != 127;
    if (!clean || !is_field_value(value))
        return error_set(error, "header: not a header field");
    rule->headers = arena_fmt(arena, "%.*s%.*s: %.*s\r\n", TEXT_ARG(rule->headers), TEXT_ARG(name),
                              TEXT_ARG(value));
    return true;
}

static bool header_set(struct rule *rule, struct arena *arena, hg_str line, struct error *error)
{
    hg_str value, name = text_cut(line, ':', &value);

    return rule_add_header(rule, arena, text_trim(name), text_trim(value), error);
}

/* A choice of words is kept as text; an unknown word is refused. */
static bool word_set(hg_str *text, enum kind kind, struct arena *arena, hg_str value)
{
    static const char *const garbage[] = {"bytes", "head", "chunk", "json",
                                          "sse",   "html", "empty", NULL};
    static const char *const endless[] = {"head", "body", "events", NULL};
    static const char *const usage[] = {"chunk", "finish", "every", NULL};
    const char *const *words = kind == KIND_GARBAGE   ? garbage
                               : kind == KIND_ENDLESS ? endless
                               : kind == KIND_ERROR   ? fault_names
                                                      : usage;

    *text = arena_text(arena, value);
    return one_of(value, words);
}

static bool number_set(uint64_t *number, const struct option *option, hg_str value)
{
    if (!text_to_u64(value, number))
        return false;
    return option->offset != AT(status) || (*number >= 100 && *number <= 999);
}

bool rule_set(struct rule *rule, struct arena *arena, hg_str name, hg_str value,
              struct error *error)
{
    const struct option *option = option_find(name);
    bool fine = false;

    if (!option)
        return unknown_option(name, error);
    void *at = (char *)rule + option->offset;

    switch (option->kind) {
    case KIND_FLAG:
        fine = flag_set(at, value);
        break;
    case KIND_NUMBER:
        fine = number_set(at, option, value);
        break;
    case KIND_DURATION:
        fine = text_to_duration(value, at);
        break;
    case KIND_TEXT:
        *(hg_str *)at = arena_text(arena, value);
        fine = true;
        break;
    case KIND_FIELD:
        *(hg_str *)at = arena_text(arena, value);
        fine = is_field_value(value);
        break;
    case KIND_SPLIT:
        fine = split_set(at, arena, value);
        break;
    case KIND_GARBAGE:
    case KIND_ENDLESS:
    case KIND_USAGE:
    case KIND_ERROR:
        fine = word_set(at, option->kind, arena, value);
        break;
    case KIND_HEADER:
        return header_set(rule, arena, value, error);
    }
    return fine || error_set(error, "%s: \"%.*s\" does not do; it %s", option->name,
                             TEXT_ARG(value), option->sentence);
}

static hg_str percent_decoded(struct arena *arena, hg_str text)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (text_percent_at(text, i, &c))
            i += 2;
        out[n++] = c;
    }
    return (hg_str){out, n};
}

bool rule_set_model(struct rule *rule, struct arena *arena, hg_str model, struct error *error)
{
    hg_str list;

    if (!text_is(text_cut(model, ':', &list), HG_S("sim")))
        return true;
    while (list.n) {
        hg_str value, name = text_cut(text_cut(list, ',', &list), '=', &value);

        if (!rule_set(rule, arena, text_trim(name), percent_decoded(arena, value), error))
            return error_prefix(error, "model");
    }
    return true;
}

static bool headers_set_json(struct rule *rule, struct arena *arena, const json_t *headers,
                             struct error *error)
{
    const char *name;
    json_t *value;

    if (!json_is_object(headers))
        return error_set(error, "headers: must be an object of texts");
    json_object_foreach((json_t *)(uintptr_t)headers, name, value) {
        if (!json_is_string(value))
            return error_set(error, "headers: \"%s\" must be a text", name);
        if (!rule_add_header(rule, arena, text_of(name), text_of(json_string_value(value)), error))
            return false;
    }
    return true;
}

/* A JSON value as the text that rule_set takes; objects and arrays as JSON, for bodies. */
static hg_str option_text(struct arena *arena, const json_t *value)
{
    if (json_is_string(value))
        return (hg_str){json_string_value(value), json_string_length(value)};
    if (json_is_boolean(value))
        return json_is_true(value) ? HG_S("true") : HG_S("false");
    return document_text(arena, value);
}

bool rule_set_json(struct rule *rule, struct arena *arena, const struct json_t *object,
                   struct error *error)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        if (strcmp(name, "headers") == 0) {
            if (!headers_set_json(rule, arena, value, error))
                return false;
        } else if (!rule_set(rule, arena, text_of(name), option_text(arena, value), error)) {
            return false;
        }
    }
    return true;
}

void rule_print_help(FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        fprintf(out, "  %-20s %s\n", options[i].name, options[i].sentence);
    fputs("\nThe errors:", out);
    for (size_t i = 0; fault_names[i]; i++)
        fprintf(out, " %s", fault_names[i]);
    fputc('\n', out);
}
