/* guard.h - the core's side of guards: which texts they see, what their verdicts do. */
#pragma once

#include "gateway/answer.h"

struct gateway_instance;

enum guard_on_error {
    GUARD_ERROR_DENIES,
    GUARD_ERROR_ALLOWS
};
enum guard_mode {
    GUARD_HOLD,  /* a text goes out when its window has passed */
    GUARD_WATCH, /* it goes out at once; a no cuts the stream */
};

struct guard_options {
    enum guard_on_error on_error;
    enum guard_mode mode;
};

enum {
    GUARDS_MAX = 16
};

/* A check of a whole text by one guard after the other. on_done comes once, from the loop; or the
 * result is there at once: then it is returned as true with *ret_fault (kind FAULT_NONE: passed).
 * Edits have been applied to the request or the answer by then. */
struct guard_check;
bool guard_request(struct request *request, struct gateway_instance *const *guards, unsigned count,
                   const struct guard_options *options,
                   void (*on_done)(void *arg, const struct fault *fault), void *arg,
                   struct fault *ret_fault, struct guard_check **ret_check);
bool guard_answer(struct answer *answer, struct gateway_instance *const *guards, unsigned count,
                  const struct guard_options *options,
                  void (*on_done)(void *arg, const struct fault *fault), void *arg,
                  struct fault *ret_fault, struct guard_check **ret_check);
void guard_check_cancel(struct guard_check *check);

/* False for an answer that passes through unread, such as sound or a picture: no guard can say
 * anything about it. */
bool guard_can_read(const struct answer *answer);

/* The same of a request whose body is no document: a form, a file; of a session, where all that is
 * said comes later. */
bool guard_can_read_request(const struct request *request);

/* What becomes of such an answer or request under guards: FAULT_NONE if the route allows it. */
struct fault guard_unread(struct request *request, const struct guard_options *options,
                          const char *what);

/* Guards on a stream: a stage of the answer from now on. */
void guard_use_new(struct answer *answer, struct gateway_instance *const *guards, unsigned count,
                   const struct guard_options *options);
