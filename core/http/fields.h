/* fields.h - what the header fields of a message mean to the protocol: framing, connection, host.
 */
#pragma once

#include "http/head.h"
#include "http/parse.h"

/* How often those were there that may be there once. Start zeroed. */
struct fields_seen {
    unsigned host, length, coding, connection;
    bool other_coding;
};

/* Sets the field's id and takes what it says over into the head, whose `minor` is read already.
 * Returns NULL, or why the head is refused. */
const char *field_take(struct head *head, struct field *field, struct fields_seen *seen);

/* The judgement once all fields are taken: do they agree with each other? */
enum parse_result fields_settle(struct head *head, const struct fields_seen *seen,
                                const char **ret_reason);
