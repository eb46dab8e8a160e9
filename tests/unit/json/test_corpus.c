/* The public suites of hostile JSON and UTF-8 in the shared folder, if it is there. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/index.h"
#include "json/write.h"

static char folder[512];

static hg_str file_read(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        return (hg_str){NULL, 0};
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file);
    char *text = malloc(n + 1); /* the exact size, for ASan */

    rewind(file);
    ck_assert_uint_eq(fread(text, 1, n, file), n);
    fclose(file);
    text[n] = 0;
    hg_str copy = arena_text(arena, (hg_str){text, n});

    free(text);
    return copy;
}

static void walk(struct arena *arena, hg_json value)
{
    hg_json_it it = {{0, 0}};
    hg_json child;
    hg_str key;

    json_str(arena, value);
    json_i64(value, 0);
    while (json_next(value, &it, &key, &child)) {
        json_unescape(arena, key);
        walk(arena, child);
    }
}

START_TEST(each_file_is_taken_as_its_name_says)
{
    char path[1024];
    unsigned seen = 0;
    DIR *files;

    snprintf(path, sizeof path, "%s/json/test_parsing", folder);
    files = opendir(path);
    ck_assert_ptr_nonnull(files);
    for (struct dirent *entry; (entry = readdir(files));) {
        struct arena *arena = arena_new();
        hg_json root = {0};

        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/json/test_parsing/%s", folder, entry->d_name);
            bool taken = json_parse(arena, file_read(arena, path), &root, NULL);

            /* A key twice at the top is ours to refuse; the suite leaves it open. */
            if (entry->d_name[0] == 'y' && !strstr(entry->d_name, "duplicated_key"))
                ck_assert_msg(taken, "%s", entry->d_name);
            if (entry->d_name[0] == 'n')
                ck_assert_msg(!taken, "%s", entry->d_name);
            if (taken)
                walk(arena, root);
            seen++;
        }
        arena_free(&arena);
    }
    closedir(files);
    ck_assert_uint_gt(seen, 200);
}
END_TEST

static hg_str unhexed(struct arena *arena, hg_str hex)
{
    char *bytes = arena_alloc(arena, hex.n / 2 + 1);

    for (size_t i = 0; i < hex.n / 2; i++)
        bytes[i] = (char)strtol((char[]){hex.p[2 * i], hex.p[2 * i + 1], 0}, NULL, 16);
    return (hg_str){bytes, hex.n / 2};
}

static void utf8_case(struct arena *arena, hg_str line)
{
    struct chain *out = chain_new(arena), *raw = chain_new(arena);
    hg_json test = {0}, root;

    ck_assert(json_parse(arena, line, &test, NULL));
    hg_str bytes = unhexed(arena, json_raw_str(json_get(test, "/bytes_hex")));
    hg_str mended = unhexed(arena, json_raw_str(json_get(test, "/replace_hex")));
    bool valid = json_is_yes(json_get(test, "/valid"));

    if (valid)
        mended = bytes;
    json_put_str(out, bytes);
    ck_assert(json_parse(arena, chain_flat(out, arena), &root, NULL));
    ck_assert_msg(json_is(root, mended), "%.*s", TEXT_ARG(line));

    CHAIN_PUT_LIT(raw, "\"");
    chain_put(raw, bytes.p, bytes.n);
    CHAIN_PUT_LIT(raw, "                                \"");
    bool odd = false;

    for (size_t i = 0; i < bytes.n; i++)
        odd |= (unsigned char)bytes.p[i] < 0x20 || bytes.p[i] == '"' || bytes.p[i] == '\\';
    if (!odd)
        ck_assert_msg(json_parse(arena, chain_flat(raw, arena), &root, NULL) == valid, "%.*s",
                      TEXT_ARG(line));
}

START_TEST(utf8_is_told_from_what_is_not)
{
    struct arena *arena = arena_new();
    char path[1024];
    unsigned seen = 0;

    snprintf(path, sizeof path, "%s/utf8/utf8tests.jsonl", folder);
    hg_str rest = file_read(arena, path);

    while (rest.n) {
        utf8_case(arena, text_cut(rest, '\n', &rest));
        seen++;
    }
    ck_assert_uint_gt(seen, 100);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    const char *shared = getenv("HEADGATE_SHARED");
    DIR *found;

    snprintf(folder, sizeof folder, "%s/bad-input", shared ? shared : "../shared");
    found = opendir(folder);
    if (!found) {
        puts("skipped: no cassettes");
        return 77; /* what automake takes for skipped */
    }
    closedir(found);
    Suite *suite = suite_create("json/corpus");
    TCase *tcase = tcase_create("corpus");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, each_file_is_taken_as_its_name_says);
    tcase_add_test(tcase, utf8_is_told_from_what_is_not);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
