#include "models.h"

enum {
    MODELS_MAX = 8 * 1024 * 1024
};

struct asking {
    const hg_host *host;
    hg_out *out;
};

void models_write(const hg_host *host, hg_op op, hg_json names, hg_out *out)
{
    const hg_json_api *json = host->json;
    hg_json_it it = {0};
    hg_json name;

    json->obj(out);
    json->key(out, "object");
    json->put_str(out, HG_S("list"));
    json->key(out, "data");
    json->arr(out);
    while (names.kind == HG_J_ARR && json->next(names, &it, NULL, &name)) {
        json->obj(out);
        json->key(out, "id");
        json->put_str(out, json->str(op, name));
        json->key(out, "object");
        json->put_str(out, HG_S("model"));
        json->end(out);
    }
    json->end(out);
    json->end(out);
}

static hg_json list_of(const hg_host *host, hg_op op, const hg_http_resp *resp)
{
    hg_json root, list;

    if (host->json->parse(op, host->body->flat(op, resp->body), &root) != HG_OK)
        return (hg_json){0};
    if (root.kind == HG_J_ARR)
        return root;
    list = host->json->get(root, "/data");
    return list.kind == HG_J_ARR ? list : host->json->get(root, "/models");
}

static void models_answered(void *arg, hg_op op, const hg_http_resp *resp)
{
    const struct asking *asking = arg;
    const hg_host *host = asking->host;
    hg_out *out = asking->out;

    if (resp->rc != HG_OK || resp->status != 200) {
        hg_rc rc = resp->rc != HG_OK                            ? resp->rc
                   : resp->status == 401 || resp->status == 403 ? HG_E_AUTH
                                                                : HG_E_UPSTREAM;

        host->done(op, host->fail(op, rc, "models: status %d", (int)resp->status));
        return;
    }
    hg_json list = list_of(host, op, resp);

    if (list.kind != HG_J_ARR) {
        host->done(
            op, host->fail(op, HG_E_UPSTREAM, "models: no list in the answer: is base_url right?"));
        return;
    }
    host->json->obj(out);
    host->json->key(out, "object");
    host->json->put_str(out, HG_S("list"));
    host->json->key(out, "data");
    host->json->put_raw(out, host->json->raw(list));
    host->json->end(out);
    host->done(op, HG_OK);
}

hg_rc models_ask(const hg_host *host, const hg_http_api *http, hg_op op, hg_http_req *req,
                 hg_out *out)
{
    struct asking *asking = host->alloc(op, sizeof *asking);

    *asking = (struct asking){host, out};
    req->method = HG_S("GET");
    req->max_body = MODELS_MAX;
    return http->fetch(op, req, models_answered, asking);
}
