/* log_record.h - one finished request between the ring and the loggers: decoded once, shared by all
 * of them. */
#pragma once

#include <headgate/logger.h>

struct arena;
struct buffer;

struct log_record {
    hg_record record; /* what a plugin sees */
    hg_usage usage;
    unsigned refs;
    size_t size;         /* bytes it takes, for limits */
    struct arena *arena; /* holds it all */
};

/* With one reference. NULL if the bytes are no record. The scratch buffer is the caller's, so that
 * records can share one; its content is nobody's afterwards. */
struct log_record *log_record_new(hg_str from_ring, struct buffer *scratch);

struct log_record *log_record_ref(struct log_record *record);
void log_record_unref(struct log_record *record);
