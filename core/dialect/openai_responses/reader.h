/* reader.h - private to openai_responses/: what the files of the reader share.
 *   reader.c        events, and the ends of responses
 *   reader_items.c  items: what of them was given already, and what of the rest is to be
 *
 * Every text comes up to four times: as deltas, at the end of its part, at the end of its item, and
 * in the whole response. Servers leave out any of them, so each time what is new is given. Items
 * are known by their place in the output, because some servers change their ids. */
#pragma once

#include "dialect/openai_responses/parts.h"
#include "dialect/slots.h"

/* How much of a kind of text of one item was given. */
struct seen {
    int64_t part; /* the one that came last */
    size_t in_part, in_all;
    uint64_t hash; /* of arguments */
};

enum item_kind {
    ITEM_OTHER = 1, /* run by the provider */
    ITEM_MESSAGE,
    ITEM_REASONING,
    ITEM_CALL,
    ITEM_CUSTOM,  /* a call with free text */
    ITEM_PARALLEL /* a call that wraps several */
};

struct item {
    struct item *next;
    int64_t place; /* in the output */
    enum item_kind kind;
    uint32_t block; /* of reasoning */
    size_t notes;
    struct seen text, refusal, summary, thinking, args;
    bool is_done;
};

struct dialect_reader {
    struct arena *arena;
    struct dialect_sink sink;
    struct slots *slots;
    struct item *items;
    size_t count;
    uint32_t blocks;
    bool is_started, is_over;
};

void responses_reader_give(struct dialect_reader *reader, hg_event event);

/* The item at a place; a new one if there is none. NULL if there are too many. */
struct item *responses_reader_item(struct dialect_reader *reader, int64_t place);

/* The item as an event has it when it begins, and as it is in the end. */
void responses_reader_item_begin(struct dialect_reader *reader, struct arena *scratch,
                                 struct item *item, hg_json value);
void responses_reader_item_whole(struct dialect_reader *reader, struct arena *scratch,
                                 struct item *item, hg_json value);

/* A piece of a text of its part, and the whole of it. */
void responses_reader_piece(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                            struct seen *seen, int64_t part, hg_str text);
void responses_reader_part(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                           struct seen *seen, int64_t part, hg_str text);

void responses_reader_note(struct dialect_reader *reader, struct arena *scratch, struct item *item,
                           hg_json note);
