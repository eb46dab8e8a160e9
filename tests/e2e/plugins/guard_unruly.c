/* A guard that does what the request's text tells it to: crash, abort, hang, or fail. */
#include <stdlib.h>
#include <string.h>

#include <headgate/plugin.h>

static const hg_host *H;

static int says(hg_str text, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= text.n; i++)
        if (memcmp(text.p + i, word, n) == 0)
            return 1;
    return 0;
}

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)st, (void)op, (void)out;
    for (size_t i = 0; i < in->n_texts; i++) {
        hg_str text = in->texts[i].text;

        if (says(text, "please crash"))
            *(volatile int *)(uintptr_t)8 = 1;
        if (says(text, "please abort"))
            abort();
        if (says(text, "please hang"))
            for (volatile int go_on = 1; go_on;)
                ;
        if (says(text, "please fail"))
            return HG_E_INTERNAL;
        if (says(text, "please wait for ever"))
            return HG_PENDING;
    }
    return HG_OK;
}

static const hg_guard guard = {.size = sizeof guard, .stages = HG_STAGE_REQUEST, .check = check};
HG_PLUGIN(H, "unruly", "1.0", .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});
