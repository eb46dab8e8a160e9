#include "simulate/spec.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "simulate/file.h"
#include "simulate/spec_schema.h"
#include "simulate/spec_shapes.h"

struct operation {
    hg_str path;  /* "/model/{modelId}/converse" */
    hg_str query; /* "beta=true"; empty: whatever it is */
    const json_t *root, *schema;
};

struct spec {
    json_t *documents; /* what the operations point into */
    struct operation *operations;
    size_t count, room;
};

/* ---- reading ------------------------------------------------------------------------------- */

static void operation_add(struct spec *spec, const json_t *root, const char *path,
                          const json_t *body)
{
    const json_t *media = json_object_get(json_object_get(body, "content"), "application/json");
    const json_t *schema = json_object_get(media, "schema");
    hg_str query, plain = text_cut(text_of(path), '?', &query);

    if (!schema)
        return;
    if (spec->count == spec->room) {
        spec->room = spec->room ? spec->room * 2 : 64;
        spec->operations = xrealloc(spec->operations, spec->room * sizeof *spec->operations);
    }
    spec->operations[spec->count++] = (struct operation){plain, query, root, schema};
}

/* Takes the document over; false if it describes nothing. */
static bool document_add(struct spec *spec, json_t *document)
{
    json_t *converted, *path;
    const char *name;

    if (json_object_get(document, "operations") && json_object_get(document, "shapes")) {
        converted = spec_shapes_convert(document);
        json_decref(document);
        document = converted;
    }
    if (!json_is_object(json_object_get(document, "paths"))) {
        json_decref(document);
        return false;
    }
    json_array_append_new(spec->documents, document);
    json_object_foreach(json_object_get(document, "paths"), name, path) {
        const json_t *post = json_object_get(path, "post");
        const json_t *body = json_object_get(post, "requestBody");
        const char *ref = json_string_value(json_object_get(body, "$ref"));

        operation_add(spec, document, name, ref ? spec_schema_target(document, ref) : body);
    }
    return true;
}

/* Whole numbers beyond 64 bits, which descriptions have as limits, as real ones of the same length:
 * "-9223372036854776000" becomes "-9.223372036854e18  ". */
static void number_shorten(char *digits, size_t n)
{
    char number[24];
    int used = snprintf(number, sizeof number, "%c.%.12se%zu", digits[0], digits + 1, n - 1);

    memset(digits, ' ', n);
    memcpy(digits, number, (size_t)used);
}

static void numbers_shorten(char *text, size_t len)
{
    enum {
        FITS = 18,
        LONGEST = 300
    };
    bool in_string = false;

    for (size_t i = 0, n; i < len; i += n) {
        for (n = 0; !in_string && i + n < len && isdigit((unsigned char)text[i + n]);)
            n++;
        if (n > FITS && n < LONGEST && (i == 0 || text[i - 1] != '.') &&
            (i + n == len || !strchr(".eE", text[i + n])))
            number_shorten(text + i, n);
        if (n)
            continue;
        if (text[i] == '"')
            in_string = !in_string;
        n = in_string && text[i] == '\\' ? 2 : 1;
    }
}

static bool read_file(struct spec *spec, const char *path, struct error *error)
{
    struct buffer text = {0};
    json_error_t where;

    if (!file_read(path, &text, error))
        return false;
    numbers_shorten(buffer_at(&text), text.len);
    const char *start = text.len ? buffer_at(&text) : "";
    json_t *document = json_loadb(start, text.len, JSON_ALLOW_NUL, &where);

    buffer_done(&text);
    if (!document)
        return error_set(error, "%s:%d: no JSON (convert YAML to JSON first): %s", path, where.line,
                         where.text);
    return document_add(spec, document) ||
           error_set(error, "%s: no OpenAPI document and no service model of AWS", path);
}

/* What is not called JSON may be anything, and is passed over if it is no description. */
static bool read_entry(struct spec *spec, const char *folder, const char *name, struct error *error)
{
    struct arena *arena = arena_new();
    bool must = text_ends(text_of(name), HG_S(".json"));
    bool fine = read_file(spec, arena_fmt(arena, "%s/%s", folder, name).p, must ? error : NULL);

    arena_free(&arena);
    return fine || !must;
}

static bool read_folder(struct spec *spec, const char *folder, struct error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    bool fine = count >= 0 || error_set(error, "cannot read %s: %s", folder, strerror(errno));

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        fine = fine && (*name == '.' || read_entry(spec, folder, name, error));
        free(entries[i]);
    }
    free(entries);
    return fine;
}

struct spec *spec_open(const char *path, struct error *error)
{
    struct spec *spec = xcalloc(1, sizeof *spec);
    struct stat status;
    bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode), fine;

    spec->documents = json_array();
    fine = is_folder ? read_folder(spec, path, error) : read_file(spec, path, error);
    if (fine && !spec->count)
        fine = error_set(error, "%s describes no request with a JSON body", path);
    if (!fine)
        spec_free(&spec);
    return spec;
}

void spec_free(struct spec **spec)
{
    if (!*spec)
        return;
    json_decref((*spec)->documents);
    free((*spec)->operations);
    free(*spec);
    *spec = NULL;
}

size_t spec_count(const struct spec *spec)
{
    return spec->count;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* The last segment of *rest, with its slash, which is cut off. */
static hg_str segment_last(hg_str *rest)
{
    const char *slash = rest->n ? memrchr(rest->p, '/', rest->n) : NULL;
    size_t at = slash ? (size_t)(slash - rest->p) : 0;
    hg_str last = {rest->p + at, rest->n - at};

    rest->n = at;
    return last;
}

/* How many segments of the template the path ends with; 0 if not with all of it. */
static unsigned segments_matched(hg_str template, hg_str path)
{
    unsigned count = 0;

    while (template.n) {
        hg_str wanted = segment_last(&template), given = segment_last(&path);
        bool is_open = text_starts(wanted, HG_S("/{")) && text_ends(wanted, HG_S("}"));

        if (given.n < 2 || (!is_open && !text_is(wanted, given)))
            return 0;
        count++;
    }
    return count;
}

/* Anthropic describes its beta on a path of its own; clients may say in the head that they mean it.
 */
static bool query_fits(hg_str wanted, const struct head *head)
{
    hg_str given = head->query;

    if (!wanted.n || (given.n && memmem(given.p, given.n, wanted.p, wanted.n)))
        return true;
    return text_is(wanted, HG_S("beta=true")) && head_field(head, HG_S("anthropic-beta")).n;
}

/* Base URLs may put anything before a path: the longest description that it ends with counts. */
static const struct operation *operation_find(const struct spec *spec, const struct head *head)
{
    const struct operation *found = NULL;
    unsigned best = 0;

    for (size_t i = 0; i < spec->count; i++) {
        const struct operation *operation = &spec->operations[i];
        unsigned matched = 2 * segments_matched(operation->path, head->path);

        matched += matched && operation->query.n;
        if (matched > best && query_fits(operation->query, head))
            found = operation, best = matched;
    }
    return found;
}

bool spec_check(const struct spec *spec, const struct ask *ask, hg_str *ret_place,
                hg_str *ret_reason)
{
    const struct operation *operation = NULL;

    if (ask->head->method == METHOD_POST && ask->document)
        operation = operation_find(spec, ask->head);
    return !operation || spec_schema_check(ask->arena, operation->root, operation->schema,
                                           ask->document, ret_place, ret_reason);
}
