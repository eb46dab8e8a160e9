#include "embed.h"

#include <string.h>

static int is_cohere(hg_str model)
{
    return model.n && memmem(model.p, model.n, "cohere.", 7) != NULL;
}

static void member_put(const hg_host *host, hg_out *out, const char *key, hg_json value)
{
    if (value.kind == HG_J_NONE || value.kind == HG_J_NULL)
        return;
    host->json->key(out, key);
    host->json->put_raw(out, host->json->raw(value));
}

static hg_rc cohere_write(const hg_host *host, hg_json input, hg_json doc, hg_out *out)
{
    const hg_json_api *json = host->json;
    hg_json type = json->get(doc, "/input_type");

    json->obj(out);
    json->key(out, "texts");
    if (input.kind == HG_J_STR)
        json->arr(out);
    json->put_raw(out, json->raw(input));
    if (input.kind == HG_J_STR)
        json->end(out);
    json->key(out, "input_type");
    if (type.kind == HG_J_STR)
        json->put_raw(out, json->raw(type));
    else
        json->put_str(out, HG_S("search_document"));
    member_put(host, out, "truncate", json->get(doc, "/truncate"));
    member_put(host, out, "output_dimension", json->get(doc, "/dimensions"));
    json->end(out);
    return HG_OK;
}

hg_rc embed_write(const hg_host *host, hg_op op, hg_str model, hg_json doc, hg_out *out)
{
    const hg_json_api *json = host->json;
    hg_json input = json->get(doc, "/input"), format = json->get(doc, "/encoding_format");
    hg_json first, second;
    hg_json_it it = {0};

    if (format.kind == HG_J_STR && json->str(op, format).n != 5)
        return host->fail(op, HG_E_INPUT, "encoding_format: Bedrock gives floats only");
    if (is_cohere(model) && (input.kind == HG_J_STR || input.kind == HG_J_ARR))
        return cohere_write(host, input, doc, out);
    if (input.kind == HG_J_ARR) {
        if (!json->next(input, &it, NULL, &first) || json->next(input, &it, NULL, &second))
            return host->fail(op, HG_E_INPUT, "input: this model takes one text at a time");
        input = first;
    }
    if (input.kind != HG_J_STR)
        return host->fail(op, HG_E_INPUT, "input: must be a text, or a list of texts");
    json->obj(out);
    json->key(out, "inputText");
    json->put_raw(out, json->raw(input));
    member_put(host, out, "dimensions", json->get(doc, "/dimensions"));
    member_put(host, out, "normalize", json->get(doc, "/normalize"));
    json->end(out);
    return HG_OK;
}

static void item_put(const hg_host *host, hg_out *out, int64_t number, hg_json vector)
{
    const hg_json_api *json = host->json;

    json->obj(out);
    json->key(out, "object");
    json->put_str(out, HG_S("embedding"));
    json->key(out, "index");
    json->put_i64(out, number);
    json->key(out, "embedding");
    json->put_raw(out, json->raw(vector));
    json->end(out);
}

hg_rc embed_read(const hg_host *host, hg_op op, hg_str model, hg_json doc, int64_t tokens)
{
    const hg_json_api *json = host->json;
    hg_json list = json->get(doc, "/embeddings"), vector = json->get(doc, "/embedding");
    int64_t count = json->i64(json->get(doc, "/inputTextTokenCount"), tokens), number = 0;
    hg_usage usage = {.size = sizeof usage, .flags = HG_U_INPUT, .input = (uint64_t)count};
    hg_out *out = host->out(op);
    hg_json_it it = {0};

    if (list.kind == HG_J_OBJ)
        list = json->get(list, "/float");
    if (list.kind != HG_J_ARR && vector.kind != HG_J_ARR)
        return host->fail(op, HG_E_UPSTREAM, "an answer without embeddings");
    json->arr(out);
    if (list.kind != HG_J_ARR)
        item_put(host, out, 0, vector);
    while (list.kind == HG_J_ARR && json->next(list, &it, NULL, &vector))
        item_put(host, out, number++, vector);
    json->end(out);
    host->emit(op, &(hg_event){.size = sizeof(hg_event), .type = HG_EV_START, .name = model});
    host->emit(op, &(hg_event){.size = sizeof(hg_event),
                               .type = HG_EV_EXTRA,
                               .name = HG_S("data"),
                               .text = host->body->flat(op, host->body->written(out))});
    if (count >= 0)
        host->emit(op, &(hg_event){.size = sizeof(hg_event), .type = HG_EV_USAGE, .usage = &usage});
    return host->emit(
        op, &(hg_event){.size = sizeof(hg_event), .type = HG_EV_FINISH, .finish = HG_FIN_STOP});
}
