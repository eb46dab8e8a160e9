/* texts.h - what functions of a route see of an answer's texts: resp:map changes them on their way
 * (texts.c), resp:each, resp:text and resp:json read the answer to its end (reading.c). */
#pragma once

#include "gateway/lua/parts.h"
#include "http/frame.h"

/* Raises for answers that have no texts, and for those that somebody else is reading. */
void texts_check(lua_State *L, const struct answer *answer);

/* One event in memory of its own; zeroed: none. Keep it where an error raised by Lua does not lose
 * it. */
struct text_event {
    struct arena *arena;
    struct frame frame;
    hg_str bytes, text;
};

/* Reads the first of the events; returns its length. What `event` held before goes. */
size_t text_event_read(struct text_event *event, const struct dialect *dialect, hg_str events);
void text_event_done(struct text_event *event);

/* The texts of a whole answer. */
struct dialect_texts lua_answer_texts(struct answer *answer, hg_json *ret_doc);

/* Methods of a response. */
int response_map(lua_State *L);
int response_each(lua_State *L);
int response_text(lua_State *L);
int response_json(lua_State *L);

/* What the routine of a mapped stream runs; gateway->map_function refers to it. */
int texts_map_main(lua_State *L);
