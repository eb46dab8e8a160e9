/* What a request asks for: the path names the model and what is done with it. */
#include "base/text.h"
#include "dialect/counting.h"
#include "dialect/gemini/parts.h"
#include "dialect/path.h"

enum {
    TOKENS_A_CONTENT = 4,
    TOKENS_AN_ATTACHMENT = 800,
    BYTES_A_TOKEN = 4
};

static const char *const versions[] = {"/v1beta/", "/v1/", "/v1alpha/", "/v1beta1/"};

static const struct {
    const char *method;
    uint32_t kind;
} methods[] = {
    {"generateContent", HG_R_CHAT},       {"streamGenerateContent", HG_R_CHAT},
    {"countTokens", HG_R_COUNT},          {"embedContent", HG_R_RAW},
    {"batchEmbedContents", HG_R_RAW},     {"batchGenerateContent", HG_R_RAW},
    {"asyncBatchEmbedContent", HG_R_RAW}, {"computeTokens", HG_R_RAW},
};

static uint32_t method_kind(hg_str method)
{
    for (size_t i = 0; method.n && i < sizeof methods / sizeof *methods; i++)
        if (text_is(method, text_of(methods[i].method)))
            return methods[i].kind;
    return 0;
}

static hg_str without_version(hg_str path)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        hg_str version = text_of(versions[i]);

        if (text_starts(path, version))
            return (hg_str){path.p + version.n, path.n - version.n};
    }
    return HG_S("");
}

/* models/<m>:<method>, tunedModels/<m>:<method>, and on Vertex with what stands before:
 * projects/<p>/locations/<l>/publishers/google/models/<m>:<method>. Slashes in <m> are its own.
 * Clients exist that leave "models/" out before a name with a slash. */
static hg_str model_of(hg_str plain, hg_str *ret_method)
{
    hg_str rest = without_version(plain);
    const char *colon = rest.n ? memrchr(rest.p, ':', rest.n) : NULL;
    const char *models;

    *ret_method = HG_S("");
    if (!colon)
        return HG_S("");
    *ret_method = (hg_str){colon + 1, (size_t)(rest.p + rest.n - colon) - 1};
    rest.n = (size_t)(colon - rest.p);
    if (text_starts(rest, HG_S("models/")))
        return (hg_str){rest.p + 7, rest.n - 7};
    if (text_starts(rest, HG_S("tunedModels/")))
        return rest;
    if (!text_starts(rest, HG_S("projects/")) && !text_starts(rest, HG_S("publishers/google/")))
        return text_starts(plain, HG_S("/v1/")) ? HG_S("") : rest;
    models = memmem(rest.p, rest.n, "publishers/google/models/", 25);
    if (models)
        return (hg_str){models + 25, rest.n - (size_t)(models - rest.p) - 25};
    models = memmem(rest.p, rest.n, "/endpoints/", 11);
    return models ? (hg_str){models + 1, rest.n - (size_t)(models - rest.p) - 1} : HG_S("");
}

/* The model and the method ("generateContent") that a path names; empty if it names none. */
static hg_str gemini_path_model(struct arena *arena, hg_str path, hg_str *ret_method)
{
    char room[PATH_MAX_PLAIN];
    hg_str model = model_of(path_plain(path, room), ret_method);

    *ret_method = arena_text(arena, *ret_method);
    return arena_text(arena, model);
}

/* The list of models, or one of them. */
static bool is_models(hg_str plain)
{
    hg_str rest = without_version(plain);

    return !text_starts(plain, HG_S("/v1/")) &&
           (text_is(rest, HG_S("models")) || text_starts(rest, HG_S("models/")));
}

uint32_t gemini_kind_of(enum method method, hg_str plain, hg_str path)
{
    hg_str action, model = model_of(plain, &action);
    uint32_t kind = method_kind(action);

    if (method == METHOD_POST && model.n && kind)
        return kind;
    if ((method == METHOD_GET || method == METHOD_HEAD) && !kind && is_models(plain))
        return HG_R_MODELS;
    /* The rest of the API; but what speaks OpenAI's format there belongs to nobody. */
    if (text_starts(plain, HG_S("/v1beta/openai/")))
        return 0;
    return text_starts(plain, HG_S("/v1beta/")) || text_starts(path, HG_S("/v1beta/")) ? HG_R_RAW
                                                                                       : 0;
}

void gemini_read_request(struct arena *arena, uint32_t kind, hg_str path, hg_json doc,
                         struct dialect_request *ret)
{
    hg_str method;

    (void)doc;
    *ret = (struct dialect_request){.kind = kind};
    ret->model = gemini_path_model(arena, path, &method);
    ret->is_stream = text_is(method, HG_S("streamGenerateContent"));
    ret->wants_usage = true; /* every answer has it */
}

/* Events are asked for by ?alt=sse. */
bool gemini_wants_array(hg_str query)
{
    while (query.n) {
        hg_str value, name = text_cut(text_cut(query, '&', &query), '=', &value);

        if (text_is(name, HG_S("alt")) || text_is(name, HG_S("$alt")))
            return !text_is(value, HG_S("sse"));
    }
    return true;
}

/* ---- an estimate of its size ----------------------------------------------------------------- */

static uint64_t part_tokens(hg_json part)
{
    if (part.kind == HG_J_STR)
        return json_raw(part).n / BYTES_A_TOKEN;
    if (gemini_member(part, HG_S("inlineData")).kind || gemini_member(part, HG_S("fileData")).kind)
        return TOKENS_AN_ATTACHMENT;
    return json_raw(part).n / BYTES_A_TOKEN;
}

static uint64_t content_tokens(hg_json content)
{
    hg_json parts = json_member(content, HG_S("parts")), part;
    uint64_t tokens = TOKENS_A_CONTENT;
    hg_json_it it = {{0, 0}};

    if (content.kind == HG_J_STR || parts.kind != HG_J_ARR)
        return tokens + part_tokens(content.kind == HG_J_STR ? content : parts);
    while (json_next(parts, &it, NULL, &part))
        tokens += part_tokens(part);
    return tokens;
}

static uint64_t contents_tokens(hg_json contents)
{
    hg_json_it it = {{0, 0}};
    uint64_t tokens = 0;
    hg_json content;

    if (contents.kind != HG_J_ARR)
        return contents.kind ? content_tokens(contents) : 0;
    while (json_next(contents, &it, NULL, &content))
        tokens += content_tokens(content);
    return tokens;
}

uint64_t gemini_tokens(uint32_t kind, hg_json doc)
{
    hg_json system = gemini_member(doc, HG_S("systemInstruction"));

    if (kind != HG_R_CHAT)
        return json_raw(doc).n / BYTES_A_TOKEN;
    return contents_tokens(json_member(doc, HG_S("contents"))) +
           (system.kind ? content_tokens(system) : 0) +
           json_raw(json_member(doc, HG_S("tools"))).n / BYTES_A_TOKEN;
}

/* ---- counting them by asking ----------------------------------------------------------------- */

const struct dialect_count gemini_counting = {.inside = "/generateContentRequest",
                                              .before = "{\"generateContentRequest\":",
                                              .member = "model",
                                              .after = "}",
                                              .result = "/totalTokens",
                                              .answer = "{\"totalTokens\":"};
