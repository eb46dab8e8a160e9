/* chat.h - answers to chat completions and to the older completions, whole and as streams. */
#pragma once

#include "simulate/openai.h"

void chat_answer(const struct ask *ask, struct reply *reply);
void completion_answer(const struct ask *ask, struct reply *reply);
