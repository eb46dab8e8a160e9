#include "simulate/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool file_read(const char *path, struct buffer *buffer, struct error *error)
{
    enum {
        STEP = 65536
    };
    FILE *file = fopen(path, "rbe");
    size_t n = 0;

    if (!file)
        return error_set(error, "cannot read %s: %s", path, strerror(errno));
    do {
        n = fread(buffer_room(buffer, STEP), 1, STEP, file);
        buffer_grew(buffer, n);
    } while (n && buffer->len <= FILE_MOST);
    bool failed = ferror(file) != 0, large = buffer->len > FILE_MOST;
    int reason = errno;

    fclose(file);
    if (!failed && !large)
        return true;
    buffer_done(buffer);
    return failed ? error_set(error, "cannot read %s: %s", path, strerror(reason))
                  : error_set(error, "%s is too large", path);
}
