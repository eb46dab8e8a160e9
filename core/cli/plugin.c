/* headgate plugin: what plugin files say about themselves. Reads their notes and symbol tables;
 * nothing of them is run. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <headgate/abi.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "plugin/loader.h"
#include "plugin/note.h"

enum {
    FILES_MAX = 1024
};

struct files {
    char *name[FILES_MAX];
    size_t count;
};

/* ---- ls ----------------------------------------------------------------------------------------
 */

static int is_object(const struct dirent *entry)
{
    return text_ends(text_of(entry->d_name), HG_S(".so"));
}

/* The plugin files of a folder, in order; false if it cannot be read. */
static bool files_add(struct files *files, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_object, alphasort);

    for (int i = 0; i < count; i++) {
        char *file = NULL;

        if (files->count < FILES_MAX && asprintf(&file, "%s/%s", folder, entries[i]->d_name) >= 0)
            files->name[files->count++] = file;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return count >= 0;
}

static void files_done(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->name[i]);
}

static void files_of_path(struct files *files)
{
    char *path = plugin_path(NULL);
    hg_str rest = text_of(path);

    while (rest.n) {
        hg_str part = text_cut(rest, ':', &rest);
        char *folder = xstrndup(part.p, part.n);

        files_add(files, folder);
        free(folder);
    }
    free(path);
}

static void print_line(const char *file)
{
    struct image image;
    struct note note;
    struct error error = {""};
    char version[48], abi[16];
    bool read = image_read(&image, file, &error);

    if (!read || !note_read(&image, &note, &error)) {
        printf("%-20s %-12s %-6s %s: %s\n", "-", "-", "-", file, error.text);
    } else {
        snprintf(version, sizeof version, "%s", note.version);
        snprintf(abi, sizeof abi, "%u.%u", note.major, note.minor);
        bool fits = note_fits(&note, &error);

        printf("%-20s %-12s %-6s %s%s%s\n", note.name, version, abi, file, fits ? "" : ": ",
               fits ? "" : error.text);
    }
    image_done(&image);
}

static int list(const char *folder)
{
    struct files files = {.count = 0};

    if (!folder)
        files_of_path(&files);
    else if (!files_add(&files, folder))
        return cli_fail("plugin", "the folder %s cannot be read", folder);
    if (files.count)
        printf("%-20s %-12s %-6s %s\n", "plugin", "version", "ABI", "file");
    for (size_t i = 0; i < files.count; i++)
        print_line(files.name[i]);
    if (!files.count)
        printf("no plugins in %s\n", folder ? folder : "the plugin path");
    files_done(&files);
    return CLI_OK;
}

/* ---- info --------------------------------------------------------------------------------------
 */

struct symbols {
    unsigned exported, wanted;
    bool has_entry;
    char other[80]; /* one that is exported and should not be */
};

static void on_symbol(void *arg, const char *name, bool is_defined)
{
    struct symbols *symbols = arg;

    if (!is_defined) {
        symbols->wanted++;
        return;
    }
    symbols->exported++;
    if (!strcmp(name, "headgate_plugin_v0"))
        symbols->has_entry = true;
    else
        snprintf(symbols->other, sizeof symbols->other, "%s", name);
}

static void on_library(void *arg, const char *name)
{
    unsigned *count = arg;

    printf("%s %s", *count ? "," : "needs     ", name);
    *count += 1;
}

static void print_libraries(const struct image *image)
{
    unsigned count = 0;

    if (!note_each_library(image, on_library, &count))
        printf("needs      not known: its tables are stripped\n");
    else if (count)
        printf("\n");
    else
        printf("needs      nothing\n");
}

/* How it would fare, as far as its tables tell. */
static bool print_symbols(const struct image *image)
{
    struct symbols symbols = {0};

    if (!note_each_symbol(image, on_symbol, &symbols)) {
        printf("symbols    not known: its tables are stripped\n");
        return true;
    }
    printf("symbols    %u exported, %u wanted from others\n", symbols.exported, symbols.wanted);
    if (!symbols.has_entry)
        printf("trouble    does not export headgate_plugin_v0\n");
    if (symbols.other[0])
        printf("advice     exports %s%s: build it with -fvisibility=hidden\n", symbols.other,
               symbols.exported > 2 ? " and more" : "");
    return symbols.has_entry;
}

