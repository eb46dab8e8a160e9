/* The services as a plugin uses them. `act` is what the plugin's check does. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "http/outbound.h"
#include "net/dial.h"
#include "net/resolve.h"
#include "shm/map.h"
#include "unit/plugin/stand.h"

static const hg_host *H;
static hg_rc (*act)(hg_op op, hg_verdict *out);
static hg_inst *self;
static char trace[512];
static unsigned hits;

static void note(const char *word)
{
    strcat(trace, word);
    strcat(trace, " ");
    hits++;
}

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)st, (void)in;
    return act(op, out);
}

static hg_rc create(hg_inst *inst, hg_op op, hg_json settings, void **ret_st)
{
    (void)op, (void)settings, (void)ret_st;
    self = inst;
    return HG_OK;
}

static void destroy(void *st)
{
    (void)st;
    note("destroy");
}

static const hg_guard guard = {.size = sizeof guard, .stages = HG_STAGE_REQUEST, .check = check};
HG_PLUGIN(H, "test", "1.0", .create = create, .destroy = destroy,
          .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});

static struct stand stand;
static struct ended ended;
static hg_verdict verdict;

/* ---- a server of one connection at a time ---------------------------------------------------- */

static struct {
    int listener;
    uint16_t port;
    pthread_t thread;
    char seen[4096];
} server;

static struct resolver *resolver;
static struct dialer *dialer;
static struct upstream *upstream;

static const char *answer_for(const char *request)
{
    if (strstr(request, "/whole"))
        return "HTTP/1.1 200 OK\r\nX-Kind: whole\r\ncontent-length: 14\r\n\r\n{\"deny\":\"nono\"";
    if (strstr(request, "/json"))
        return "HTTP/1.1 200 OK\r\nX-Kind: json\r\ncontent-length: 13\r\n\r\n{\"deny\":\"no\"}";
    if (strstr(request, "/pieces"))
        return "HTTP/1.1 201 Made\r\ntransfer-encoding: "
               "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    if (strstr(request, "/cut"))
        return "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc";
    if (strstr(request, "/silent"))
        return "";
    return "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
}

static void *serve(void *arg)
{
    int fd;

    (void)arg;
    while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
        char request[4096];
        ssize_t n = read(fd, request, sizeof request - 1);

        if (n > 0) {
            request[n] = 0;
            strcpy(server.seen, request);
            const char *answer = answer_for(request);

            if (write(fd, answer, strlen(answer)) < 0)
                abort();
            if (!*answer)
                n = read(fd, request, sizeof request);
        }
        close(fd);
    }
    return NULL;
}

static struct upstream *upstream_get(void *arg, bool is_tls, const char *host, uint16_t port,
                                     struct error *error)
{
    (void)arg;
    if (is_tls || strcmp(host, "127.0.0.1") != 0)
        return error_set(error, "%s is out of reach", host), NULL;
    if (!upstream)
        upstream = upstream_new(&(struct upstream_settings){
            .loop = stand.loop, .dialer = dialer, .host = host, .port = port});
    return upstream;
}

static void server_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server.listener, 5), 0);
    getsockname(server.listener, (struct sockaddr *)&address, &size);
    server.port = ntohs(address.sin_port);
    pthread_create(&server.thread, NULL, serve, NULL);
    resolver = resolver_new(stand.loop, &(struct resolver_setup){0});
    dialer = dialer_new(stand.loop, resolver);
}

static void server_stop(void)
{
    upstream_free(&upstream);
    stand_turns(&stand, 1);
    dialer_free(&dialer);
    resolver_free(&resolver);
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
}

static void setup(void)
{
    trace[0] = 0;
    hits = 0;
    ended = (struct ended){0};
    verdict = (hg_verdict){.size = sizeof verdict};
    stand_open(&stand, headgate_plugin_v0, &(struct plugin_host_setup){.upstream = upstream_get});
}

static void setup_http(void)
{
    setup();
    server_start();
}

