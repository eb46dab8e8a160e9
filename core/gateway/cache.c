#include "gateway/cache.h"

#include <stdlib.h>

#include <headgate/cache.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "plugin/host.h"
#include "plugin/op.h"
#include "plugin/registry.h"
#include "json/compact.h"

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

static void add_bytes(void *arg, const void *p, size_t n)
{
    fingerprint_add(arg, p, n);
}

/* With its length, so that no two lists of parts look alike. */
static void add_part(struct fingerprint *fingerprint, hg_str part)
{
    uint64_t n = part.n;

    fingerprint_add(fingerprint, &n, sizeof n);
    fingerprint_add(fingerprint, part.p, part.n);
}

/* The request's members, sorted by name and without white space between tokens. */
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
        json_compact(members[i].value, add_bytes, fingerprint);
    }
}

/* For a semantic cache: what it compares, as one text. *ret_doc is the request without it. */
static hg_str conversation(struct request *request, hg_json *ret_doc)
{
    struct arena *arena = request->arena;
    const struct dialect *dialect = request->dialect;
    size_t count = dialect->request_texts(arena, request->asked.kind, request->doc, NULL, 0);
    hg_text *texts = arena_alloc(arena, (count + 1) * sizeof *texts);
    hg_edit *edits = arena_zalloc(arena, (count + 1) * sizeof *edits);
    struct chain *text = chain_new(arena), *rest = chain_new(arena);

    dialect->request_texts(arena, request->asked.kind, request->doc, texts, count);
    for (size_t i = 0; i < count; i++) {
        edits[i] = (hg_edit){.text = (uint32_t)i, .n = (uint32_t)texts[i].text.n};
        chain_put_const(text, texts[i].text.p, texts[i].text.n);
        chain_put_const(text, "\n", 1);
    }
    dialect->request_edit(arena, request->asked.kind, request->doc,
                          &(struct dialect_edits){edits, count}, rest);
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
    void (*on_found)(void *arg, struct answer *answer);
    void *arg;
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
        return dialect->to_whole(request->arena, request->asked.kind, bytes, out);
    return dialect->to_events(request->arena, request->asked.kind, bytes,
                              request->asked.wants_usage, out);
}

static struct answer *answer_of_hit(struct request *request, hg_cache_hit *hit)
{
    struct chain *body = chain_new(request->arena);
    hg_str bytes = arena_text(request->arena, (hg_str){hit->value.p, hit->value.n});
    bool is_events = hit->meta.n && *hit->meta.p == 'e';

    if (hit->value.ref)
        block_unref(hit->value.ref);
    if (!body_fit(request, is_events, bytes, body))
        return NULL;
    struct answer *answer = answer_new(request);

    answer->status = 200;
    answer->body = body;
    answer->is_stream = request->asked.is_stream;
    answer->content_type = answer->is_stream ? HG_S("text/event-stream") : HG_S("application/json");
    return answer;
}

static bool is_near(struct cache_lookup *lookup)
{
    if (!lookup->options->is_semantic || lookup->hit.score >= lookup->options->threshold)
        return true;
    if (lookup->hit.value.ref)
        block_unref(lookup->hit.value.ref);
    return false;
}

static struct answer *looked_up(struct cache_lookup *lookup, hg_rc rc)
{
    struct request *request = lookup->request;
    struct answer *answer = NULL;

    if (rc == HG_OK && is_near(lookup))
        answer = answer_of_hit(request, &lookup->hit);

    request->cache = answer ? CACHE_HIT : rc < 0 ? CACHE_ERROR : CACHE_MISS;
    metric_add(
        answer ? request->gateway->metrics.cache_hits : request->gateway->metrics.cache_misses, 1);
    op_end(&lookup->op, HG_OK);
    return answer;
}

static void on_lookup(void *arg, hg_rc rc)
{
    struct cache_lookup *lookup = arg;

    lookup->on_found(lookup->arg, looked_up(lookup, rc));
}

