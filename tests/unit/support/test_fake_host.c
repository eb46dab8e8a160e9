/* The fake answers as the host does where plugins look at the answer; see services.h. */
#include "support/fake_host.h"

#include <headgate/plugin.h>

#include "support/suite.h"

#undef fail /* of check; hg_host has a member of that name */

static const hg_host *H;
static unsigned called;

static hg_rc create(hg_inst *inst, hg_op op, hg_json settings, void **ret_st)
{
    (void)inst, (void)op, (void)settings, (void)ret_st;
    return HG_OK;
}

HG_PLUGIN(H, "test", "1.0", .create = create, .ifaces = (const hg_iface[]){{0}});

static struct fake *fake;

static void setup(void)
{
    fake = fake_new(headgate_plugin_v0);
    ck_assert_int_eq(fake_create(fake, "{}"), HG_OK);
    called = 0;
}

static void teardown(void)
{
    fake_free(&fake);
}

static void on_time(void *arg, hg_op op)
{
    (void)arg, (void)op;
    called++;
}

static void on_answer(void *arg, hg_op op, const hg_http_resp *resp)
{
    (void)arg, (void)op, (void)resp;
    called++;
}

static hg_rc fetch(hg_op op, const char *url)
{
    const hg_http_api *http = H->service(HG_HTTP);

    return http->fetch(
        op, &(hg_http_req){.size = sizeof(hg_http_req), .method = HG_S("GET"), .url = {url, 8}},
        on_answer, NULL);
}

START_TEST(what_has_started_is_pending)
{
    const hg_timer_api *timer = H->service(HG_TIMER);
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(timer->after(op, 10, on_time, NULL), HG_PENDING);
    ck_assert_int_eq(fetch(op, "http://x"), HG_PENDING);
    ck_assert_uint_eq(called, 0);
    fake_advance(fake, 10);
    ck_assert_uint_eq(called, 1);
    fake_end(fake, op, HG_OK);
    ck_assert_uint_eq(fake_run(fake), 0);
}
END_TEST

START_TEST(nothing_starts_for_an_op_that_has_ended)
{
    const hg_timer_api *timer = H->service(HG_TIMER);
    hg_op op = fake_op(fake, NULL);

    fake_end(fake, op, HG_OK);
    ck_assert_int_eq(timer->after(op, 10, on_time, NULL), HG_E_CANCELLED);
    ck_assert_int_eq(fetch(op, "http://x"), HG_E_CANCELLED);
    fake_advance(fake, 100);
    ck_assert_uint_eq(called, 0);
    ck_assert_uint_eq(fake_stale(fake), 2);
}
END_TEST

START_TEST(a_request_that_is_wrong_does_not_start)
{
    hg_op op = fake_op(fake, NULL);

    ck_assert_int_eq(fetch(op, "file://x"), HG_E_INTERNAL);
    fake_end(fake, op, HG_OK);
}
END_TEST

RUN_SUITE_WITH("support/fake_host", setup, teardown, what_has_started_is_pending,
               nothing_starts_for_an_op_that_has_ended, a_request_that_is_wrong_does_not_start)
