/* Which models providers have, asked at most every few minutes. */
#include "gateway/models/offers.h"

#include <jansson.h>

#include "gateway/gateway.h"
#include "support/suite.h"
#include "unit/plugin/stand.h"

static const hg_host *H;
static struct stand stand;
static hg_op asked; /* the last question that waits for its answer */
static bool is_slow;
static unsigned told;

static hg_rc prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    (void)st, (void)call, (void)op, (void)req, (void)out;
    return HG_OK;
}

static hg_rc models(void *st, hg_op op, hg_out *json)
{
    (void)st;
    H->json->put_raw(json, HG_S("{\"data\":[{\"id\":\"one\"},{\"id\":\"two\"}]}"));
    asked = op;
    return is_slow ? HG_PENDING : HG_OK;
}

static const hg_provider provider = {.size = sizeof provider, .prepare = prepare, .models = models};
HG_PLUGIN(H, "test", "1.0", .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});

static char kind[] = "provider", name[] = "test", maker[] = "test";
static struct config_instance config;
static struct gateway_instance instances[2];
static struct gateway gateway;
static struct offers *offers;

static void on_known(struct offers_waiter *waiter)
{
    (void)waiter;
    told++;
}

static void setup(void)
{
    struct plugin *plugin;
    struct error error;

    clock_freeze(1000 * NS_PER_S);
    stand_open(&stand, NULL, NULL);
    plugin = plugin_static(stand.host, headgate_plugin_v0, &error);
    stand.instance = instance_create(
        stand.host, &(struct instance_setup){.kind = kind, .name = name, .plugin = plugin}, NULL,
        NULL, &error);
    ck_assert_msg(stand.instance != NULL, "%s", error.text);
    config = (struct config_instance){
        .kind = kind, .name = name, .plugin = maker, .settings = json_object()};
    instances[0] = instances[1] =
        (struct gateway_instance){.instance = stand.instance, .config = &config};
    gateway = (struct gateway){
        .loop = stand.loop, .plugins = stand.host, .instances = instances, .instance_count = 2};
    offers = offers_new(&gateway);
    is_slow = false;
    told = 0;
}

static void teardown(void)
{
    offers_free(&offers);
    json_decref(config.settings);
    stand_close(&stand);
    clock_freeze(0);
}

static struct offers_waiter waiter_for(const bool *wanted)
{
    return (struct offers_waiter){.wanted = wanted, .on_known = on_known};
}

START_TEST(a_list_is_kept_for_some_minutes)
{
    struct offers_waiter waiter = waiter_for((const bool[]){true, false});

    ck_assert(offers_ask(offers, &waiter));
    ck_assert_uint_eq(offers_of(offers, 0).count, 2);
    ck_assert_uint_eq(offers_of(offers, 1).count, 0);
    is_slow = true;
    clock_freeze(1299 * NS_PER_S);
    ck_assert(offers_ask(offers, &waiter));
    clock_freeze(1300 * NS_PER_S);
    ck_assert(!offers_ask(offers, &waiter));
    H->done(asked, HG_OK);
    stand_turns(&stand, 10);
    ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(who_waits_for_one_list_is_told_though_another_grows_old_meanwhile)
{
    struct offers_waiter first = waiter_for((const bool[]){true, false});
    struct offers_waiter both = waiter_for((const bool[]){true, true});

    ck_assert(offers_ask(offers, &first));
    is_slow = true;
    clock_freeze(1299 * NS_PER_S);
    ck_assert(!offers_ask(offers, &both));
    clock_freeze(1304 * NS_PER_S);
    H->done(asked, HG_OK);
    stand_turns(&stand, 10);
    ck_assert_uint_eq(told, 1);
    ck_assert_uint_eq(offers_of(offers, 0).count, 2);
    ck_assert_uint_eq(offers_of(offers, 1).count, 2);
}
END_TEST

RUN_SUITE_WITH("offers", setup, teardown, a_list_is_kept_for_some_minutes,
               who_waits_for_one_list_is_told_though_another_grows_old_meanwhile)
