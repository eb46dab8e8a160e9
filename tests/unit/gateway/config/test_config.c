#include "gateway/config/config.h"

#include "base/clock.h"
#include "base/text.h"

#include "support/suite.h"
#include "unit/gateway/config/config_folder.h"

static const char whole[] =
    "listen '127.0.0.1:8787'\n"
    "listen '[::1]:0' { tls = { cert = 'tls/cert.pem', key = '/etc/key.pem' } }\n"
    "admin '127.0.0.1:8788' { token = secret 'ADMIN' }\n"
    "\n"
    "provider 'openai' { plugin = 'openai', api_key = secret 'OPENAI_API_KEY', retries = 3,\n"
    "  models = { 'a', 'b' }, deep = { x = { y = 1.5, z = false } },\n"
    "  timeouts = { connect = '250ms', idle = 3, total = 2.5 }, keepalive = false,\n"
    "  tls = { ca = 'ca.pem', verify = false, server_name = 'x.example' }, max_connections = 7 }\n"
    "provider 'local' { plugin = 'openai', base_url = 'http://127.0.0.1:1' }\n"
    "cache 'memory' { plugin = 'memory', timeouts = 'its own' }\n"
    "guard 'memory' { plugin = 'regex' }\n"
    "logger('access', { plugin = 'jsonl', path = 'a.jsonl' })\n"
    "http 'search' { base_url = 'https://search.example/v1', timeout = '5s',\n"
    "  headers = { authorization = 'Bearer ' .. secret 'TOKEN', accept = 'text/plain' } }\n"
    "routes 'routes/*.lua'\n"
    "aliases { fast = 'local/m-1', ['gpt-4'] = 'openai/gpt/4' }\n"
    "aliases { slow = 'openai/m-2' }\n"
    "workers(3)\n"
    "drain_timeout '1m'\n"
    "log_level 'warn'\n"
    "limits { max_body = '1MB', max_header_count = 50, idle_timeout = 4 }\n"
    "lua { cpu_per_resume = '10ms', memory = '32MB' }\n"
    "plugin_path 'plugins'\n"
    "plugin_path '/opt/plugins'\n"
    "ring_size '1MB'\n"
    "shared_size '32MB'\n";

static void setup(void)
{
    folder_make();
    mkdir("routes", 0700);
    write_file("routes/b.lua", "return 2");
    write_file("routes/a.lua", "-- \xc3\xa4\nreturn 1");
    write_file("routes/a_test.lua", "not for us");
    write_file("routes/note.txt", "neither");
}

static void teardown(void)
{
    folder_remove();
}

static const char *in_folder(const char *path)
{
    static char joined[200];
    char *real = realpath(".", NULL);

    snprintf(joined, sizeof joined, "%s/%s", real, path);
    free(real);
    return joined;
}

static void check_whole(const struct config *config)
{
    ck_assert_uint_eq(config->listen_count, 2);
    ck_assert_str_eq(config->listen[0].address, "127.0.0.1:8787");
    ck_assert_ptr_null(config->listen[0].cert);
    ck_assert_str_eq(config->listen[1].address, "[::1]:0");
    ck_assert_str_eq(config->listen[1].cert, in_folder("tls/cert.pem"));
    ck_assert_str_eq(config->listen[1].key, "/etc/key.pem");
    ck_assert_str_eq(config->admin.address, "127.0.0.1:8788");
    ck_assert_str_eq(json_string_value(json_object_get(config->admin_token, "$secret")), "ADMIN");
    ck_assert_uint_eq(config->workers, 3);
    ck_assert_int_eq(config->drain_timeout, 60 * NS_PER_S);
    ck_assert_int_eq(config->log_level, LOG_WARN);
    ck_assert_uint_eq(config->limits.max_body, 1 << 20);
    ck_assert_uint_eq(config->limits.max_head, 64 << 10);
    ck_assert_uint_eq(config->limits.max_header_count, 50);
    ck_assert_int_eq(config->limits.idle_timeout, 4 * NS_PER_S);
    ck_assert_int_eq(config->lua.cpu_per_resume, 10 * NS_PER_MS);
    ck_assert_uint_eq(config->lua.memory, 32 << 20);
    ck_assert_uint_eq(config->ring_size, 1 << 20);
    ck_assert_uint_eq(config->shared_size, 32 << 20);
    ck_assert(text_ends(text_of(config->plugin_path), HG_S("/plugins:/opt/plugins")));
}