static void teardown(void)
{
    stand_close(&stand);
}

static void teardown_http(void)
{
    server_stop();
    teardown();
}

static struct op *call(hg_rc (*what)(hg_op op, hg_verdict *out), hg_rc expected)
{
    struct op *op = stand_op(&stand, 0, &ended);
    hg_guard_in in = {.size = sizeof in};

    act = what;
    hg_rc rc = OP_CALL(op, "check", guard.check(NULL, op_handle(op), &in, &verdict));

    ck_assert_msg(rc == expected, "%d: %s", rc, op_error(op));
    return op;
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static const hg_http_api *http(void)
{
    return H->service(HG_HTTP);
}

static hg_str url(hg_op op, const char *path)
{
    return H->fmt(op, "http://127.0.0.1:%d%s", server.port, path);
}

static void on_answer(void *arg, hg_op op, const hg_http_resp *resp)
{
    hg_verdict *out = arg;
    hg_json doc;

    note(resp->rc == HG_OK ? "whole" : "broken");
    out->http_status = (uint32_t)resp->status;
    out->code = H->fmt(op, "%.*s", (int)http()->header(resp->headers, "x-kind").n,
                       http()->header(resp->headers, "x-kind").p);
    if (H->json->parse(op, H->body->flat(op, resp->body), &doc) == HG_OK)
        out->message = H->json->str(op, H->json->get(doc, "/deny"));
    H->done(op, resp->rc);
}

static hg_rc ask(hg_op op, hg_verdict *out)
{
    static const hg_header headers[] = {{{"x-token", 7}, {"t1", 2}}};
    hg_out *body = H->out(op);

    H->json->arr(body);
    H->json->put_str(body, HG_S("say"));
    H->json->end(body);
    return http()->fetch(op,
                         &(hg_http_req){.size = sizeof(hg_http_req),
                                        .method = HG_S("POST"),
                                        .url = url(op, "/json?x=1"),
                                        .headers = headers,
                                        .n_headers = 1,
                                        .body = body},
                         on_answer, out);
}

START_TEST(a_fetch_brings_the_whole_answer)
{
    struct op *op = call(ask, HG_PENDING);

    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(ended.rc, HG_OK);
    ck_assert_uint_eq(verdict.http_status, 200);
    ck_assert(text_is(verdict.code, HG_S("json")));
    ck_assert(text_is(verdict.message, HG_S("no")));
    ck_assert(
        text_starts(text_of(server.seen), HG_S("POST /json?x=1 HTTP/1.1\r\nhost: 127.0.0.1:")));
    ck_assert_ptr_nonnull(strstr(server.seen, "x-token: t1\r\n"));
    ck_assert_ptr_nonnull(strstr(server.seen, "content-length: 7\r\n\r\n[\"say\"]"));
    op_end(&op, HG_OK);
}
END_TEST

static const char *path;
static hg_http_req request;

static hg_rc get(hg_op op, hg_verdict *out)
{
    request.size = sizeof request;
    request.method = HG_S("GET");
    request.url = url(op, path);
    return http()->fetch(op, &request, on_answer, out);
}

static hg_rc fetched(const char *what)
{
    path = what;
    ended.count = 0;
    struct op *op = call(get, HG_PENDING);

    stand_until(&stand, &ended.count, 1);
    op_end(&op, HG_OK);
    return ended.rc;
}

START_TEST(what_goes_wrong_has_a_code)
{
    ck_assert_int_eq(fetched("/cut"), HG_E_UPSTREAM);
    ck_assert_int_eq(fetched("/nothing"), HG_OK);
    ck_assert_uint_eq(verdict.http_status, 404);
    request.first_byte_timeout = 20 * NS_PER_MS;
    ck_assert_int_eq(fetched("/silent"), HG_E_TIMEOUT);
    request.first_byte_timeout = 0;
    request.total_timeout = 20 * NS_PER_MS;
    ck_assert_int_eq(fetched("/silent"), HG_E_TIMEOUT);
    request.total_timeout = 0;
    request.max_body = 5;
    ck_assert_int_eq(fetched("/whole"), HG_E_TOOBIG);
    request.max_body = 0;
    ck_assert_uint_eq(hits, 5);
}
END_TEST

START_TEST(an_exchange_ends_with_its_op_and_does_not_call_back)
{
    path = "/silent";
    struct op *op = call(get, HG_PENDING);

    stand_turns(&stand, 5);
    op_end(&op, HG_E_CANCELLED);
    stand_turns(&stand, 5);
    path = "/json";
    op = call(get, HG_PENDING);
    op_end(&op, HG_E_CANCELLED);
    stand_turns(&stand, 5);
    ck_assert_uint_eq(hits, 0);
}
END_TEST

static const char *place;
static hg_header odd;

static hg_rc try_place(hg_op op, hg_verdict *out)
{
    return http()->fetch(op,
                         &(hg_http_req){.size = sizeof(hg_http_req),
                                        .method = HG_S("GET"),
                                        .url = text_of(place),
                                        .headers = &odd,
                                        .n_headers = odd.name.n ? 1 : 0},
                         on_answer, out);
}

static void refused(hg_rc rc, const char *why)
{
    struct op *op = call(try_place, rc);

    ck_assert_msg(strstr(op_error(op), why) != NULL, "%s", op_error(op));
    op_end(&op, HG_OK);
}

START_TEST(requests_that_are_wrong_are_refused_at_once)
{
    static const char *const wrong[] = {"",
                                        "/path",
                                        "ftp://127.0.0.1/",
                                        "http://",
                                        "http:///x",
                                        "http://user@127.0.0.1/",
                                        "http://127.0.0.1:0/",
                                        "http://127.0.0.1:99999/",
                                        "http://127.0.0.1:1:2/",
                                        "http://[::1/",
                                        "http://a b/",
                                        "http://a/\r\nx: y",
                                        "http://a/\x01"};

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        place = wrong[i];
        refused(HG_E_INTERNAL, "a URL is not http");
    }
    place = "http://127.0.0.1/";
    odd = (hg_header){HG_S("x"), HG_S("a\r\nx-other: b")};
    refused(HG_E_INTERNAL, "has a line end in it");
    odd = (hg_header){HG_S("x y"), HG_S("a")};
    refused(HG_E_INTERNAL, "is no word");
    odd = (hg_header){HG_S("Content-Length"), HG_S("7")};
    refused(HG_E_INTERNAL, "is set by the gateway");
    odd = (hg_header){HG_S(""), HG_S("")};
    place = "https://elsewhere.example/";
    refused(HG_E_CONNECT, "elsewhere.example is out of reach");
    place = "HTTP://[::1]:80?x";
    refused(HG_E_CONNECT, "::1 is out of reach");
    ck_assert_uint_eq(hits, 0);
}
END_TEST

