/* spec.h - public descriptions of APIs, and whether a request's body is as they want it. They are
 * read from files at the start: OpenAPI 3 as JSON, or a service model of AWS. */
#pragma once

#include "base/error.h"
#include "simulate/ask.h"

struct spec;

/* A file, or all in a folder that are JSON descriptions; of two that describe the same path the
 * first by name counts. */
struct spec *spec_open(const char *path, struct error *error);
void spec_free(struct spec **spec);
size_t spec_count(const struct spec *spec); /* of operations with a body */

/* True if nobody describes the path, or the body is as it is described; else where it is not and
 * why: "messages[0].role", "must be \"user\" or \"assistant\"". In the request's arena. */
bool spec_check(const struct spec *spec, const struct ask *ask, hg_str *ret_place,
                hg_str *ret_reason);
