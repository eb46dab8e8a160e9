/* Ollama by its own API, which knows what its OpenAI side does not: the length of the context, how
 * long a model stays, how much it thinks. */
#include <headgate/plugin.h>

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "common/errors.h"
#include "common/fields.h"
#include "common/models.h"
#include "common/place.h"
#include "common/words.h"
#include "request.h"

static const hg_host *H;

struct ollama {
    const hg_http_api *http; /* may be NULL */
    struct place place;
    struct fields fields;
    struct request_dflt dflt;
    hg_str key; /* only to take it out of error messages */
    hg_json models;
};

/* An attempt. */
struct call {
    uint32_t kind;
    bool is_stream;
    struct answer answer;
};

/* ---- requests ----------------------------------------------------------------------------- */

static hg_str tail_of(const hg_req_info *info)
{
    if (info->kind == HG_R_CHAT)
        return HG_S("/api/chat");
    return info->kind == HG_R_EMBED ? HG_S("/v1/embeddings") : (hg_str){0};
}

/* The request as the core writes it in OpenAI's form, and that as Ollama has it. What the core has
 * refused is empty here, and said by it. */
static hg_rc chat_make(const struct ollama *ollama, hg_op op, const hg_req *req,
                       const hg_req_info *info, hg_http_req *out)
{
    uint32_t wire = HG_WIRE_OPENAI_CHAT | HG_WIRE_STRING_CONTENT | HG_WIRE_EMPTY_CONTENT |
                    HG_WIRE_REASONING | HG_WIRE_TOP_K | HG_WIRE_MAX_TOKENS |
                    HG_WIRE_NO_STREAM_USAGE | HG_WIRE_NO_URLS;
    hg_out *draft = H->out(op);
    hg_json doc;

    H->req->rewrite(draft, req, wire, (hg_json){0});
    hg_str text = H->body->flat(op, H->body->written(draft));

    out->body = draft;
    if (!text.n)
        return HG_OK;
    if (H->json->parse(op, text, &doc) != HG_OK || doc.kind != HG_J_OBJ)
        return H->fail(op, HG_E_INPUT, "the body must be a JSON object");
    out->body = H->out(op);
    return request_write(H, op, doc, info->model, info->flags & HG_RQ_STREAM, &ollama->dflt,
                         out->body);
}

static hg_rc prepare(void *st, void *memory, hg_op op, const hg_req *req, hg_http_req *out)
{
    const struct ollama *ollama = st;
    struct call *call = memory;
    hg_req_info info = {.size = sizeof info};
    hg_rc rc;

    H->req->info(req, &info);
    *call = (struct call){.kind = info.kind, .is_stream = info.flags & HG_RQ_STREAM};
    hg_str tail = tail_of(&info);

    if (!tail.n)
        return H->fail(op, HG_E_UNSUPPORTED, "Ollama is not asked for %.*s", (int)info.path.n,
                       info.path.p);
    rc = place_url(H, op, &ollama->place, tail, (hg_str){0}, &out->url);
    if (rc != HG_OK)
        return rc;
    out->method = HG_S("POST");
    if (!fields_make(&ollama->fields, H, op, req, (hg_header){0}, out))
        return H->fail(op, HG_E_NOMEM, "no memory");
    if (info.kind == HG_R_CHAT)
        return chat_make(ollama, op, req, &info, out);
    out->body = H->out(op);
    H->req->rewrite(out->body, req, HG_WIRE_OPENAI_CHAT, (hg_json){0});
    return HG_OK;
}

/* ---- answers ------------------------------------------------------------------------------ */

static hg_rc head(void *st, void *memory, hg_op op, const hg_http_resp *resp, uint32_t *framing)
{
    const struct call *call = memory;

    (void)st;
    (void)op;
    (void)resp;
    if (call->is_stream)
        *framing = HG_FRAME_LINES;
    return HG_OK;
}

static hg_rc frame(void *st, void *memory, hg_op op, const hg_frame *frame)
{
    struct call *call = memory;

    (void)st;
    return answer_read(H, op, &call->answer, frame->data);
}

static hg_rc body(void *st, void *memory, hg_op op, const hg_body *bytes)
{
    struct call *call = memory;
    hg_str text = H->body->flat(op, bytes);

    (void)st;
    return call->kind == HG_R_EMBED ? answer_read_vectors(H, op, text)
                                    : answer_read(H, op, &call->answer, text);
}

