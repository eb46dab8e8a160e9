/* All dialects there are. OpenAI's is the last one, because what no other claims below /v1 passes
 * through it. */
#include "dialect/dialect.h"

static const struct dialect *const dialects[] = {
    &dialect_openai_chat,
};

const struct dialect *dialect_of_path(enum method method, hg_str path, uint32_t *ret_kind)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if ((*ret_kind = dialects[i]->kind_of(method, path)))
            return dialects[i];
    return NULL;
}

const struct dialect *dialect_of_wire(uint32_t wire)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialects[i]->wire == (wire & HG_WIRE_MASK))
            return dialects[i];
    return NULL;
}