static bool print_note(const char *file, const struct image *image, const struct note *note)
{
    struct error error = {""};
    bool fits = note_fits(note, &error);

    printf("plugin     %s\n", note->name);
    printf("version    %s\n", note->version);
    printf("file       %s (%zu bytes)\n", file, image->n);
    printf("ABI        %u.%u, this program has %d.%d\n", note->major, note->minor, HG_ABI_MAJOR,
           HG_ABI_MINOR);
    printf("structs    hg_plugin %u bytes, hg_host %u bytes\n", note->plugin_size, note->host_size);
    print_libraries(image);
    bool ok = print_symbols(image);

    if (image->stat.st_mode & S_IWOTH)
        printf("trouble    everybody may write to it: it will not be loaded\n");
    if (!fits)
        printf("trouble    %s\n", error.text);
    return ok && fits && !(image->stat.st_mode & S_IWOTH);
}

static int info_file(const char *file)
{
    struct image image;
    struct note note;
    struct error error = {""};
    int status = CLI_FAILED;

    if (!image_read(&image, file, &error))
        return cli_fail("plugin", "%s %s", file, error.text);
    if (!note_read(&image, &note, &error))
        cli_fail("plugin", "%s %s", file, error.text);
    else if (print_note(file, &image, &note))
        status = CLI_OK;
    image_done(&image);
    return status;
}

/* "regex", "guard_regex" and "guard_regex.so" all mean .../guard_regex.so. */
static bool is_meant(const char *file, hg_str word)
{
    const char *slash = strrchr(file, '/');
    hg_str name = text_of(slash ? slash + 1 : file), rest;

    if (text_ends(word, HG_S(".so")))
        word.n -= 3;
    name.n -= 3;
    if (text_is(name, word))
        return true;
    text_cut(name, '_', &rest);
    return rest.n && text_is(rest, word);
}

static int info(const char *word)
{
    struct files files = {.count = 0};
    unsigned found = 0;
    int status = CLI_OK;

    if (strchr(word, '/') || access(word, F_OK) == 0)
        return info_file(word);
    files_of_path(&files);
    for (size_t i = 0; i < files.count; i++) {
        if (!is_meant(files.name[i], text_of(word)))
            continue;
        if (found++)
            printf("\n");
        if (info_file(files.name[i]) != CLI_OK)
            status = CLI_FAILED;
    }
    files_done(&files);
    if (found)
        return status;
    return cli_fail("plugin", "no plugin '%s' in the plugin path; see headgate plugin ls", word);
}

int cli_plugin(int argc, char **argv)
{
    const struct cli_option option[] = {{0}};
    const struct cli_options options = {
        .usage = "headgate plugin ls [DIR] | info FILE|NAME",
        .about = "ls    lists the plugins of a folder, or of the plugin path.\n"
                 "info  shows what one of them is and needs, and whether it can be loaded.\n\n"
                 "Both read the files only: no code of a plugin is run. The plugin path is\n"
                 "HEADGATE_PLUGIN_PATH, if set, and the folder of the installation.",
        .option = option,
        .words_max = 2,
    };
    int words = 0, status = cli_parse(&options, argc, argv, &words);

    if (status != CLI_GO_ON)
        return status;
    if (words >= 1 && !strcmp(argv[1], "ls"))
        return list(words > 1 ? argv[2] : NULL);
    if (words == 2 && !strcmp(argv[1], "info"))
        return info(argv[2]);
    if (words >= 1 && !strcmp(argv[1], "info"))
        cli_fail("plugin", "info needs a FILE or a NAME");
    else if (words >= 1)
        cli_fail("plugin", "there is no '%s', only ls and info", argv[1]);
    fprintf(stderr, "usage: %s\n", options.usage);
    return CLI_USAGE;
}
