/* A provider of any wire format, for tests of translation: settings say which one it speaks and
 * what stands behind its base URL. */
#include <headgate/plugin.h>

#include <stdlib.h>
#include <string.h>

static const hg_host *H;

struct wire {
    hg_str base_url, path;
    uint32_t number;
};

static hg_rc prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    static const hg_header json = {{"content-type", 12}, {"application/json", 16}};
    const struct wire *wire = st;

    (void)call;
    out->method = (hg_str){"POST", 4};
    out->url = H->fmt(op, "%.*s%.*s", (int)wire->base_url.n, wire->base_url.p, (int)wire->path.n,
                      wire->path.p);
    out->headers = &json;
    out->n_headers = 1;
    out->body = H->out(op);
    H->req->rewrite(out->body, req, wire->number, (hg_json){0});
    return HG_OK;
}

static uint32_t number_of(hg_str name)
{
    static const char *const names[] = {
        "", "openai_chat", "openai_responses", "anthropic", "gemini", "converse", "cohere"};

    for (uint32_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == name.n && memcmp(names[i], name.p, name.n) == 0)
            return i;
    return 0;
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct wire *wire = calloc(1, sizeof *wire);

    (void)self;
    wire->base_url = H->json->str(op, H->json->get(settings, "/base_url"));
    wire->path = H->json->str(op, H->json->get(settings, "/path"));
    wire->number = number_of(H->json->str(op, H->json->get(settings, "/wire")));
    *ret_st = wire;
    return wire->number ? HG_OK : H->fail(op, HG_E_CONFIG, "no such wire");
}

static const hg_provider provider = {
    .size = sizeof provider, .caps = 1u << HG_R_CHAT, .wires = 0x7e, .prepare = prepare};

HG_PLUGIN(H, "wire", "1.0", .create = create, .destroy = free,
          .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}},
          .schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"},"
                    "\"api_key\":{\"type\":\"string\",\"format\":\"secret\"},"
                    "\"path\":{\"type\":\"string\"},\"wire\":{\"type\":\"string\"}}}");
