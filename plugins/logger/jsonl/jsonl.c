/* Appends one line of JSON for each request to a file. A batch is written whole or not at all: the
 * host gives it again later. Rotation and files are in sink.c. */
#include <headgate/plugin.h>
#include <headgate/units.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink.h"

enum {
    KEEP_DFLT = 5,
    KEEP_MAX = 1000,
    PATH_MAX_LEN = 4096,
    ROTATE_MIN = 4096
};

static const hg_host *H;

struct jsonl {
    hg_inst *self;
    struct sink sink;
    bool sync;   /* to the disk after every batch */
    int trouble; /* the errno that was logged; 0: all is well */
};

/* ---- delivering --------------------------------------------------------------------------- */

/* One line in the gateway's log when trouble begins and one when it ends, not one for each try. */
static void trouble_note(struct jsonl *jsonl, int why)
{
    if (why == jsonl->trouble)
        return;
    jsonl->trouble = why;
    if (why)
        H->log(jsonl->self, HG_ERROR, "cannot write to %s: %s", jsonl->sink.path, strerror(why));
    else
        H->log(jsonl->self, HG_INFO, "writing to %s again", jsonl->sink.path);
}

static hg_rc outcome(struct jsonl *jsonl, int why)
{
    trouble_note(jsonl, why);
    return why ? HG_E_AGAIN : HG_OK;
}

/* A record is one line by contract. White space between its values may be anything, so a line end
 * that is there all the same becomes a space. */
static hg_str line_of(char **copy, hg_str json)
{
    if (json.n == 0 || (!memchr(json.p, '\n', json.n) && !memchr(json.p, '\r', json.n)))
        return json;
    char *to = *copy;

    for (size_t i = 0; i < json.n; i++)
        to[i] = json.p[i] == '\n' || json.p[i] == '\r' ? ' ' : json.p[i];
    *copy += json.n;
    return (hg_str){to, json.n};
}

static size_t copies_len(const hg_record *const *records, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        hg_str json = records[i]->json;

        if (json.n && (memchr(json.p, '\n', json.n) || memchr(json.p, '\r', json.n)))
            len += json.n;
    }
    return len;
}

static hg_rc deliver(void *st, hg_op op, const hg_record *const *records, size_t n)
{
    struct jsonl *jsonl = st;
    struct iovec *pieces = malloc((2 * n + 1) * sizeof *pieces);
    size_t copies_n = copies_len(records, n);
    char *copies = malloc(copies_n + 1), *at = copies;
    uint64_t len = 0;
    int count = 0, why = ENOMEM;

    (void)op;
    for (size_t i = 0; pieces && copies && i < n; i++) {
        hg_str line = line_of(&at, records[i]->json);

        if (line.n == 0)
            continue;
        pieces[count++] = (struct iovec){(void *)(uintptr_t)line.p, line.n};
        pieces[count++] = (struct iovec){(void *)(uintptr_t) "\n", 1};
        len += line.n + 1;
    }
    if (pieces && copies)
        why = count ? sink_write(&jsonl->sink, pieces, count, len) : 0;
    free(copies);
    free(pieces);
    if (why)
        return outcome(jsonl, why);
    if (jsonl->sync)
        trouble_note(jsonl, sink_flush(&jsonl->sink)); /* it is written: not to be given again */
    else
        trouble_note(jsonl, 0);
    return HG_OK;
}

static hg_rc flush(void *st, hg_op op)
{
    struct jsonl *jsonl = st;

    (void)op;
    return outcome(jsonl, sink_flush(&jsonl->sink));
}

static hg_rc reopen(void *st, hg_op op)
{
    struct jsonl *jsonl = st;

    (void)op;
    return outcome(jsonl, sink_reopen(&jsonl->sink));
}

/* ---- settings ----------------------------------------------------------------------------- */

static bool rotate_read(hg_op op, hg_json value, uint64_t *ret_size)
{
    return hg_size_of(H, op, value, 0, ret_size) && (*ret_size == 0 || *ret_size >= ROTATE_MIN);
}