static void check_instances(const struct config *config)
{
    const struct config_instance *openai = config_instance(config, "provider", HG_S("openai"));
    const struct config_instance *cache = config_instance(config, "cache", HG_S("memory"));

    ck_assert_uint_eq(config->instance_count, 5);
    ck_assert_str_eq(config->instances[1].name, "local");
    ck_assert_str_eq(openai->place.file, "headgate.lua");
    ck_assert_int_eq(openai->place.line, 5);
    ck_assert_str_eq(openai->plugin, "openai");
    char *settings = json_dumps(openai->settings, JSON_COMPACT);

    ck_assert_str_eq(settings, "{\"api_key\":{\"$secret\":\"OPENAI_API_KEY\"},"
                               "\"deep\":{\"x\":{\"y\":1.5,\"z\":false}},"
                               "\"models\":[\"a\",\"b\"],\"retries\":3}");
    free(settings);
    ck_assert_int_eq(openai->upstream.connect_timeout, 250 * NS_PER_MS);
    ck_assert_int_eq(openai->upstream.idle_timeout, 3 * NS_PER_S);
    ck_assert_int_eq(openai->upstream.total_timeout, 2500 * NS_PER_MS);
    ck_assert_int_eq(openai->upstream.first_byte_timeout, 120 * NS_PER_S);
    ck_assert_int_eq(openai->upstream.keepalive, 0);
    ck_assert_uint_eq(openai->upstream.max_connections, 7);
    ck_assert_str_eq(openai->upstream.ca, in_folder("ca.pem"));
    ck_assert_str_eq(openai->upstream.server_name, "x.example");
    ck_assert(!openai->upstream.verify);
    ck_assert(config->instances[1].upstream.verify);
    ck_assert_str_eq(json_string_value(json_object_get(cache->settings, "timeouts")), "its own");
    ck_assert_ptr_null(config_instance(config, "logger", HG_S("memory")));
    ck_assert_ptr_nonnull(config_instance(config, "logger", HG_S("access")));
}

static void check_rest(const struct config *config)
{
    const struct config_http *http = config_http(config, HG_S("search"));

    ck_assert_ptr_null(config_http(config, HG_S("other")));
    ck_assert_str_eq(json_string_value(http->base_url), "https://search.example/v1");
    ck_assert_int_eq(http->upstream.total_timeout, 5 * NS_PER_S);
    ck_assert_str_eq(json_string_value(json_object_get(
                         json_object_get(http->headers, "authorization"), "$secret")),
                     "Bearer ${TOKEN}");
    ck_assert_uint_eq(config->alias_count, 3);
    ck_assert_str_eq(config->aliases[2].name, "slow");
    ck_assert_str_eq(config->aliases[2].target, "openai/m-2");
    ck_assert_uint_eq(config->route_count, 2);
    ck_assert_str_eq(config->routes[0].name, "routes/a.lua");
    ck_assert_str_eq(config->routes[0].source, "-- \xc3\xa4\nreturn 1");
    ck_assert_uint_eq(config->routes[0].length, 14);
    ck_assert_str_eq(config->routes[1].name, "routes/b.lua");
}

START_TEST(everything_that_can_be_declared_is_there)
{
    struct config *config = load(whole);

    check_whole(config);
    check_instances(config);
    check_rest(config);
    config_free(&config);
    ck_assert_ptr_null(config);
}
END_TEST

START_TEST(a_document_and_back_is_the_same)
{
    struct config *config = load(whole);
    json_t *document = config_to_json(config);
    char *text = json_dumps(document, 0);
    json_t *read = json_loads(text, 0, NULL);
    struct error error = {{0}};
    struct config *again = config_from_json(read, &error);

    ck_assert_msg(again != NULL, "%s", error.text);
    check_whole(again);
    check_instances(again);
    check_rest(again);
    json_t *twice = config_to_json(again);

    ck_assert(json_equal(document, twice));
    json_decref(document);
    json_decref(read);
    json_decref(twice);
    free(text);
    config_free(&config);
    config_free(&again);
}
END_TEST

