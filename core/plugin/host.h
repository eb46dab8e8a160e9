/* host.h - what plugins stand on: the hg_host table of this process and what fills it.
 *
 * There is one per process, because hg_host functions carry no context (H->now(), H->done(op, rc)).
 * A process that serves again after plugin_host_free may make another one. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

#include "base/error.h"

struct instance;
struct loop;
struct plugin_host;
struct region;
struct upstream;

struct plugin_host_setup {
    struct loop *loop;
    const char *version; /* of the program; lives on */
    uint32_t worker, workers, generation;
    uint32_t flags;      /* HG_HOST_CHECK, HG_HOST_TEST */
    const char *run_dir; /* private copies of plugin files go to "plugins" in it */

    /* Shared memory: the slot of this process, metrics, shared values, segments. NULL: the
     * services are there but private to this process, so that create can run in a checker. */
    struct region *region;
    uint32_t slot; /* number of our slot in the region */

    /* From the gateway. All may be NULL where there is no traffic (checker, control). */
    const hg_req_api *req;
    hg_str (*request_id)(const hg_req *req); /* for log lines and the crash report */

    /* The pool for one scheme, host and port, for headgate.http/1; NULL and why if that place may
     * not be reached. Upstreams belong to the giver. */
    struct upstream *(*upstream)(void *arg, bool is_tls, const char *host, uint16_t port,
                                 struct error *error);

    /* The value behind {"$secret": "NAME"}, malloc'ed; NULL and why. Wiped and freed by us. The
     * default looks into the environment. */
    char *(*secret)(void *arg, const char *name, struct error *error);
    void *arg; /* for the two above */

    size_t op_memory;      /* limit of one op in bytes; 0: 16 MiB */
    hg_ns slow_call;       /* calls longer than this are logged; 0: 5 ms */
    unsigned work_threads; /* helper threads of headgate.work/1; 0: 2 */
};

struct plugin_host *plugin_host_new(const struct plugin_host_setup *setup);

/* Ends background ops and waits for helper threads. All instances must have been destroyed. NULL is
 * fine. */
void plugin_host_free(struct plugin_host **host);

/* The table that plugins get. Its address is the same for the whole life of the process. */
const hg_host *plugin_host_table(const struct plugin_host *host);

/* Ends the background ops of all instances with HG_E_CANCELLED; new ones are refused. The first
 * step of a shutdown, before instance_destroy. */
void plugin_host_stop(struct plugin_host *host);

/* ---- the same structs under both names ------------------------------------------------------ */

struct chain;
struct head;

/* hg_body and hg_out are struct chain, hg_headers is struct head. */
static inline const hg_body *body_of_chain(const struct chain *chain)
{
    return (const hg_body *)chain;
}

static inline hg_out *out_of_chain(struct chain *chain)
{
    return (hg_out *)chain;
}

static inline const hg_headers *headers_of_head(const struct head *head)
{
    return (const hg_headers *)head;
}
