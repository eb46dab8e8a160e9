#include "support/tape.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "support/canonical.h"

static hg_str file_read(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file);
    char *text = arena_alloc(arena, n + 1);

    rewind(file);
    ck_assert_uint_eq(fread(text, 1, n, file), n);
    fclose(file);
    return (hg_str){text, n};
}

static const char *short_name(struct arena *arena, const char *path)
{
    const char *name = strrchr(path, '/');

    while (name > path && name[-1] != '/')
        name--;
    hg_str whole = arena_text(arena, text_of(name));
    char *copy = arena_alloc(arena, whole.n + 1);

    snprintf(copy, whole.n + 1, "%.*s", (int)(whole.n - 5), name);
    return copy;
}

static hg_str type_of(struct arena *arena, hg_json headers)
{
    hg_str rest, type = json_str(arena, json_member(headers, HG_S("content-type")));

    return text_trim(text_cut(type, ';', &rest));
}

static hg_str bytes_of(struct arena *arena, hg_json part)
{
    hg_json coded = json_member(part, HG_S("body_base64"));

    if (coded.kind)
        return base64_decode(arena, json_str(arena, coded));
    return json_str(arena, json_member(part, HG_S("body")));
}

static void tape_read(struct arena *arena, const char *path, struct tape *ret)
{
    hg_json doc, response, request;

    ck_assert_msg(json_parse(arena, file_read(arena, path), &doc, NULL), "%s", path);
    response = json_member(doc, HG_S("response"));
    request = json_member(doc, HG_S("request"));
    *ret = (struct tape){
        .arena = arena,
        .name = short_name(arena, path),
        .doc = doc,
        .derived = json_member(doc, HG_S("derived")),
        .endpoint = json_str(arena, json_member(doc, HG_S("endpoint"))),
        .family = json_str(arena, json_member(doc, HG_S("family"))),
        .request = bytes_of(arena, request),
        .url = json_str(arena, json_member(request, HG_S("url"))),
        .status = (int)json_i64(json_member(response, HG_S("status")), 0),
        .content_type = type_of(arena, json_member(response, HG_S("headers"))),
        .is_stream = json_is_yes(json_member(response, HG_S("is_stream"))),
        .is_binary = json_member(response, HG_S("body_base64")).kind == HG_J_STR,
        .body = bytes_of(arena, response),
    };
}

/* ---- the folder ------------------------------------------------------------------------------ */

static const char *shared_folder(void)
{
    const char *shared = getenv("HEADGATE_SHARED");

    return shared ? shared : "../shared";
}

hg_str shared_read(struct arena *arena, const char *path)
{
    char whole[1024];

    snprintf(whole, sizeof whole, "%s/%s", shared_folder(), path);
    return file_read(arena, whole);
}

static bool tapes_find(glob_t *ret)
{
    char pattern[1024];

    snprintf(pattern, sizeof pattern, "%s/cassettes/*/*.json", shared_folder());
    return glob(pattern, 0, NULL, ret) == 0;
}

bool tapes_exist(void)
{
    glob_t found;

    if (!tapes_find(&found))
        return false;
    globfree(&found);
    return true;
}

void tapes_each(void (*on_tape)(const struct tape *tape, void *arg), void *arg)
{
    glob_t found;

    if (!tapes_find(&found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct arena *arena = arena_new();
        struct tape tape;

        tape_read(arena, found.gl_pathv[i], &tape);
        on_tape(&tape, arg);
        arena_free(&arena);
    }
    globfree(&found);
}

int tapes_run(const struct suite *suite)
{
    if (tapes_exist())
        return suite_run(suite);
    puts("skipped: no cassettes");
    return 77; /* what automake takes for skipped */
}

/* ---- against another reader ------------------------------------------------------------------ */

hg_str tape_told(const struct tape *tape, const char *place)
{
    return json_str(tape->arena, json_get(tape->derived, place));
}

void tape_same(const struct tape *tape, hg_str got, hg_str want, const char *what)
{
    ck_assert_msg(text_is(got, want), "%s: %s\n got '%.*s'\nwant '%.*s'", tape->name, what,
                  TEXT_ARG(got), TEXT_ARG(want));
}

void tape_call_same(const struct tape *tape, hg_json call, hg_str name, hg_str args)
{
    hg_str want = json_str(tape->arena, json_member(call, HG_S("arguments")));

    tape_same(tape, name, json_str(tape->arena, json_member(call, HG_S("name"))), "name of a call");
    tape_same(tape, canonical_text(tape->arena, args), canonical_text(tape->arena, want),
              "arguments");
}
