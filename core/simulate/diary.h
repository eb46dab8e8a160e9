/* diary.h - what came in, one JSON line each, for the tests to read. Credentials are written as
 * digests: "sha256:" and the first 12 hex digits. */
#pragma once

#include "base/error.h"
#include "http/head.h"

struct diary;

/* Appends to the file, which only its owner can read if it is new. */
struct diary *diary_open(const char *path, struct error *error);
void diary_free(struct diary **diary);

/* {"event": "request", ...} with the request as it came. NULL is fine as `diary`. */
void diary_request(struct diary *diary, uint64_t connection, uint64_t number,
                   const struct head *head, hg_str body);

/* {"event": "end", ...}: `how` is "done", "closed" or "reset" by us, or "gone". */
void diary_end(struct diary *diary, uint64_t connection, uint64_t number, unsigned status,
               uint64_t bytes, const char *how);
