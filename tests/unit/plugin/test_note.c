/* Notes of files that are what they should be, and of files that are not: every way a file can be
 * cut or changed must end in a reason, never in a crash. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <headgate/plugin.h>

#include "plugin/note.h"
#include "support/suite.h"

#define PLAIN   TEST_BUILD_DIR "/tests/plugins/.libs/plain.so"
#define SETTLED TEST_BUILD_DIR "/tests/plugins/.libs/settled.so"

static struct image image;
static struct error error;
static struct note note;

static void setup(void)
{
    error.text[0] = 0;
    ck_assert_msg(image_read(&image, PLAIN, &error), "%s", error.text);
}

static void teardown(void)
{
    image_done(&image);
}

static void printable(const char *name)
{
    ck_assert_uint_lt(strlen(name), 256);
    for (; *name; name++)
        ck_assert(*name > ' ' && *name < 0x7f);
}

static void on_symbol(void *arg, const char *name, bool is_defined)
{
    (void)is_defined;
    printable(name);
    ++*(unsigned *)arg;
}

static void on_library(void *arg, const char *name)
{
    printable(name);
    ++*(unsigned *)arg;
}

/* All there is to read, whatever comes out. */
static bool read_all(const struct image *from)
{
    unsigned count = 0;

    note_each_symbol(from, on_symbol, &count);
    note_each_library(from, on_library, &count);
    return note_read(from, &note, &error);
}

static Elf64_Ehdr *head(void)
{
    return (Elf64_Ehdr *)(void *)image.bytes;
}

static void refused(const char *why)
{
    ck_assert(!read_all(&image));
    ck_assert_msg(strstr(error.text, why) != NULL, "%s", error.text);
}

START_TEST(a_good_note_is_read)
{
    ck_assert_msg(note_read(&image, &note, &error), "%s", error.text);
    ck_assert_str_eq(note.name, "plain");
    ck_assert_str_eq(note.version, "1.0");
    ck_assert_uint_eq(note.major, HG_ABI_MAJOR);
    ck_assert_uint_eq(note.plugin_size, sizeof(hg_plugin));
    ck_assert_uint_eq(note.host_size, sizeof(hg_host));
    ck_assert(note_fits(&note, &error));
}
END_TEST

static void on_own_symbol(void *arg, const char *name, bool is_defined)
{
    if (is_defined && !strcmp(name, "headgate_plugin_v0"))
        ++*(unsigned *)arg;
}

START_TEST(symbols_and_libraries_are_listed)
{
    unsigned entries = 0, libraries = 0;
    struct image other; /* one that calls malloc, so it needs at least that library */

    ck_assert(note_each_symbol(&image, on_own_symbol, &entries));
    ck_assert_uint_eq(entries, 1);
    ck_assert_msg(image_read(&other, SETTLED, &error), "%s", error.text);
    ck_assert(note_each_library(&other, on_library, &libraries));
    ck_assert_uint_ge(libraries, 1);
    image_done(&other);
}
END_TEST

START_TEST(a_file_without_section_headers_is_read_by_its_segments)
{
    unsigned count = 0;

    head()->e_shnum = 0;
    head()->e_shoff = 0;
    ck_assert(note_read(&image, &note, &error));
    ck_assert(!note_each_symbol(&image, on_symbol, &count));
}
END_TEST

START_TEST(a_file_without_segments_is_read_by_its_sections)
{
    head()->e_phnum = 0;
    ck_assert(note_read(&image, &note, &error));
    ck_assert_str_eq(note.name, "plain");
}
END_TEST

START_TEST(what_is_no_plugin_says_what_it_is)
{
    struct image text = {.bytes = strdup("#!/bin/sh\n"), .n = 10};

    ck_assert(!read_all(&text));
    ck_assert_ptr_nonnull(strstr(error.text, "no ELF file"));
    text.n = 0;
    ck_assert(!read_all(&text));
    image_done(&text);
    head()->e_machine = EM_386;
    refused("was built for i386");
    head()->e_machine = 0x1234;
    refused("was built for another machine");
    image.bytes[EI_CLASS] = ELFCLASS32;
    refused("is not a 64-bit object");
    image.bytes[EI_CLASS] = ELFCLASS64;
    image.bytes[EI_DATA] = ELFDATA2MSB;
    refused("byte order");
}
END_TEST

START_TEST(a_program_is_no_shared_object)
{
    head()->e_type = ET_EXEC;
    refused("link it with -shared");
}
END_TEST

