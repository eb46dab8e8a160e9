#include "dialect/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/frame.h"
#include "json/index.h"
#include "json/splice.h"

/* ---- giving them out ------------------------------------------------------------------------- */

enum {
    FIRST_ROOM = 32
};

struct text_list {
    struct text_visitor visitor;
    struct arena *arena;
    hg_text *texts;
    size_t count, room;
    size_t roles; /* how many have their role */
};

static void list_add(struct text_visitor *visitor, uint32_t role, hg_json string, hg_str raw)
{
    struct text_list *list = (struct text_list *)visitor;

    (void)string;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : FIRST_ROOM;
        hg_text *texts = arena_alloc(list->arena, room * sizeof *texts);

        if (list->count)
            memcpy(texts, list->texts, list->count * sizeof *texts);
        list->texts = texts;
        list->room = room;
    }
    list->texts[list->count] = (hg_text){
        .role = role, .part = (uint32_t)list->count, .text = json_unescape(list->arena, raw)};
    list->count++;
}

static void list_set_role(struct text_visitor *visitor, uint32_t role)
{
    struct text_list *list = (struct text_list *)visitor;

    for (; list->roles < list->count; list->roles++)
        if (list->texts[list->roles].role == HG_ROLE_USER)
            list->texts[list->roles].role = role;
}

struct dialect_texts texts_of_request(const struct dialect *dialect, struct arena *arena,
                                      uint32_t kind, hg_json doc)
{
    struct text_list list = {.visitor = {list_add, list_set_role}, .arena = arena};

    dialect->request_visit(kind, doc, &list.visitor);
    return (struct dialect_texts){list.texts, list.count};
}

struct dialect_texts texts_of_answer(const struct dialect *dialect, struct arena *arena,
                                     uint32_t kind, hg_json doc)
{
    struct text_list list = {.visitor = {list_add, NULL}, .arena = arena};

    dialect->answer_visit(kind, doc, &list.visitor);
    return (struct dialect_texts){list.texts, list.count};
}

/* ---- editing --------------------------------------------------------------------------------- */

struct text_edits {
    struct text_visitor visitor;
    struct arena *arena;
    struct splice *splice;
    const hg_edit *edits; /* sorted */
    size_t count, next;
    uint32_t part;
};

static int edit_order(const void *a, const void *b)
{
    const hg_edit *x = a, *y = b;

    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->n < y->n ? -1 : x->n > y->n;
}

const hg_edit *edits_sorted(struct arena *arena, const struct dialect_edits *edits)
{
    hg_edit *sorted = arena_alloc(arena, edits->count * sizeof *sorted);

    for (size_t i = 0; i < edits->count; i++)
        sorted[i] = edits->edits[i];
    qsort(sorted, edits->count, sizeof *sorted, edit_order);
    return sorted;
}

/* The text with its edits made. What lies outside of the text or overlaps is cut to what fits. */
static hg_str text_edited(struct arena *arena, hg_str text, const hg_edit *edits, size_t count)
{
    struct chain *chain = chain_new(arena);
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        size_t from = edits[i].at < text.n ? edits[i].at : text.n;
        size_t to = edits[i].n < text.n - from ? from + edits[i].n : text.n;

        if (from > done)
            chain_put_const(chain, text.p + done, from - done);
        chain_put_const(chain, edits[i].with.p, edits[i].with.n);
        if (to > done)
            done = to;
    }
    chain_put_const(chain, text.p + done, text.n - done);
    return chain_flat(chain, arena);
}

static void edits_apply(struct text_visitor *visitor, uint32_t role, hg_json string, hg_str raw)
{
    struct text_edits *todo = (struct text_edits *)visitor;
    size_t first = todo->next;

    (void)role;
    while (todo->next < todo->count && todo->edits[todo->next].text == todo->part)
        todo->next++;
    todo->part++;
    if (todo->next == first)
        return;
    hg_str text = json_unescape(todo->arena, raw);

    splice_replace_str(todo->splice, string,
                       text_edited(todo->arena, text, todo->edits + first, todo->next - first));
}

static void document_edit(struct arena *arena, uint32_t kind, hg_json doc,
                          const struct dialect_edits *edits, struct chain *out,
                          void (*visit)(uint32_t kind, hg_json doc, struct text_visitor *visitor))
{
    struct text_edits todo = {
        .visitor = {edits_apply, NULL}, .arena = arena, .count = edits->count};

    if (!doc.kind)
        return;
    todo.splice = splice_new(arena, doc);
    todo.edits = edits_sorted(arena, edits);
    visit(kind, doc, &todo.visitor);
    splice_into(todo.splice, out);
}

