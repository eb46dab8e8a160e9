/* A plugin that has nothing but what it must have: all that is optional is NULL. */
#include <headgate/plugin.h>

static const hg_host *H;

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)st, (void)in;
    out->action = HG_FLAG;
    out->message = H->fmt(op, "worker %u of %u", H->worker, H->workers);
    return HG_OK;
}

static const hg_guard guard = {.size = sizeof guard, .stages = HG_STAGE_REQUEST, .check = check};
HG_PLUGIN(H, "plain", "1.0", .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});
