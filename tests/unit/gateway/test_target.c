/* Where an attempt goes, by name, and the model it asks for. */
#include "gateway/target.h"

#include <jansson.h>

#include "base/text.h"
#include "gateway/gateway.h"
#include "support/suite.h"
#include "unit/plugin/stand.h"

static const hg_host *H;
static hg_rc prepare(void *st, void *call, hg_op op, const hg_req *req, hg_http_req *out)
{
    (void)st, (void)call, (void)op, (void)req, (void)out;
    return HG_OK;
}

static const hg_provider provider = {.size = sizeof provider, .prepare = prepare};
HG_PLUGIN(H, "test", "1.0", .ifaces = (const hg_iface[]){{HG_PROVIDER, &provider}, {0}});

static struct stand stand;
static char kind[] = "provider", name[] = "openai";
static struct config_instance config;
static struct gateway_instance instance;
static struct gateway gateway;
static struct error error;

static void setup(void)
{
    struct plugin *plugin;

    stand_open(&stand, NULL, NULL);
    error = (struct error){""};
    plugin = plugin_static(stand.host, headgate_plugin_v0, &error);
    ck_assert_msg(plugin != NULL, "%s", error.text);
    stand.instance = instance_create(
        stand.host, &(struct instance_setup){.kind = kind, .name = name, .plugin = plugin}, NULL,
        NULL, &error);
    ck_assert_msg(stand.instance != NULL, "%s", error.text);
    config = (struct config_instance){.kind = kind, .name = name, .settings = json_object()};
    instance = (struct gateway_instance){.instance = stand.instance, .config = &config};
    gateway = (struct gateway){.loop = stand.loop, .instances = &instance, .instance_count = 1};
}

static void teardown(void)
{
    targets_free(&gateway);
    json_decref(config.settings);
    stand_close(&stand);
}

static struct target *get(const char *of)
{
    return target_get(&gateway, text_of(of), NULL, &error);
}

static bool asks_for(const char *of, const char *asked, const char *sent)
{
    return text_is(target_model(get(of), text_of(asked)), text_of(sent));
}

START_TEST(the_same_name_is_the_same_target_unless_it_has_parameters)
{
    ck_assert_ptr_nonnull(get("openai/gpt-4o"));
    ck_assert_ptr_eq(get("openai/gpt-4o"), get("openai/gpt-4o"));
    ck_assert_ptr_ne(get("openai/gpt-4o"), get("openai"));
    ck_assert_ptr_ne(target_get(&gateway, HG_S("openai"), "{\"n\":1}", &error), get("openai"));
}
END_TEST

START_TEST(a_target_with_a_model_asks_for_that_one)
{
    ck_assert(asks_for("openai/gpt-4o", "gpt-5", "gpt-4o"));
    ck_assert(asks_for("openai/meta/llama-3", "", "meta/llama-3"));
}
END_TEST

START_TEST(a_target_without_one_asks_for_what_the_client_did_without_its_own_name)
{
    ck_assert(asks_for("openai", "gpt-5", "gpt-5"));
    ck_assert(asks_for("openai", "openai/gpt-5", "gpt-5"));
    ck_assert(asks_for("openai", "openai/ft:gpt-5/x", "ft:gpt-5/x"));
    ck_assert(asks_for("openai", "openaix/gpt-5", "openaix/gpt-5"));
    ck_assert(asks_for("openai", "meta/llama-3", "meta/llama-3"));
    ck_assert(asks_for("openai", "openai", "openai"));
    ck_assert(asks_for("openai", "openai/", ""));
    ck_assert(asks_for("openai", "", ""));
}
END_TEST

START_TEST(a_name_nobody_has_is_refused_with_the_nearest_one)
{
    ck_assert_ptr_null(get("opneai/gpt-4o"));
    ck_assert_str_eq(error.text, "there is no provider 'opneai'; did you mean 'openai'?");
    ck_assert_ptr_null(get("zzz"));
    ck_assert_str_eq(error.text, "there is no provider 'zzz'");
    ck_assert_ptr_null(get(""));
    ck_assert_ptr_nonnull(strstr(error.text, "needs a name"));
}
END_TEST

START_TEST(the_usage_of_streams_is_asked_for_unless_the_settings_say_no)
{
    ck_assert(get("openai/a")->wants_usage);
    json_object_set_new(config.settings, "include_usage", json_false());
    ck_assert(!get("openai/b")->wants_usage);
}
END_TEST

RUN_SUITE_WITH("target", setup, teardown, the_same_name_is_the_same_target_unless_it_has_parameters,
               a_target_with_a_model_asks_for_that_one,
               a_target_without_one_asks_for_what_the_client_did_without_its_own_name,
               a_name_nobody_has_is_refused_with_the_nearest_one,
               the_usage_of_streams_is_asked_for_unless_the_settings_say_no)
