/* endpoint.h - the paths there are, and who answers on them. */
#pragma once

#include "simulate/ask.h"
#include "simulate/reply.h"

struct endpoint {
    hg_str path; /* the end of the request's path */
    enum method method;
    const struct dialect *dialect; /* NULL: several have it, the request tells which */
    void (*fn)(const struct ask *ask, struct reply *reply);

    /* Where the path names the model: what it begins with for the dialect, which is what stands
     * from `root` on, with `before` before it. Empty otherwise. */
    hg_str root, before;
};

/* By the end of a path, because base URLs put different things before it; NULL if there is none. */
const struct endpoint *endpoint_find(hg_str path);

/* Answers as the API would; what the rule asks about content is in it, faults are not. */
void endpoint_answer(const struct ask *ask, struct reply *reply);
