#include "simulate/reply.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"
#include "dialect/array.h"

struct reply *reply_new(struct arena *arena)
{
    struct reply *reply = arena_zalloc(arena, sizeof *reply);

    reply->arena = arena;
    reply->status = 200;
    return reply;
}

void reply_clear(struct reply *reply)
{
    *reply = (struct reply){.arena = reply->arena, .status = 200};
}

void reply_add(struct reply *reply, hg_str bytes, bool is_event)
{
    if (reply->count == reply->room) {
        size_t room = reply->room ? reply->room * 2 : 8;
        struct piece *pieces = arena_alloc(reply->arena, room * sizeof *pieces);

        if (reply->count)
            memcpy(pieces, reply->pieces, reply->count * sizeof *pieces);
        reply->pieces = pieces;
        reply->room = room;
    }
    reply->pieces[reply->count++] = (struct piece){bytes, is_event};
}

hg_str document_text(struct arena *arena, const json_t *document)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9);
    size_t n = json_dumpb(document, NULL, 0, flags);
    char *text = arena_alloc(arena, n + 1);

    ensure(json_dumpb(document, text, n, flags) == n);
    text[n] = 0;
    return (hg_str){text, n};
}

void reply_json(struct reply *reply, json_t *document)
{
    reply->content_type = HG_S("application/json");
    reply_add(reply, document_text(reply->arena, document), false);
    json_decref(document);
}

void reply_header(struct reply *reply, hg_str name, hg_str value)
{
    reply->headers = arena_fmt(reply->arena, "%.*s%.*s: %.*s\r\n", TEXT_ARG(reply->headers),
                               TEXT_ARG(name), TEXT_ARG(value));
}

void reply_as_crlf(struct reply *reply)
{
    for (size_t i = 0; i < reply->count; i++) {
        hg_str from = reply->pieces[i].bytes;
        char *to = arena_alloc(reply->arena, 2 * from.n + 1);
        size_t n = 0;

        for (size_t k = 0; k < from.n; k++) {
            if (from.p[k] == '\n')
                to[n++] = '\r';
            to[n++] = from.p[k];
        }
        reply->pieces[i].bytes = (hg_str){to, n};
    }
}

static hg_str array_taken(struct reply *reply, struct array *array)
{
    hg_str text = arena_text(reply->arena, array_text(array));

    array_sent(array);
    return text;
}

void reply_as_array(struct reply *reply)
{
    struct array *array = array_new(reply->arena, reply->framing);

    reply->content_type = HG_S("application/json; charset=utf-8");
    if (!reply->is_stream) {
        struct piece *piece = reply->count ? &reply->pieces[0] : NULL;

        if (piece)
            piece->bytes = arena_fmt(reply->arena, "[%.*s]\n", TEXT_ARG(piece->bytes));
        return;
    }
    for (size_t i = 0; i < reply->count; i++) {
        array_add(array, reply->pieces[i].bytes);
        reply->pieces[i].bytes = array_taken(reply, array);
    }
    array_end(array);
    reply_add(reply, array_taken(reply, array), false);
}

json_t *document_of_text(hg_str text)
{
    json_t *string = json_stringn(text.n ? text.p : "", text.n);

    if (string)
        return string;
    char *ascii = xstrndup(text.p, text.n);

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)ascii[i] >= 0x80)
            ascii[i] = '?';
    string = json_stringn(ascii, text.n);
    free(ascii);
    return string;
}

size_t reply_len(const struct reply *reply)
{
    size_t len = 0;

    for (size_t i = 0; i < reply->count; i++)
        len += reply->pieces[i].bytes.n;
    return len;
}
