/* Google's Gemini API. The model stands in the path, and a stream is another method. */
#include <headgate/plugin.h>

#include <string.h>

#include "common/native.h"
#include "common/words.h"

static const hg_host *H;

static hg_str method_of(const hg_req_info *info)
{
    if (info->kind == HG_R_COUNT)
        return HG_S("countTokens");
    if (info->kind == HG_R_EMBED)
        return HG_S("batchEmbedContents");
    return info->flags & HG_RQ_STREAM ? HG_S("streamGenerateContent") : HG_S("generateContent");
}

/* A name with a slash is a whole one: "tunedModels/mine". Streams are asked for as events: without
 * alt=sse they would be one list in pieces. The client's query may have its key in it, so it stays
 * here. */
static hg_str tail(const hg_host *host, hg_op op, const hg_req_info *info, hg_str *ret_query)
{
    bool is_whole = info->model.n && memchr(info->model.p, '/', info->model.n);
    hg_str method = method_of(info), version = HG_S("/v1beta"), path = info->path;

    if (info->kind == HG_R_CHAT || info->kind == HG_R_EMBED || info->kind == HG_R_COUNT) {
        if (info->kind == HG_R_CHAT && info->flags & HG_RQ_STREAM)
            *ret_query = HG_S("alt=sse");
        return host->fmt(op, "/%s%.*s:%.*s", is_whole ? "" : "models/", (int)info->model.n,
                         info->model.p, (int)method.n, method.p);
    }
    if (info->kind == HG_R_COMPLETE || !word_starts(path, version))
        return (hg_str){NULL, 0};
    return (hg_str){path.p + version.n, path.n - version.n};
}

static const struct native_api api = {.base = "https://generativelanguage.googleapis.com/v1beta",
                                      .key = "x-goog-api-key",
                                      .wire = HG_WIRE_GEMINI,
                                      .tail = tail,
                                      .models = {"/models", 7},
                                      .page = {"pageSize=1000", 13}};

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    (void)self;
    return native_create(H, &api, op, settings, ret_st);
}

static const char schema[] = "{\"type\":\"object\",\"additionalProperties\":false,"
                             "\"properties\":{" NATIVE_SETTINGS "}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps = 1u << HG_R_CHAT | 1u << HG_R_EMBED |
                                             1u << HG_R_MODELS | 1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_GEMINI,
                                     .prepare = native_prepare,
                                     .map_error = native_map_error,
                                     .models = native_models};

HG_PLUGIN(H, "google", "0.1.0", .summary = "Google's Gemini API", .license = "Apache-2.0",
          .schema = schema, .create = create, .destroy = native_destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
