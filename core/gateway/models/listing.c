#include "gateway/models/listing.h"

#include "base/buffer.h"
#include "base/text.h"
#include "dialect/models.h"
#include "gateway/answer.h"
#include "gateway/gateway.h"
#include "gateway/models/alias.h"
#include "gateway/models/catalogue.h"
#include "gateway/models/offers.h"
#include "gateway/models/vendor.h"
#include "plugin/registry.h"
#include "json/write.h"

#include <headgate/provider.h>

/* What is told of a model beyond its format. */
struct more {
    const struct offer *offer; /* NULL: nothing is known */
    const struct gateway_instance *provider;
    hg_str target; /* of an alias; empty: it is none */
};

struct listing {
    struct request *request;
    const bool *wanted;
    bool is_plain; /* names stand without the provider */
    hg_str model;  /* the one that is asked for; empty: all */
    struct dialect_model *list;
    struct more *more;
    size_t count;
    struct buffer missing;
};

/* ---- one model --------------------------------------------------------------------------------
 */

static uint32_t wires_of(const struct gateway_instance *provider)
{
    const hg_provider *functions = instance_iface(provider->instance, HG_PROVIDER);

    return functions ? functions->wires : 0;
}

/* What it speaks first; a plugin with a transport of its own speaks none. */
static const char *dialect_name(const struct more *more)
{
    const struct model_facts *facts = more->offer ? more->offer->facts : NULL;
    const struct dialect *dialect;
    uint32_t wires = wires_of(more->provider);

    if (facts && text_is(catalogue_kind(facts), HG_S("responses")) &&
        wires >> HG_WIRE_OPENAI_RESPONSES & 1u)
        return dialect_openai_responses.name;
    dialect = wires ? dialect_of_wire((uint32_t)__builtin_ctz(wires)) : NULL;
    return dialect ? dialect->name : NULL;
}

static void number_put(const char *key, uint64_t number, struct chain *out)
{
    if (!number)
        return;
    json_key(out, text_of(key));
    json_put_u64(out, number);
}

static void text_put(const char *key, hg_str text, struct chain *out)
{
    if (!text.n)
        return;
    json_key(out, text_of(key));
    json_put_str(out, text);
}

static void put_more(const struct dialect_model *model, struct chain *out)
{
    const struct more *more = model->arg;

    text_put("provider", model->owner, out);
    text_put("alias_of", more->target, out);
    text_put("dialect", text_of(dialect_name(more)), out);
    number_put("context_window", model->context, out);
    number_put("max_output_tokens", model->output, out);
    if (more->offer && more->offer->facts)
        catalogue_put(more->offer->facts, out);
}

