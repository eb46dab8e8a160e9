/* realtime.h - OpenAI's Realtime API, as far as a gateway has to know it: what a request for a
 * session says, and what some of the messages of a provider tell. Messages themselves pass as they
 * are. */
#pragma once

#include <stdbool.h>

#include <headgate/request.h>

#include "base/arena.h"
#include "http/head.h"

/* Whether the path, made plain (see dialect/path.h), is one of a session: OpenAI's /v1/realtime, or
 * one of Azure's two. */
bool realtime_is_path(hg_str plain);

/* The model that a query names: `model`, or Azure's `deployment`. Empty: none. */
hg_str realtime_model(struct arena *arena, hg_str query);

/* Makes one thing of the ways in which clients send a credential: beside the usual fields, browsers
 * put it among the subprotocols or into the query. It becomes the field `authorization`, if there
 * is none, and nothing of it is left elsewhere. */
void realtime_credential(struct arena *arena, struct head *head);

/* What a message says that is worth remembering. */
struct realtime_event {
    bool has_usage;
    hg_usage usage;   /* of one response */
    hg_str model, id; /* of the session, of the response */
};

/* Whether a message that begins so may be one of those: most say their type first. */
bool realtime_may_tell(hg_str start);

/* Reads a whole message. Texts are in the arena. */
void realtime_event_read(struct arena *arena, hg_str message, struct realtime_event *ret);
