/* file.h - whole files: scripts and cassettes. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    FILE_MOST = 64 * 1024 * 1024
};

/* Reads all of it; refuses what is larger than FILE_MOST. */
bool file_read(const char *path, struct buffer *buffer, struct error *error);
