/* Bodies, JSON and requests of the fake host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/index.h"
#include "json/splice.h"
#include "json/write.h"

#include "support/fake_parts.h"

/* ---- bodies and JSON ---------------------------------------------------------------------- */

static const struct chain *chain_of(const hg_body *body)
{
    return (const struct chain *)body;
}

static size_t body_len(const hg_body *body)
{
    return chain_of(body)->len;
}

static size_t body_peek(const hg_body *body, size_t off, hg_str *views, size_t max)
{
    const struct chain *chain = chain_of(body);
    size_t count = 0;

    for (uint32_t i = 0; i < chain->count && count < max; i++) {
        const struct segment *segment = &chain->segments[i];

        if (off >= segment->n) {
            off -= segment->n;
            continue;
        }
        views[count++] = (hg_str){segment->p + off, segment->n - off};
        off = 0;
    }
    return count;
}

static hg_str body_flat(hg_op handle, const hg_body *body)
{
    return chain_flat(chain_of(body), fake_op_must(handle)->arena);
}

static hg_slice body_hold(const hg_body *body, size_t off, size_t len)
{
    size_t total = chain_of(body)->len;

    if (off > total || len > total - off)
        return (hg_slice){0};
    struct block *block = block_new(len);
    struct arena *arena = arena_new();
    hg_str flat = chain_flat(chain_of(body), arena);

    if (len)
        memcpy(block->bytes, flat.p + off, len);
    arena_free(&arena);
    fake_current->held++;
    return (hg_slice){block->bytes, len, block};
}

static void body_drop(hg_slice *slice)
{
    if (slice->ref) {
        fake_current->held--;
        block_unref(slice->ref);
    }
    *slice = (hg_slice){0};
}

static void out_put(hg_out *out, const void *p, size_t n)
{
    chain_put((struct chain *)out, p, n);
}

static void out_put_const(hg_out *out, const void *p, size_t n)
{
    chain_put_const((struct chain *)out, p, n);
}

static void out_put_slice(hg_out *out, hg_slice *slice)
{
    if (slice->ref)
        chain_put_block((struct chain *)out, slice->ref, slice->p, slice->n);
    body_drop(slice);
}

static void out_put_body(hg_out *out, const hg_body *body, size_t off, size_t len)
{
    chain_put_chain((struct chain *)out, chain_of(body), off, len);
}

static const hg_body *out_written(const hg_out *out)
{
    return (const hg_body *)(const void *)out;
}

const hg_body_api fake_body_api = {sizeof fake_body_api,
                                   0,
                                   body_len,
                                   body_peek,
                                   body_flat,
                                   body_hold,
                                   body_drop,
                                   out_put,
                                   out_put_const,
                                   out_put_slice,
                                   out_put_body,
                                   out_written};

static hg_rc j_parse(hg_op handle, hg_str text, hg_json *root)
{
    return json_parse(fake_op_must(handle)->arena, text, root, NULL) ? HG_OK : HG_E_INPUT;
}

/* Texts of settings outlive the op that asks for them. */
static hg_str j_str(hg_op handle, hg_json value)
{
    if (value.doc && value.doc == fake_current->settings.doc)
        return json_str(fake_current->arena, value);
    return json_str(fake_op_must(handle)->arena, value);
}

static void j_obj(hg_out *out)
{
    json_obj((struct chain *)out);
}

static void j_arr(hg_out *out)
{
    json_arr((struct chain *)out);
}

static void j_end(hg_out *out)
{
    json_end((struct chain *)out);
}

static void j_key(hg_out *out, const char *key)
{
    json_key((struct chain *)out, text_of(key));
}

static void j_put_str(hg_out *out, hg_str text)
{
    json_put_str((struct chain *)out, text);
}

static void j_put_i64(hg_out *out, int64_t value)
{
    json_put_i64((struct chain *)out, value);
}

static void j_put_f64(hg_out *out, double value)
{
    json_put_f64((struct chain *)out, value);
}

static void j_put_bool(hg_out *out, int value)
{
    json_put_bool((struct chain *)out, value);
}

static void j_put_raw(hg_out *out, hg_str json)
{
    json_put_raw((struct chain *)out, json);
}

const hg_json_api fake_json_api = {sizeof fake_json_api,
                                   0,
                                   j_parse,
                                   json_get,
                                   json_next,
                                   j_str,
                                   json_raw,
                                   json_i64,
                                   json_f64,
                                   j_obj,
                                   j_arr,
                                   j_end,
                                   j_key,
                                   j_put_str,
                                   j_put_i64,
                                   j_put_f64,
                                   j_put_bool,
                                   j_put_raw};