START_TEST(a_document_with_anything_missing_or_wrong_is_refused)
{
    struct config *config = load(whole);
    json_t *document = config_to_json(config);
    struct error error;
    const char *key;
    json_t *value;

    json_object_foreach(document, key, value) {
        json_t *copy = json_deep_copy(document);

        if (strcmp(key, "admin") != 0) {
            json_object_set_new(copy, key, json_true());
            config_free(&config);
            config = config_from_json(copy, &error);
            ck_assert_msg(!config || strcmp(key, "admin_token") == 0, "%s", key);
        }
        json_decref(copy);
    }
    ck_assert_ptr_null(config_from_json(NULL, &error));
    config_free(&config);
    json_decref(document);
}
END_TEST

START_TEST(a_small_configuration_has_defaults)
{
    struct config *config = load("listen ':8787'");

    ck_assert_ptr_null(config->admin.address);
    ck_assert_uint_ge(config->workers, 1);
    ck_assert_uint_eq(config->limits.max_body, 64 << 20);
    ck_assert_uint_eq(config->limits.max_streamed_body, 1 << 30);
    ck_assert_int_eq(config->drain_timeout, 600 * NS_PER_S);
    ck_assert_int_eq(config->log_level, LOG_INFO);
    ck_assert_ptr_null(config->plugin_path);
    config_free(&config);
}
END_TEST

START_TEST(plain_lua_may_compute_declarations)
{
    struct config *config = load("local key = secret 'KEY'\n"
                                 "for i, name in ipairs { 'a', 'b', 'c' } do\n"
                                 "  provider(name) {\n"
                                 "    plugin = 'openai', base_url = ('http://h%d/'):format(i),\n"
                                 "    api_key = key }\n"
                                 "end\n"
                                 "local port = 8000 + 7\n"
                                 "listen('127.0.0.1:' .. port)\n");

    ck_assert_uint_eq(config->instance_count, 3);
    ck_assert_int_eq(config->instances[2].place.line, 3);
    ck_assert_str_eq(json_string_value(json_object_get(config->instances[1].settings, "base_url")),
                     "http://h2/");
    ck_assert_str_eq(config->listen[0].address, "127.0.0.1:8007");
    config_free(&config);
}
END_TEST

START_TEST(no_file_is_an_error_that_says_how_to_make_one)
{
    struct error error;

    ck_assert_ptr_null(config_load(NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "listen \"127.0.0.1:8787\""));
    ck_assert_ptr_null(config_load("nothing.lua", &error));
    ck_assert(text_starts(text_of(error.text), HG_S("nothing.lua: there is no such file")));
    ck_assert_ptr_null(config_load("routes", &error));
    ck_assert_str_eq(error.text, "routes: not a regular file");
    mkfifo("fifo", 0600);
    ck_assert_ptr_null(config_load("fifo", &error));
    ck_assert_str_eq(error.text, "fifo: not a regular file");
    ck_assert_str_eq(reason(""), "headgate.lua: nothing to listen on: write listen "
                                 "\"127.0.0.1:8787\"");
}
END_TEST

START_TEST(the_folder_of_the_file_is_where_paths_begin)
{
    struct error error;

    mkdir("sub [1]", 0700);
    mkdir("sub [1]/r", 0700);
    write_file("sub [1]/r/x.lua", "return");
    write_file("sub [1]/h.lua", "listen ':1' { tls = { cert = 'c.pem' } } routes 'r/*'");
    struct config *config = config_load("sub [1]/h.lua", &error);

    ck_assert_msg(config != NULL, "%s", error.text);
    ck_assert_str_eq(config->listen[0].cert, in_folder("sub [1]/c.pem"));
    ck_assert_str_eq(config->routes[0].name, "r/x.lua");
    config_free(&config);
}
END_TEST

/* ---- mistakes ------------------------------------------------------------------------------- */