static hg_rc map_error(void *st, void *memory, hg_op op, const hg_http_resp *resp, hg_error *out)
{
    const struct ollama *ollama = st;

    (void)memory;
    return error_map(H, ollama->http, op, resp, ollama->key, NULL, out);
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    const struct ollama *ollama = st;
    hg_http_req req = {
        .size = sizeof req, .headers = ollama->fields.fixed, .n_headers = ollama->fields.count};
    hg_rc rc;

    if (ollama->models.kind == HG_J_ARR) {
        models_write(H, op, ollama->models, json);
        return HG_OK;
    }
    if (!ollama->http)
        return H->fail(op, HG_E_UNSUPPORTED, "models: needs " HG_HTTP);
    rc = place_url(H, op, &ollama->place, HG_S("/v1/models"), (hg_str){0}, &req.url);
    return rc == HG_OK ? models_ask(H, ollama->http, op, &req, json) : rc;
}

/* ---- settings ----------------------------------------------------------------------------- */

/* With or without /v1 or /api behind it. */
static hg_str base_of(hg_str url)
{
    static const char *const tails[] = {"/", "/v1", "/api"};

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t n = strlen(tails[i]);

        if (url.n > n && memcmp(url.p + url.n - n, tails[i], n) == 0)
            url.n -= n;
    }
    return url;
}

static hg_rc settings_read(struct ollama *ollama, hg_op op, hg_json settings)
{
    hg_str url = H->json->str(op, H->json->get(settings, "/base_url"));
    hg_json keep = H->json->get(settings, "/keep_alive");
    hg_rc rc = place_read(H, op, "base_url", url.n ? base_of(url) : HG_S("http://localhost:11434"),
                          &ollama->place);

    ollama->key = H->json->str(op, H->json->get(settings, "/api_key"));
    ollama->models = H->json->get(settings, "/models");
    ollama->dflt.num_ctx = H->json->i64(H->json->get(settings, "/num_ctx"), 0);
    if (keep.kind > HG_J_NULL)
        ollama->dflt.keep_alive = H->json->raw(keep);
    if (rc == HG_OK)
        rc = fields_add_key(&ollama->fields, H, op, HG_S("authorization: Bearer"), ollama->key);
    return rc == HG_OK ? fields_complete(&ollama->fields, H, op, settings, NULL) : rc;
}

static void destroy(void *st)
{
    struct ollama *ollama = st;

    fields_done(&ollama->fields);
    free(ollama);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct ollama *ollama = calloc(1, sizeof *ollama);
    hg_rc rc;

    (void)self;
    if (!ollama)
        return H->fail(op, HG_E_NOMEM, "no memory");
    ollama->http = H->service(HG_HTTP);
    rc = settings_read(ollama, op, settings);
    if (rc != HG_OK) {
        destroy(ollama);
        return rc;
    }
    *ret_st = ollama;
    return HG_OK;
}

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\",\"default\":\"http://localhost:11434\","
    "\"description\":\"Where it listens; https://ollama.com for its cloud.\"},"
    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\","
    "\"description\":\"Of the cloud; one's own server needs none.\"},"
    "\"num_ctx\":{\"type\":\"integer\",\"minimum\":1,"
    "\"description\":\"Length of the context in tokens, where the client does not say it. A prompt "
    "that is longer loses its beginning.\"},"
    "\"keep_alive\":{\"type\":[\"string\",\"integer\"],"
    "\"description\":\"How long a model stays loaded: 10m, seconds, -1 for ever.\"},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
    "\"description\":\"Further headers of every request.\"},"
    "\"models\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The models on offer. Without it the server is asked.\"}}}";

static const hg_provider provider = {.size = sizeof provider,
                                     .caps = 1u << HG_R_CHAT | 1u << HG_R_EMBED | 1u << HG_R_MODELS,
                                     .call_size = sizeof(struct call),
                                     .prepare = prepare,
                                     .head = head,
                                     .frame = frame,
                                     .body = body,
                                     .map_error = map_error,
                                     .models = models};

HG_PLUGIN(H, "ollama", "0.1.0", .summary = "Ollama, by its own API", .license = "Apache-2.0",
          .schema = schema, .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});
