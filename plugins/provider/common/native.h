/* native.h - a provider that speaks one format of its own, which the core reads and writes: what is
 * left are the URL, the key and the headers. A plugin describes its API and hands these functions
 * on. */
#pragma once

#include <headgate/plugin.h>

struct native_api {
    const char *base;    /* default of the setting base_url */
    const char *key;     /* form of the key's field, as fields_add_key takes it */
    const char *version; /* name and value of a field every request gets; NULL: none */
    const char *value;
    const char *passes; /* fields of clients, as fields_complete takes them; may be NULL */
    uint32_t wire;      /* HG_WIRE_... and flags */
    const char *errors; /* what its codes mean, as error_map takes them; may be NULL */

    /* What is put over a request to chat or for embeddings; may be NULL. */
    hg_rc (*patch)(const hg_host *host, hg_op op, const hg_req *req, const hg_req_info *info,
                   hg_json *ret_patch);

    /* What stands behind the base for a request, and its query. Memory is the op's. */
    hg_str (*tail)(const hg_host *host, hg_op op, const hg_req_info *info, hg_str *ret_query);
    hg_str models; /* where the list of models is; empty: nowhere */
    hg_str page;   /* a query that asks for all of it at once */
};

/* For create and destroy of the plugin; `api` is static. */
hg_rc native_create(const hg_host *host, const struct native_api *api, hg_op op, hg_json settings,
                    void **ret_st);
void native_destroy(void *st);

/* Members of hg_provider. */
hg_rc native_prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out);
hg_rc native_map_error(void *st, void *call, hg_op op, const hg_http_resp *resp, hg_error *out);
hg_rc native_models(void *st, hg_op op, hg_out *json);

/* Properties of the settings that all have. */
#define NATIVE_SETTINGS                                                                \
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\"},"                         \
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\"},"                           \
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}," \
    "\"description\":\"Further headers of every request.\"},"                          \
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"                  \
    "\"description\":\"The models on offer. Without it the provider is asked.\"}"
