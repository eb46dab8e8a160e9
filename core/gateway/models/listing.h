/* listing.h - the answer to a request for the list of models, or for one of them, in the form that
 * the client reads. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

struct answer;
struct request;

/* Whether it is best answered by the provider itself: there is one alone, which speaks the client's
 * format, and there are no aliases. */
bool listing_passes(const struct request *request);

/* Made of what the providers that are wanted have said, see offers.h: names with the provider
 * before them ("openai/gpt-4o"), or without if there is one alone. Providers that did not say are
 * named in a field of the answer. NULL if the one that was asked for is not there. */
struct answer *listing_answer(struct request *request, const bool *wanted);

/* The name of the model that is asked for; empty: all of them. In the request's memory. */
hg_str listing_model(const struct request *request);
