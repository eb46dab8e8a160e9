/* Plugins that are wrong in one way each; -DBAD_... says in which. */
#include <headgate/plugin.h>

#define OTHER_NAME   "good"
#define WRONG_SCHEMA "{\"type\":\"object\",\"propertys\":{}}"

#ifndef BAD_MAJOR
#    define BAD_MAJOR HG_ABI_MAJOR
#endif
#ifndef BAD_MINOR
#    define BAD_MINOR HG_ABI_MINOR
#endif
#ifndef BAD_SIZE
#    define BAD_SIZE sizeof(hg_plugin)
#endif
#ifndef BAD_NOTE_SIZE
#    define BAD_NOTE_SIZE sizeof(hg_plugin)
#endif
#ifndef BAD_MAGIC
#    define BAD_MAGIC HG_MAGIC
#endif
#ifndef BAD_NAME
#    define BAD_NAME "bad"
#endif
#ifndef BAD_GUARD_SIZE
#    define BAD_GUARD_SIZE sizeof(hg_guard)
#endif
#ifndef BAD_CHECK
#    define BAD_CHECK check
#endif
#ifndef BAD_SCHEMA
#    define BAD_SCHEMA NULL
#endif

#ifndef BAD_NO_NOTE
static const struct hg_elf_note note
    __attribute__((section(".note.headgate"), used, aligned(4))) = {9,
                                                                    sizeof(struct hg_elf_note) - 24,
                                                                    HG_NOTE_TYPE,
                                                                    HG_NOTE_OWNER,
                                                                    BAD_MAJOR,
                                                                    BAD_MINOR,
                                                                    BAD_NOTE_SIZE,
                                                                    sizeof(hg_host),
                                                                    "bad",
                                                                    "1.0"};
#endif

static hg_rc __attribute__((unused))
check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)st, (void)op, (void)in, (void)out;
    return HG_OK;
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    (void)self, (void)op, (void)settings, (void)ret_st;
#ifdef BAD_CRASH
    __builtin_trap();
#endif
    return HG_OK;
}

static const hg_guard guard = {.size = BAD_GUARD_SIZE, .check = BAD_CHECK};
static const hg_iface ifaces[] = {{HG_GUARD, &guard}, {NULL, NULL}};
static const hg_plugin plugin = {
    .size = BAD_SIZE,
    .magic = BAD_MAGIC,
    .abi_major = BAD_MAJOR,
    .abi_minor = BAD_MINOR,
    .name = BAD_NAME,
    .version = "1.0",
    .schema = BAD_SCHEMA,
    .create = create,
    .ifaces = ifaces,
};

#ifdef BAD_NO_ENTRY
HG_EXPORT const hg_plugin *headgate_plugin_v7(const hg_host *host);
#    define headgate_plugin_v0 headgate_plugin_v7
#endif

const hg_plugin *headgate_plugin_v0(const hg_host *host)
{
    (void)host;
#ifdef BAD_NOTHING
    return plugin.flags ? &plugin : NULL;
#else
    return &plugin;
#endif
}
