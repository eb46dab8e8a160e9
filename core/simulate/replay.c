/* Cassettes are kept as the documents they are; an answer is taken from one when it is asked for.
 * Gateways change paths and add members, so a match is by the kind of endpoint and by a body that
 * is equal but for `stream_options`. */
#include "simulate/replay.h"

#include <dirent.h>
#include <errno.h>
#include <headgate/provider.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/frame.h"
#include "simulate/endpoint.h"
#include "simulate/fault.h"
#include "simulate/file.h"

struct cassette {
    json_t *document;
    json_t *body; /* of the request; NULL if it has none or is no JSON */
    char *method;
    char *path; /* of the request, without host and query; NULL: answers by id only */
};

struct replay {
    struct cassette *cassettes;
    size_t count, room;
};

/* ---- reading ------------------------------------------------------------------------------- */

static char *path_of(const char *url)
{
    const char *at = strstr(url, "://");

    at = strchr(at ? at + 3 : url, '/');
    return at ? xstrndup(at, strcspn(at, "?#")) : xstrdup("/");
}

static const char *text_member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Takes the document over. */
static void cassette_add(struct replay *replay, json_t *document)
{
    const json_t *request = json_object_get(document, "request");
    const json_t *body = json_object_get(request, "body");
    const char *url = text_member(request, "url"), *method = text_member(request, "method");

    if (replay->count == replay->room) {
        replay->room = replay->room ? replay->room * 2 : 64;
        replay->cassettes = xrealloc(replay->cassettes, replay->room * sizeof *replay->cassettes);
    }
    replay->cassettes[replay->count++] = (struct cassette){
        .document = document,
        .body = json_is_string(body)
                    ? json_loadb(json_string_value(body), json_string_length(body), 0, NULL)
                    : NULL,
        .path = url ? path_of(url) : NULL,
        .method = xstrdup(method ? method : "POST"),
    };
}

static bool is_cassette(const json_t *document)
{
    const json_t *response = json_object_get(document, "response");

    return text_member(document, "id") && json_is_integer(json_object_get(response, "status")) &&
           json_is_object(json_object_get(response, "headers"));
}

static bool cassette_read(struct replay *replay, const char *path, struct error *error)
{
    struct buffer text = {0};
    json_error_t where;

    if (!file_read(path, &text, error))
        return false;
    json_t *document = json_loadb(buffer_at(&text), text.len, JSON_ALLOW_NUL, &where);

    buffer_done(&text);
    if (!document)
        return error_set(error, "%s:%d: %s", path, where.line, where.text);
    if (!is_cassette(document)) {
        json_decref(document);
        return error_set(error, "%s: not a recording: id or response is missing", path);
    }
    cassette_add(replay, document);
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct cassette *one = a, *other = b;

    return strcmp(text_member(one->document, "id"), text_member(other->document, "id"));
}

static bool folder_read(struct replay *replay, const char *folder, int depth, struct error *error);

static bool entry_read(struct replay *replay, const char *folder, const char *name, int depth,
                       struct error *error)
{
    enum {
        DEEPEST = 8
    };
    struct arena *arena = arena_new();
    const char *path = arena_fmt(arena, "%s/%s", folder, name).p;
    bool fine = true;

    if (text_ends(text_of(name), HG_S(".json")))
        fine = cassette_read(replay, path, error);
    else if (!strchr(name, '.') && depth < DEEPEST)
        fine = folder_read(replay, path, depth + 1, error);
    arena_free(&arena);
    return fine;
}

/* What is no folder below the first one is passed over. */
static bool folder_read(struct replay *replay, const char *folder, int depth, struct error *error)
{
    DIR *dir = opendir(folder);
    bool fine = true;

    if (!dir)
        return depth > 0 || error_set(error, "cannot read %s: %s", folder, strerror(errno));
    for (struct dirent *entry; fine && (entry = readdir(dir));)
        fine = entry_read(replay, folder, entry->d_name, depth, error);
    closedir(dir);
    return fine;
}

struct replay *replay_open(const char *folder, struct error *error)
{
    struct replay *replay = xcalloc(1, sizeof *replay);
    bool fine = folder_read(replay, folder, 0, error);

    if (fine && replay->count == 0)
        fine = error_set(error, "%s holds no recordings", folder);
    if (!fine) {
        replay_free(&replay);
        return NULL;
    }
    qsort(replay->cassettes, replay->count, sizeof *replay->cassettes, by_id);
    return replay;
}

void replay_free(struct replay **replay)
{
    if (!*replay)
        return;
    for (size_t i = 0; i < (*replay)->count; i++) {
        struct cassette *cassette = &(*replay)->cassettes[i];

        json_decref(cassette->document);
        json_decref(cassette->body);
        free(cassette->method);
        free(cassette->path);
    }
    free((*replay)->cassettes);
    free(*replay);
    *replay = NULL;
}

