#include "gateway/models/offers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/models/catalogue.h"
#include "gateway/models/vendor.h"
#include "plugin/op.h"
#include "plugin/registry.h"
#include "json/write.h"

#include <headgate/provider.h>

#define KEEP       (300 * NS_PER_S) /* a list */
#define KEEP_NONE  (15 * NS_PER_S)  /* that there was none */
#define PATIENCE   (10 * NS_PER_S)
#define OFFERS_MAX 20000

enum {
    ID_MAX = 256
};

struct source {
    struct offers *offers;
    const struct gateway_instance *provider;
    const hg_provider *functions;
    struct op *op;     /* NULL: it is not being asked */
    struct chain *out; /* in the op's memory */
    struct arena *arena;
    struct offer *list;
    size_t count;
    hg_ns until; /* 0: it has never been asked */
    bool is_missing;
};

struct offers {
    struct gateway *gateway;
    struct source *sources;
    size_t count;
    LIST_HEAD(, offers_waiter) waiters;
};

/* ---- reading ----------------------------------------------------------------------------------
 */

/* The first of these members that is a number. */
static uint64_t number_of(hg_json object, const char *const *keys)
{
    int64_t number = 0;

    for (; *keys && number <= 0; keys++)
        number = json_i64(json_member(object, text_of(*keys)), 0);
    return number > 0 ? (uint64_t)number : 0;
}

static hg_str text_member(struct arena *arena, hg_json object, hg_str key, hg_str other)
{
    hg_str text = json_str(arena, json_member(object, key));

    text = text.n ? text : json_str(arena, json_member(object, other));
    return text.n <= ID_MAX ? arena_text(arena, text) : HG_S("");
}

/* "models/gemini-x" is the name of its place. */
static hg_str id_of(struct arena *arena, hg_json entry)
{
    hg_str id = entry.kind == HG_J_STR ? json_str(arena, entry)
                                       : text_member(arena, entry, HG_S("id"), HG_S("name"));

    if (text_starts(id, HG_S("models/")))
        id = (hg_str){id.p + 7, id.n - 7};
    return id.n > ID_MAX || text_has_control(id) ? HG_S("") : arena_text(arena, id);
}

static void offer_read(struct source *source, hg_json entry, struct offer *ret)
{
    static const char *const contexts[] = {"context_window",
                                           "context_length",
                                           "max_context_length",
                                           "max_model_len",
                                           "inputTokenLimit",
                                           "max_input_tokens",
                                           NULL};
    static const char *const outputs[] = {"max_output_tokens", "max_completion_tokens",
                                          "outputTokenLimit", NULL};
    const struct model_facts *facts;

    *ret = (struct offer){.id = id_of(source->arena, entry)};
    facts = ret->facts = catalogue_find(vendor_of(source->provider->config), ret->id);
    ret->title = text_member(source->arena, entry, HG_S("display_name"), HG_S("displayName"));
    ret->created = json_i64(json_member(entry, HG_S("created")), 0);
    ret->context = number_of(entry, contexts);
    ret->output = number_of(entry, outputs);
    if (!ret->context && facts)
        ret->context = facts->context;
    if (!ret->output && facts)
        ret->output = facts->output;
}

