#include "gateway/models/hints.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/models/alias.h"
#include "gateway/models/catalogue.h"
#include "gateway/models/vendor.h"
#include "gateway/target.h"

enum {
    SOON = 300 /* three months, as dates are written */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Another number is another version, which may be newer than the catalogue, and no misspelling. */
static bool same_numbers(hg_str a, hg_str b)
{
    size_t i = 0, k = 0;

    for (;;) {
        while (i < a.n && !is_digit(a.p[i]))
            i++;
        while (k < b.n && !is_digit(b.p[k]))
            k++;
        if (i == a.n || k == b.n)
            return i == a.n && k == b.n;
        if (a.p[i++] != b.p[k++])
            return false;
    }
}

static hg_str gone_hint(uint32_t date, uint32_t today, char *room)
{
    int n = 0;

    if (date == 1)
        n = snprintf(room, HINT_ROOM, "is deprecated");
    else if (date && date < today + SOON)
        n = snprintf(room, HINT_ROOM, "%s on %04u-%02u-%02u", date <= today ? "went" : "goes",
                     date / 10000, date / 100 % 100, date % 100);
    return (hg_str){room, (size_t)n};
}

hg_str hint_for(hg_str vendor, hg_str model, uint32_t today, char room[static HINT_ROOM])
{
    const struct model_facts *facts = catalogue_find(vendor, model);
    const char *near = facts ? NULL : catalogue_suggest(vendor, model);
    int n;

    if (facts)
        return gone_hint(facts->deprecated, today, room);
    if (!near || !same_numbers(text_of(near), model))
        return HG_S("");
    n = snprintf(room, HINT_ROOM, "is not known; did you mean '%s'?", near);
    return (hg_str){room, (size_t)n};
}

static uint32_t date_of_today(void)
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm tm;

    gmtime_r(&now, &tm);
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

static void hint(const struct config_instance *provider, hg_str model)
{
    char room[HINT_ROOM];
    hg_str text = hint_for(vendor_of(provider), model, date_of_today(), room);

    if (text.n)
        log_warn("model '%s/%.*s' %.*s", provider->name, TEXT_ARG(model), TEXT_ARG(text));
}

void hints_log(const struct gateway *gateway)
{
    for (const struct target *at = gateway->targets; at; at = at->next)
        if (*at->model)
            hint(at->config, text_of(at->model));
    for (size_t i = 0; i < gateway->alias_count; i++) {
        hg_str model, name = text_cut(gateway->aliases[i].target, '/', &model);
        const struct config_instance *provider = config_instance(gateway->config, "provider", name);

        if (provider)
            hint(provider, model);
    }
}
