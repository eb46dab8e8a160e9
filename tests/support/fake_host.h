/* fake_host.h - a small host for the tests of plugins: no loop, no sockets, time that stands still.
 *
 *     struct fake *fake = fake_new(headgate_plugin_v0);
 *     ck_assert_int_eq(fake_create(fake, "{\"url\":\"http://x\"}"), HG_OK);
 *     hg_op op = fake_op(fake, NULL);
 *     ... call the plugin's interface with fake_state(fake) and op ...
 *     fake_end(fake, op, HG_OK);
 *     fake_free(&fake);
 *
 * The plugin is linked into the test. There is one fake at a time; it aborts with a message when a
 * plugin breaks the contract (done on nothing, an op left open, memory asked for on a dead op). */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

enum {
    FAKE_METRICS = 32,
    FAKE_HEADERS = 32
};

struct fake;
typedef const hg_plugin *fake_entry(const hg_host *host);

struct fake *fake_new(fake_entry *entry);

/* Destroys the instance if there is one. Aborts if ops are open, slices are held or anything else
 * was left behind. NULL is fine. */
void fake_free(struct fake **fake);

const hg_host *fake_host(struct fake *fake);
const hg_plugin *fake_plugin(struct fake *fake);

/* Changes what the plugin sees of its process. */
void fake_set_flags(struct fake *fake, uint32_t flags);
void fake_set_worker(struct fake *fake, uint32_t worker, uint32_t workers);

/* ---- the instance ------------------------------------------------------------------------- */

/* Calls create with these settings (JSON, defaults not filled in) in an op of its own. */
hg_rc fake_create(struct fake *fake, const char *settings);
void *fake_state(struct fake *fake);
const void *fake_iface(struct fake *fake, const char *id); /* aborts if there is none */
void fake_destroy(struct fake *fake);

/* ---- ops ---------------------------------------------------------------------------------- */

/* An op for a request, or for none. */
hg_op fake_op(struct fake *fake, hg_req *req);

/* The host ends it (cancel, or after a call that returned `how`): runs what at_end was given, drops
 * exchanges and timers, frees its memory. An op that is not alive is fine. */
void fake_end(struct fake *fake, hg_op op, hg_rc how);

/* Whether the plugin called done, and with what. */
bool fake_is_done(struct fake *fake, hg_op op, hg_rc *ret_rc);

/* The text of the last H->fail and its code; "" if there was none. */
const char *fake_failure(struct fake *fake);
hg_rc fake_failure_code(struct fake *fake);

/* The lines of H->log so far, one below the other. */
const char *fake_log(struct fake *fake);

/* How often a finished op was given to done, live (not counted) or a service. */
size_t fake_stale(struct fake *fake);

/* From now on H->alloc gives NULL for more than this many bytes in one call; at least 64 KiB. */
void fake_set_alloc_limit(struct fake *fake, size_t bytes);

/* ---- requests, bodies --------------------------------------------------------------------- */

struct fake_request {
    uint32_t kind, flags; /* HG_R_CHAT ... */
    uint32_t wire;        /* of the client */
    const char *method, *path, *query, *model, *route, *tenant, *body;
    const char *const *headers; /* name, value, ..., NULL */
};

/* Lives as long as the fake. A NULL method means POST. */
hg_req *fake_request(struct fake *fake, const struct fake_request *request);

/* A body in `pieces` pieces of about the same length (at least 1). Lives as long as the fake. */
const hg_body *fake_body(struct fake *fake, hg_str text, size_t pieces);

/* What was written to an output; lives as long as the op. Aborts if its JSON is broken. */
hg_str fake_text(struct fake *fake, const hg_out *out);

/* Parses JSON that lives as long as the fake; aborts if it is none. */
hg_json fake_json(struct fake *fake, const char *text);

/* ---- time, HTTP, metrics, segment --------------------------------------------------------- */

/* Moves time on and runs the timers that are due. */
void fake_advance(struct fake *fake, hg_ns delay);

/* A response as a plugin gets it; headers are name, value, ..., NULL, and may be NULL. `status` 0
 * with an `rc` is an exchange that failed. Lives as long as the fake. */
const hg_http_resp *fake_response(struct fake *fake, int32_t status, hg_rc rc,
                                  const char *const *headers, hg_str body);

/* Scripts the answer for "GET http://..." (method, space, URL); the latest of several counts. An
 * exchange without a scripted answer stays open. */
void fake_reply(struct fake *fake, const char *what, const hg_http_resp *resp);

/* Delivers the answers that are due; returns how many. */
size_t fake_run(struct fake *fake);

/* The last request that was sent: "GET http://...", its body (the first 4 KiB), and a header of it
 * ("" if absent). */
const char *fake_sent(struct fake *fake);
const char *fake_sent_body(struct fake *fake);
const char *fake_sent_header(struct fake *fake, const char *name);

/* The same for a request that a provider prepared. */
hg_str fake_header(const hg_http_req *req, const char *name);

/* A metric's value, all labels together; 0 if it was never declared. */
double fake_metric(struct fake *fake, const char *name);

/* From now on the segment service fails. */
void fake_break_segment(struct fake *fake);

/* A service the host does not have any more: H->service gives NULL for it. */
void fake_without(struct fake *fake, const char *id);