static bool list_read(struct source *source, hg_str text)
{
    hg_json doc, data, entry;
    hg_json_it it = {{0, 0}};

    source->count = 0;
    arena_free(&source->arena);
    source->arena = arena_new();
    if (!json_parse(source->arena, arena_text(source->arena, text), &doc, NULL))
        return false;
    data = json_member(doc, HG_S("data"));
    if (data.kind != HG_J_ARR || json_count(data) > OFFERS_MAX)
        return false;
    source->list = arena_alloc(source->arena, (json_count(data) + 1) * sizeof *source->list);
    while (json_next(data, &it, NULL, &entry)) {
        offer_read(source, entry, &source->list[source->count]);
        source->count += source->list[source->count].id.n > 0;
    }
    return true;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* A list whose time is up while others are still being asked is good enough for who waits. */
static bool is_asking(const struct offers *offers, const bool *wanted)
{
    for (size_t i = 0; i < offers->count; i++)
        if (wanted[i] && offers->sources[i].op)
            return true;
    return false;
}

static void tell(struct offers *offers)
{
    struct offers_waiter *at = LIST_FIRST(&offers->waiters), *next;

    for (; at; at = next) {
        next = LIST_NEXT(at, entry);
        if (is_asking(offers, at->wanted))
            continue;
        LIST_REMOVE(at, entry);
        at->on_known(at);
    }
}

static void answered(struct source *source, hg_rc rc)
{
    struct arena *arena = op_arena(source->op);
    bool good =
        rc == HG_OK && json_ok(source->out) && list_read(source, chain_flat(source->out, arena));
    const char *why = op_error(source->op);

    source->is_missing = !good;
    source->until = clock_now() + (good || rc == HG_E_UNSUPPORTED ? KEEP : KEEP_NONE);
    if (!good)
        source->count = 0;
    if (!good && rc != HG_E_UNSUPPORTED)
        log_warn("provider '%s' does not say which models it has: %s",
                 source->provider->config->name, *why ? why : "its answer is no list of them");
    op_end(&source->op, HG_OK);
}

static void on_answered(void *arg, hg_rc rc)
{
    struct source *source = arg;

    answered(source, rc);
    tell(source->offers);
}

static void ask(struct source *source)
{
    struct instance *instance = source->provider->instance;

    if (!source->functions || !source->functions->models) {
        source->is_missing = true;
        source->until = clock_now() + KEEP;
        return;
    }
    source->op = op_begin(source->offers->gateway->plugins, instance, NULL, clock_now() + PATIENCE,
                          on_answered, source);
    source->out = chain_new(op_arena(source->op));
    hg_rc rc = OP_CALL(source->op, "models",
                       source->functions->models(instance_self(instance), op_handle(source->op),
                                                 out_of_chain(source->out)));

    if (rc != HG_PENDING)
        answered(source, rc);
}

bool offers_ask(struct offers *offers, struct offers_waiter *waiter)
{
    for (size_t i = 0; i < offers->count; i++)
        if (waiter->wanted[i] && !offers->sources[i].op && offers->sources[i].until <= clock_now())
            ask(&offers->sources[i]);
    if (!is_asking(offers, waiter->wanted))
        return true;
    LIST_INSERT_HEAD(&offers->waiters, waiter, entry);
    return false;
}

void offers_cancel(struct offers_waiter *waiter)
{
    LIST_REMOVE(waiter, entry);
}

/* ---- life -------------------------------------------------------------------------------------
 */

struct offers *offers_new(struct gateway *gateway)
{
    struct offers *offers = xcalloc(1, sizeof *offers);

    offers->gateway = gateway;
    offers->sources = xcalloc(gateway->instance_count + 1, sizeof *offers->sources);
    for (size_t i = 0; i < gateway->instance_count; i++) {
        const struct gateway_instance *at = &gateway->instances[i];

        if (strcmp(at->config->kind, "provider") == 0)
            offers->sources[offers->count++] =
                (struct source){.offers = offers,
                                .provider = at,
                                .functions = instance_iface(at->instance, HG_PROVIDER)};
    }
    return offers;
}

void offers_free(struct offers **offers)
{
    struct offers *gone = *offers;

    *offers = NULL;
    if (!gone)
        return;
    for (size_t i = 0; i < gone->count; i++) {
        op_end(&gone->sources[i].op, HG_E_CANCELLED);
        arena_free(&gone->sources[i].arena);
    }
    free(gone->sources);
    free(gone);
}

size_t offers_count(const struct offers *offers)
{
    return offers->count;
}

struct offers_of offers_of(const struct offers *offers, size_t provider)
{
    const struct source *source = &offers->sources[provider];

    return (struct offers_of){source->provider, source->list, source->count, source->is_missing};
}
