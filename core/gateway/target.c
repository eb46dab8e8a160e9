#include "gateway/target.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "plugin/registry.h"

static const char *provider_suggest(struct gateway *gateway, hg_str name)
{
    const char *names[64];
    size_t count = 0;

    for (size_t i = 0; i < gateway->instance_count && count < 64; i++)
        if (!strcmp(instance_kind(gateway->instances[i].instance), "provider"))
            names[count++] = instance_name(gateway->instances[i].instance);
    return text_suggest(name, names, count);
}

static bool target_bind(struct gateway *gateway, struct target *target, hg_str provider,
                        struct error *error)
{
    struct gateway_instance *found = gateway_instance(gateway, "provider", provider);

    if (!found) {
        const char *near = provider_suggest(gateway, provider);

        return error_set(error, "there is no provider '%.*s'%s%s%s", TEXT_ARG(provider),
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    target->instance = found->instance;
    target->self = instance_self(found->instance);
    target->config = found->config;
    target->provider = instance_iface(found->instance, HG_PROVIDER);
    if (!target->provider)
        return error_set(error, "'%.*s' is no provider: its plugin offers none",
                         TEXT_ARG(provider));
    return true;
}

static void target_free(struct target *target)
{
    free(target->name);
    free(target->model);
    free(target->params);
    free(target->origin_text);
    free(target);
}

struct target *target_get(struct gateway *gateway, hg_str name, const char *params,
                          struct error *error)
{
    hg_str model, provider = text_cut(name, '/', &model);

    for (struct target *at = gateway->targets; at; at = at->next)
        if (text_is(name, text_of(at->name)) && !params && !at->params)
            return at;
    if (name.n == 0) {
        error_set(error, "a target needs a name such as \"openai/gpt-4o\"");
        return NULL;
    }
    struct target *target = xcalloc(1, sizeof *target);

    if (!target_bind(gateway, target, provider, error)) {
        free(target);
        return NULL;
    }
    target->name = xstrndup(name.p, name.n);
    target->model = xstrndup(model.n ? model.p : "", model.n);
    target->params = params ? xstrdup(params) : NULL;
    target->params_text = text_of(target->params);
    target->wants_usage =
        !json_is_false(json_object_get(target->config->settings, "include_usage"));
    target->next = gateway->targets;
    gateway->targets = target;
    return target;
}

hg_str target_model(const struct target *target, hg_str asked)
{
    hg_str own = text_of(target->model), prefix = text_of(instance_name(target->instance));

    if (own.n)
        return own;
    if (asked.n > prefix.n && asked.p[prefix.n] == '/' && text_starts(asked, prefix))
        return (hg_str){asked.p + prefix.n + 1, asked.n - prefix.n - 1};
    return asked;
}

void target_remember(struct target *target, hg_str origin, struct upstream *upstream)
{
    free(target->origin_text);
    target->origin_text = xstrndup(origin.p, origin.n);
    target->origin = (hg_str){target->origin_text, origin.n};
    target->upstream = upstream;
}

void targets_free(struct gateway *gateway)
{
    for (struct target *at = gateway->targets, *next; at; at = next) {
        next = at->next;
        target_free(at);
    }
    gateway->targets = NULL;
}
