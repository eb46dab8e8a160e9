#include "dialect/model.h"

#include "base/text.h"

bool model_of_openai_reasons(hg_str model)
{
    hg_str rest, maker = text_cut(model, '/', &rest);

    if (rest.n)
        model = rest;
    (void)maker;
    if (text_starts(model, HG_S("gpt-")) && model.n > 4)
        return model.p[4] >= '5' && model.p[4] <= '9' && !memmem(model.p, model.n, "-chat", 5);
    return model.n >= 2 && model.p[0] == 'o' && model.p[1] >= '1' && model.p[1] <= '9';
}
