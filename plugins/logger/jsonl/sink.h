/* sink.h - a file of lines that grows at its end: whole batches or nothing, with rotation by size.
 *
 * Nothing here knows the host, so errors are errno values. A pipe or terminal is written to as
 * well, but cannot be rotated or cut. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct sink {
    char *path;
    int fd;               /* -1: closed */
    bool is_file;         /* a regular file */
    bool is_standard;     /* /dev/stdout or /dev/stderr: a copy of our own descriptor */
    uint64_t rotate_size; /* bytes; 0: never */
    unsigned keep;        /* old files: path.1 is the newest */
    char *rest;           /* what a pipe did not take of a batch that it had begun */
    size_t rest_n;
};

/* 0, or errno. The file is made with mode 0600. If it ends within a line, because someone was
 * killed while writing, a line end is put there first. */
int sink_open(struct sink *sink);
void sink_close(struct sink *sink);

/* Closes and opens by name again: the operator moved the file. The old one stays open on failure.
 */
int sink_reopen(struct sink *sink);

/* Writes all of it, `len` bytes, or nothing; 0 or errno. `pieces` is used up. */
int sink_write(struct sink *sink, struct iovec *pieces, int count, uint64_t len);

/* To the disk. */
int sink_flush(struct sink *sink);
