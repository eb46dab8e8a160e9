#include "gateway/cache.h"

#include <stdlib.h>

#include <headgate/cache.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "gateway/attempt.h"
#include "gateway/flight.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "gateway/stage.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "plugin/registry.h"

enum {
    KEPT_MAX = 4 * 1024 * 1024
}; /* of a stream; longer ones are not kept */

#define TTL_DEFAULT    (3600 * NS_PER_S)
#define CACHE_PATIENCE (2 * NS_PER_S)

/* ---- keys ------------------------------------------------------------------------------------ */

/* Members that say how to answer or for whom, not what. */
static bool is_volatile(hg_str key)
{
    static const hg_str names[] = {
        {"model", 5}, {"stream", 6}, {"stream_options", 14}, {"user", 4}, {"metadata", 8},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(key, names[i]))
            return true;
    return false;
}

struct member {
    hg_str key;
    hg_json value;
};

static int member_order(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int order = n ? memcmp(x->key.p, y->key.p, n) : 0;

    return order ? order : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

/* With its length, so that no two lists of parts look alike. */
static void add_part(struct fingerprint *fingerprint, hg_str part)
{
    uint64_t n = part.n;

    fingerprint_add(fingerprint, &n, sizeof n);
    fingerprint_add(fingerprint, part.p, part.n);
}

/* The request's members, sorted by name, their values as the client wrote them: a program writes
 * the same thing the same way, so it is not worth a walk of the whole document to know the same
 * thing written in another way. */
static void add_document(struct request *request, hg_json doc, struct fingerprint *fingerprint)
{
    size_t room = json_count(doc), count = 0;
    struct member *members = arena_alloc(request->arena, (room + 1) * sizeof *members);
    hg_json_it it = {0};
    struct member member;

    while (json_next(doc, &it, &member.key, &member.value)) {
        member.key = json_unescape(request->arena, member.key);
        if (!is_volatile(member.key))
            members[count++] = member;
    }
    qsort(members, count, sizeof *members, member_order);
    for (size_t i = 0; i < count; i++) {
        add_part(fingerprint, members[i].key);
        add_part(fingerprint, json_raw(members[i].value));
    }
}

/* For a semantic cache: what it compares, as one text. *ret_doc is the request without it. */
static hg_str conversation(struct request *request, hg_json *ret_doc)
{
    struct arena *arena = request->arena;
    const struct dialect *dialect = request->dialect;
    struct dialect_texts texts = request_texts(request);
    hg_edit *edits = arena_zalloc(arena, (texts.count + 1) * sizeof *edits);
    struct chain *text = chain_new(arena), *rest = chain_new(arena);

    for (size_t i = 0; i < texts.count; i++) {
        edits[i] = (hg_edit){.text = (uint32_t)i, .n = (uint32_t)texts.list[i].text.n};
        chain_put_const(text, texts.list[i].text.p, texts.list[i].text.n);
        chain_put_const(text, "\n", 1);
    }
    texts_edit_request(dialect, arena, request->asked.kind, request->doc,
                       &(struct dialect_edits){edits, texts.count}, rest);
    json_parse(arena, chain_flat(rest, arena), ret_doc, NULL);
    return chain_flat(text, arena);
}

/* The scope stands in the key in full; for the rest, whose length is the client's choice, there is
 * its fingerprint under this gateway's secret. */
static void fingerprint_make(struct request *request, const struct shape *shape, hg_json doc,
                             uint8_t print[FINGERPRINT_SIZE])
{
    struct fingerprint *fingerprint = request->gateway->fingerprint;
    uint32_t numbers[2] = {request->dialect->wire, request->asked.kind};

    fingerprint_begin(fingerprint);
    fingerprint_add(fingerprint, numbers, sizeof numbers);
    add_part(fingerprint, route_name(request->route));
    add_part(fingerprint, shape->model);
    add_part(fingerprint, json_raw(shape->patch));
    add_document(request, doc, fingerprint);
    fingerprint_end(fingerprint, print);
}

/* A semantic cache finds what is near within one scope, so all that must be equal is part of that:
 * model, parameters, images, the form of the conversation. */
static void key_make_semantic(struct request *request, const struct shape *shape, hg_cache_key *ret)
{
    uint8_t print[FINGERPRINT_SIZE];
    char *scope = arena_alloc(request->arena, ret->scope.n + 1 + 2 * sizeof print), *at = scope;
    hg_json rest = {0};

    ret->flags = HG_C_SEMANTIC;
    ret->text = conversation(request, &rest);
    fingerprint_make(request, shape, rest, print);
    at = put_text(at, ret->scope);
    *at++ = ':';
    for (size_t i = 0; i < sizeof print; i++) {
        *at++ = "0123456789abcdef"[print[i] >> 4];
        *at++ = "0123456789abcdef"[print[i] & 15];
    }
    ret->scope = (hg_str){scope, (size_t)(at - scope)};
}

static void key_make(struct request *request, const struct shape *shape,
                     const struct cache_options *options, hg_cache_key *ret)
{
    struct gateway *gateway = request->gateway;
    uint8_t print[FINGERPRINT_SIZE];

    *ret = (hg_cache_key){.size = sizeof *ret,
                          .flags = HG_C_EXACT,
                          .scope = request_key(request), /* whose answers these are */
                          .req = req_of_view(&request->view)};
    fingerprint_make(request, shape, request->doc, print);
    digest_begin(gateway->digest);
    digest_add(gateway->digest, print, sizeof print);
    digest_add(gateway->digest, ret->scope.p, ret->scope.n);
    digest_end(gateway->digest, ret->digest);
    if (options->is_semantic)
        key_make_semantic(request, shape, ret);
}

bool cache_can(const struct cache_options *options, struct error *error)
{
    const hg_cache *functions = instance_iface(options->cache->instance, HG_CACHE);
    const struct config_instance *config = options->cache->config;
    uint32_t wanted = options->is_semantic ? HG_C_SEMANTIC : HG_C_EXACT;

    if (functions && (functions->caps ? functions->caps : HG_C_EXACT) & wanted)
        return true;
    return error_set(error, "the cache '%s' knows no mode \"%s\": its plugin '%s' only has \"%s\"",
                     config->name, options->is_semantic ? "semantic" : "exact", config->plugin,
                     options->is_semantic ? "exact" : "semantic");
}

static bool is_cacheable(const struct request *request)
{
    return request->doc.kind == HG_J_OBJ &&
           (request->asked.kind == HG_R_CHAT || request->asked.kind == HG_R_COMPLETE ||
            request->asked.kind == HG_R_EMBED);
}

/* ---- looking up ------------------------------------------------------------------------------ */

struct cache_lookup {
    struct request *request;
    const struct cache_options *options;
    struct op *op;
    hg_cache_key key;
    hg_cache_hit hit;
    struct answer *found;
    void (*on_done)(void *arg);
    void *arg;

    /* Who else asks the same. */
    struct flight *flight; /* that it leads; NULL: none */
    struct flight_follower follower;

    /* Keeping. */
    struct answer *answer;
    bool is_kept, is_over; /* somebody will say how it ended; that has been said */
    hg_ns ttl;
    struct buffer events;
    void (*on_events)(void *arg, hg_str events);
    void (*on_end)(void *arg, const struct fault *fault);
    void *stage_arg;
};

/* The stored bytes as what this client wants: events or a whole body. */
static bool body_fit(struct request *request, bool is_events, hg_str bytes, struct chain *out)
{
    const struct dialect *dialect = request->dialect;

    if (is_events == request->asked.is_stream) {
        chain_put_const(out, bytes.p, bytes.n);
        return true;
    }
    if (is_events)
        return dialect_to_whole(dialect, request->arena, request->asked.kind, bytes, out);
    return dialect_to_events(dialect, request->arena, request->asked.kind, bytes,
                             request->asked.wants_usage, out);
}

static struct answer *answer_of_bytes(struct request *request, hg_str bytes, bool is_events)
{
    struct chain *body = chain_new(request->arena);

    if (!body_fit(request, is_events, arena_text(request->arena, bytes), body))
        return NULL;
    struct answer *answer = answer_new(request);

    answer->status = 200;
    answer->body = body;
    answer->is_stream = request->asked.is_stream;
    answer->content_type =
        answer->is_stream ? request->dialect->stream_type : HG_S("application/json");
    return answer;
}

static void result_note(struct cache_lookup *lookup, enum cache_state otherwise)
{
    struct request *request = lookup->request;
    struct gateway_metrics *metrics = &request->gateway->metrics;

    request->cache = lookup->found ? CACHE_HIT : otherwise;
    metric_add(lookup->found ? metrics->cache_hits : metrics->cache_misses, 1);
}

/* What the plugin has found, for this request and for those who wait for it. */
static void hit_take(struct cache_lookup *lookup)
{
    const hg_cache_hit *hit = &lookup->hit;
    hg_str bytes = {hit->value.p, hit->value.n};
    bool is_events = hit->meta.n && *hit->meta.p == 'e';

    if (!lookup->options->is_semantic || hit->score >= lookup->options->threshold)
        lookup->found = answer_of_bytes(lookup->request, bytes, is_events);
    if (lookup->found)
        flight_land(&lookup->flight, bytes, is_events);
    if (hit->value.ref)
        block_unref(hit->value.ref);
}

static void looked_up(struct cache_lookup *lookup, hg_rc rc)
{
    if (rc == HG_OK)
        hit_take(lookup);
    result_note(lookup, rc < 0 ? CACHE_ERROR : CACHE_MISS);
    op_end(&lookup->op, HG_OK);
}

static void on_lookup(void *arg, hg_rc rc)
{
    struct cache_lookup *lookup = arg;

    looked_up(lookup, rc);
    lookup->on_done(lookup->arg);
}

/* ---- others who ask the same ----------------------------------------------------------------- */

static void on_arena_end(void *arg)
{
    struct cache_lookup *lookup = arg;

    flight_fail(&lookup->flight);
    buffer_done(&lookup->events);
}

static void on_turn(void *arg, enum flight_turn turn, struct flight *flight, hg_str bytes,
                    bool is_events)
{
    struct cache_lookup *lookup = arg;

    if (turn == FLIGHT_LANDED)
        lookup->found = answer_of_bytes(lookup->request, bytes, is_events);
    lookup->flight = flight;
    result_note(lookup, CACHE_MISS);
    lookup->on_done(lookup->arg);
}

/* True if it waits for another request that asks the same. */
static bool follow(struct cache_lookup *lookup)
{
    struct request *request = lookup->request;
    struct flight *flight =
        flight_find(request->gateway, lookup->options->cache, lookup->key.digest);

    if (!flight)
        lookup->flight = flight_lead(request, lookup->options->cache, lookup->key.digest);
    else if (request->flights == 0) {
        lookup->follower.request = request;
        lookup->follower.on_turn = on_turn;
        lookup->follower.arg = lookup;
        flight_follow(flight, &lookup->follower, clock_now() + lookup->options->wait);
        return true;
    }
    return false;
}

struct cache_lookup *cache_lookup_new(struct request *request, const struct shape *shape,
                                      const struct cache_options *options)
{
    if (!is_cacheable(request))
        return NULL;
    struct cache_lookup *lookup = arena_zalloc(request->arena, sizeof *lookup);

    lookup->request = request;
    lookup->options = options;
    lookup->hit.size = sizeof lookup->hit;
    arena_on_end(request->arena, on_arena_end, lookup);
    key_make(request, shape, options, &lookup->key);
    return lookup;
}

bool cache_find(struct cache_lookup *lookup, bool detached, void (*on_done)(void *arg), void *arg)
{
    struct request *request = lookup->request;
    struct instance *instance = lookup->options->cache->instance;
    const hg_cache *functions = instance_iface(instance, HG_CACHE);

    lookup->on_done = on_done;
    lookup->arg = arg;
    if (lookup->options->wait && !detached && follow(lookup))
        return false;
    lookup->op = op_begin(request->gateway->plugins, instance, req_of_view(&request->view),
                          clock_now() + CACHE_PATIENCE, on_lookup, lookup);
    hg_rc rc = OP_CALL(lookup->op, "lookup",
                       functions->lookup(instance_self(instance), op_handle(lookup->op),
                                         &lookup->key, &lookup->hit));

    if (rc == HG_PENDING)
        return false;
    looked_up(lookup, rc);
    return true;
}

void cache_find_cancel(struct cache_lookup *lookup)
{
    op_end(&lookup->op, HG_E_CANCELLED);
    flight_leave(&lookup->follower);
    flight_fail(&lookup->flight);
}

struct answer *cache_found(const struct cache_lookup *lookup)
{
    return lookup->found;
}

void cache_give_up(struct cache_lookup *lookup)
{
    if (!lookup->is_kept)
        flight_fail(&lookup->flight);
}

/* ---- keeping --------------------------------------------------------------------------------- */

struct keeping {
    struct request *request;
    struct op *op;
};

static void on_stored(void *arg, hg_rc rc)
{
    struct keeping *keeping = arg;

    (void)rc; /* a cache that cannot keep something is no failure of the request */
    op_end(&keeping->op, HG_OK);
    request_unref(&keeping->request);
}

static void store(struct cache_lookup *lookup, const struct chain *value, bool is_events)
{
    struct request *request = lookup->request;
    struct instance *instance = lookup->options->cache->instance;
    const hg_cache *functions = instance_iface(instance, HG_CACHE);
    struct keeping *keeping = arena_zalloc(request->arena, sizeof *keeping);

    keeping->request = request_ref(request);
    keeping->op = op_begin(request->gateway->plugins, instance, req_of_view(&request->view),
                           clock_now() + CACHE_PATIENCE, on_stored, keeping);
    hg_rc rc = OP_CALL(keeping->op, "store",
                       functions->store(instance_self(instance), op_handle(keeping->op),
                                        &lookup->key, body_of_chain(value),
                                        is_events ? HG_S("e") : HG_S("b"), lookup->ttl));
    if (rc != HG_PENDING)
        on_stored(keeping, rc);
}

static void whole_keep(struct cache_lookup *lookup, const struct chain *value, bool is_events)
{
    lookup->is_over = true;
    store(lookup, value, is_events);
    if (lookup->flight)
        flight_land(&lookup->flight, chain_flat(value, lookup->request->arena), is_events);
}

static void events_keep(void *self)
{
    struct cache_lookup *lookup = self;
    struct chain *value = chain_new(lookup->request->arena);

    if (lookup->is_over)
        return;
    chain_put_const(value, buffer_at(&lookup->events), lookup->events.len);
    whole_keep(lookup, value, true);
}

/* ---- a stage of a stream --------------------------------------------------------------------- */

static void stage_start(void *self, void (*on_events)(void *arg, hg_str events),
                        void (*on_end)(void *arg, const struct fault *fault), void *arg)
{
    struct cache_lookup *lookup = self;

    lookup->on_events = on_events;
    lookup->on_end = on_end;
    lookup->stage_arg = arg;
}

static void stage_events(void *self, hg_str events)
{
    struct cache_lookup *lookup = self;

    if (lookup->events.len + events.n > KEPT_MAX) {
        lookup->is_over = true;
        buffer_done(&lookup->events);
        flight_dissolve(&lookup->flight);
    }
    if (!lookup->is_over)
        buffer_add(&lookup->events, events.p, events.n);
    lookup->on_events(lookup->stage_arg, events);
}

static void stage_stop(void *self)
{
    struct cache_lookup *lookup = self;

    lookup->is_over = true;
    flight_fail(&lookup->flight);
}

static void stage_end(void *self, bool whole)
{
    struct cache_lookup *lookup = self;
    const struct attempt *attempt = lookup->answer->attempt;
    hg_str mark = lookup->request->dialect->end_mark;

    if (whole && !lookup->is_over && attempt && attempt_lacks_mark(attempt))
        buffer_add(&lookup->events, mark.p, mark.n);
    if (whole)
        events_keep(lookup);
    else
        stage_stop(lookup);
    lookup->on_end(lookup->stage_arg, NULL);
}

static const struct stage_kind cache_stage = {.start = stage_start,
                                              .events = stage_events,
                                              .end = stage_end,
                                              .stop = stage_stop,
                                              .settle = events_keep,
                                              .passes = true};

void cache_keep(struct cache_lookup *lookup, struct answer *answer)
{
    hg_ns ttl = lookup->options->ttl ? lookup->options->ttl : TTL_DEFAULT;

    if (lookup->is_kept || answer->status < 200 || answer->status > 299)
        return;
    lookup->is_kept = true;
    lookup->answer = answer;
    /* Entries made together should not all end together. */
    lookup->ttl = ttl - ttl / 1000 * (hg_ns)(lookup->request->id_number % 100);
    if (answer->body && !answer->stages)
        whole_keep(lookup, answer->body, answer->is_stream);
    else
        answer_add_stage(answer, &cache_stage, lookup);
}