static hg_rc settings_read(struct jsonl *jsonl, hg_op op, hg_json settings)
{
    hg_str path = H->json->str(op, H->json->get(settings, "/path"));
    hg_str fsync = H->json->str(op, H->json->get(settings, "/fsync"));
    int64_t keep = H->json->i64(H->json->get(settings, "/keep"), KEEP_DFLT);

    if (path.n == 0 || path.n > PATH_MAX_LEN || memchr(path.p, '\0', path.n))
        return H->fail(op, HG_E_CONFIG, "path: the file to write to, like \"access.jsonl\"");
    if (!rotate_read(op, H->json->get(settings, "/rotate_size"), &jsonl->sink.rotate_size))
        return H->fail(op, HG_E_CONFIG, "rotate_size: a size of at least 4KB, like \"100MB\"");
    if (keep < 0 || keep > KEEP_MAX)
        return H->fail(op, HG_E_CONFIG, "keep: 0 to %d old files", KEEP_MAX);
    jsonl->sync = fsync.n == 5 && memcmp(fsync.p, "batch", 5) == 0;
    if (fsync.n && !jsonl->sync && !(fsync.n == 5 && memcmp(fsync.p, "never", 5) == 0))
        return H->fail(op, HG_E_CONFIG, "fsync: \"never\" or \"batch\"");
    jsonl->sink.keep = (unsigned)keep;
    jsonl->sink.path = strndup(path.p, path.n);
    return jsonl->sink.path ? HG_OK : H->fail(op, HG_E_NOMEM, "no memory");
}

/* ---- life --------------------------------------------------------------------------------- */

/* The folder of the file, as text of the op. */
static hg_str folder_of(hg_op op, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return HG_S(".");
    return H->fmt(op, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static hg_rc cannot_open(const struct jsonl *jsonl, hg_op op, int why)
{
    const char *path = jsonl->sink.path;
    hg_str folder = folder_of(op, path);
    struct stat st;

    if (why == ENOENT)
        return H->fail(op, HG_E_CONFIG, "path: cannot open %s: there is no folder %.*s", path,
                       (int)folder.n, folder.p);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return H->fail(op, HG_E_CONFIG, "path: %s is a folder", path);
    if (why == ENXIO)
        return H->fail(op, HG_E_CONFIG, "path: cannot open %s: nobody reads from it", path);
    return H->fail(op, HG_E_CONFIG, "path: cannot open %s: %s", path, strerror(why));
}

/* A checker makes no file: it may run as another user than those who will write. */
static hg_rc check_only(const struct jsonl *jsonl, hg_op op)
{
    const char *path = jsonl->sink.path;
    struct stat st;

    if (!path)
        return HG_E_CONFIG;
    hg_str folder = folder_of(op, path);

    if (strncmp(path, "/dev/", 5) == 0)
        return HG_OK;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode)       ? cannot_open(jsonl, op, EISDIR)
               : access(path, W_OK) != 0 ? cannot_open(jsonl, op, errno)
                                         : HG_OK;
    if (stat(folder.p, &st) != 0)
        return cannot_open(jsonl, op, errno);
    return access(folder.p, W_OK) == 0 ? HG_OK : cannot_open(jsonl, op, errno);
}

static void destroy(void *st)
{
    struct jsonl *jsonl = st;

    sink_close(&jsonl->sink);
    free(jsonl->sink.path);
    free(jsonl);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct jsonl *jsonl = calloc(1, sizeof *jsonl);
    int why;

    if (!jsonl)
        return H->fail(op, HG_E_NOMEM, "no memory");
    jsonl->self = self;
    jsonl->sink.fd = -1;
    hg_rc rc = settings_read(jsonl, op, settings);

    if (rc == HG_OK && H->flags & HG_HOST_CHECK) {
        rc = check_only(jsonl, op);
    } else if (rc == HG_OK) {
        why = sink_open(&jsonl->sink);
        rc = why ? cannot_open(jsonl, op, why) : HG_OK;
    }
    if (rc != HG_OK) {
        destroy(jsonl);
        return rc;
    }
    *ret_st = jsonl;
    return HG_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"path\"],\"properties\":{"
    "\"path\":{\"type\":\"string\",\"minLength\":1,"
    "\"description\":\"The file to append to; /dev/stdout and /dev/stderr are known.\"},"
    "\"rotate_size\":{\"type\":\"string\",\"format\":\"bytes\","
    "\"description\":\"Begin a new file when this one would grow beyond; without it, never.\"},"
    "\"keep\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000,\"default\":5,"
    "\"description\":\"How many old files are kept: path.1 is the newest.\"},"
    "\"fsync\":{\"type\":\"string\",\"enum\":[\"never\",\"batch\"],\"default\":\"never\","
    "\"description\":\"Whether each batch is forced to the disk.\"}}}";

static const hg_logger logger = {
    .size = sizeof logger, .deliver = deliver, .flush = flush, .reopen = reopen};

HG_PLUGIN(H, "jsonl", "0.1.0", .summary = "appends one line of JSON for each request to a file",
          .license = "Apache-2.0", .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_LOGGER, &logger}, {0}});
