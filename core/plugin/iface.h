/* iface.h - the interfaces that this program knows, and copies of a plugin's tables in its sizes:
 * members that an older plugin does not have are NULL there. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

#include "base/error.h"

struct iface_copies;

/* NULL and what is wrong with one of its tables. Ids that are not known are logged and ignored. */
struct iface_copies *iface_copies_new(const hg_plugin *plugin, struct error *error);
void iface_copies_free(struct iface_copies **copies);

/* The table of that very id, revision included; NULL if the plugin does not offer it. */
const void *iface_copy(const struct iface_copies *copies, const char *id);

/* The id for a kind of instance ("guard"); NULL if there is no such kind. */
const char *iface_of_kind(const char *kind);
