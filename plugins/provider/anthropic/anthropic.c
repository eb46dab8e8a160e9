/* Anthropic's Messages API. Clients' beta flags pass; everything but the version header, the key
 * and the URL is the core's. */
#include <headgate/plugin.h>

#include "common/native.h"
#include "common/place.h"

static const hg_host *H;

static hg_str tail(const hg_host *host, hg_op op, const hg_req_info *info, hg_str *ret_query)
{
    (void)host;
    (void)op;
    *ret_query = info->query;
    if (info->kind == HG_R_EMBED || info->kind == HG_R_COMPLETE)
        return (hg_str){NULL, 0};
    if (info->kind == HG_R_COUNT)
        return HG_S("/messages/count_tokens");
    return info->kind == HG_R_CHAT ? HG_S("/messages") : place_tail(info);
}

static const struct native_api api = {.base = "https://api.anthropic.com/v1",
                                      .key = "x-api-key",
                                      .version = "anthropic-version",
                                      .value = "2023-06-01",
                                      .passes = "anthropic-beta anthropic-user-profile-id",
                                      .wire = HG_WIRE_ANTHROPIC,
                                      .tail = tail,
                                      .models = {"/models", 7},
                                      .page = {"limit=1000", 10}};

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    (void)self;
    return native_create(H, &api, op, settings, ret_st);
}

static const char schema[] = "{\"type\":\"object\",\"additionalProperties\":false,"
                             "\"properties\":{" NATIVE_SETTINGS "}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps = 1u << HG_R_CHAT | 1u << HG_R_MODELS | 1u << HG_R_RAW,
                                     .wires = 1u << HG_WIRE_ANTHROPIC,
                                     .prepare = native_prepare,
                                     .map_error = native_map_error,
                                     .models = native_models};

HG_PLUGIN(H, "anthropic", "0.1.0", .summary = "Anthropic's Messages API", .license = "Apache-2.0",
          .schema = schema, .create = create, .destroy = native_destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
