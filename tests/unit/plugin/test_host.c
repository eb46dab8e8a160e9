/* The host's table, bodies and JSON as a plugin gets them, and the bracket's lines about slow
 * calls. */
#include "base/chain.h"
#include "shm/slot.h"
#include "unit/plugin/stand.h"

static const hg_host *H;
static hg_rc (*act)(hg_op op, hg_verdict *out);

static hg_rc check(void *st, hg_op op, const hg_guard_in *in, hg_verdict *out)
{
    (void)st, (void)in;
    return act(op, out);
}

static const hg_guard guard = {.size = sizeof guard, .stages = HG_STAGE_REQUEST, .check = check};
HG_PLUGIN(H, "test", "1.0", .ifaces = (const hg_iface[]){{HG_GUARD, &guard}, {0}});

static struct stand stand;
static struct ended ended;
static hg_verdict verdict;

static void setup(void)
{
    ended = (struct ended){0};
    verdict = (hg_verdict){.size = sizeof verdict};
    stand_open(&stand, headgate_plugin_v0,
               &(struct plugin_host_setup){.generation = 7, .flags = HG_HOST_CHECK});
}

static void teardown(void)
{
    stand_close(&stand);
}

static struct op *call(hg_rc (*what)(hg_op op, hg_verdict *out))
{
    struct op *op = stand_op(&stand, 0, &ended);
    hg_guard_in in = {.size = sizeof in};

    act = what;
    ck_assert_int_eq(OP_CALL(op, "check", guard.check(NULL, op_handle(op), &in, &verdict)), HG_OK);
    return op;
}

START_TEST(the_table_is_whole_and_stays_in_place)
{
    const hg_host *before = H;

    ck_assert_uint_eq(H->size, sizeof *H);
    ck_assert_uint_eq(H->generation, 7);
    ck_assert_uint_eq(H->workers, 1);
    ck_assert_uint_eq(H->flags, HG_HOST_CHECK);
    ck_assert_str_eq(H->version, "1.2.3");
    ck_assert(HG_HAS(H, emit) && HG_HAS(H->json, put_raw) && HG_HAS(H->body, put_body));
    teardown();
    setup();
    ck_assert_ptr_eq(H, before);
}
END_TEST

/* ---- bodies ---------------------------------------------------------------------------------- */

static hg_rc use_bodies(hg_op op, hg_verdict *out)
{
    const hg_body_api *b = H->body;
    hg_out *made = H->out(op);
    const hg_body *body = (const hg_body *)made;
    hg_str views[8];

    (void)out;
    ck_assert_uint_eq(b->len(NULL), 0);
    ck_assert_uint_eq(b->len(body), 0);
    ck_assert_uint_eq(b->peek(body, 0, views, 8), 0);
    b->put_const(made, "static ", 7);
    b->put(made, "copied ", 7);
    b->put_const(made, "end", 3);
    ck_assert_uint_eq(b->len(body), 17);
    ck_assert(text_is(b->flat(op, body), HG_S("static copied end")));
    ck_assert_uint_eq(b->peek(body, 3, views, 8), 3);
    ck_assert(text_is(views[0], HG_S("tic ")));
    ck_assert(text_is(views[2], HG_S("end")));
    ck_assert_uint_eq(b->peek(body, 0, views, 1), 1);
    ck_assert_uint_eq(b->peek(body, 17, views, 8), 0);
    ck_assert_uint_eq(b->peek(body, 9999, views, 8), 0);

    hg_slice part = b->hold(body, 4, 6);

    ck_assert(text_is((hg_str){part.p, part.n}, HG_S("ic cop")));
    ck_assert_ptr_null(b->hold(body, 10, 8).ref);
    ck_assert_ptr_null(b->hold(body, 18, 0).ref);
    ck_assert_ptr_null(b->hold(body, SIZE_MAX, 2).ref);
    b->put_slice(made, &part);
    ck_assert_ptr_null(part.ref);
    b->put_slice(made, &part);
    b->drop(&part);
    b->put_body(made, body, 0, 3);
    b->put_body(made, body, 999, 3);
    ck_assert(text_is(b->flat(op, body), HG_S("static copied endic copsta")));

    hg_slice shared = b->hold(body, 17, 6);

    ck_assert(text_is((hg_str){shared.p, shared.n}, HG_S("ic cop")));
    b->drop(&shared);
    b->drop(&shared);
    return HG_OK;
}

START_TEST(bodies_are_read_held_and_written)
{
    struct op *op = call(use_bodies);

    op_end(&op, HG_OK);
}
END_TEST

/* ---- JSON ------------------------------------------------------------------------------------ */