bool cache_find(struct request *request, const struct shape *shape,
                const struct cache_options *options,
                void (*on_found)(void *arg, struct answer *answer), void *arg,
                struct answer **ret_answer, struct cache_lookup **ret_lookup)
{
    struct instance *instance = options->cache->instance;
    const hg_cache *functions = instance_iface(instance, HG_CACHE);

    *ret_answer = NULL;
    if (!is_cacheable(request) || !functions)
        return true;
    struct cache_lookup *lookup = arena_zalloc(request->arena, sizeof *lookup);

    lookup->request = request;
    lookup->options = options;
    lookup->on_found = on_found;
    lookup->arg = arg;
    lookup->hit.size = sizeof lookup->hit;
    key_make(request, shape, options, &lookup->key);
    lookup->op = op_begin(request->gateway->plugins, instance, req_of_view(&request->view),
                          clock_now() + CACHE_PATIENCE, on_lookup, lookup);
    hg_rc rc = OP_CALL(lookup->op, "lookup",
                       functions->lookup(instance_self(instance), op_handle(lookup->op),
                                         &lookup->key, &lookup->hit));

    if (rc == HG_PENDING) {
        *ret_lookup = lookup;
        return false;
    }
    *ret_answer = looked_up(lookup, rc);
    return true;
}

void cache_find_cancel(struct cache_lookup *lookup)
{
    op_end(&lookup->op, HG_E_CANCELLED);
}

/* ---- keeping --------------------------------------------------------------------------------- */

struct cache_use {
    struct request *request;
    struct gateway_instance *cache;
    hg_cache_key key;
    hg_ns ttl;
    struct buffer events;
    struct op *op;
};

static void use_free(void *arg)
{
    struct cache_use *use = arg;

    buffer_done(&use->events);
}

void cache_use_new(struct answer *answer, const struct shape *shape,
                   const struct cache_options *options)
{
    struct request *request = answer->request;

    if (!is_cacheable(request) || answer->status < 200 || answer->status > 299)
        return;
    struct cache_use *use = arena_zalloc(request->arena, sizeof *use);

    use->request = request;
    use->cache = options->cache;
    /* Entries made together should not all end together. */
    use->ttl = options->ttl ? options->ttl : TTL_DEFAULT;
    use->ttl -= use->ttl / 1000 * (hg_ns)(request->id_number % 100);
    key_make(request, shape, options, &use->key);
    arena_on_end(request->arena, use_free, use);
    answer->cache = use;
}

void cache_tee(struct cache_use *use, hg_str events)
{
    if (use->events.len + events.n <= KEPT_MAX)
        buffer_add(&use->events, events.p, events.n);
    else
        use->ttl = 0; /* too long: the rest would be missing */
}

void cache_forget(struct cache_use **use)
{
    *use = NULL;
}

static void on_stored(void *arg, hg_rc rc)
{
    struct cache_use *use = arg;
    struct request *request = use->request;

    (void)rc; /* a cache that cannot keep something is no failure of the request */
    op_end(&use->op, HG_OK);
    request_unref(&request);
}

static void store(struct cache_use *use, const struct chain *value, bool is_events)
{
    struct request *request = request_ref(use->request);
    struct instance *instance = use->cache->instance;
    const hg_cache *functions = instance_iface(instance, HG_CACHE);

    use->op = op_begin(request->gateway->plugins, instance, req_of_view(&request->view),
                       clock_now() + CACHE_PATIENCE, on_stored, use);
    hg_rc rc = OP_CALL(use->op, "store",
                       functions->store(instance_self(instance), op_handle(use->op), &use->key,
                                        body_of_chain(value), is_events ? HG_S("e") : HG_S("b"),
                                        use->ttl));
    if (rc != HG_PENDING)
        on_stored(use, rc);
}

void cache_keep(struct cache_use **use)
{
    struct cache_use *done = *use;

    *use = NULL;
    if (!done->ttl)
        return;
    struct chain *value = chain_new(done->request->arena);

    chain_put_const(value, buffer_at(&done->events), done->events.len);
    store(done, value, true);
}

void cache_keep_body(struct cache_use **use, const struct chain *body)
{
    struct cache_use *done = *use;

    *use = NULL;
    store(done, body, done->request->asked.is_stream);
}
