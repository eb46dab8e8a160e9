/* Cohere's API, version 2. */
#include <headgate/plugin.h>

#include "common/native.h"

static const hg_host *H;

static hg_str tail(const hg_host *host, hg_op op, const hg_req_info *info, hg_str *ret_query)
{
    (void)host;
    (void)op;
    *ret_query = info->query;
    switch (info->kind) {
    case HG_R_CHAT:
        return HG_S("/v2/chat");
    case HG_R_EMBED:
        return HG_S("/v2/embed");
    case HG_R_RERANK:
        return HG_S("/v2/rerank");
    case HG_R_COMPLETE:
    case HG_R_COUNT:
        return (hg_str){NULL, 0};
    default:
        return info->path;
    }
}

static const struct native_api api = {.base = "https://api.cohere.com",
                                      .key = "authorization: Bearer",
                                      .wire = HG_WIRE_COHERE,
                                      .tail = tail,
                                      .models = {"/v1/models", 10},
                                      .page = {"page_size=1000", 14}};

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    (void)self;
    return native_create(H, &api, op, settings, ret_st);
}

static const char schema[] = "{\"type\":\"object\",\"additionalProperties\":false,"
                             "\"properties\":{" NATIVE_SETTINGS "}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps = 1u << HG_R_CHAT | 1u << HG_R_EMBED |
                                             1u << HG_R_RERANK | 1u << HG_R_MODELS | 1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_COHERE,
                                     .prepare = native_prepare,
                                     .map_error = native_map_error,
                                     .models = native_models};

HG_PLUGIN(H, "cohere", "0.1.0", .summary = "Cohere's API, version 2", .license = "Apache-2.0",
          .schema = schema, .create = create, .destroy = native_destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
