/* test.h - headgate test: a run over files, and in it a bench for each test. A bench is an engine
 * of its own, so no test can disturb another. */
#pragma once

#include "base/buffer.h"
#include "script/routine.h"

enum {
    ROUTES_MAX = 32
};

struct test_run {
    bool is_verbose;
    const char *library_path; /* NULL: the library inside */
    unsigned passed, failed;
};

/* One test on its engine. */
struct bench {
    struct test_run *run;
    const char *file;
    struct engine *engine;
    struct buffer log;

    hg_ns now, timer; /* timer 0: none */
    bool is_soon;

    int plan;     /* reference of the plan: see lua/headgate/test.lua */
    size_t tests; /* how many there are in the file */
    char *name;   /* of the one that runs */
    char *routes[ROUTES_MAX];
    size_t route_count;

    bool has_ended;
    char *failure; /* NULL: passed */
};

/* Runs the tests of a file, says how each of them went, and counts it. */
void test_file_run(struct test_run *run, const char *file);

/* ---- the clock: test_clock.c ---- */

struct engine_clock bench_clock(struct bench *bench);

/* Goes on with what is due next, however far off. True as long as something happens. */
bool bench_turn(struct bench *bench);

/* ---- files and routes: test_load.c ---- */

/* Loads the library and the file, and reads its plan. False with a message; in either case the
 * bench is closed with bench_close. `run` and `file` are borrowed until then. */
bool bench_open(struct bench *bench, struct test_run *run, const char *file, struct error *error);
void bench_close(struct bench *bench);

/* The routes that the plan names. */
bool bench_load_routes(struct bench *bench, struct error *error);

/* Pushes a member of the plan; in a protected call. */
void bench_push_plan(lua_State *L, const struct bench *bench, const char *name);

/* ---- how it went: test_report.c ---- */

/* What is counted before the test is not the test's. */
void bench_drop_instructions(struct bench *bench);
void bench_report(struct bench *bench);
void test_report_error(struct test_run *run, const char *file, const struct error *error);

/* ---- JSON for the library's fake host: test_json.c ---- */

extern const luaL_Reg test_json[];
