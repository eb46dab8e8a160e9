/* rerank.h - documents by their likeness to a query: the common words decide. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

void rerank_answer(const struct ask *ask, struct reply *reply);