static hg_rc broken_body(hg_op op, hg_verdict *out)
{
    hg_out *body = H->out(op);

    H->json->obj(body);
    return http()->fetch(op,
                         &(hg_http_req){.size = sizeof(hg_http_req),
                                        .method = HG_S("POST"),
                                        .url = url(op, "/json"),
                                        .body = body},
                         on_answer, out);
}

START_TEST(a_body_that_was_written_wrongly_is_not_sent)
{
    struct op *op = call(broken_body, HG_E_INTERNAL);

    op_end(&op, HG_OK);
}
END_TEST

static hg_slice held;
static hg_rc stream_says;

static hg_rc on_stream_head(void *arg, hg_op op, const hg_http_resp *resp)
{
    (void)arg, (void)op;
    note(resp->status == 201 ? "head" : "?");
    return HG_OK;
}

static hg_rc on_stream_data(void *arg, hg_op op, const hg_body *body)
{
    (void)arg;
    H->body->drop(&held);
    held = H->body->hold(body, 0, H->body->len(body));
    H->body->put_body(arg, body, 0, H->body->len(body));
    note(H->fmt(op, "%.*s", (int)held.n, held.p).p);
    return stream_says;
}

static void on_stream_end(void *arg, hg_op op, hg_rc rc)
{
    (void)arg;
    note(rc == HG_OK ? "end" : "cut");
    H->done(op, rc);
}

