/* note.h - what a plugin file says about itself, read without running any of it.
 *
 * The file may be anything: cut short, of another machine, made to mislead. Nothing here trusts an
 * offset, and what is printed from it has been checked to be printable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* A whole file in memory: what is checked is then what is copied, whatever happens to the file. */
struct image {
    char *bytes;
    size_t n;
    struct stat stat;
};

bool image_read(struct image *image, const char *file, struct error *error);
void image_done(struct image *image);

struct note {
    char name[65], version[33];
    uint16_t major, minor;
    uint32_t plugin_size, host_size;
};

/* False and one line of reason. */
bool note_read(const struct image *image, struct note *ret_note, struct error *error);

/* Whether this program can run a plugin with such a note; false and what to do about it. */
bool note_fits(const struct note *note, struct error *error);

/* Dynamic symbols, with false for those it wants from others; then the libraries it needs. Both
 * return false if the file has no readable table of them. */
typedef void note_on_symbol(void *arg, const char *name, bool is_defined);
bool note_each_symbol(const struct image *image, note_on_symbol *fn, void *arg);
typedef void note_on_library(void *arg, const char *name);
bool note_each_library(const struct image *image, note_on_library *fn, void *arg);
