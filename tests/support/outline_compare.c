/* What of one outline another lacks, and whether the losses tell of it. */
#include <string.h>

#include "base/text.h"
#include "support/facts.h"
#include "support/outline.h"

static bool is_text(const char *kind)
{
    return strncmp(kind, "text.", 5) == 0;
}

/* All texts of a kind in one. */
struct blob {
    const char *kind;
    char *p;
    size_t n;
    size_t at; /* texts before it have been found */
};

static const char *const blob_kinds[] = {"text.system", "text.user",    "text.assistant",
                                         "text.tool",   "text.thought", "text.document"};

enum {
    BLOBS = sizeof blob_kinds / sizeof *blob_kinds
};

static void blobs_make(const struct outline *outline, struct blob *blobs)
{
    for (size_t i = 0; i < BLOBS; i++) {
        struct chain *all = chain_new(outline->arena);

        for (const struct fact *fact = outline->facts; fact; fact = fact->next)
            if (strcmp(fact->kind, blob_kinds[i]) == 0)
                chain_put(all, fact->value.p, fact->value.n);
        blobs[i] = (struct blob){
            .kind = blob_kinds[i],
            .p = arena_cstr(outline->arena, chain_flat(all, outline->arena)),
            .n = all->len,
        };
    }
}

/* Takes the text out of the blob, from `at` on. */
static bool blob_take(struct blob *blob, hg_str text, size_t at)
{
    char *found = memmem(blob->p + at, blob->n - at, text.p, text.n);

    if (!found)
        return false;
    memmove(found, found + text.n, (size_t)(blob->p + blob->n - found) - text.n);
    blob->n -= text.n;
    blob->at = (size_t)(found - blob->p);
    return true;
}

/* Documents may stand beside the messages, or have become what somebody said. */
static bool text_take(struct blob *blobs, const struct fact *wanted)
{
    for (size_t i = BLOBS; i-- > 0;) {
        if (strcmp(wanted->kind, "text.document") == 0) {
            if (blob_take(&blobs[i], wanted->value, 0))
                return true;
        } else if (strcmp(wanted->kind, blobs[i].kind) == 0) {
            return blob_take(&blobs[i], wanted->value, blobs[i].at);
        }
    }
    return false;
}

static size_t count_of(const struct outline *outline)
{
    size_t count = 0;

    for (const struct fact *fact = outline->facts; fact; fact = fact->next)
        count++;
    return count;
}

/* Facts of `has` that have been found. */
struct found {
    const struct fact **list;
    size_t count;
};

static bool is_found(const struct found *found, const struct fact *fact)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->list[i] == fact)
            return true;
    return false;
}

static bool fact_take(const struct outline *has, struct found *found, const struct fact *wanted)
{
    for (const struct fact *fact = has->facts; fact; fact = fact->next) {
        if (strcmp(fact->kind, wanted->kind) != 0 || !text_is(fact->value, wanted->value) ||
            is_found(found, fact))
            continue;
        found->list[found->count++] = fact;
        return true;
    }
    return false;
}

void outline_compare(const struct outline *had, const struct outline *has, struct outline *ret_lost,
                     struct outline *ret_made)
{
    struct found found = {.list =
                              arena_alloc(had->arena, (count_of(has) + 1) * sizeof *found.list)};
    struct blob blobs[BLOBS];

    *ret_lost = *ret_made = (struct outline){.arena = had->arena};
    ret_lost->end = &ret_lost->facts;
    ret_made->end = &ret_made->facts;
    blobs_make(has, blobs);
    for (const struct fact *fact = had->facts; fact; fact = fact->next)
        if (is_text(fact->kind) ? !text_take(blobs, fact) : !fact_take(has, &found, fact))
            fact_add(ret_lost, fact->kind, fact->value);
    for (const struct fact *fact = has->facts; fact; fact = fact->next)
        if (!is_text(fact->kind) && !is_found(&found, fact))
            fact_add(ret_made, fact->kind, fact->value);
    for (size_t i = 0; i < BLOBS; i++)
        said_add(ret_made, blobs[i].kind, (hg_str){blobs[i].p, blobs[i].n});
}

/* ---- what was told -----------------------------------------------------------------------------
 */

/* Where the words of a loss do not begin with the kind of the fact. */
static const struct {
    const char *kind, *words;
} told[] = {
    {"format", "response_format"},
    {"format.schema", "response_format"},
    {"format.name", "response_format"},
    {"format.description", "response_format"},
    {"format.strict", "response_format"},
    {"reasoning", "thinking"},
    {"reasoning", "reasoning_effort"},
    {"effort", "reasoning_effort"},
    {"effort", "thinking"},
    {"budget", "thinking"},
    {"budget", "reasoning_effort"},
    {"summary", "reasoning"},
    {"summary", "thinking"},
    {"top_logprobs", "logprobs"},
    {"logprobs", "top_logprobs"},
    {"text.system", "response_format"},
    {"tool", "response_format"},
    {"tool.description", "response_format"},
    {"tool.schema", "response_format"},
    {"choice", "response_format"},
    {"tool.kind", "tools.custom"},
    {"tool.strict", "tools.strict"},
    {"tool.schema", "tools.schema"},
    {"tool.description", "tools.description"},
    {"format.description", "response_format.description"},
    {"choice", "tool_choice"},
    {"tool", "tool_choice"},
    {"tool.description", "tool_choice"},
    {"tool.schema", "tool_choice"},
    {"tool.strict", "tool_choice"},
    {"cache.tool", "tool_choice"},
    {"parallel", "parallel_tool_calls"},
    {"cache", "cache_control"},
    {"cache.tool", "cache_control"},
    {"call.signature", "reasoning"},
    {"text.thought", "reasoning"},
    {"thought.signature", "reasoning"},
    {"thought.encrypted", "reasoning"},
    {"name", "messages.name"},
    {"file.name", "file name"},
    {"file.name", "file url"},
    {"image.detail", "image detail"},
    {"image", "media in"},
    {"file", "media in"},
    {"mime", "media in"},
    {"file.name", "media in"},
    {"image.detail", "media in"},
    {"raw", "content part"},
    {"raw", "a part of a kind"},
    {"result.error", "is_error"},
};

/* "stop", "stop sequences", but neither "stops" nor "stop.all". */
static bool begins(hg_str loss, hg_str words)
{
    return text_starts(loss, words) && (loss.n == words.n || loss.p[words.n] == ' ');
}

static bool is_told_by(const struct fact *fact, hg_str loss)
{
    if (strcmp(fact->kind, "tool.kind") == 0 && text_starts(fact->value, HG_S("hosted")))
        return text_starts(loss, HG_S("tools.")) || text_is(loss, HG_S("tools"));
    if (strcmp(fact->kind, "extra") == 0)
        return text_is(text_cut(fact->value, ' ', &(hg_str){0}), loss);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(fact->kind, told[i].kind) == 0 && begins(loss, text_of(told[i].words)))
            return true;
    return begins(loss, text_of(fact->kind));
}

bool fact_is_told(const struct fact *fact, hg_str losses)
{
    while (losses.n) {
        hg_str loss = text_cut(losses, ',', &losses);

        if (is_told_by(fact, text_trim(loss)))
            return true;
    }
    return false;
}
