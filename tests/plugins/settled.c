/* A plugin with settings: says back what it was given, secrets included, and starts late if told
 * to. Its `create` answers from a timer when "late" is true. */
#include <headgate/plugin.h>

#include <stdlib.h>

static const hg_host *H;

struct settled {
    hg_inst *self;
    hg_op op;
    hg_str word, key;
    void **ret_st;
};

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    const struct settled *settled = st;

    (void)in;
    out->message = H->fmt(op, "%.*s %.*s", (int)settled->word.n, settled->word.p,
                          (int)settled->key.n, settled->key.p);
    return H->fail(op, HG_E_DENIED, "the key is %.*s", (int)settled->key.n, settled->key.p);
}

static void start(void *arg, hg_op op)
{
    struct settled *settled = arg;

    if (settled->word.n == 4) {
        free(settled);
        H->done(op, H->fail(op, HG_E_CONFIG, "four letters are not allowed"));
        return;
    }
    *settled->ret_st = settled;
    H->done(op, HG_OK);
}

static hg_rc create(hg_inst *self, hg_op op, hg_json settings, void **ret_st)
{
    struct settled *settled = calloc(1, sizeof *settled);
    const hg_timer_api *timer = H->service(HG_TIMER);

    settled->self = self;
    settled->word = H->json->str(op, H->json->get(settings, "/word"));
    settled->key = H->json->str(op, H->json->get(settings, "/key"));
    settled->ret_st = ret_st;
    if (H->json->get(settings, "/late").kind == HG_J_TRUE)
        return timer->after(op, 1000000, start, settled);
    if (H->json->get(settings, "/never").kind == HG_J_TRUE) {
        H->at_end(op, free, settled);
        return HG_PENDING;
    }
    *ret_st = settled;
    return HG_OK;
}

static const hg_guard guard = {.size = sizeof guard, .stages = HG_STAGE_REQUEST, .check = check};
HG_PLUGIN(H, "settled", "2.1.0", .create = create, .destroy = free,
          .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {"headgate.guard/9", &guard}, {0}},
          .schema = "{\"type\":\"object\",\"properties\":{"
                    "\"word\":{\"type\":\"string\",\"default\":\"one \\\"two\\\"\"},"
                    "\"key\":{\"type\":\"string\",\"format\":\"secret\",\"minLength\":6},"
                    "\"late\":{\"type\":\"boolean\"},\"never\":{\"type\":\"boolean\"}}}");
