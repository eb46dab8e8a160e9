/* tape.h - recorded exchanges of the shared folder, one after another, in the order of their
 * names. */
#pragma once

#include "base/arena.h"
#include "support/suite.h"
#include "json/index.h"

struct tape {
    struct arena *arena; /* of this tape only */
    const char *name;    /* "anthropic/052-messages-...", without ".json" */
    hg_json doc;
    hg_json derived; /* absent for what is no generation */
    hg_str endpoint, family;
    hg_str request; /* body; empty if it was not kept */
    hg_str url;
    int status;
    hg_str content_type;       /* of the answer, in lower case without parameters */
    bool is_stream, is_binary; /* the answer; binary: it was kept in base64 */
    hg_str body;               /* of the answer, as bytes */
};

/* They lie in the folder HEADGATE_SHARED, else in ../shared. */
bool tapes_exist(void);
void tapes_each(void (*on_tape)(const struct tape *tape, void *arg), void *arg);

/* Another file of that folder, by its path in it. */
hg_str shared_read(struct arena *arena, const char *path);

/* What another reader made of the answer: a text of `derived` by its JSON pointer ("/text"), empty
 * if there is none. */
hg_str tape_told(const struct tape *tape, const char *place);

/* These fail the test with the name of the recording. Arguments are compared as JSON where they are
 * JSON. */
#define TAPE_WANT(tape, condition, what) ck_assert_msg(condition, "%s: %s", (tape)->name, what)
void tape_same(const struct tape *tape, hg_str got, hg_str want, const char *what);

/* A call of `derived`, by its name and arguments. */
void tape_call_same(const struct tape *tape, hg_json call, hg_str name, hg_str args);

/* The main of a test that needs recordings; without them it says that it was skipped. */
int tapes_run(const struct suite *suite);

#define RUN_TAPES(suite_name, seconds, ...)                                   \
    int main(void)                                                            \
    {                                                                         \
        const TTest *const all[] = {__VA_ARGS__};                             \
                                                                              \
        return tapes_run(&(struct suite){.name = suite_name,                  \
                                         .timeout = seconds,                  \
                                         .tests = all,                        \
                                         .count = sizeof all / sizeof *all}); \
    }