/* ---- requests ----------------------------------------------------------------------------- */

/* Only what fits the caller's idea of the struct. */
static void req_info(const hg_req *req, hg_req_info *info)
{
    uint32_t size = info->size;
    hg_req_info full = {.size = size,
                        .kind = req->in.kind,
                        .wire = req->in.wire,
                        .flags = req->in.flags,
                        .id = HG_S("req-1"),
                        .route = text_of(req->in.route),
                        .model = text_of(req->in.model),
                        .tenant = text_of(req->in.tenant),
                        .method = text_of(req->in.method),
                        .path = text_of(req->in.path),
                        .query = text_of(req->in.query)};

    memcpy(info, &full, size < sizeof full ? size : sizeof full);
}

static hg_json req_json(const hg_req *req)
{
    return req->json;
}

static const hg_body *req_body(const hg_req *req)
{
    return (const hg_body *)req->body;
}

hg_str fake_field(const char *const *fields, const char *name)
{
    for (; fields && fields[0]; fields += 2) {
        if (strcasecmp(fields[0], name) == 0)
            return text_of(fields[1]);
    }
    return (hg_str){0};
}

static hg_str req_header(const hg_req *req, const char *name)
{
    ensure(strcmp(name, "authorization") != 0);
    return fake_field(req->in.headers, name);
}

static hg_str req_meta(const hg_req *req, const char *key)
{
    (void)req, (void)key;
    return (hg_str){0};
}

static size_t req_texts(const hg_req *req, hg_text *texts, size_t max)
{
    (void)req, (void)texts, (void)max;
    return 0;
}

static void req_rewrite(hg_out *out, const hg_req *req, uint32_t wire, hg_json patch)
{
    struct chain *chain = (struct chain *)out;
    hg_json_it it = {0};
    hg_json value;
    hg_str key;

    ensure((wire & HG_WIRE_MASK) >= HG_WIRE_OPENAI_CHAT && (wire & HG_WIRE_MASK) <= HG_WIRE_COHERE);
    if (req->json.kind != HG_J_OBJ) {
        chain_put_chain(chain, req->body, 0, req->body->len);
        return;
    }
    struct splice *splice = splice_new(chain->arena, req->json);

    if (req->in.model)
        splice_set_str(splice, "model", text_of(req->in.model));
    while (json_next(patch, &it, &key, &value)) {
        const char *name = arena_cstr(chain->arena, key);

        if (value.kind == HG_J_NULL)
            splice_remove(splice, name);
        else
            splice_set(splice, name, json_raw(value));
    }
    splice_into(splice, chain);
}

const hg_req_api fake_req_api = {sizeof fake_req_api, 0,        req_info,  req_json,   req_body,
                                 req_header,          req_meta, req_texts, req_rewrite};

/* ---- for tests ---- */

hg_req *fake_request(struct fake *fake, const struct fake_request *request)
{
    hg_req *req = arena_zalloc(fake->arena, sizeof *req);
    hg_str body = arena_text(fake->arena, text_of(request->body));

    req->in = *request;
    if (!req->in.method)
        req->in.method = "POST";
    req->body = chain_new(fake->arena);
    chain_put_const(req->body, body.p, body.n);
    if (body.n && !json_parse(fake->arena, body, &req->json, NULL))
        req->json = (hg_json){0};
    return req;
}

const hg_body *fake_body(struct fake *fake, hg_str text, size_t pieces)
{
    struct chain *chain = chain_new(fake->arena);
    hg_str copy = arena_text(fake->arena, text);
    size_t step = text.n / pieces + 1;

    for (size_t at = 0; at < copy.n; at += step)
        chain_put_const(chain, copy.p + at, copy.n - at < step ? copy.n - at : step);
    return (const hg_body *)chain;
}

hg_str fake_text(struct fake *fake, const hg_out *out)
{
    const struct chain *chain = (const struct chain *)out;

    ensure(!chain->broken && chain->depth == 0);
    return chain_flat(chain, fake->arena);
}

hg_json fake_json(struct fake *fake, const char *text)
{
    struct json_fault fault;
    hg_json root;

    if (!json_parse(fake->arena, arena_text(fake->arena, text_of(text)), &root, &fault)) {
        fprintf(stderr, "fake_json: at %zu: %s\n", fault.at, fault.reason);
        abort();
    }
    return root;
}
