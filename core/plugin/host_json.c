/* hg_json_api over json/, and the hg_req_api of a process that has no requests. */
#include <string.h>

#include "base/chain.h"
#include "base/text.h"
#include "plugin/parts.h"
#include "plugin/settings.h"
#include "json/index.h"
#include "json/write.h"

static struct chain *chain_of(hg_out *out)
{
    return (struct chain *)out;
}

static hg_rc parse(hg_op handle, hg_str text, hg_json *root)
{
    *root = (hg_json){0};
    return json_parse(op_memory(handle, "parse"), text, root, NULL) ? HG_OK : HG_E_INPUT;
}

static hg_json get(hg_json from, const char *pointer)
{
    return json_get(from, pointer ? pointer : "");
}

static int next(hg_json from, hg_json_it *it, hg_str *key, hg_json *value)
{
    return json_next(from, it, key, value);
}

/* Texts of settings outlive the op that asks for them. */
static hg_str str(hg_op handle, hg_json value)
{
    struct plugin_host *host = host_here();
    struct instance *instance = host && host->call ? host->call->instance : NULL;

    if (instance && settings_own(instance->settings, value))
        return settings_str(instance->settings, value);
    return json_str(op_memory(handle, "str"), value);
}

static void put_key(hg_out *out, const char *key)
{
    json_key(chain_of(out), text_of(key));
}

static void put_obj(hg_out *out)
{
    json_obj(chain_of(out));
}

static void put_arr(hg_out *out)
{
    json_arr(chain_of(out));
}

static void put_end(hg_out *out)
{
    json_end(chain_of(out));
}

static void put_str(hg_out *out, hg_str text)
{
    json_put_str(chain_of(out), text);
}

static void put_i64(hg_out *out, int64_t value)
{
    json_put_i64(chain_of(out), value);
}

static void put_f64(hg_out *out, double value)
{
    json_put_f64(chain_of(out), value);
}

static void put_bool(hg_out *out, int value)
{
    json_put_bool(chain_of(out), value);
}

/* What is not one whole value would let a plugin break the document around it. */
static void put_raw(hg_out *out, hg_str json)
{
    hg_str value = json;

    while (value.n && strchr(" \t\r\n", value.p[value.n - 1]))
        value.n--;
    if (!value.n || json_measure(value) != value.n)
        chain_of(out)->broken = true;
    else
        json_put_raw(chain_of(out), value);
}

const hg_json_api host_json = {
    .size = sizeof host_json,
    .parse = parse,
    .get = get,
    .next = next,
    .str = str,
    .raw = json_raw,
    .i64 = json_i64,
    .f64 = json_f64,
    .obj = put_obj,
    .arr = put_arr,
    .end = put_end,
    .key = put_key,
    .put_str = put_str,
    .put_i64 = put_i64,
    .put_f64 = put_f64,
    .put_bool = put_bool,
    .put_raw = put_raw,
};

/* ---- no requests ---------------------------------------------------------------------------- */

static void no_info(const hg_req *req, hg_req_info *info)
{
    uint32_t size = info->size;

    (void)req;
    if (size > sizeof *info)
        size = sizeof *info;
    if (size > sizeof info->size)
        memset((char *)info + sizeof info->size, 0, size - sizeof info->size);
}

static hg_json no_json(const hg_req *req)
{
    (void)req;
    return (hg_json){0};
}

static const hg_body *no_body(const hg_req *req)
{
    static const struct chain empty;

    (void)req;
    return body_of_chain(&empty);
}

static hg_str no_text(const hg_req *req, const char *name)
{
    (void)req, (void)name;
    return HG_S("");
}

static size_t no_texts(const hg_req *req, hg_text *texts, size_t max)
{
    (void)req, (void)texts, (void)max;
    return 0;
}

static void no_rewrite(hg_out *out, const hg_req *req, uint32_t wire, hg_json patch)
{
    (void)req, (void)wire, (void)patch;
    chain_of(out)->broken = true;
}

const hg_req_api host_no_req = {
    .size = sizeof host_no_req,
    .info = no_info,
    .json = no_json,
    .body = no_body,
    .header = no_text,
    .meta = no_text,
    .texts = no_texts,
    .rewrite = no_rewrite,
};
