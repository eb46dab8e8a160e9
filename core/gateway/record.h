/* record.h - what is remembered of a request: one record with its attempts, written by the worker
 * into its ring without a system call, read by control for the loggers. Holds no secret. */
#pragma once

#include <headgate/logger.h>

#include "base/arena.h"
#include "gateway/request.h"

struct attempt;
struct buffer;
struct ring;

/* What both ends agree on. */
enum {
    RECORD_VERSION = 4,
    RECORD_ATTEMPTS = 32 /* more are not remembered */
};

/* Writes the record of a finished request. False if the ring had no room. */
bool record_write(struct ring *ring, const struct request *request);

/* The record of a shadow call that has ended after that of its request was written. */
bool record_write_shadow(struct ring *ring, const struct attempt *attempt);

/* Reads one; false if it is none of this version. Texts point into `bytes` or the arena.
 * `ret->json` is the whole record as a line of JSON, put together in `scratch`, whose content is
 * nobody's afterwards. */
bool record_read(struct arena *arena, struct buffer *scratch, hg_str bytes, hg_record *ret,
                 hg_usage *ret_usage);
