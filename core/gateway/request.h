/* request.h - one request on its way through the gateway: what it asked for, what became of it, and
 * everything that has to go when it does. Its journey is in request_steps.c. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "dialect/dialect.h"
#include "gateway/fault.h"
#include "http/inbound.h"
#include "json/index.h"

struct answer;
struct attempt;
struct gateway;
struct request;
struct route;
struct routine;
struct step;
struct tunnel;

/* What a plugin sees behind hg_req: a request, and the attempt it works for if there is one. */
struct view {
    struct request *request;
    struct attempt *attempt;
};

/* A request as a route sees it: req:with{...} makes another shape of the same request. */
struct shape {
    hg_str model;
    hg_json patch; /* members to put over the document; absent: none */
};

struct pair {
    struct pair *next;
    hg_str name, value;
};

enum request_id_size {
    REQUEST_ID = 13
};

/* Which cache had a say in the answer. */
enum cache_state {
    CACHE_UNUSED,
    CACHE_MISS,
    CACHE_HIT,
    CACHE_ERROR
};

struct request {
    LIST_ENTRY(request) entry; /* among those whose exchange is not over */
    struct gateway *gateway;
    struct exchange *exchange; /* NULL once it is over */
    struct arena *arena;       /* goes with the last reference */
    unsigned refs;
    uint64_t handle; /* what Lua objects hold instead of a pointer, see handles.h */
    uint64_t id_number;
    hg_str id;
    struct view view;

    /* What the client asked for. */
    const struct dialect *dialect;
    struct dialect_request asked;
    struct head *head;
    hg_json doc;                /* absent if the body is no JSON */
    const struct chain *body;   /* what doc was read from; see upload */
    struct dialect_texts texts; /* of doc, see request_texts */
    bool texts_read;
    size_t model_at;       /* of a form: where in the body its model stands; 0: not in it */
    struct upload *upload; /* the rest of a body that is not held; NULL: it is held */
    struct shape shape;    /* as the client sent it, or as Lua has changed it */
    hg_str key;            /* see request_key; empty until then */
    struct pair *metadata; /* read when first asked for */
    bool metadata_read;

    /* What became of it. */
    const struct step *step;
    bool driving, over; /* inside request_go_on; the exchange is over */
    bool run_started, is_authorised, is_rescue, delivering;
    struct route *route;
    struct routine *routine;
    hg_ns deadline;                  /* 0: none */
    struct answer *answer, *answers; /* what goes out; all that were made */
    struct fault fault;
    struct attempt *attempts, *attempts_last;
    unsigned attempt_count;
    struct pair *tags, *headers; /* for the record; for the client */
    struct finally *finally;     /* Lua functions to run when it is over */

    /* For the record. */
    int status;
    hg_ns first_token;
    uint32_t chunks;
    hg_ns gap_max, gap_sum, last_chunk;
    enum cache_state cache;
    unsigned flights;      /* that it leads */
    uint32_t guard_action; /* the strictest verdict: HG_PASS ... */
    hg_str guard_code;
    bool client_gone, truncated, is_recorded;
    struct relay *relay;   /* NULL until the answer goes out */
    struct tunnel *tunnel; /* NULL unless the answer is a WebSocket */
    hg_ns began, ended;
    int64_t began_us; /* since 1970 */
    uint64_t bytes_in, bytes_out;
};

/* The request of an exchange that has just arrived; it starts on its journey. */
void request_begin(struct gateway *gateway, struct exchange *exchange);

/* An id that no other request or record of this gateway has. */
hg_str request_id_make(struct gateway *gateway, struct arena *arena, int64_t wall_us);

/* Takes the next steps, as far as they go. */
void request_go_on(struct request *request);

/* Whether its body, if it has one, is JSON by what its head says. */
bool request_is_document(const struct head *head);

/* Ends it before its time: with an error, or if its answer is on the way with an error inside of
 * it. */
void request_cut(struct request *request, const char *why);

/* The same for a fault of the client's. */
void request_refuse(struct request *request, int status, const char *why);

/* Ends what works for it, shadow traffic excepted. */
void request_stop(struct request *request);

/* The exchange is over, whatever the reason. */
void request_exchange_over(struct request *request);

/* The client has gone: everything that works for it ends. request_exchange_over follows. */
void request_client_gone(struct request *request);

/* Keeps the memory alive for work that outlasts the answer. */
struct request *request_ref(struct request *request);
void request_unref(struct request **request);

/* Says why it fails; the journey answers. The first reason stays. */
void request_fail(struct request *request, enum fault_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The texts of its document, which are looked for once. */
struct dialect_texts request_texts(struct request *request);

/* The new document of a request that a guard has edited. */
void request_set_body(struct request *request, struct chain *body);

/* Who is asking: a digest of the credential, or "anonymous". The credential is not in it. */
hg_str request_key(struct request *request);

/* Fills request->metadata. */
void request_metadata_read(struct request *request);

/* A metadata value: of the field x-headgate-metadata, else of the body's `metadata`. */
hg_str request_metadata(struct request *request, hg_str key);

/* Adds or replaces. Texts are copied. */
void pair_set(struct arena *arena, struct pair **list, hg_str name, hg_str value);

/* The functions behind hg_req, for plugins. */
extern const hg_req_api view_api;
hg_str view_request_id(const hg_req *req);
static inline const hg_req *req_of_view(const struct view *view)
{
    return (const hg_req *)view;
}