static hg_out *gathered;

static hg_rc read_stream(hg_op op, hg_verdict *out)
{
    static const hg_http_stream stream = {.size = sizeof stream,
                                          .head = on_stream_head,
                                          .data = on_stream_data,
                                          .end = on_stream_end};
    hg_http *exchange = NULL;

    (void)out;
    gathered = H->out(op);
    hg_rc rc = http()->stream(op,
                              &(hg_http_req){.size = sizeof(hg_http_req),
                                             .method = HG_S("GET"),
                                             .url = url(op, "/pieces")},
                              &stream, gathered, &exchange);

    http()->pause(exchange, 1);
    http()->pause(exchange, 0);
    return rc;
}

START_TEST(a_stream_comes_in_pieces_whose_bytes_can_be_kept)
{
    struct op *op = call(read_stream, HG_PENDING);

    stand_until(&stand, &ended.count, 1);
    ck_assert_str_eq(trace, "head abc de end ");
    ck_assert(text_is((hg_str){held.p, held.n}, HG_S("de")));
    H->body->drop(&held);
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(an_error_from_data_ends_the_stream)
{
    stream_says = HG_E_DENIED;
    struct op *op = call(read_stream, HG_PENDING);

    stand_until(&stand, &ended.count, 1);
    ck_assert_str_eq(trace, "head abc cut ");
    ck_assert_int_eq(ended.rc, HG_E_DENIED);
    stream_says = HG_OK;
    H->body->drop(&held);
    op_end(&op, HG_OK);
}
END_TEST

/* ---- helper threads -------------------------------------------------------------------------- */

struct job {
    pthread_t thread;
    unsigned value;
    bool slow;
};

static struct job job;

static void work_fn(void *arg)
{
    struct job *mine = arg;

    if (mine->slow)
        usleep(20000);
    mine->thread = pthread_self();
    mine->value = 42;
}

static void work_done(void *arg, hg_op op)
{
    struct job *mine = arg;

    note(mine->value == 42 && !pthread_equal(mine->thread, pthread_self()) ? "done" : "?");
    H->done(op, HG_OK);
}

static void work_drop(void *arg)
{
    struct job *mine = arg;

    note(mine->value == 42 ? "drop" : "?");
}

static hg_rc run_job(hg_op op, hg_verdict *out)
{
    const hg_work_api *work = H->service(HG_WORK);

    (void)out;
    return work->run(op, work_fn, work_done, work_drop, &job);
}

START_TEST(a_job_runs_elsewhere_and_comes_back_to_the_loop)
{
    job = (struct job){0};
    struct op *op = call(run_job, HG_PENDING);

    ck_assert_uint_eq(hits, 0);
    stand_until(&stand, &ended.count, 1);
    ck_assert_str_eq(trace, "done ");
    op_end(&op, HG_OK);
}
END_TEST

START_TEST(a_job_whose_op_has_ended_is_dropped_after_it_ran)
{
    job = (struct job){.slow = true};
    struct op *op = call(run_job, HG_PENDING);

    op_end(&op, HG_E_CANCELLED);
    ck_assert_uint_eq(hits, 0);
    stand_until(&stand, &hits, 1);
    ck_assert_str_eq(trace, "drop ");
    ck_assert_uint_eq(ended.count, 0);
}
END_TEST

START_TEST(an_instance_waits_for_its_jobs_before_it_is_taken_down)
{
    job = (struct job){.slow = true};
    struct op *op = call(run_job, HG_PENDING);

    op_end(&op, HG_E_CANCELLED);
    instance_destroy(&stand.instance);
    ck_assert_str_eq(trace, "drop destroy ");
}
END_TEST

static hg_rc run_many(hg_op op, hg_verdict *out)
{
    const hg_work_api *work = H->service(HG_WORK);
    hg_rc rc = HG_OK;

    (void)out;
    job.slow = true;
    for (unsigned i = 0; i < 2000 && rc != HG_E_AGAIN; i++) {
        rc = work->run(op, work_fn, work_done, NULL, &job);
        job.slow = false;
    }
    return rc;
}

START_TEST(the_queue_of_jobs_has_an_end)
{
    job = (struct job){0};
    struct op *op = call(run_many, HG_E_AGAIN);

    ck_assert_ptr_nonnull(strstr(op_error(op), "too much to do"));
    op_end(&op, HG_OK);
}
END_TEST

/* ---- descriptors ----------------------------------------------------------------------------- */

static int ends[2];
static bool close_early;
static const hg_fd_api *fds(void)
{
    return H->service(HG_FD);
}

static void on_readable(void *arg, hg_op op, uint32_t ready)
{
    char byte;

    (void)arg;
    note(ready == HG_FD_READ ? "ready" : "?");
    if (read(ends[0], &byte, 1) == 1 && byte == 'x') {
        ck_assert_int_eq(fds()->watch(op, ends[0], 0, NULL, NULL), HG_OK);
        H->done(op, HG_OK);
    }
}

static hg_rc watch_pipe(hg_op op, hg_verdict *out)
{
    (void)out;
    hg_rc rc = fds()->watch(op, ends[0], HG_FD_READ, on_readable, NULL);

    if (close_early)
        close(ends[0]);
    return rc;
}

START_TEST(a_descriptor_calls_each_time_it_is_ready)
{
    ck_assert_int_eq(pipe(ends), 0);
    close_early = false;
    struct op *op = call(watch_pipe, HG_PENDING);

    stand_turns(&stand, 2);
    ck_assert_uint_eq(hits, 0);
    ck_assert_int_eq(write(ends[1], "a", 1), 1);
    stand_until(&stand, &hits, 1);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    stand_until(&stand, &ended.count, 1);
    ck_assert_int_eq(write(ends[1], "a", 1), 1);
    stand_turns(&stand, 3);
    ck_assert_str_eq(trace, "ready ready ");
    op_end(&op, HG_OK);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(closing_a_watched_descriptor_too_early_does_not_mislead_the_loop)
{
    int other[2];

    ck_assert_int_eq(pipe(ends), 0);
    close_early = true;
    struct op *op = call(watch_pipe, HG_PENDING);

    ck_assert_int_eq(pipe(other), 0); /* gets the number that was closed */
    ck_assert_int_eq(other[0], ends[0]);
    ck_assert_int_eq(write(other[1], "a", 1), 1);
    stand_turns(&stand, 3);
    ck_assert_uint_eq(hits, 0);
    op_end(&op, HG_OK);
    stand_turns(&stand, 2);
    close(other[0]);
    close(other[1]);
    close(ends[1]);
}
END_TEST

static hg_rc watch_file(hg_op op, hg_verdict *out)
{
    int file = open("/proc/self/exe", O_RDONLY);

    (void)out;
    hg_rc rc = fds()->watch(op, file, HG_FD_READ, on_readable, NULL);

    close(file);
    ck_assert_int_eq(fds()->watch(op, 9999, HG_FD_READ, on_readable, NULL), HG_E_UNSUPPORTED);
    return rc;
}

START_TEST(what_cannot_be_watched_is_refused)
{
    struct op *op = call(watch_file, HG_E_UNSUPPORTED);

    op_end(&op, HG_OK);
}
END_TEST

/* ---- what services.h promises of all that calls back -------------------------------------------
 */

static hg_op begun;

static void on_time(void *arg, hg_op op)
{
    (void)arg, (void)op;
    note("time");
}

static void start_all(hg_op op, hg_rc expected)
{
    const hg_timer_api *timer = H->service(HG_TIMER);
    const hg_work_api *work = H->service(HG_WORK);

    ck_assert_int_eq(timer->after(op, 0, on_time, NULL), expected);
    ck_assert_int_eq(work->run(op, work_fn, work_done, work_drop, &job), expected);
    ck_assert_int_eq(fds()->watch(op, ends[0], HG_FD_READ, on_readable, NULL), expected);
    ck_assert_int_eq(fds()->watch(op, ends[0], HG_FD_WRITE, on_readable, NULL), expected);
    ck_assert_int_eq(fds()->watch(op, ends[0], 0, NULL, NULL),
                     expected == HG_PENDING ? HG_OK : expected);
}

static hg_rc begin_all(hg_op op, hg_verdict *out)
{
    (void)out;
    begun = op;
    start_all(op, HG_PENDING);
    ck_assert_uint_eq(hits, 0);
    return HG_PENDING;
}

START_TEST(what_has_started_is_pending_and_nothing_starts_for_an_op_that_has_ended)
{
    job = (struct job){0};
    ck_assert_int_eq(pipe(ends), 0);
    struct op *op = call(begin_all, HG_PENDING);

    op_end(&op, HG_E_CANCELLED);
    stand_until(&stand, &hits, 1);
    ck_assert_str_eq(trace, "drop ");
    start_all(begun, HG_E_CANCELLED);
    stand_turns(&stand, 3);
    ck_assert_str_eq(trace, "drop ");
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* ---- numbers and shared values --------------------------------------------------------------- */

START_TEST(metrics_carry_the_instance_and_only_their_own_type)
{
    const hg_metrics_api *metrics = H->service(HG_METRICS);
    const char *labels[] = {"what", NULL};
    double bounds[] = {1, 2};
    hg_str values[] = {HG_S("a")};
    int32_t counter = metrics->counter(self, "things_total", "Things", labels);
    int32_t gauge = metrics->gauge(self, "level", "Level", NULL);
    int32_t histogram = metrics->histogram(self, "size_bytes", "Sizes", NULL, bounds, 2);
    struct buffer text = {0};

    ck_assert_int_ge(counter, 0);
    ck_assert_int_ge(gauge, 0);
    ck_assert_int_ge(histogram, 0);
    metrics->add(self, counter, values, 2.5);
    metrics->add(self, counter, values, 1);
    metrics->set(self, gauge, NULL, 7);
    metrics->observe(self, histogram, NULL, 1.5);
    metrics->set(self, counter, values, 99);
    metrics->observe(self, gauge, NULL, 99);
    metrics->add(self, -1, values, 1);
    metrics->add(self, 100000, values, 1);
    metrics_write(region_metrics(stand.region), &text);
    buffer_add(&text, "", 1);
    ck_assert_ptr_nonnull(
        strstr(text.p, "headgate_things_total{instance=\"test\",what=\"a\"} 3.5"));
    ck_assert_ptr_nonnull(strstr(text.p, "headgate_level{instance=\"test\"} 7"));
    ck_assert_ptr_nonnull(strstr(text.p, "headgate_size_bytes_count{instance=\"test\"} 1"));
    ck_assert_ptr_nonnull(
        strstr(text.p, "headgate_plugin_call_seconds_count{instance=\"test\",op=\"create\"} 1"));
    ck_assert_ptr_null(strstr(text.p, "99"));
    ck_assert_int_lt(metrics->counter(self, "no good", "Name", NULL), 0);
    buffer_done(&text);
}
END_TEST

static hg_rc read_shared(hg_op op, hg_verdict *out)
{
    const hg_shared_api *shared = H->service(HG_SHARED);

    return shared->get(op, self, HG_S("k"), &out->message);
}

START_TEST(shared_values_belong_to_the_instance)
{
    const hg_shared_api *shared = H->service(HG_SHARED);
    hg_ns wait = 0;
    struct op *op = call(read_shared, HG_MISS);

    op_end(&op, HG_OK);
    ck_assert_int_eq(shared->set(self, HG_S("k"), HG_S("v"), 0), HG_OK);
    op = call(read_shared, HG_OK);
    ck_assert(text_is(verdict.message, HG_S("v")));
    op_end(&op, HG_OK);
    ck_assert_int_eq(shared->add(self, HG_S("n"), 5, 0), 5);
    ck_assert_int_eq(shared->add(self, HG_S("n"), -2, 0), 3);
    ck_assert_int_eq(shared->cas(self, HG_S("k"), HG_S("x"), HG_S("w"), 0), HG_MISS);
    ck_assert_int_eq(shared->cas(self, HG_S("k"), HG_S("v"), HG_S("w"), 0), HG_OK);
    ck_assert_int_eq(shared->take(self, HG_S("b"), 1, 1, 1, &wait), HG_OK);
    ck_assert_int_eq(shared->take(self, HG_S("b"), 1, 1, 1, &wait), HG_E_RATE);
    ck_assert_int_gt(wait, 0);

    struct buffer value = {0};
    struct map *map = region_map(stand.region);

    ck_assert_int_eq(map_get(map, HG_S("guard:test"), HG_S("k"), &value), HG_OK);
    ck_assert_int_eq(map_get(map, HG_S("guard:other"), HG_S("k"), &value), HG_MISS);
    buffer_done(&value);
}
END_TEST

START_TEST(a_segment_is_zeroed_and_the_same_for_all_who_ask)
{
    const hg_segment_api *segment = H->service(HG_SEGMENT);
    char *memory = segment->map(self, 100000);

    ck_assert_ptr_nonnull(memory);
    ck_assert_int_eq(memory[99999], 0);
    memory[5] = 7;
    ck_assert_ptr_eq(segment->map(self, 100000), memory);
    ck_assert_ptr_null(segment->map(self, 0));
}
END_TEST

START_TEST(unknown_services_are_absent)
{
    ck_assert_ptr_null(H->service("headgate.http/2"));
    ck_assert_ptr_null(H->service("headgate.embed/1"));
    ck_assert_ptr_null(H->service(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("services");
    TCase *tcase = tcase_create("services"), *web = tcase_create("http");
    SRunner *runner = srunner_create(suite);

    log_set_level(LOG_ERROR);
    suite_add_tcase(suite, web);
    tcase_set_timeout(web, 60);
    tcase_add_checked_fixture(web, setup_http, teardown_http);
    tcase_add_test(web, a_fetch_brings_the_whole_answer);
    tcase_add_test(web, what_goes_wrong_has_a_code);
    tcase_add_test(web, an_exchange_ends_with_its_op_and_does_not_call_back);
    tcase_add_test(web, requests_that_are_wrong_are_refused_at_once);
    tcase_add_test(web, a_body_that_was_written_wrongly_is_not_sent);
    tcase_add_test(web, a_stream_comes_in_pieces_whose_bytes_can_be_kept);
    tcase_add_test(web, an_error_from_data_ends_the_stream);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_job_runs_elsewhere_and_comes_back_to_the_loop);
    tcase_add_test(tcase, a_job_whose_op_has_ended_is_dropped_after_it_ran);
    tcase_add_test(tcase, an_instance_waits_for_its_jobs_before_it_is_taken_down);
    tcase_add_test(tcase, the_queue_of_jobs_has_an_end);
    tcase_add_test(tcase, a_descriptor_calls_each_time_it_is_ready);
    tcase_add_test(tcase, closing_a_watched_descriptor_too_early_does_not_mislead_the_loop);
    tcase_add_test(tcase, what_cannot_be_watched_is_refused);
    tcase_add_test(tcase, what_has_started_is_pending_and_nothing_starts_for_an_op_that_has_ended);
    tcase_add_test(tcase, metrics_carry_the_instance_and_only_their_own_type);
    tcase_add_test(tcase, shared_values_belong_to_the_instance);
    tcase_add_test(tcase, a_segment_is_zeroed_and_the_same_for_all_who_ask);
    tcase_add_test(tcase, unknown_services_are_absent);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
