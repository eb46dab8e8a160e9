#include "simulate/reply.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/text.h"

struct reply *reply_new(struct arena *arena)
{
    struct reply *reply = arena_zalloc(arena, sizeof *reply);

    reply->arena = arena;
    reply->status = 200;
    return reply;
}

void reply_clear(struct reply *reply)
{
    *reply = (struct reply){.arena = reply->arena, .status = 200, .crlf = reply->crlf};
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

void reply_event_text(struct reply *reply, hg_str data)
{
    const char *end = reply->crlf ? "\r\n\r\n" : "\n\n";

    reply->content_type = HG_S("text/event-stream; charset=utf-8");
    reply->is_stream = true;
    reply_add(reply, arena_fmt(reply->arena, "data: %.*s%s", TEXT_ARG(data), end), true);
}

void reply_event(struct reply *reply, json_t *document)
{
    reply_event_text(reply, document_text(reply->arena, document));
    json_decref(document);
}

void reply_comment(struct reply *reply, hg_str text)
{
    const char *end = reply->crlf ? "\r\n\r\n" : "\n\n";

    reply_add(reply, arena_fmt(reply->arena, ": %.*s%s", TEXT_ARG(text), end), false);
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

struct error_words {
    unsigned status;
    const char *type, *code, *message;
};

static const struct error_words error_words[] = {
    {400, "invalid_request_error", NULL, "The request is not valid."},
    {401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."},
    {403, "invalid_request_error", "permission_denied", "You may not use this."},
    {404, "invalid_request_error", "model_not_found", "There is no such thing here."},
    {408, "server_error", "timeout", "The request took too long."},
    {413, "invalid_request_error", "request_too_large", "The request is too large."},
    {429, "requests", "rate_limit_exceeded", "Rate limit reached. Try again later."},
    {500, "server_error", NULL, "The server had an error."},
    {502, "server_error", NULL, "Bad gateway."},
    {503, "service_unavailable_error", "slow_down", "The model is overloaded."},
    {504, "server_error", "timeout", "The model took too long."},
    {529, "overloaded_error", NULL, "Overloaded."},
};

static struct error_words words_for(unsigned status)
{
    for (size_t i = 0; i < sizeof error_words / sizeof *error_words; i++)
        if (error_words[i].status == status)
            return error_words[i];
    return (struct error_words){status, status < 500 ? "invalid_request_error" : "server_error",
                                NULL, "An error."};
}

/* A text, or null. */
static json_t *text_or(hg_str text, const char *otherwise)
{
    if (text.n)
        return document_of_text(text);
    return otherwise ? json_string(otherwise) : json_null();
}

json_t *reply_error_object(unsigned status, hg_str type, hg_str code, hg_str param, hg_str message)
{
    struct error_words words = words_for(status);

    return json_pack("{s:{s:o, s:o, s:o, s:o}}", "error", "message",
                     text_or(message, words.message), "type", text_or(type, words.type), "param",
                     text_or(param, NULL), "code", text_or(code, words.code));
}

void reply_error(struct reply *reply, unsigned status, hg_str type, hg_str code, hg_str param,
                 hg_str message)
{
    reply_clear(reply);
    reply->status = status;
    reply_json(reply, reply_error_object(status, type, code, param, message));
}

size_t reply_len(const struct reply *reply)
{
    size_t len = 0;

    for (size_t i = 0; i < reply->count; i++)
        len += reply->pieces[i].bytes.n;
    return len;
}