START_TEST(unknown_names_and_keys_come_with_a_suggestion)
{
    refuse("provder 'x' {}",
           "headgate.lua:2: unknown declaration 'provder'; did you mean 'provider'?");
    refuse("\nlocal x = zzzzzz",
           "headgate.lua:3: unknown declaration 'zzzzzz' (a variable of your own needs 'local' "
           "where it is made)");
    refuse("limits { max_bdy = 1 }",
           "headgate.lua:2: limits: max_bdy: unknown; did you mean 'max_body'?");
    refuse("provider 'x' { plugin = 'y', timeouts = { conect = 1 } }",
           "headgate.lua:2: provider 'x': timeouts.conect: unknown; did you mean 'connect'?");
    refuse("provider 'x' { plugn = 'y' }",
           "headgate.lua:2: provider 'x': plugn: unknown; did you mean 'plugin'?");
    refuse("listen ':1' { tsl = {} }", "headgate.lua:2: listen: tsl: unknown; did you mean 'tls'?");
    refuse("http 'x' { base_url = 'http://a', header = {} }",
           "headgate.lua:2: http 'x': header: unknown; did you mean 'headers'?");
    refuse("admin ':1' { what = 1 }", "headgate.lua:2: admin: what: unknown setting");
}
END_TEST

START_TEST(names_are_checked)
{
    refuse("provider 'x' { plugin = 'y' }\nprovider 'x' { plugin = 'z' }",
           "headgate.lua:3: provider 'x': declared already, see line 2");
    refuse("http 'x' { base_url = 'http://a' }\nhttp 'x' { base_url = 'http://b' }",
           "headgate.lua:3: http 'x': declared already, see line 2");
    refuse("guard 'a b' { plugin = 'y' }",
           "headgate.lua:2: guard 'a b': a name has letters, digits, '_', '-' and '.', at most 64 "
           "of them");
    refuse("guard 'x' { pattern = 1 }",
           "headgate.lua:2: guard 'x': plugin is missing, as in plugin = \"x\"");
    refuse("guard 'x' { plugin = '../evil' }",
           "headgate.lua:2: guard 'x': plugin: expected the name of a plugin");
    refuse("guard 'x'", "headgate.lua:2: guard 'x': its settings are missing, as in guard "
                        "\"words\" { plugin = \"regex\" }");
    refuse("guard { plugin = 'x' }", "headgate.lua:2: guard: expected it like this: guard "
                                     "\"words\" { plugin = \"regex\" }");
    refuse("workers(1)\nworkers(2)", "headgate.lua:3: workers: declared already, see line 2");
}
END_TEST

START_TEST(aliases_are_checked)
{
    refuse("aliases { a = 'gpt-4o' }",
           "headgate.lua:2: aliases: a: expected a provider and its model, such as "
           "\"openai/gpt-4o-mini\"");
    refuse("aliases { a = '/gpt-4o' }",
           "headgate.lua:2: aliases: a: expected a provider and its model, such as "
           "\"openai/gpt-4o-mini\"");
    refuse("aliases { a = 3 }", "headgate.lua:2: aliases: a: expected a provider and its model, "
                                "such as \"openai/gpt-4o-mini\"");
    refuse("aliases { ['a b'] = 'x/y' }",
           "headgate.lua:2: aliases: a b: a name has no spaces, and at most 200 bytes");
    refuse("aliases { a = 'x/y' }\naliases { a = 'x/z' }",
           "headgate.lua:3: aliases: a: declared already, see line 2");
    refuse("provider 'x' { plugin = 'openai' }\naliases { a = 'y/m' }",
           "headgate.lua:3: aliases: a: there is no provider 'y'");
}
END_TEST

START_TEST(values_are_checked)
{
    refuse("workers(0)", "headgate.lua:2: workers: expected 1 to 64, or \"auto\"");
    refuse("workers(65)", "headgate.lua:2: workers: expected 1 to 64, or \"auto\"");
    refuse("workers 'many'", "headgate.lua:2: workers: expected 1 to 64, or \"auto\"");
    refuse("log_level 'loud'", "headgate.lua:2: log_level: expected \"debug\", \"info\", \"warn\" "
                               "or \"error\"");
    refuse("drain_timeout 'soon'", "headgate.lua:2: drain_timeout: expected a duration such as "
                                   "\"30s\" or \"250ms\"");
    refuse("drain_timeout(-1)", "headgate.lua:2: drain_timeout: expected 0 to 86400 seconds");
    refuse("limits { max_body = 'big' }",
           "headgate.lua:2: limits: max_body: expected a size such as \"64MB\"");
    refuse("limits { max_body = -1 }",
           "headgate.lua:2: limits: max_body: expected a size such as \"64MB\"");
    refuse("limits { max_body = 1 }",
           "headgate.lua:2: limits: max_body: expected 1024 to 4294967296 bytes");
    refuse("limits { max_header_count = '9' }",
           "headgate.lua:2: limits: max_header_count: expected a whole number");
    refuse("limits { idle_timeout = 0 }",
           "headgate.lua:2: limits: idle_timeout: expected 0.001 to 86400 seconds");
    refuse("shared_size '1MB'",
           "headgate.lua:2: shared_size: expected 16777216 to 6.871947674e+10 bytes");
    refuse("provider 'x' { plugin = 'y', timeouts = 5 }",
           "headgate.lua:2: provider 'x': timeouts: expected a table");
    refuse("provider 'x' { plugin = 'y', tls = { verify = 'no' } }",
           "headgate.lua:2: provider 'x': tls.verify: expected true or false");
    refuse("provider 'x' { plugin = 'y', tls = { key = 'k' } }",
           "headgate.lua:2: provider 'x': tls.cert: is missing, and there is a key");
    refuse("lua { memory_per_request = '2MB', memory = '1MB' }",
           "headgate.lua: lua: memory_per_request is more than memory");
}
END_TEST

