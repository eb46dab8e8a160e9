/* upstreams.h - the connection pools of a worker, one for each place and way of reaching it. */
#pragma once

#include "base/error.h"
#include "gateway/config/config.h"
#include "http/outbound.h"

struct upstreams;

struct upstreams *upstreams_new(struct loop *loop);
void upstreams_free(struct upstreams **upstreams);

/* The pool for a place. `settings` must live as long as the pools; NULL: the defaults. NULL and why
 * if TLS cannot be set up as it asks. */
struct upstream *upstreams_get(struct upstreams *upstreams, const struct config_upstream *settings,
                               bool is_tls, hg_str host, uint16_t port, struct error *error);
