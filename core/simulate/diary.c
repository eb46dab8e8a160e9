#include "simulate/diary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "simulate/reply.h"

struct diary {
    int fd;
};

struct diary *diary_open(const char *path, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct diary *diary;

    if (fd < 0) {
        error_set(error, "cannot write %s: %s", path, strerror(errno));
        return NULL;
    }
    diary = xcalloc(1, sizeof *diary);
    diary->fd = fd;
    return diary;
}

void diary_free(struct diary **diary)
{
    if (!*diary)
        return;
    close((*diary)->fd);
    free(*diary);
    *diary = NULL;
}

/* A line is one write, so that a reader never sees half of it. */
static void write_line(struct diary *diary, json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);

    if (text) {
        size_t n = strlen(text);

        text[n] = '\n';
        if (write(diary->fd, text, n + 1) < 0)
            fprintf(stderr, "simulate: cannot write the record: %s\n", strerror(errno));
    }
    free(text);
    json_decref(document);
}

static bool is_secret(hg_str name)
{
    static const char *const names[] = {"authorization", "x-api-key",           "api-key",
                                        "cookie",        "proxy-authorization", "x-goog-api-key"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, text_of(names[i])))
            return true;
    return false;
}

static json_t *digest_of(hg_str secret)
{
    struct digest *digest = digest_new();
    uint8_t bytes[DIGEST_SIZE];
    char text[7 + 12 + 1];

    digest_begin(digest);
    digest_add(digest, secret.p, secret.n);
    digest_end(digest, bytes);
    digest_free(&digest);
    snprintf(text, sizeof text, "sha256:%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2],
             bytes[3], bytes[4], bytes[5]);
    return json_string(text);
}

/* A pair for each field, because a name may come twice. */
static json_t *fields_of(const struct head *head)
{
    json_t *fields = json_array();

    for (unsigned i = 0; i < head->field_count; i++) {
        const struct field *field = &head->fields[i];

        json_array_append_new(fields,
                              json_pack("[o, o]", document_of_text(field->name),
                                        is_secret(field->name) ? digest_of(field->value)
                                                               : document_of_text(field->value)));
    }
    return fields;
}

void diary_request(struct diary *diary, uint64_t connection, uint64_t number,
                   const struct head *head, hg_str body)
{
    json_t *line;

    if (!diary)
        return;
    line = json_pack("{s:s, s:I, s:I, s:I, s:s, s:o, s:o, s:I, s:o}", "event", "request", "at_us",
                     (json_int_t)clock_wall_us(), "connection", (json_int_t)connection, "number",
                     (json_int_t)number, "method", http_method_name(head->method).p, "target",
                     document_of_text(head->target), "headers", fields_of(head), "body_bytes",
                     (json_int_t)body.n, "body", document_of_text(body));
    write_line(diary, line);
}

void diary_end(struct diary *diary, uint64_t connection, uint64_t number, unsigned status,
               uint64_t bytes, const char *how)
{
    if (!diary)
        return;
    write_line(diary, json_pack("{s:s, s:I, s:I, s:I, s:i, s:I, s:s}", "event", "end", "at_us",
                                (json_int_t)clock_wall_us(), "connection", (json_int_t)connection,
                                "number", (json_int_t)number, "status", (int)status, "bytes",
                                (json_int_t)bytes, "how", how));
}