START_TEST(addresses_are_checked)
{
    refuse("listen '127.0.0.1:99999'",
           "headgate.lua:2: listen: \"99999\" is not a port (0 to 65535)");
    refuse("listen 'localhost:80'",
           "headgate.lua:2: listen: \"localhost:80\" is a name: write 127.0.0.1:80");
    refuse("listen 'unix:'",
           "headgate.lua:2: listen: write the path of the socket behind \"unix:\"");
    refuse("listen '127.0.0.1:1' { mode = '0600' }",
           "headgate.lua:2: listen: mode: only the file of a \"unix:\" address has one");
    refuse("admin 'unix:/a' { mode = 600 }",
           "headgate.lua:2: admin: mode: expected octal digits such as \"0660\"");
    refuse("listen 'unix:/a' { mode = '0888' }",
           "headgate.lua:2: listen: mode: expected octal digits such as \"0660\"");
    refuse("admin '127.0.0.1:1' { tls = { key = 'k' } }",
           "headgate.lua:2: admin: tls.cert: is missing");
    refuse("listen 'unix:/a'\nlisten 'unix:/a'",
           "headgate.lua:3: listen: unix:/a is listened on already, see line 2");
    refuse("listen '8787'", "headgate.lua:2: listen: \"8787\" is not an address with a port; write "
                            "127.0.0.1:8787, [::1]:8787 or :8787");
    refuse("listen ':9'\nlisten ':9'", "headgate.lua:3: listen: :9 is listened on already, see "
                                       "line 2");
    refuse("listen ':1' { tls = {} }", "headgate.lua:2: listen: tls.cert: is missing");
    refuse("admin ':1'\nadmin ':2'", "headgate.lua:3: admin: declared already, see line 2");
    refuse("admin ':1' { token = 'plain' }",
           "headgate.lua:2: admin: token: expected secret \"NAME\"");
}
END_TEST

START_TEST(named_upstreams_are_checked)
{
    refuse("http 'x' {}", "headgate.lua:2: http 'x': base_url: is missing");
    refuse("http 'x' { base_url = 'ftp://x' }", "headgate.lua:2: http 'x': base_url: expected "
                                                "something like \"https://search.example/v1\"");
    refuse("http 'x' { base_url = 'https://' }", "headgate.lua:2: http 'x': base_url: expected "
                                                 "something like \"https://search.example/v1\"");
    refuse("http 'x' { base_url = 'https://u:p@h/' }",
           "headgate.lua:2: http 'x': base_url: no user and password here: use headers");
    refuse("http 'x' { base_url = 'http://h:/v1' }",
           "headgate.lua:2: http 'x': base_url: a host, or HOST:PORT with a port up to 65535");
    refuse("http 'x' { base_url = 'http://h', headers = { ['a b'] = '' } }",
           "headgate.lua:2: http 'x': headers: 'a b' is no name of a header field");
    refuse("http 'x' { base_url = 'http://h', headers = { a = 'x\\r\\ny' } }",
           "headgate.lua:2: http 'x': headers: a: a control character");
    refuse("http 'x' { base_url = 'http://h', headers = { a = 1 } }",
           "headgate.lua:2: http 'x': headers: a: expected a text or a secret");
}
END_TEST

