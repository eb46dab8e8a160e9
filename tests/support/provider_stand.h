/* provider_stand.h - the fake host with a provider in it, and what tests of providers do with it.
 * Include it in the one file that is the test: it has the variables. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "support/fake_host.h"
#include "support/suite.h"
#include "json/index.h"

#ifndef TEST_SOURCE_DIR
#    define TEST_SOURCE_DIR "."
#endif

#define SECOND INT64_C(1000000000)

/* The members of a request that is a chat of OpenAI's. */
#define CHAT .kind = HG_R_CHAT, .wire = HG_WIRE_OPENAI_CHAT, .path = "/v1/chat/completions"

static struct fake *fake;
static const hg_provider *provider;

static inline void setup(void)
{
    fake = fake_new(headgate_plugin_v0);
    provider = fake_iface(fake, HG_PROVIDER);
}

static inline void teardown(void)
{
    fake_free(&fake);
}

static inline void create(const char *settings)
{
    if (fake_create(fake, settings) != HG_OK)
        ck_abort_msg("create: %s", fake_failure(fake));
}

static inline void assert_text(hg_str text, const char *want)
{
    char copy[8192];

    snprintf(copy, sizeof copy, "%.*s", (int)text.n, text.n ? text.p : "");
    ck_assert_str_eq(copy, want);
}

/* ---- attempts ------------------------------------------------------------------------------ */

/* What prepare fills in, now or later, and the provider's memory of it. */
struct attempt {
    hg_op op;
    hg_http_req out;
    uint64_t call[32];
};

static inline void attempt_begin(struct attempt *attempt, const struct fake_request *in, hg_rc want)
{
    hg_req *req = fake_request(fake, in);
    hg_rc rc;

    *attempt = (struct attempt){.op = fake_op(fake, req), .out = {.size = sizeof attempt->out}};
    ck_assert_uint_le(provider->call_size, sizeof attempt->call);
    rc = provider->prepare(fake_state(fake), provider->call_size ? attempt->call : NULL,
                           attempt->op, req, &attempt->out);
    ck_assert_msg(rc == want, "prepare: %d, %s", rc, fake_failure(fake));
}

/* The same for those who look at the request only; it is valid until the op that is returned
 * ends. One at a time. */
static inline hg_op prepared(const struct fake_request *in, hg_http_req *out, hg_rc want)
{
    static struct attempt attempt;

    attempt_begin(&attempt, in, want);
    *out = attempt.out;
    return attempt.op;
}

/* ---- files --------------------------------------------------------------------------------- */

/* NUL-terminated, for free; NULL if there is no such file. */
static inline char *content_of(const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat st;

    if (!file)
        return NULL;
    ck_assert_int_eq(fstat(fileno(file), &st), 0);
    char *text = calloc(1, (size_t)st.st_size + 1);

    ck_assert_uint_eq(fread(text, 1, (size_t)st.st_size, file), (size_t)st.st_size);
    fclose(file);
    return text;
}

/* A file as JSON; kind NONE if it is not there. */
static inline hg_json document_of(const char *path)
{
    char *text = content_of(path);
    hg_json root = text ? fake_json(fake, text) : (hg_json){0};

    free(text);
    return root;
}

/* A recorded exchange; kind NONE where the recordings are not. */
static inline hg_json cassette_of(const char *name)
{
    const char *shared = getenv("HEADGATE_SHARED");
    char path[512];

    snprintf(path, sizeof path, "%s/cassettes/%s", shared && *shared ? shared : "../shared", name);
    return document_of(path);
}
