/* A content type and the beginning of a form. What is found lies inside, between a blank line and a
 * delimiter, and more bytes do not change it.
 *
 *   content type | line end | form */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/text.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(hg_str boundary, hg_str body, const struct multipart_field *field)
{
    struct multipart_field again;
    hg_str value = field->value, behind = {value.p + value.n, body.n - field->at - value.n};
    size_t end = field->at + value.n + 4 + boundary.n;

    ensure(field->at >= 4 && value.p == body.p + field->at && end <= body.n);
    ensure(!memcmp(value.p - 2, "\r\n", 2) && text_starts(behind, HG_S("\r\n--")));
    ensure(!memcmp(behind.p + 4, boundary.p, boundary.n));
    ensure(multipart_find(boundary, (hg_str){body.p, end}, HG_S("model"), &again));
    ensure(again.at == field->at && again.value.n == value.n && !again.is_twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct multipart_field field;
    hg_str body,
        type = text_cut((hg_str){size ? memcpy(copy, data, size) : copy, size}, '\n', &body);
    hg_str boundary = multipart_boundary(type);

    if (multipart_find(boundary, body, HG_S("model"), &field))
        check_field(boundary, body, &field);
    free(copy);
    return 0;
}