START_TEST(route_files_are_checked)
{
    refuse("routes 'none/*.lua'", "headgate.lua:2: routes: no file matches 'none/*.lua'");
    refuse("routes 'routes'", "headgate.lua:2: routes: routes: not a regular file");
    write_file("bad.lua", "\xff");
    refuse("routes 'bad.lua'", "headgate.lua:2: routes: bad.lua: not a text in UTF-8");
    write_file_n("bad.lua", "a\0b", 3);
    refuse("routes 'bad.lua'", "headgate.lua:2: routes: bad.lua: not a text in UTF-8");
    ck_assert_int_eq(truncate("bad.lua", 2 << 20), 0);
    refuse("routes 'bad.lua'", "headgate.lua:2: routes: bad.lua: larger than 1024 kB");
    ck_assert_int_eq(symlink("/dev/zero", "zero.lua"), 0);
    refuse("routes 'zero.lua'", "headgate.lua:2: routes: zero.lua: not a regular file");
    struct config *config =
        load("listen ':1' routes 'routes/b.lua' routes 'routes/*.lua' routes 'routes/?.lua'");

    ck_assert_uint_eq(config->route_count, 2);
    ck_assert_str_eq(config->routes[0].name, "routes/b.lua");
    config_free(&config);
}
END_TEST

START_TEST(settings_are_plain_values)
{
    refuse("guard 'x' { plugin = 'y', f = function() end }",
           "headgate.lua:2: guard 'x': f: this can only be text, a number, true, false, a table or "
           "a secret");
    refuse("guard 'x' { plugin = 'y', a = { b = { 1, 2, c = 3 } } }",
           "headgate.lua:2: guard 'x': a.b: a table has either names or a list, not both");
    refuse("guard 'x' { plugin = 'y', a = { [3] = 1 } }",
           "headgate.lua:2: guard 'x': a: a table has either names or a list, not both");
    refuse("guard 'x' { plugin = 'y', a = { 1, { 0/0 } } }",
           "headgate.lua:2: guard 'x': a[2][1]: not a finite number");
    refuse("guard 'x' { plugin = 'y', a = '\\xff' }",
           "headgate.lua:2: guard 'x': a: this text is not valid UTF-8");
    refuse("guard 'x' { plugin = 'y', a = 'b\\0c' }",
           "headgate.lua:2: guard 'x': a: a text with a zero byte in it");
    refuse("guard 'x' { 'y' }", "headgate.lua:2: guard 'x': expected a table of names and values");
    refuse("guard 'x' { plugin = 'y' } { plugin = 'z' }",
           "headgate.lua:2: attempt to call a nil value");
    refuse("local g = guard 'x'\ng { plugin = 'y' }\ng { plugin = 'y' }",
           "headgate.lua:4: guard 'x': has its settings already");
}
END_TEST

/* ---- secrets -------------------------------------------------------------------------------- */

static char *resolved(const char *json, struct error *error)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    json_t *plain = config_resolve_secrets(value, error);
    char *text = plain ? json_dumps(plain, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    json_decref(value);
    json_decref(plain);
    return text;
}