void texts_edit_request(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                        hg_json doc, const struct dialect_edits *edits, struct chain *out)
{
    document_edit(arena, kind, doc, edits, out, dialect->request_visit);
}

void texts_edit_answer(const struct dialect *dialect, struct arena *arena, uint32_t kind,
                       hg_json doc, const struct dialect_edits *edits, struct chain *out)
{
    document_edit(arena, kind, doc, edits, out, dialect->answer_visit);
}

/* ---- one event of a stream ---------------------------------------------------------------------
 */

struct text_sum {
    struct text_visitor visitor;
    struct arena *arena;
    struct chain *joined;
    hg_str text;
    unsigned count;
};

static void sum_add(struct text_visitor *visitor, uint32_t role, hg_json string, hg_str raw)
{
    struct text_sum *sum = (struct text_sum *)visitor;
    hg_str text = json_unescape(sum->arena, raw);

    (void)role;
    (void)string;
    if (!text.n)
        return;
    if (sum->count++ == 0) {
        sum->text = text;
        return;
    }
    if (!sum->joined) {
        sum->joined = chain_new(sum->arena);
        chain_put_const(sum->joined, sum->text.p, sum->text.n);
    }
    chain_put_const(sum->joined, text.p, text.n);
}

hg_str texts_of_event(const struct dialect *dialect, struct arena *arena, hg_json doc)
{
    struct text_sum sum = {.visitor = {sum_add, NULL}, .arena = arena};

    dialect->event_visit(doc, &sum.visitor);
    return sum.joined ? chain_flat(sum.joined, arena) : sum.text;
}

struct text_swap {
    struct text_visitor visitor;
    struct splice *splice;
    hg_str text;
    bool done;
};

static void swap_one(struct text_visitor *visitor, uint32_t role, hg_json string, hg_str raw)
{
    struct text_swap *swap = (struct text_swap *)visitor;

    (void)role;
    if (!raw.n)
        return;
    splice_replace_str(swap->splice, string, swap->done ? HG_S("") : swap->text);
    swap->done = true;
}

void texts_swap_event(const struct dialect *dialect, struct arena *arena, hg_str event, hg_str data,
                      hg_str text, struct chain *out)
{
    struct text_swap swap = {.visitor = {swap_one, NULL}, .text = text};
    struct chain *changed = chain_new(arena);
    hg_json doc;

    if (!json_parse(arena, text_trim(data), &doc, NULL) || doc.kind != HG_J_OBJ) {
        frame_put(dialect->framing, event, data, out);
        return;
    }
    swap.splice = splice_new(arena, doc);
    dialect->event_visit(doc, &swap.visitor);
    if (dialect->event_unrepeat)
        dialect->event_unrepeat(doc, swap.splice);
    splice_into(swap.splice, changed);
    frame_put(dialect->framing, event, chain_flat(changed, arena), out);
}

static void frame_repeat(const struct dialect *dialect, struct dialect_repeat *repeat,
                         struct arena *arena, hg_str bytes, struct chain *out)
{
    struct chain *changed = chain_new(arena);
    struct splice *splice;
    struct frame frame;
    hg_json doc;

    if (!frame_parse(arena, dialect->framing, bytes, &frame) || !frame.has_data ||
        !json_parse(arena, text_trim(frame.data), &doc, NULL) || doc.kind != HG_J_OBJ) {
        chain_put_const(out, bytes.p, bytes.n);
        return;
    }
    splice = splice_new(arena, doc);
    dialect->repeat_event(repeat, doc, splice);
    if (!splice_changes(splice)) {
        chain_put_const(out, bytes.p, bytes.n);
        return;
    }
    splice_into(splice, changed);
    frame_put(dialect->framing, frame.event, chain_flat(changed, arena), out);
}

hg_str texts_repeat(const struct dialect *dialect, struct dialect_repeat *repeat,
                    struct arena *arena, hg_str events)
{
    struct chain *out = chain_new(arena);

    if (!repeat)
        return events;
    while (events.n) {
        size_t n = frame_first(dialect->framing, events);

        n = n && n <= events.n ? n : events.n;
        frame_repeat(dialect, repeat, arena, (hg_str){events.p, n}, out);
        events = (hg_str){events.p + n, events.n - n};
    }
    return chain_flat(out, arena);
}
