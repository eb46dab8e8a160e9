/* request_steps.h - where a journey begins; see request_steps.c. */
#pragma once

#include "gateway/request.h"

const struct step *request_first_step(void);

/* A Lua function of the route has ended: the journey goes on. */
void request_routine_ended(struct request *request);
