/* headgate/plugin.h - the whole contract between Headgate and a plugin: include this one.
 *
 * A plugin is a shared object with one exported function and one ELF note. The function returns a
 * descriptor; the note says the same in a form that tools read without running anything. See
 * headgate/abi.h for the five rules and headgate-plugin(7) for a walk through. */
#ifndef HEADGATE_PLUGIN_H
#define HEADGATE_PLUGIN_H

#include <headgate/abi.h>
#include <headgate/app.h>
#include <headgate/bytes.h>
#include <headgate/cache.h>
#include <headgate/guard.h>
#include <headgate/host.h>
#include <headgate/json.h>
#include <headgate/logger.h>
#include <headgate/provider.h>
#include <headgate/request.h>
#include <headgate/secrets.h>
#include <headgate/services.h>
#include <headgate/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An interface by id (HG_PROVIDER, HG_CACHE, ...) and its table of functions. */
typedef struct hg_iface {
    const char *id;
    const void *vt;
} hg_iface;

typedef struct hg_plugin {
    uint32_t size, magic;
    uint16_t abi_major, abi_minor; /* what it needs */
    uint32_t flags;
    const char *name, *version;          /* required, NUL-terminated like all below */
    const char *summary, *license, *url; /* may be NULL */
    const char *schema;                  /* JSON Schema of the settings; NULL: it has none */

    /* Makes an instance. `settings` have been checked against the schema and completed with its
     * defaults; they, and texts taken from them, outlive the state. May be pending. On failure
     * say why with H->fail and leave nothing behind: destroy is not called. */
    hg_rc (*create)(hg_inst *, hg_op, hg_json settings, void **ret_st);

    /* Takes an instance down. None of its ops are alive. May be NULL. */
    void (*destroy)(void *st);

    const hg_iface *ifaces; /* ends with {0} */
} hg_plugin;

/* What a shared object exports. When it is linked into the core instead, -DHG_STATIC=name gives the
 * function that suffix. */
#ifdef HG_STATIC
#    define HG_CAT_(a, b)      a##b
#    define HG_CAT(a, b)       HG_CAT_(a, b)
#    define headgate_plugin_v0 HG_CAT(headgate_plugin_v0_, HG_STATIC)
#endif
HG_EXPORT const hg_plugin *headgate_plugin_v0(const hg_host *);

/* The ELF note: section .note.headgate, owner "Headgate", type 1. `id` and `version` are
 * NUL-padded. */
#define HG_NOTE_OWNER "Headgate"
#define HG_NOTE_TYPE  1u
struct hg_elf_note {
    uint32_t namesz, descsz, type;
    char name[12]; /* the owner with its NUL, padded to 4 bytes */
    uint16_t major, minor;
    uint32_t plugin_size, host_size;
    char id[64], version[32];
};

/* Defines the entry and the note:
 *     static const hg_host *H;
 *     HG_PLUGIN(H, "name", "1.0.0", .create = create, .ifaces = ...); */
#define HG_PLUGIN(H, NAME, VERSION, ...)                                                  \
    static const struct hg_elf_note hg_note_ __attribute__((                              \
        section(".note.headgate"), used, aligned(4))) = {9,                               \
                                                         sizeof(struct hg_elf_note) - 24, \
                                                         HG_NOTE_TYPE,                    \
                                                         HG_NOTE_OWNER,                   \
                                                         HG_ABI_MAJOR,                    \
                                                         HG_ABI_MINOR,                    \
                                                         sizeof(hg_plugin),               \
                                                         sizeof(hg_host),                 \
                                                         NAME,                            \
                                                         VERSION};                        \
    static const hg_plugin hg_plugin_;                                                    \
    const hg_plugin *headgate_plugin_v0(const hg_host *host)                              \
    {                                                                                     \
        H = host;                                                                         \
        return &hg_plugin_;                                                               \
    }                                                                                     \
    static const hg_plugin hg_plugin_ = {.size = sizeof(hg_plugin),                       \
                                         .magic = HG_MAGIC,                               \
                                         .abi_major = HG_ABI_MAJOR,                       \
                                         .abi_minor = HG_ABI_MINOR,                       \
                                         .name = NAME,                                    \
                                         .version = VERSION,                              \
                                         __VA_ARGS__}

#ifdef __cplusplus
}
#endif
#endif
