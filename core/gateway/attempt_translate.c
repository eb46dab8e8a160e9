/* The way there: a request that the client put in one dialect, for a provider of another. */
#include "base/text.h"
#include "dialect/translation.h"
#include "gateway/attempt_parts.h"
#include "json/index.h"

static void refuse(struct attempt *attempt, hg_str why)
{
    attempt->refusal = arena_text(attempt->request->arena, why);
}

/* The client's document with what route and target have changed. Its pieces must outlast the
 * answer, because names in it may have to be put back. */
static hg_json document_shaped(struct attempt *attempt)
{
    struct request *request = attempt->request;
    struct arena *arena = request->arena;
    struct splice *splice;
    struct chain *changed;
    hg_json doc;

    if (!attempt->shape->patch.kind && !attempt->target->params)
        return request->doc;
    splice = splice_new(arena, request->doc);
    view_shape(attempt, arena, splice);
    changed = chain_new(arena);
    splice_into(splice, changed);
    return json_parse(arena, chain_flat(changed, arena), &doc, NULL) ? doc : request->doc;
}

static bool chat_write(struct attempt *attempt, hg_json doc, struct chain *out, struct error *error)
{
    struct request *request = attempt->request;
    struct chat *chat = arena_alloc(out->arena, sizeof *chat);

    return request->dialect->read_chat(request->arena, request->head->path, doc, chat, error) &&
           attempt->translation->provider->write_chat(attempt->translation, chat, out, error);
}

static bool body_write(struct attempt *attempt, hg_json doc, struct chain *out, struct error *error)
{
    struct request *request = attempt->request;
    const struct dialect *provider = attempt->translation->provider;

    if (request->asked.kind == HG_R_CHAT && provider->write_chat && request->dialect->read_chat)
        return chat_write(attempt, doc, out, error);
    if (request->asked.kind == HG_R_EMBED && provider->write_embed &&
        request->dialect == &dialect_openai_chat)
        return provider->write_embed(attempt->translation, doc, out, error);
    if (request->asked.kind == HG_R_COUNT && provider->count && provider->write_chat)
        return attempt_count_write(attempt, doc, out, error);
    return error_set(error, "it has nothing like %.*s", TEXT_ARG(request->head->path));
}

/* A client may insist that nothing is lost. */
static bool is_strict(const struct attempt *attempt)
{
    hg_str wish = head_field(attempt->request->head, HG_S("x-headgate-strict"));

    return text_is(wish, HG_S("true")) || text_is(wish, HG_S("1"));
}

static void patched(struct chain *written, hg_json patch, struct chain *out)
{
    struct arena *arena = out->arena;
    hg_json doc;

    if (patch.kind != HG_J_OBJ || !json_parse(arena, chain_flat(written, arena), &doc, NULL)) {
        chain_put_chain(out, written, 0, written->len);
        return;
    }
    struct splice *splice = splice_new(arena, doc);

    view_patch(arena, splice, patch);
    splice_into(splice, out);
}

void attempt_translate(struct attempt *attempt, uint32_t wire, hg_json patch, struct chain *out)
{
    struct request *request = attempt->request;
    const struct dialect *provider = dialect_of_wire(wire);
    struct chain *written = chain_new(out->arena);
    struct error error = {""};

    if (!provider) {
        out->broken = true;
        return;
    }
    attempt->translation = arena_alloc(request->arena, sizeof *attempt->translation);
    translation_begin(attempt->translation, request->arena, request->dialect, provider,
                      attempt->model);
    attempt->translation->traits = wire & ~HG_WIRE_MASK;
    if (!body_write(attempt, document_shaped(attempt), written, &error))
        refuse(attempt, text_of(error.text));
    else if (attempt->translation->lost && is_strict(attempt))
        refuse(attempt, arena_fmt(request->arena, "it cannot be told %.*s",
                                  TEXT_ARG(translation_losses(attempt->translation))));
    else
        patched(written, patch, out);
}
