#include "draft.h"

#include <string.h>

static bool draft_grow(struct draft *draft, size_t more)
{
    size_t room = (draft->n + more) * 2 + 256;
    char *p = draft->host->alloc(draft->op, room);

    if (!p) {
        draft->failed = true;
        return false;
    }
    if (draft->n)
        memcpy(p, draft->p, draft->n);
    draft->p = p;
    draft->room = room;
    return true;
}

void draft_put(struct draft *draft, hg_str text)
{
    if (!text.n || draft->failed)
        return;
    if (text.n > draft->room - draft->n && !draft_grow(draft, text.n))
        return;
    memcpy(draft->p + draft->n, text.p, text.n);
    draft->n += text.n;
}

hg_str draft_text(const struct draft *draft)
{
    return (hg_str){draft->p, draft->n};
}

void draft_quote(struct draft *draft, hg_str json)
{
    size_t from = 0;

    for (size_t i = 0; i <= json.n; i++) {
        char c = i < json.n ? json.p[i] : '"';

        if (c != '"' && c != '\\' && (unsigned char)c >= ' ')
            continue;
        draft_put(draft, (hg_str){json.p + from, i - from});
        from = i + 1;
        if (i == json.n)
            break;
        /* White space between values is all there can be of the rest. */
        draft_put(draft, c == '"' ? HG_S("\\\"") : c == '\\' ? HG_S("\\\\") : HG_S(" "));
    }
}
