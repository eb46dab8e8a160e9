/* config_folder.h - configurations in a folder of their own, for the tests of core/gateway/config*.
 */
#pragma once

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/config/config.h"

static char folder[64];

static inline void folder_make(void)
{
    snprintf(folder, sizeof folder, "/tmp/headgate-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static inline int folder_remove_one(const char *path, const struct stat *status, int type,
                                    struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static inline void folder_remove(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void write_file_n(const char *path, const char *text, size_t n)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, n, file), n);
    fclose(file);
}

static inline void write_file(const char *path, const char *text)
{
    write_file_n(path, text, strlen(text));
}

static inline struct config *load(const char *text)
{
    struct error error = {{0}};

    write_file("headgate.lua", text);
    struct config *config = config_load("headgate.lua", &error);

    ck_assert_msg(config != NULL, "%s", error.text);
    return config;
}

/* Loads what must not load, and gives the reason. */
static inline const char *reason(const char *text)
{
    static struct error error;

    write_file("headgate.lua", text);
    struct config *config = config_load("headgate.lua", &error);

    if (config)
        config_free(&config);
    else
        return error.text;
    ck_abort_msg("this should not load: %s", text);
}

/* The same with a line that makes the rest complete. */
static inline void refuse(const char *text, const char *why)
{
    char whole[4096];

    snprintf(whole, sizeof whole, "listen '127.0.0.1:0'\n%s", text);
    ck_assert_str_eq(reason(whole), why);
}
