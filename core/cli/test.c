/* headgate test: runs *_test.lua files on the real engine and the real library, with targets that
 * answer what the test says (lua/headgate/test_host.lua) and a clock that jumps to whatever is due
 * next. Here: which files, and the sum of it all. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/test.h"

enum {
    FILES_MAX = 4096,
    DEPTH_MAX = 8
};

struct files {
    char *list[FILES_MAX];
    size_t count;
};

static bool collect(struct files *files, const char *path, int depth, struct error *error);

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool collect_folder(struct files *files, const char *path, int depth, struct error *error)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    bool is_good = count >= 0;

    if (!is_good)
        return error_set(error, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char below[4096];
        struct stat st;

        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);

        bool is_wanted = stat(below, &st) == 0 &&
                         (S_ISDIR(st.st_mode) || text_ends(text_of(below), text_of("_test.lua")));

        if (is_good && is_wanted)
            is_good = collect(files, below, depth - 1, error);
        free(entries[i]);
    }
    free(entries);
    return is_good;
}

static bool collect(struct files *files, const char *path, int depth, struct error *error)
{
    struct stat st;
    size_t len = strlen(path);

    if (stat(path, &st) != 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    while (len > 1 && path[len - 1] == '/')
        len--;

    char *name = xstrndup(path, len);
    bool is_good = true;

    if (S_ISDIR(st.st_mode)) {
        is_good = depth > 0 ? collect_folder(files, name, depth, error)
                            : error_set(error, "%s: too many folders in each other", name);
    } else if (!text_ends(text_of(name), text_of("_test.lua"))) {
        is_good = error_set(error, "%s: the name of a test ends with _test.lua", name);
    } else if (files->count < FILES_MAX) {
        files->list[files->count++] = xstrdup(name);
    }
    free(name);
    return is_good;
}

int cli_test(int argc, char **argv)
{
    struct files *files = xcalloc(1, sizeof *files);
    struct test_run run = {0};
    const struct cli_option option[] = {
        {"verbose", 'v', NULL, "count instructions and show the log of each test", &run.is_verbose,
         NULL},
        {"lua-path", 0, "DIR", "use the Lua library below DIR instead of the one inside", NULL,
         &run.library_path},
        {0},
    };
    const struct cli_options options = {
        .usage = "headgate test [-v] [FILE or FOLDER]...",
        .about = "Runs the tests of routes: files whose names end with _test.lua, those below a\n"
                 "folder, by default below routes. Providers are played by the test, and time is\n"
                 "only counted, so a test of a timeout takes no time.",
        .option = option,
        .words_max = 1000,
    };
    int words = 0, status = cli_parse(&options, argc, argv, &words);
    struct error error = {""};
    bool is_good = status == CLI_GO_ON;

    if (is_good && words == 0)
        is_good = collect(files, "routes", DEPTH_MAX, &error);
    for (int i = 1; is_good && i <= words; i++)
        is_good = collect(files, argv[i], DEPTH_MAX, &error);
    if (status == CLI_GO_ON)
        status = is_good ? CLI_OK : cli_fail("test", "%s", error.text);
    for (size_t i = 0; i < files->count; i++) {
        if (is_good)
            test_file_run(&run, files->list[i]);
        free(files->list[i]);
    }
    if (is_good)
        printf("%u passed, %u failed\n", run.passed, run.failed);
    if (is_good && run.failed > 0)
        status = CLI_FAILED;
    if (is_good && files->count == 0)
        status = cli_fail("test", "there is no file whose name ends with _test.lua");
    free(files);
    return status;
}
