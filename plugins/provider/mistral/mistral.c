/* Mistral: nearly OpenAI's format. What is said otherwise in messages the core writes; here is what
 * a request may not have, because an unknown member is a 422. */
#include <headgate/plugin.h>

#include "common/native.h"
#include "common/place.h"
#include "common/words.h"

static const hg_host *H;

/* There is no /completions: what is near to it is /fim/completions, which passes. */
static hg_str tail(const hg_host *host, hg_op op, const hg_req_info *info, hg_str *ret_query)
{
    (void)host;
    (void)op;
    *ret_query = info->query;
    return info->kind == HG_R_COMPLETE || info->kind == HG_R_COUNT ? (hg_str){NULL, 0}
                                                                   : place_tail(info);
}

/* Of OpenAI's members those that it does not know. `seed` and the limit go by other names. */
static const char *const refused[] = {"audio",
                                      "logit_bias",
                                      "logprobs",
                                      "modalities",
                                      "prompt_cache_retention",
                                      "safety_identifier",
                                      "service_tier",
                                      "store",
                                      "top_k",
                                      "top_logprobs",
                                      "user",
                                      "verbosity",
                                      "web_search_options"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static hg_json number_of(hg_json doc, const char *plain, const char *gemini)
{
    hg_json value = H->json->get(doc, plain);

    if (value.kind != HG_J_NUM)
        value = H->json->get(doc, gemini);
    return value.kind == HG_J_NUM ? value : (hg_json){0};
}

/* A client may insist that nothing is lost. */
static hg_rc refusal(hg_op op, const hg_req *req, hg_json doc)
{
    hg_str wish = H->req->header(req, "x-headgate-strict");

    if (!word_is(wish, "true") && !word_is(wish, "1"))
        return HG_OK;
    for (size_t i = 0; i < COUNT(refused); i++)
        if (H->json->get(doc, H->fmt(op, "/%s", refused[i]).p).kind > HG_J_NULL)
            return H->fail(op, HG_E_INPUT, "Mistral does not take %s", refused[i]);
    return HG_OK;
}

static void chat_patch(hg_json doc, hg_out *out)
{
    hg_json seed = number_of(doc, "/seed", "/generationConfig/seed");
    hg_json degrees = number_of(doc, "/temperature", "/generationConfig/temperature");

    for (size_t i = 0; i < COUNT(refused); i++) {
        H->json->key(out, refused[i]);
        H->json->put_bool(out, -1);
    }
    H->json->key(out, "stream_options");
    H->json->put_bool(out, -1);
    H->json->key(out, "seed");
    H->json->put_bool(out, -1);
    if (seed.kind) {
        H->json->key(out, "random_seed");
        H->json->put_raw(out, H->json->raw(seed));
    }
    if (H->json->f64(degrees, 0) > 1.5) {
        H->json->key(out, "temperature");
        H->json->put_raw(out, HG_S("1.5"));
    }
}

static void embed_patch(hg_json doc, hg_out *out)
{
    hg_json size = H->json->get(doc, "/dimensions");

    H->json->key(out, "user");
    H->json->put_bool(out, -1);
    H->json->key(out, "dimensions");
    H->json->put_bool(out, -1);
    if (size.kind == HG_J_NUM) {
        H->json->key(out, "output_dimension");
        H->json->put_raw(out, H->json->raw(size));
    }
}

static hg_rc patch(const hg_host *host, hg_op op, const hg_req *req, const hg_req_info *info,
                   hg_json *ret_patch)
{
    hg_json doc = host->req->json(req);
    hg_out *out = host->out(op);
    hg_rc rc = refusal(op, req, doc);

    if (rc != HG_OK)
        return rc;
    host->json->obj(out);
    if (info->kind == HG_R_CHAT)
        chat_patch(doc, out);
    else
        embed_patch(doc, out);
    host->json->end(out);
    return host->json->parse(op, host->body->flat(op, host->body->written(out)), ret_patch);
}

static const struct native_api api = {.base = "https://api.mistral.ai/v1",
                                      .key = "authorization: Bearer",
                                      .wire = HG_WIRE_OPENAI_CHAT | HG_WIRE_MISTRAL |
                                              HG_WIRE_MAX_TOKENS | HG_WIRE_EMPTY_CONTENT |
                                              HG_WIRE_NO_STREAM_USAGE,
                                      .errors = "3505=rate 1300=rate rate_limited=rate",
                                      .tail = tail,
                                      .patch = patch,
                                      .models = {"/models", 7}};

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    (void)self;
    return native_create(H, &api, op, settings, ret_st);
}

static const char schema[] = "{\"type\":\"object\",\"additionalProperties\":false,"
                             "\"properties\":{" NATIVE_SETTINGS "}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps = 1u << HG_R_CHAT | 1u << HG_R_EMBED | 1u << HG_R_AUDIO |
                                             1u << HG_R_MODERATE | 1u << HG_R_MODELS |
                                             1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_OPENAI_CHAT,
                                     .prepare = native_prepare,
                                     .map_error = native_map_error,
                                     .models = native_models};

HG_PLUGIN(H, "mistral", "0.1.0", .summary = "Mistral's API", .license = "Apache-2.0",
          .schema = schema, .create = create, .destroy = native_destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