size_t replay_count(const struct replay *replay)
{
    return replay->count;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* The id, or what it begins with. */
static const struct cassette *find_by_id(const struct replay *replay, hg_str id)
{
    const struct cassette *found = NULL;

    for (size_t i = 0; i < replay->count; i++) {
        hg_str name = text_of(text_member(replay->cassettes[i].document, "id"));

        if (text_is(name, id))
            return &replay->cassettes[i];
        if (!found && text_starts(name, id))
            found = &replay->cassettes[i];
    }
    return found;
}

/* Providers and gateways put different things before the endpoint's own name. Where the path names
 * the model all of it counts. */
static hg_str endpoint_of(hg_str path)
{
    const struct endpoint *endpoint = endpoint_find(path);

    return endpoint && !endpoint->root.n && text_ends(path, endpoint->path) ? endpoint->path : path;
}

static bool same_endpoint(const struct cassette *cassette, const struct ask *ask)
{
    return cassette->path &&
           text_is_nocase(text_of(cassette->method), http_method_name(ask->head->method)) &&
           text_is(endpoint_of(text_of(cassette->path)), endpoint_of(ask->head->path));
}

/* The number of members that are the same in both; a model that is the same counts for more than
 * all others. */
static size_t likeness(const json_t *recorded, const json_t *asked)
{
    size_t same = 0;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)recorded, name, value)
        if (json_equal(value, json_object_get(asked, name)))
            same += strcmp(name, "model") == 0 ? 1000 : 1;
    return same;
}

static size_t members_beside(const json_t *object, const char *name)
{
    return json_object_size(object) - (json_object_get(object, name) ? 1 : 0);
}

/* Equal, whatever is said about usage in streams. */
static bool same_body(const struct cassette *cassette, const json_t *asked)
{
    const char *name;
    json_t *value;

    if (!cassette->body || !asked)
        return !cassette->body && !asked;
    if (members_beside(cassette->body, "stream_options") != members_beside(asked, "stream_options"))
        return false;
    json_object_foreach(cassette->body, name, value)
        if (strcmp(name, "stream_options") != 0 && !json_equal(value, json_object_get(asked, name)))
            return false;
    return true;
}

/* Of several equal requests the one whose path is the same too. */
static const struct cassette *find_equal(const struct replay *replay, const struct ask *ask)
{
    const struct cassette *found = NULL;

    for (size_t i = 0; i < replay->count; i++) {
        const struct cassette *cassette = &replay->cassettes[i];

        if (!same_endpoint(cassette, ask) || !same_body(cassette, ask->document))
            continue;
        if (text_is(text_of(cassette->path), ask->head->path))
            return cassette;
        if (!found)
            found = cassette;
    }
    return found;
}

static const struct cassette *find_nearest(const struct replay *replay, const struct ask *ask)
{
    const struct cassette *nearest = NULL;
    size_t best = 0;

    for (size_t i = 0; i < replay->count; i++) {
        const struct cassette *cassette = &replay->cassettes[i];
        size_t like = 1 + likeness(cassette->body, ask->document);

        if (same_endpoint(cassette, ask) && like > best)
            nearest = cassette, best = like;
    }
    return nearest;
}

/* ---- answering ------------------------------------------------------------------------------- */

static void set_headers(struct reply *reply, const json_t *headers)
{
    static const char *const framing[] = {"content-length", "transfer-encoding", "connection",
                                          "content-encoding", "keep-alive"};
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)headers, name, value) {
        bool skip = !json_is_string(value);

        for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
            skip = skip || strcasecmp(name, framing[i]) == 0;
        if (strcasecmp(name, "content-type") == 0)
            reply->content_type = text_of(json_string_value(value));
        else if (!skip)
            reply->headers = arena_fmt(reply->arena, "%.*s%s: %s\r\n", TEXT_ARG(reply->headers),
                                       name, json_string_value(value));
    }
}

static uint32_t framing_of(hg_str content_type)
{
    static const hg_str aws = {"application/vnd.amazon.eventstream", 34};

    return text_starts(content_type, aws) ? HG_FRAME_AWS : HG_FRAME_SSE;
}

/* Whole events are pieces, so that delays come between them; what follows the last is one more. */
static void add_events(struct reply *reply, hg_str body)
{
    reply->is_stream = true;
    reply->framing = framing_of(reply->content_type);
    while (body.n) {
        size_t n = frame_first(reply->framing, body);

        if (n == 0 || n > body.n)
            n = body.n;
        reply_add(reply, (hg_str){body.p, n}, true);
        body.p += n, body.n -= n;
    }
}

static void answer_from(const struct cassette *cassette, struct reply *reply)
{
    const json_t *response = json_object_get(cassette->document, "response");
    const json_t *body = json_object_get(response, "body");
    hg_str text = json_is_string(body)
                      ? (hg_str){json_string_value(body), json_string_length(body)}
                      : base64_decode(reply->arena, document_member_text(response, "body_base64"));

    reply->status = (unsigned)json_integer_value(json_object_get(response, "status"));
    set_headers(reply, json_object_get(response, "headers"));
    if (json_is_true(json_object_get(response, "is_stream")))
        add_events(reply, text);
    else
        reply_add(reply, text, false);
}

void replay_answer(const struct replay *replay, const struct ask *ask, struct reply *reply)
{
    hg_str id = ask->rule->cassette;
    const struct cassette *found = id.n ? find_by_id(replay, id) : find_equal(replay, ask);

    if (found) {
        answer_from(found, reply);
        return;
    }
    const struct cassette *nearest = find_nearest(replay, ask);
    const char *name = nearest ? text_member(nearest->document, "id") : "none";

    struct fault fault = {.status = 404, .code = HG_S("no_recording")};

    fault.message =
        id.n ? arena_fmt(ask->arena, "There is no recording \"%.*s\".", TEXT_ARG(id))
             : arena_fmt(ask->arena, "No recording equals this request. The nearest is %s.", name);
    fault_answer(reply, ask->dialect, &fault);
}