static void add(struct listing *listing, hg_str id, const struct more *more)
{
    const struct offer *offer = more->offer;
    struct dialect_model *model = &listing->list[listing->count];

    listing->more[listing->count++] = *more;
    *model = (struct dialect_model){.id = id,
                                    .owner = text_of(more->provider->config->name),
                                    .put_more = put_more,
                                    .arg = &listing->more[listing->count - 1]};
    if (!offer)
        return;
    model->title = offer->title;
    model->created = offer->created;
    model->context = offer->context;
    model->output = offer->output;
    if (offer->facts)
        model->kind = catalogue_kind(offer->facts);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static const struct offer *offer_named(const struct offers_of *of, hg_str id)
{
    for (size_t i = 0; i < of->count; i++)
        if (text_is(of->list[i].id, id))
            return &of->list[i];
    return NULL;
}

/* What its provider does not list may be in the catalogue. */
static const struct offer *offer_known(struct arena *arena, const struct gateway_instance *provider,
                                       hg_str id)
{
    const struct model_facts *facts = catalogue_find(vendor_of(provider->config), id);
    struct offer *offer;

    if (!facts)
        return NULL;
    offer = arena_zalloc(arena, sizeof *offer);
    *offer = (struct offer){
        .id = id, .context = facts->context, .output = facts->output, .facts = facts};
    return offer;
}

static void alias_add(struct listing *listing, const struct alias *alias)
{
    const struct offers *offers = listing->request->gateway->offers;
    hg_str id, name = text_cut(alias->target, '/', &id);

    for (size_t i = 0; i < offers_count(offers); i++) {
        struct offers_of of = offers_of(offers, i);
        const struct offer *offer = offer_named(&of, id);

        if (!listing->wanted[i] || !text_is(name, text_of(of.provider->config->name)))
            continue;
        if (!offer)
            offer = offer_known(listing->request->arena, of.provider, id);
        add(listing, alias->name, &(struct more){offer, of.provider, alias->target});
    }
}

/* A model whose name is an alias as well cannot be asked for. */
static bool is_hidden(const struct gateway *gateway, hg_str id)
{
    return !text_is(alias_resolve(gateway, id), id);
}

static void provider_add(struct listing *listing, const struct offers_of *of)
{
    struct request *request = listing->request;
    const char *name = of->provider->config->name;

    if (of->is_missing) {
        if (listing->missing.len)
            buffer_add(&listing->missing, ", ", 2);
        buffer_add(&listing->missing, name, strlen(name));
    }
    for (size_t i = 0; i < of->count; i++) {
        const struct offer *offer = &of->list[i];
        hg_str id = listing->is_plain
                        ? offer->id
                        : arena_fmt(request->arena, "%s/%.*s", name, TEXT_ARG(offer->id));

        if (!is_hidden(request->gateway, id))
            add(listing, id, &(struct more){offer, of->provider, HG_S("")});
    }
}

static size_t most(const struct listing *listing)
{
    const struct gateway *gateway = listing->request->gateway;
    size_t count = gateway->alias_count;

    for (size_t i = 0; i < offers_count(gateway->offers); i++)
        count += offers_of(gateway->offers, i).count;
    return count + 1;
}

static void collect(struct listing *listing)
{
    const struct gateway *gateway = listing->request->gateway;

    listing->list = arena_alloc(listing->request->arena, most(listing) * sizeof *listing->list);
    listing->more = arena_alloc(listing->request->arena, most(listing) * sizeof *listing->more);
    for (size_t i = 0; i < gateway->alias_count; i++)
        alias_add(listing, &gateway->aliases[i]);
    for (size_t i = 0; i < offers_count(gateway->offers); i++) {
        struct offers_of of = offers_of(gateway->offers, i);

        if (listing->wanted[i])
            provider_add(listing, &of);
    }
}

/* ---- the answer -------------------------------------------------------------------------------
 */

hg_str listing_model(const struct request *request)
{
    static const char mark[] = "/models/";
    hg_str path = request->head->path;
    const char *found = memmem(path.p, path.n, mark, sizeof mark - 1);

    if (!found)
        return HG_S("");
    size_t at = (size_t)(found - path.p) + sizeof mark - 1;
    char *text = arena_alloc(request->arena, path.n - at + 1), *to = text;

    for (; at < path.n; at++) {
        char c = path.p[at];

        if (text_percent_at(path, at, &c))
            at += 2;
        *to++ = c;
    }
    return (hg_str){text, (size_t)(to - text)};
}

/* By its whole name, or by its plain one at the first provider, as it would be asked. */
static const struct dialect_model *find(const struct listing *listing)
{
    const struct offers *offers = listing->request->gateway->offers;
    size_t first = 0;

    for (size_t i = 0; i < listing->count; i++)
        if (text_is(listing->list[i].id, listing->model))
            return &listing->list[i];
    while (first + 1 < offers_count(offers) && !listing->wanted[first])
        first++;
    for (size_t i = 0; i < listing->count; i++) {
        const struct more *more = &listing->more[i];

        if (!more->target.n && more->provider == offers_of(offers, first).provider &&
            text_is(more->offer->id, listing->model))
            return &listing->list[i];
    }
    return NULL;
}

static bool written(const struct listing *listing, struct chain *out)
{
    const struct dialect *dialect = listing->request->dialect;
    const struct dialect_model *one = listing->model.n ? find(listing) : NULL;

    if (!dialect->write_models)
        dialect = &dialect_openai_chat;
    if (one)
        dialect->write_model(one, out);
    else if (!listing->model.n)
        dialect->write_models(&(struct dialect_models){listing->list, listing->count}, out);
    return one || !listing->model.n;
}

struct answer *listing_answer(struct request *request, const bool *wanted)
{
    struct gateway *gateway = request->gateway;
    struct chain *out = chain_new(request->arena);
    struct listing listing = {.request = request, .wanted = wanted};
    size_t providers = 0;
    struct answer *answer;

    for (size_t i = 0; i < offers_count(gateway->offers); i++)
        providers += wanted[i];
    listing.is_plain = providers == 1 && offers_count(gateway->offers) == 1;
    listing.model = listing_model(request);
    collect(&listing);
    if (listing.missing.len)
        pair_set(request->arena, &request->headers, HG_S("x-headgate-missing"),
                 buffer_text(&listing.missing));
    buffer_done(&listing.missing);
    if (!written(&listing, out))
        return NULL;
    answer = answer_new(request);
    answer->status = 200;
    answer->content_type = HG_S("application/json");
    answer->body = out;
    return answer;
}

bool listing_passes(const struct request *request)
{
    const struct gateway *gateway = request->gateway;
    uint32_t wires, wire = request->dialect->wire;

    if (offers_count(gateway->offers) != 1 || gateway->alias_count)
        return false;
    wires = wires_of(offers_of(gateway->offers, 0).provider);
    if (wires >> HG_WIRE_OPENAI_CHAT & 1u) /* whatever else it speaks, its lists are OpenAI's */
        return wire == HG_WIRE_OPENAI_CHAT;
    return wires >> wire & 1u;
}