static hg_rc use_json(hg_op op, hg_verdict *out)
{
    const hg_json_api *j = H->json;
    hg_json doc = {0}, value;
    hg_json_it it = {{0}};
    hg_str key;
    hg_out *made = H->out(op);

    (void)out;
    ck_assert_int_eq(j->parse(op, HG_S("{\"a\""), &doc), HG_E_INPUT);
    ck_assert_int_eq(doc.kind, HG_J_NONE);
    ck_assert_int_eq(j->parse(op, HG_S("{\"a\":[1,2.5,\"x\\ny\"],\"b\":true}"), &doc), HG_OK);
    ck_assert_int_eq(j->i64(j->get(doc, "/a/0"), -1), 1);
    ck_assert_double_eq(j->f64(j->get(doc, "/a/1"), -1), 2.5);
    ck_assert(text_is(j->str(op, j->get(doc, "/a/2")), HG_S("x\ny")));
    ck_assert(text_is(j->raw(j->get(doc, "/a/2")), HG_S("\"x\\ny\"")));
    ck_assert_int_eq(j->get(doc, "/c").kind, HG_J_NONE);
    ck_assert_int_eq(j->get(doc, NULL).kind, HG_J_OBJ);
    ck_assert_int_eq(j->next(doc, &it, &key, &value), 1);
    ck_assert(text_is(key, HG_S("a")));
    ck_assert_int_eq(j->next(doc, &it, NULL, NULL), 1);
    ck_assert_int_eq(j->next(doc, &it, &key, &value), 0);

    j->obj(made);
    j->key(made, "a");
    j->arr(made);
    j->put_str(made, HG_S("q\"q"));
    j->put_i64(made, -5);
    j->put_f64(made, 0.5);
    j->put_bool(made, 1);
    j->put_bool(made, -1);
    j->put_raw(made, HG_S("{\"x\":[]} "));
    j->end(made);
    j->end(made);
    ck_assert(text_is(H->body->flat(op, (const hg_body *)made),
                      HG_S("{\"a\":[\"q\\\"q\",-5,0.5,true,null,{\"x\":[]}]}")));
    ck_assert(!((struct chain *)made)->broken);
    return HG_OK;
}

START_TEST(json_is_read_and_written)
{
    struct op *op = call(use_json);

    op_end(&op, HG_OK);
}
END_TEST

static hg_rc write_wrongly(hg_op op, hg_verdict *out)
{
    static const char *const raws[] = {"", " ", "1,2", "{", "nul", "1 2", "\"a\"}"};

    (void)out;
    for (unsigned i = 0; i < sizeof raws / sizeof *raws; i++) {
        hg_out *made = H->out(op);

        H->json->arr(made);
        H->json->put_raw(made, text_of(raws[i]));
        ck_assert_msg(((struct chain *)made)->broken, "%s", raws[i]);
    }
    return HG_OK;
}

START_TEST(raw_text_that_is_not_one_value_marks_the_output_as_broken)
{
    struct op *op = call(write_wrongly);

    op_end(&op, HG_OK);
}
END_TEST

START_TEST(without_requests_there_is_nothing_to_read_of_them)
{
    hg_req_info info;

    memset(&info, 7, sizeof info);
    info.size = offsetof(hg_req_info, kind) + sizeof info.kind;
    H->req->info(NULL, &info);
    ck_assert_uint_eq(info.kind, 0);
    ck_assert_uint_eq(info.wire, 0x07070707); /* beyond the size that the caller set */
    info.size = sizeof info;
    H->req->info(NULL, &info);
    ck_assert_uint_eq(info.id.n, 0);
    ck_assert_int_eq(H->req->json(NULL).kind, HG_J_NONE);
    ck_assert_uint_eq(H->body->len(H->req->body(NULL)), 0);
    ck_assert_uint_eq(H->req->header(NULL, "x").n, 0);
    ck_assert_uint_eq(H->req->texts(NULL, NULL, 0), 0);
}
END_TEST

/* ---- the bracket ----------------------------------------------------------------------------- */

static hg_rc look_at_slot(hg_op op, hg_verdict *out)
{
    struct culprit culprit;

    (void)op, (void)out;
    ck_assert(culprit_read(region_slot(stand.region, 0), &culprit));
    ck_assert_str_eq(culprit.instance, "guard 'test'");
    ck_assert_str_eq(culprit.operation, "check");
    return HG_OK;
}

START_TEST(while_a_plugin_runs_the_slot_says_which)
{
    struct culprit culprit;

    ck_assert(!culprit_read(region_slot(stand.region, 0), &culprit));
    struct op *op = call(look_at_slot);

    ck_assert(!culprit_read(region_slot(stand.region, 0), &culprit));
    op_end(&op, HG_OK);
}
END_TEST

static hg_rc dawdle(hg_op op, hg_verdict *out)
{
    (void)op, (void)out;
    usleep(30000);
    return HG_OK;
}

static hg_rc hurry(hg_op op, hg_verdict *out)
{
    (void)op, (void)out;
    return HG_OK;
}

START_TEST(slow_calls_are_logged_once_in_a_while)
{
    int ends[2], before = dup(STDERR_FILENO);
    char lines[4096];

    log_set_level(LOG_WARN);
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    for (unsigned i = 0; i < 4; i++) {
        struct op *op = call(i ? dawdle : hurry); /* the first one is timed exactly */

        op_end(&op, HG_OK);
    }
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    ssize_t n = read(ends[0], lines, sizeof lines - 1);

    lines[n > 0 ? n : 0] = 0;
    ck_assert_msg(strstr(lines, "[test] check held the loop for about") != NULL, "%s", lines);
    ck_assert_ptr_eq(strchr(lines, '\n'), lines + strlen(lines) - 1);
    log_set_level(LOG_ERROR);
    close(ends[0]);
    close(before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host");
    TCase *tcase = tcase_create("host");
    SRunner *runner = srunner_create(suite);

    log_set_level(LOG_ERROR);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_table_is_whole_and_stays_in_place);
    tcase_add_test(tcase, bodies_are_read_held_and_written);
    tcase_add_test(tcase, json_is_read_and_written);
    tcase_add_test(tcase, raw_text_that_is_not_one_value_marks_the_output_as_broken);
    tcase_add_test(tcase, without_requests_there_is_nothing_to_read_of_them);
    tcase_add_test(tcase, while_a_plugin_runs_the_slot_says_which);
    tcase_add_test(tcase, slow_calls_are_logged_once_in_a_while);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