START_TEST(folders_and_devices_are_no_files)
{
    struct image other;

    ck_assert(!image_read(&other, "/tmp", &error));
    ck_assert_str_eq(error.text, "is not a file");
    ck_assert(!image_read(&other, "/dev/zero", &error));
    ck_assert_str_eq(error.text, "is not a file");
    ck_assert(!image_read(&other, "/tmp/there/is/no/such/file", &error));
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_or_read_but_never_read_beyond)
{
    size_t step = image.n / 400 + 1;

    for (size_t n = 0; n < image.n; n += n < 2048 ? 1 : step) {
        /* A buffer of exactly that size, so that the sanitizer sees a byte too far. */
        struct image cut = {.bytes = malloc(n ? n : 1), .n = n};

        memcpy(cut.bytes, image.bytes, n);
        read_all(&cut);
        image_done(&cut);
    }
}
END_TEST

START_TEST(a_file_with_any_byte_of_its_tables_changed_does_no_harm)
{
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t tables = sizeof(Elf64_Ehdr) + head()->e_phnum * sizeof(Elf64_Phdr);

    for (size_t at = 0; at < image.n; at++) {
        if (at == tables && head()->e_shoff > at && head()->e_shoff < image.n)
            at = head()->e_shoff;
        for (unsigned i = 0; i < sizeof values; i++) {
            char before = image.bytes[at];

            image.bytes[at] = (char)values[i];
            read_all(&image);
            image.bytes[at] = before;
        }
    }
}
END_TEST

START_TEST(notes_with_wild_sizes_are_refused)
{
    /* The name's size stands right before the owner. */
    char *owner = memmem(image.bytes, image.n, HG_NOTE_OWNER, sizeof HG_NOTE_OWNER);
    uint32_t sizes[] = {0xffffffff, 0x7fffffff, 0xfffffff8, 4096};

    ck_assert_ptr_nonnull(owner);
    for (unsigned i = 0; i < 4; i++) {
        char before[8];

        memcpy(before, owner - 12, 8);
        memcpy(owner - 8, &sizes[i], 4); /* the content */
        ck_assert(!read_all(&image));
        memcpy(owner - 12, before, 8);
        memcpy(owner - 12, &sizes[i], 4); /* the name */
        ck_assert(!read_all(&image));
        memcpy(owner - 12, before, 8);
    }
    ck_assert(read_all(&image));
}
END_TEST

START_TEST(names_that_could_play_tricks_on_a_terminal_are_refused)
{
    char *name = memmem(image.bytes, image.n, HG_NOTE_OWNER, sizeof HG_NOTE_OWNER);

    name += 12 + 12;
    ck_assert_str_eq(name, "plain");
    memcpy(name, "\033[2J\n", 5);
    refused("a note without a proper name");
    memset(name, 0, 64);
    refused("a note without a proper name");
    memset(name, 'x', 64);
    refused("a note without a proper name");
    strcpy(name, "plain");
    memset(name + 64, 'x', 32);
    refused("a note without a proper version");
}
END_TEST

START_TEST(what_does_not_fit_says_what_to_do)
{
    struct note fits = {"x", "1", HG_ABI_MAJOR, 0, sizeof(hg_plugin), sizeof(hg_host)}, other;

    ck_assert(note_fits(&fits, &error));
    other = fits;
    other.minor = HG_ABI_MINOR + 3;
    ck_assert(!note_fits(&other, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "upgrade headgate or rebuild the plugin with -D"));
    other = fits;
    other.host_size -= 8;
    ck_assert(!note_fits(&other, &error));
    other = fits;
    other.plugin_size = 0xffffffff;
    ck_assert(!note_fits(&other, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "rebuild it"));
}
END_TEST

RUN_SUITE_WITH("note", setup, teardown, a_good_note_is_read, symbols_and_libraries_are_listed,
               a_file_without_section_headers_is_read_by_its_segments,
               a_file_without_segments_is_read_by_its_sections, what_is_no_plugin_says_what_it_is,
               a_program_is_no_shared_object, folders_and_devices_are_no_files,
               a_file_cut_anywhere_is_refused_or_read_but_never_read_beyond,
               a_file_with_any_byte_of_its_tables_changed_does_no_harm,
               notes_with_wild_sizes_are_refused,
               names_that_could_play_tricks_on_a_terminal_are_refused,
               what_does_not_fit_says_what_to_do)
