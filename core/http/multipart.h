/* multipart.h - forms with files (multipart/form-data), as far as a gateway looks into them: a
 * small field near the beginning of a body that need not be whole.
 *
 *   --boundary CRLF  content-disposition: form-data; name="model" CRLF CRLF  whisper-1
 *   CRLF --boundary CRLF ... CRLF --boundary-- */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

/* The boundary that a content type names; empty if it is no form, or names none that is possible.
 */
hg_str multipart_boundary(hg_str content_type);

struct multipart_field {
    size_t at;     /* of its value in the body */
    hg_str value;  /* points into the body */
    bool is_twice; /* there is another one of that name: a reader could take either */
};

/* Finds the first field `name` whose end can be seen in `body`, the beginning of a form. Files are
 * no fields. */
bool multipart_find(hg_str boundary, hg_str body, hg_str name, struct multipart_field *ret);
