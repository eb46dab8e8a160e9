/* models.h - which models there are. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

void models_answer(const struct ask *ask, struct reply *reply);
void model_answer(const struct ask *ask, struct reply *reply);
