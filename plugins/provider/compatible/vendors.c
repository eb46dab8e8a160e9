#include "vendors.h"

#include "common/words.h"

static const struct vendor *const lists[] = {vendors_makers, vendors_hosts, vendors_routers,
                                             vendors_local, NULL};

const struct vendor *vendor_at(size_t i)
{
    for (const struct vendor *const *list = lists; *list; list++) {
        for (const struct vendor *vendor = *list; vendor->name; vendor++) {
            if (i-- == 0)
                return vendor;
        }
    }
    return NULL;
}

const struct vendor *vendor_find(hg_str name)
{
    const struct vendor *vendor;

    for (size_t i = 0; (vendor = vendor_at(i)); i++) {
        if (word_is(name, vendor->name))
            return vendor;
    }
    return NULL;
}
