/* loader.h - from a file to a descriptor: found, checked by its note, copied, mapped, asked once.
 *
 *   <dir>/guard_pii.so ─► note ─► <run_dir>/plugins/<sha256>.so ─► dlopen ─► headgate_plugin_v0(H)
 *
 * The private copy is what gets mapped, so that overwriting a plugin file never touches a running
 * gateway. Nothing is ever unloaded. The only user of dlfcn.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <headgate/plugin.h>

#include "base/error.h"

struct plugin;
struct plugin_host;

/* The file of a plugin: <kind>_<name>.so, else <name>.so, in the folders of `path` (separated by
 * colons); a name with a slash is a file itself. Freed by the caller; NULL and why. */
char *plugin_find(const char *path, const char *kind, const char *name, struct error *error);

/* Where to look: HEADGATE_PLUGIN_PATH (for builds that are not installed) if set, then `configured`
 * (may be NULL), then the folder of the installation. Freed by the caller. */
char *plugin_path(const char *configured);

/* Maps it, or finds that the same bytes are mapped already. Owned by the host. NULL and a line such
 * as "plugin 'pii' (guard_pii.so): needs ABI 0.3, this gateway has 0.0: ...". */
struct plugin *plugin_load(struct plugin_host *host, const char *file, struct error *error);

/* The same for one that is linked into the program (or into a test). */
struct plugin *plugin_static(struct plugin_host *host, const hg_plugin *(*entry)(const hg_host *),
                             struct error *error);

const char *plugin_name(const struct plugin *plugin);
const char *plugin_version(const struct plugin *plugin);
const char *plugin_file(const struct plugin *plugin); /* "built in" if it has none */
const hg_plugin *plugin_descriptor(const struct plugin *plugin);

/* The functions of an interface, by id; NULL if it does not offer it. */
const void *plugin_iface(const struct plugin *plugin, const char *id);
