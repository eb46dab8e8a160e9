/* Carries out the edits of a splice, in their order. What is tricky are commas: a member goes with
 * one of its two, and a new one may find no other member left. */
#include "json/splice_parts.h"

struct writing {
    const struct splice *splice;
    struct chain *out;
    size_t at; /* so far the original was written or left out */

    /* The last removal took the comma behind it, and the next member's key is here. */
    size_t behind;
    size_t inserted_at;
};

enum {
    COPY_BELOW = 32
}; /* shorter pieces are copied: a segment costs more */

static void piece_put(struct chain *out, const char *p, size_t n)
{
    if (n < COPY_BELOW)
        chain_put(out, p, n);
    else
        chain_put_const(out, p, n);
}

/* Copies the original up to `until` and goes on behind `next`. */
static void original_put(struct writing *writing, size_t until, size_t next)
{
    if (until > writing->at)
        piece_put(writing->out, writing->splice->text.p + writing->at, until - writing->at);
    if (next > writing->at)
        writing->at = next;
}

/* The first members of an object go with the comma behind them, others with the one before. */
static void removal_put(struct writing *writing, const struct edit *edit)
{
    if (edit->before_end && edit->from != writing->behind) {
        original_put(writing, edit->before_end, edit->to);
        return;
    }
    original_put(writing, edit->from, edit->behind ? edit->behind : edit->to);
    writing->behind = edit->behind;
}

static bool keeps_a_member(const struct splice *splice, hg_json object)
{
    size_t removed = 0;

    for (size_t i = 0; splice->removals && i < splice->count; i++) {
        const struct edit *edit = &splice->edits[i];

        removed += edit->kind == EDIT_REMOVE && edit->container.at == object.at;
    }
    return removed ? json_count(object) > removed : json_next(object, &(hg_json_it){{0, 0}}, 0, 0);
}

static void insertion_put(struct writing *writing, const struct edit *edit)
{
    original_put(writing, edit->from, edit->to);
    if (writing->inserted_at == edit->from || keeps_a_member(writing->splice, edit->container))
        CHAIN_PUT_LIT(writing->out, ",");
    writing->inserted_at = edit->from;
    piece_put(writing->out, edit->lead.p, edit->lead.n);
    piece_put(writing->out, edit->raw.p, edit->raw.n);
}

void splice_into(const struct splice *splice, struct chain *out)
{
    struct writing writing = {.splice = splice, .out = out};

    for (size_t i = 0; i < splice->count; i++) {
        const struct edit *edit = &splice->edits[i];

        switch (edit->kind) {
        case EDIT_REPLACE:
            original_put(&writing, edit->from, edit->to);
            piece_put(out, edit->raw.p, edit->raw.n);
            break;
        case EDIT_REMOVE:
            removal_put(&writing, edit);
            break;
        case EDIT_INSERT:
            insertion_put(&writing, edit);
            break;
        }
    }
    original_put(&writing, splice->text.n, splice->text.n);
}
