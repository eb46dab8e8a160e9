#include "dialect/models.h"

#include "base/text.h"

bool model_chats(const struct dialect_model *model)
{
    return !model->kind.n || text_is(model->kind, HG_S("chat")) ||
           text_is(model->kind, HG_S("responses"));
}
