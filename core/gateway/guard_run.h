/* guard_run.h - asks guards one after the other about the same texts. For guard.c and
 * guard_stream.c. */
#pragma once

#include <headgate/guard.h>

#include "gateway/guard.h"

struct guard_run {
    struct request *request;
    struct gateway_instance *const *guards;
    unsigned count, at;
    enum guard_on_error on_error;
    hg_guard_in in;
    hg_verdict verdict;
    struct op *op;
    void **streams; /* a plugin's memory for a stream, one for each guard; NULL: none */
    struct fault fault;

    /* Makes `in` what the next guard is to see, for edits may have changed it. */
    void (*prepare)(struct guard_run *run);

    /* A guard wants texts changed. */
    void (*edit)(struct guard_run *run, const struct dialect_edits *edits);

    /* All have been asked, or one has said no (fault). Only if guard_run_start returned false. */
    void (*on_done)(struct guard_run *run);
};

/* True if all answered at once: look at `fault`. */
bool guard_run_start(struct guard_run *run);
void guard_run_cancel(struct guard_run *run);
