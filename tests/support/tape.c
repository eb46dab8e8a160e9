#include "support/tape.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"

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
        .body = bytes_of(arena, response),
    };
}

static bool tapes_find(glob_t *ret)
{
    const char *shared = getenv("HEADGATE_SHARED");
    char pattern[1024];

    snprintf(pattern, sizeof pattern, "%s/cassettes/*/*.json", shared ? shared : "../shared");
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
