/* pointer.h - private to json/: RFC 6901 pointers, token by token. */
#pragma once

#include <stdbool.h>

#include <headgate/json.h>

enum {
    POINTER_TOKEN_MAX = 256
};

/* Takes the token that *pointer, at a slash, begins with, and moves *pointer behind it. The token
 * is a piece of the pointer, or a copy in `room` if it had escapes. False if it has a bad escape or
 * does not fit the room. */
bool pointer_token(const char **pointer, char room[POINTER_TOKEN_MAX], hg_str *ret_token);

/* The member or element of `from` that a token names. */
hg_json pointer_child(hg_json from, hg_str token);
