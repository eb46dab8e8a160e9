/* replay.h - a folder of recorded exchanges, and the one that answers a request. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

struct replay;

/* Reads every .json file below the folder. */
struct replay *replay_open(const char *folder, struct error *error);
void replay_free(struct replay **replay);
size_t replay_count(const struct replay *replay);

/* The recorded answer, which borrows from `replay`: by the rule's cassette id, else method, path
 * and equal JSON body. Nothing found: a 404 that names the nearest. */
void replay_answer(const struct replay *replay, const struct ask *ask, struct reply *reply);
