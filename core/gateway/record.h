/* record.h - what is remembered of a request: one record with its attempts, written by the worker
 * into its ring without a system call, read by control for the loggers. Holds no secret. */
#pragma once

#include <headgate/logger.h>

#include "base/arena.h"
#include "gateway/request.h"

struct ring;

/* Writes the record of a finished request. False if the ring had no room. */
bool record_write(struct ring *ring, const struct request *request);

/* Reads one; false if it is none of this version. Texts point into `bytes` or the arena.
 * `ret->json` is the whole record as a line of JSON. */
bool record_read(struct arena *arena, hg_str bytes, hg_record *ret, hg_usage *ret_usage);
