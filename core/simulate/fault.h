/* fault.h - errors as the provider of each format words and shapes them. */
#pragma once

#include "dialect/dialect.h"
#include "simulate/reply.h"
#include "simulate/rule.h"

/* What an error says. In a rule's words where it has any, else in the provider's. */
struct fault {
    unsigned status;
    hg_str type, code, message;
    hg_str param;   /* the place in the request, for formats that tell it */
    hg_str details; /* a JSON list, for formats that have one */
    hg_str body;    /* the whole answer, where it is no error object */
};

/* Whether the rule wants an error for its whole answer. */
bool fault_is_wanted(const struct rule *rule);

/* By the rule's name of it, else by its status, else by `status`. */
struct fault fault_of(struct arena *arena, const struct dialect *dialect, const struct rule *rule,
                      unsigned status);

/* Throws away what was there and answers with the error, with its status. */
void fault_answer(struct reply *reply, const struct dialect *dialect, const struct fault *fault);

/* The same for what is wrong with a request. */
void fault_refuse(struct reply *reply, const struct dialect *dialect, unsigned status, hg_str param,
                  hg_str message);

/* The error as the last event of a stream. */
void fault_event(struct reply *reply, const struct dialect *dialect, const struct fault *fault);
