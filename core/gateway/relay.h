/* relay.h - the pump: bytes of an answer from where they come to the client, with back-pressure.
 * Once a route has returned, no Lua runs here. */
#pragma once

#include "gateway/answer.h"

/* Sends the answer. The request hears of the end through its exchange. */
void relay_start(struct request *request, struct answer *answer);

/* Answers a failure in the client's dialect. */
void relay_fault(struct request *request, const struct fault *fault);

/* Ends an answer that is on its way, with an error inside of it. */
void relay_cut(struct request *request, const struct fault *fault);

/* The client has gone, but it had the whole stream, end mark included: many close at once then.
 * True if that is so; then the answer is kept where it was to be kept. */
bool relay_settle(struct request *request);

/* The client has taken enough: read on. */
void relay_drained(struct request *request);
