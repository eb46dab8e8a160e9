/* attempt_parts.h - what the files of an attempt ask of each other:
 *   attempt.c       its life
 *   attempt_send.c  from the plugin's hg_http_req to bytes on a connection
 *   attempt_error.c what a refusal means
 *   attempt_count.c how many tokens a request has
 *   attempt_read.c  the answer in a format the core reads: commit, events, errors
 *   attempt_translate.c  the request in another dialect than the client's
 *   attempt_unpack.c  a body that comes compressed
 *   attempt_wire.c  the answer in another format than the client's: events in, bytes out */
#pragma once

#include "gateway/attempt.h"
#include "json/splice.h"

enum {
    ERROR_BODY_MAX = 64 * 1024,        /* of a refusal, to learn why */
    WHOLE_BODY_MAX = 32 * 1024 * 1024, /* beyond: it passes through unjudged */
    PARTIAL_MAX = 4 * 1024 * 1024,     /* one event */
    READY_MAX = 256 * 1024             /* events that wait for the route: stop reading */
};

void attempt_prepare(struct attempt *attempt);
void attempt_send(struct attempt *attempt);
void attempt_stop(struct attempt *attempt, hg_rc how);

/* Before the commit point; later ones are ignored. */
void attempt_fail(struct attempt *attempt, enum fault_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void attempt_failed(struct attempt *attempt); /* with attempt->fault filled already */
void attempt_succeeded(struct attempt *attempt);

extern const struct outbound_events attempt_events;

/* A part of the body, as it is or unpacked. */
void attempt_take(struct attempt *attempt, hg_str data);

/* A part of a body that comes compressed. While the attempt is paused it is kept, and the end that
 * comes meanwhile waits behind it: then attempt_unpack_waits is true. */
void attempt_unpack_begin(struct attempt *attempt);
void attempt_unpack(struct attempt *attempt, hg_str packed);
void attempt_unpack_go_on(struct attempt *attempt);
bool attempt_unpack_waits(struct attempt *attempt, enum outbound_fault fault, const char *reason);

/* Hands whole events on: to the sink, or to those that wait. */
void attempt_give(struct attempt *attempt, hg_str events);

/* Tokens have come. */
void attempt_content_seen(struct attempt *attempt, uint32_t count);

/* What came is no answer: a failure, before the commit point or after it. */
void attempt_broken(struct attempt *attempt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How a body of this type is framed. */
uint32_t attempt_framing(hg_str content_type);

/* No more will come. */
void attempt_finish(struct attempt *attempt, enum outbound_fault fault, hg_str reason);

/* Fills attempt->fault from a refusal: what the plugin makes of it, or its status. */
void attempt_map_error(struct attempt *attempt);

/* A whole body of a refusal has been read: it fails, or is sent again without what only we wanted.
 * Before that, and before other bodies are quoted, what is secret in them is taken out. */
void attempt_refused(struct attempt *attempt);
void attempt_hide_secrets(struct attempt *attempt);

/* view.c: members put over a document; the same of the route's and target's. */
void view_patch(struct arena *arena, struct splice *splice, hg_json patch);
void view_shape(struct attempt *attempt, struct arena *arena, struct splice *splice);

/* The body of a request, or what is held of it, as the plugin sees it: a form says the attempt's
 * model. */
const struct chain *view_body_shown(struct attempt *attempt);

/* The request in another dialect than the client's, appended to `out`, with `patch`, which is in
 * that dialect, put over it. Sets attempt->translation, or attempt->refusal. */
void attempt_translate(struct attempt *attempt, uint32_t wire, hg_json patch, struct chain *out);

/* A request for a count of tokens: its body for a provider of another format, what its answer says,
 * and an answer of our own in place of one. The last is false if there is to be none. */
bool attempt_count_write(struct attempt *attempt, hg_json doc, struct chain *out,
                         struct error *error);
void attempt_count_judge(struct attempt *attempt);
bool attempt_estimate(struct attempt *attempt);

void attempt_wire_begin(struct attempt *attempt);
void attempt_wire_bytes(struct attempt *attempt, hg_str bytes);
void attempt_wire_end(struct attempt *attempt, enum outbound_fault fault, const char *reason);
