/* rule.h - how one request is to be answered: everything a test or a drill can ask for.
 *
 *   command line ─► script rule ─► model "sim:..." ─► x-simulate-* headers ─► struct rule
 *
 * Each later source overrides the earlier. All of them use the same option names; the table is in
 * rule.c, and `headgate simulate --help` prints it. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

struct json_t;

/* A number that was not given. As a position: never. */
#define UNSET UINT64_MAX

/* Where the bytes of an answer are cut into writes of their own. */
enum split_mode {
    SPLIT_NONE,
    SPLIT_SIZE,    /* every `size` bytes */
    SPLIT_RANDOM,  /* 1 to 64 bytes, from the seed `size` */
    SPLIT_OFFSETS, /* at the given positions, counted from the first byte of the head */
};

struct split {
    enum split_mode mode;
    uint64_t size;
    uint64_t *offsets; /* ascending */
    size_t count;
};

struct rule {
    /* Time. */
    hg_ns delay, first_delay, event_delay, write_delay;

    /* The wire. Bytes are counted from the first byte of the head. */
    struct split split;
    uint64_t reset_after_bytes, reset_after_events;
    uint64_t stall_after_bytes, stall_after_events;
    uint64_t close_after_bytes, close_after_events;
    hg_str garbage, endless, content_length, raw;
    bool close, until_close, early;

    /* The answer's head. */
    uint64_t status;
    hg_str content_type, retry_after, retry_after_ms;
    hg_str headers; /* whole lines, each with its CRLF */

    /* The answer's content. */
    hg_str body, text, reasoning, finish, usage, tool, tool_arguments;
    hg_str error, error_type, error_code, error_message;
    bool error_in_200, no_usage, no_done, crlf;
    uint64_t error_event_at, tokens, events, comments, tool_calls, dimensions;
    uint64_t prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens;

    hg_str cassette;
};

/* The answer that a request gets when nobody asks for anything. */
extern const struct rule rule_default;

/* Sets one option. An unknown name or a bad value is an error that names the nearest. Texts are
 * copied into the arena. */
bool rule_set(struct rule *rule, struct arena *arena, hg_str name, hg_str value,
              struct error *error);

/* "sim:status=429,retry-after=2": values may hold %XX. A model of another form changes nothing. */
bool rule_set_model(struct rule *rule, struct arena *arena, hg_str model, struct error *error);

/* Every member of the object is an option; `headers` may be an object and `body` any JSON. */
bool rule_set_json(struct rule *rule, struct arena *arena, const struct json_t *object,
                   struct error *error);

/* One line for each option. */
void rule_print_help(FILE *out);