static void expect_resolved(const char *json, const char *expected)
{
    struct error error = {{0}};
    char *text = resolved(json, &error);

    ck_assert_msg(text != NULL, "%s", error.text);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void expect_no_secret(const char *json, const char *why)
{
    struct error error = {{0}};

    ck_assert_ptr_null(resolved(json, &error));
    ck_assert_str_eq(error.text, why);
}

START_TEST(secrets_are_resolved_wherever_they_are)
{
    setenv("HG_TEST_KEY", "s3cret", 1);
    write_file("key", "from file\r\n\n");
    expect_resolved("{\"a\":[1,{\"b\":{\"$secret\":\"HG_TEST_KEY\"}}],\"c\":true}",
                    "{\"a\":[1,{\"b\":\"s3cret\"}],\"c\":true}");
    expect_resolved("{\"$secret\":\"file:key\"}", "\"from file\"");
    expect_resolved("{\"$secret\":\"Bearer ${HG_TEST_KEY}/${file:key}!\"}",
                    "\"Bearer s3cret/from file!\"");
    expect_resolved("{\"$secret\":\"HG_TEST_KEY\",\"more\":1}",
                    "{\"$secret\":\"HG_TEST_KEY\",\"more\":1}");
}
END_TEST

START_TEST(what_is_missing_is_named_and_never_shown)
{
    setenv("HG_TEST_EMPTY", "", 1);
    setenv("HG_TEST_BYTES", "s3cret\xff", 1);
    unsetenv("HG_TEST_NONE");
    write_file("empty", "\n");
    expect_no_secret("{\"a\":[{\"k\":{\"$secret\":\"HG_TEST_NONE\"}}]}",
                     "a[1].k: secret 'HG_TEST_NONE' is not set: put it into the environment of the "
                     "gateway");
    expect_no_secret("{\"$secret\":\"HG_TEST_EMPTY\"}",
                     "secret 'HG_TEST_EMPTY' is empty: put it into the environment of the gateway");
    expect_no_secret("{\"k\":{\"$secret\":\"HG_TEST_BYTES\"}}",
                     "k: secret 'HG_TEST_BYTES' is not valid UTF-8");
    expect_no_secret("{\"k\":{\"$secret\":\"file:empty\"}}",
                     "k: secret 'empty': the file is empty");
    expect_no_secret("{\"k\":{\"$secret\":\"file:none\"}}",
                     "k: secret 'none': No such file or directory");
    expect_no_secret("{\"k\":{\"$secret\":\"x${\"}}",
                     "k: secret '': not the name of an environment variable");
}
END_TEST

START_TEST(secrets_in_the_file_stay_names)
{
    struct config *config =
        load("listen ':1'\n"
             "provider 'x' { plugin = 'y', a = secret 'KEY', b = secret { file = 'f' },\n"
             "  c = { 'Basic ' .. secret { file = '/abs' } .. ';' .. secret 'K2' } }");
    const json_t *settings = config->instances[0].settings;
    char wanted[300], *text = json_dumps(settings, JSON_COMPACT);

    snprintf(wanted, sizeof wanted,
             "{\"a\":{\"$secret\":\"KEY\"},\"b\":{\"$secret\":\"file:%s\"},"
             "\"c\":[{\"$secret\":\"Basic ${file:/abs};${K2}\"}]}",
             in_folder("f"));
    ck_assert_str_eq(text, wanted);
    ck_assert(config_has_secret(settings));
    ck_assert(!config_has_secret(json_object_get(settings, "none")));
    free(text);
    config_free(&config);
}
END_TEST

START_TEST(a_secret_cannot_be_misused)
{
    refuse("listen(secret 'X')",
           "headgate.lua:2: listen: expected it like this: listen \"127.0.0.1:8787\"");
    refuse("log_level(secret 'X')", "headgate.lua:2: log_level: expected \"debug\", \"info\", "
                                    "\"warn\" or \"error\"");
    refuse("local s = ('%s'):format(secret 'X')",
           "headgate.lua:2: a secret has no text here: its value is not known before a plugin "
           "needs it; to put text around it use ..");
    refuse("local s = secret('X').value",
           "headgate.lua:2: a secret has no text here: its value is not known before a plugin "
           "needs it; to put text around it use ..");
    refuse("local s = '${Y}' .. secret 'X'",
           "headgate.lua:2: a secret can only be joined with text that has no '$' in it");
    refuse("local s = secret 'not a name'",
           "headgate.lua:2: secret: expected the name of an environment variable, as in secret "
           "\"OPENAI_API_KEY\", or secret { file = \"path\" }");
}
END_TEST

RUN_SUITE_WITH("config", setup, teardown, everything_that_can_be_declared_is_there,
               a_document_and_back_is_the_same,
               a_document_with_anything_missing_or_wrong_is_refused,
               a_small_configuration_has_defaults, plain_lua_may_compute_declarations,
               no_file_is_an_error_that_says_how_to_make_one,
               the_folder_of_the_file_is_where_paths_begin,
               unknown_names_and_keys_come_with_a_suggestion, names_are_checked,
               aliases_are_checked, values_are_checked, addresses_are_checked,
               named_upstreams_are_checked, route_files_are_checked, settings_are_plain_values,
               secrets_are_resolved_wherever_they_are, what_is_missing_is_named_and_never_shown,
               secrets_in_the_file_stay_names, a_secret_cannot_be_misused)
