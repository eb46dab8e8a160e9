#include "plugin/iface.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

/* Members without which a kind makes no sense. */

static bool provider_can(const void *table)
{
    const hg_provider *provider = table;

    return provider->prepare || provider->invoke;
}

static bool cache_can(const void *table)
{
    const hg_cache *cache = table;

    return cache->lookup && cache->store;
}

static bool guard_can(const void *table)
{
    const hg_guard *guard = table;

    return guard->check || guard->window;
}

static bool logger_can(const void *table)
{
    const hg_logger *logger = table;

    return logger->deliver != NULL;
}

static bool draft_can(const void *table)
{
    (void)table;
    return true;
}

/* `least` is the size that the first minor gave the table: nothing shorter was ever released. */
static const struct {
    const char *kind, *id;
    size_t size, least;
    bool (*can)(const void *table);
    const char *needs;
} known[] = {
    {"provider", HG_PROVIDER, sizeof(hg_provider), offsetof(hg_provider, invoke) + sizeof(void *),
     provider_can, "prepare or invoke"},
    {"cache", HG_CACHE, sizeof(hg_cache), offsetof(hg_cache, purge) + sizeof(void *), cache_can,
     "lookup and store"},
    {"guard", HG_GUARD, sizeof(hg_guard), offsetof(hg_guard, window) + sizeof(void *), guard_can,
     "check or window"},
    {"logger", HG_LOGGER, sizeof(hg_logger), offsetof(hg_logger, reopen) + sizeof(void *),
     logger_can, "deliver"},
    {"store", HG_STORE, sizeof(hg_store), sizeof(uint32_t), draft_can, ""},
    {"app", HG_APP, sizeof(hg_app), sizeof(uint32_t), draft_can, ""},
    {"secrets", HG_SECRETS, sizeof(hg_secrets), sizeof(uint32_t), draft_can, ""},
};

enum {
    KNOWN = sizeof known / sizeof *known
};

struct iface_copies {
    void *table[KNOWN]; /* NULL: not offered */
};

static unsigned known_find(const char *id)
{
    unsigned i = 0;

    while (i < KNOWN && strcmp(known[i].id, id) != 0)
        i++;
    return i;
}

static bool table_copy(struct iface_copies *copies, const hg_iface *iface, const hg_plugin *plugin,
                       struct error *error)
{
    unsigned i = known_find(iface->id);
    uint32_t size;

    if (i == KNOWN) {
        log_warn("plugin '%s' offers %s, which this gateway does not know: ignored", plugin->name,
                 iface->id);
        return true;
    }
    if (!iface->vt)
        return error_set(error, "offers %s without its functions", iface->id);
    memcpy(&size, iface->vt, sizeof size);
    if (size < known[i].least)
        return error_set(error, "its %s has %u bytes, at least %zu are needed", iface->id, size,
                         known[i].least);
    if (copies->table[i])
        return error_set(error, "offers %s twice", iface->id);
    copies->table[i] = xcalloc(1, known[i].size);
    memcpy(copies->table[i], iface->vt, size < known[i].size ? size : known[i].size);
    if (!known[i].can(copies->table[i]))
        return error_set(error, "its %s lacks %s", iface->id, known[i].needs);
    return true;
}

struct iface_copies *iface_copies_new(const hg_plugin *plugin, struct error *error)
{
    struct iface_copies *copies = xcalloc(1, sizeof *copies);

    for (const hg_iface *iface = plugin->ifaces; iface && iface->id; iface++)
        if (!table_copy(copies, iface, plugin, error)) {
            iface_copies_free(&copies);
            return NULL;
        }
    return copies;
}

void iface_copies_free(struct iface_copies **copies)
{
    for (unsigned i = 0; *copies && i < KNOWN; i++)
        free((*copies)->table[i]);
    free(*copies);
    *copies = NULL;
}

const void *iface_copy(const struct iface_copies *copies, const char *id)
{
    unsigned i = known_find(id);

    return i < KNOWN ? copies->table[i] : NULL;
}

const char *iface_of_kind(const char *kind)
{
    for (unsigned i = 0; i < KNOWN; i++)
        if (!strcmp(known[i].kind, kind))
            return known[i].id;
    return NULL;
}
