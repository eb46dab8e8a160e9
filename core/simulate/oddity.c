#include "simulate/oddity.h"

#include <headgate/provider.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "http/frame.h"
#include "simulate/words.h"

/* ---- OpenAI's chunks ------------------------------------------------------------------------- */

/* The document of a piece: of an event what follows "data: ". NULL for what is none. */
static json_t *chunk_of(const struct piece *piece)
{
    static const hg_str lead = {"data: ", 6};
    hg_str text = piece->bytes;

    if (!text_starts(text, lead))
        return NULL;
    return json_loadb(text.p + lead.n, text.n - lead.n, JSON_DISABLE_EOF_CHECK, NULL);
}

static void chunk_put(struct reply *reply, struct piece *piece, const json_t *chunk)
{
    piece->bytes =
        arena_fmt(reply->arena, "data: %.*s\n\n", TEXT_ARG(document_text(reply->arena, chunk)));
}

static json_t *choice_of(const json_t *document)
{
    return json_array_get(json_object_get(document, "choices"), 0);
}

static void piece_remove(struct reply *reply, size_t i)
{
    reply->count--;
    memmove(&reply->pieces[i], &reply->pieces[i + 1], (reply->count - i) * sizeof *reply->pieces);
}

/* Takes the chunk that holds nothing but usage out of the stream. */
static json_t *usage_take(struct reply *reply)
{
    for (size_t i = reply->count; i-- > 0;) {
        json_t *chunk = chunk_of(&reply->pieces[i]);
        json_t *usage = json_object_get(chunk, "usage");
        bool is_bare = chunk && !choice_of(chunk);

        if (usage && is_bare) {
            json_incref(usage);
            json_decref(chunk);
            piece_remove(reply, i);
            return usage;
        }
        json_decref(chunk);
    }
    return NULL;
}

static uint64_t tokens_of(const json_t *choice)
{
    const json_t *delta = json_object_get(choice, "delta");

    return words_count(document_member_text(delta, "content")) +
           words_count(document_member_text(delta, "reasoning_content"));
}

/* As far as the answer has come with this chunk. */
static json_t *usage_so_far(const json_t *usage, uint64_t tokens)
{
    json_t *part = json_copy((json_t *)(uintptr_t)usage);
    json_int_t in = json_integer_value(json_object_get(usage, "prompt_tokens"));

    json_object_set_new(part, "completion_tokens", json_integer((json_int_t)tokens));
    json_object_set_new(part, "total_tokens", json_integer(in + (json_int_t)tokens));
    return part;
}

/* On the chunk with the finish, or on every one. */
static void usage_spread(const struct ask *ask, struct reply *reply)
{
    bool on_every = text_is(ask->rule->usage, HG_S("every"));
    json_t *usage = usage_take(reply);
    uint64_t tokens = 0;

    for (size_t i = 0; usage && i < reply->count; i++) {
        json_t *chunk = chunk_of(&reply->pieces[i]);
        const json_t *choice = choice_of(chunk);
        bool is_last = json_is_string(json_object_get(choice, "finish_reason"));

        tokens += tokens_of(choice);
        if (chunk && (is_last || on_every)) {
            json_object_set_new(chunk, "usage",
                                is_last ? json_incref(usage) : usage_so_far(usage, tokens));
            chunk_put(reply, &reply->pieces[i], chunk);
        }
        json_decref(chunk);
    }
    json_decref(usage);
}

/* OpenAI's own servers say null where the usage is still to come. */
static void usage_nulls(struct reply *reply)
{
    for (size_t i = 0; i < reply->count; i++) {
        json_t *chunk = chunk_of(&reply->pieces[i]);

        if (chunk && !json_object_get(chunk, "usage")) {
            json_object_set_new(chunk, "usage", json_null());
            chunk_put(reply, &reply->pieces[i], chunk);
        }
        json_decref(chunk);
    }
}

/* Puts the rule's word in the place of the finish reasons of a document. */
static bool finish_swap(json_t *document, hg_str word)
{
    bool swapped = false;
    json_t *choice;
    size_t i;

    json_array_foreach(json_object_get(document, "choices"), i, choice) {
        if (!json_is_string(json_object_get(choice, "finish_reason")))
            continue;
        json_object_set_new(choice, "finish_reason",
                            text_is(word, HG_S("none")) ? json_null() : document_of_text(word));
        swapped = true;
    }
    return swapped;
}

static void finish_words(const struct ask *ask, struct reply *reply)
{
    for (size_t i = 0; i < reply->count; i++) {
        struct piece *piece = &reply->pieces[i];
        json_t *document =
            piece->is_event ? chunk_of(piece) : json_loadb(piece->bytes.p, piece->bytes.n, 0, NULL);

        if (finish_swap(document, ask->rule->finish)) {
            if (piece->is_event)
                chunk_put(reply, piece, document);
            else
                piece->bytes = document_text(reply->arena, document);
        }
        json_decref(document);
    }
}

static void openai_apply(const struct ask *ask, struct reply *reply)
{
    const struct rule *rule = ask->rule;
    bool is_moved = rule->usage.n && !text_is(rule->usage, HG_S("chunk"));

    if (reply->is_stream && is_moved)
        usage_spread(ask, reply);
    else if (reply->is_stream && ask->wants_usage)
        usage_nulls(reply);
    if (rule->finish.n)
        finish_words(ask, reply);
}

/* ---- all streams ----------------------------------------------------------------------------- */

static void end_mark_remove(const struct ask *ask, struct reply *reply)
{
    struct frame frame;

    if (!reply->count || !ask->dialect->is_end)
        return;
    if (frame_parse(reply->arena, reply->framing, reply->pieces[reply->count - 1].bytes, &frame) &&
        ask->dialect->is_end(frame.event, frame.data))
        reply->count--;
}

/* Anthropic's servers send pings, behind the first event; the others comments, before it. */
static void comments_put(const struct ask *ask, struct reply *reply)
{
    bool is_ping = ask->dialect == &dialect_anthropic;
    hg_str text =
        is_ping ? HG_S("event: ping\ndata: {\"type\": \"ping\"}\n\n") : HG_S(": SIMULATING\n\n");
    struct reply from = *reply;

    if (reply->framing != HG_FRAME_SSE)
        return;
    reply->count = reply->room = 0;
    for (size_t i = 0; i < from.count; i++) {
        if (i == is_ping)
            for (uint64_t k = 0; k < ask->rule->comments; k++)
                reply_add(reply, text, false);
        reply_add(reply, from.pieces[i].bytes, from.pieces[i].is_event);
    }
}

void oddity_apply(const struct ask *ask, struct reply *reply)
{
    if (ask->dialect == &dialect_openai_chat)
        openai_apply(ask, reply);
    if (!reply->is_stream)
        return;
    if (ask->rule->no_done)
        end_mark_remove(ask, reply);
    if (ask->rule->comments != UNSET)
        comments_put(ask, reply);
}
