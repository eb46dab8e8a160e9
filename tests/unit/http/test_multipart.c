#include "base/text.h"
#include "http/multipart.h"
#include "support/suite.h"

#define PART(name) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FILE_PART                                                                  \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n" \
    "Content-Type: audio/wav\r\n\r\nRIFF\r\n"

static struct multipart_field field;

static bool finds(hg_str body)
{
    return multipart_find(HG_S("b"), body, HG_S("model"), &field);
}

static bool finds_value(hg_str body, hg_str value)
{
    return finds(body) && text_is(field.value, value) && !field.is_twice &&
           field.value.p == body.p + field.at;
}

START_TEST(the_boundary_is_that_of_a_form)
{
    static const struct {
        const char *type, *boundary;
    } rows[] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {"Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b\"", "a b"},
        {"multipart/form-data; boundary= abc ; x=y", "abc"},
        {"multipart/form-data; x=\"boundary=no;\"; boundary=yes", "yes"},
        {"multipart/form-data; x=\"a\\\"; boundary=no\"; boundary=yes", "yes"},
        {"multipart/form-data", ""},
        {"multipart/form-data; boundary", ""},
        {"multipart/form-data; boundary=", ""},
        {"multipart/form-data; boundary=\"", ""},
        {"multipart/mixed; boundary=abc", ""},
        {"application/json", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(text_is(multipart_boundary(text_of(rows[i].type)), text_of(rows[i].boundary)),
                      "%s", rows[i].type);
}
END_TEST

START_TEST(a_boundary_that_is_too_long_is_none)
{
    char type[200] = "multipart/form-data; boundary=";

    memset(type + strlen(type), 'x', 70);
    ck_assert_uint_eq(multipart_boundary(text_of(type)).n, 70);
    type[strlen(type)] = 'x';
    ck_assert_uint_eq(multipart_boundary(text_of(type)).n, 0);
}
END_TEST

START_TEST(a_field_is_found_wherever_it_stands)
{
    ck_assert(finds_value(HG_S(PART("model") "whisper-1\r\n--b--\r\n"), HG_S("whisper-1")));
    ck_assert(finds_value(HG_S(PART("model") "\r\n--b--"), HG_S("")));
    ck_assert(finds_value(HG_S(PART("x") "y\r\n" PART("model") "m\r\n--b--"), HG_S("m")));
    ck_assert(finds_value(HG_S(FILE_PART PART("model") "m\r\n--b--"), HG_S("m")));
    ck_assert(finds_value(HG_S("preamble\r\n" PART("model") "m\r\n--b"), HG_S("m")));
    ck_assert(finds_value(HG_S("--b  \r\nX: y\r\ncontent-disposition:form-data;name=model\r\nZ: y"
                               "\r\n\r\nm\r\n--b"),
                          HG_S("m")));
    ck_assert(finds_value(HG_S(PART("model") "a\r\nb\r\n-c\r\n--b--"), HG_S("a\r\nb\r\n-c")));
}
END_TEST

START_TEST(what_is_no_such_field_is_not_found)
{
    static const char *const bodies[] = {
        "",
        "--b",
        "--b--",
        "--b--\r\n" PART("model") "m\r\n--b--", /* behind the end */
        "x" PART("model") "m\r\n--c",           /* no line of its own */
        PART("models") "m\r\n--b--",            /* another name */
        "--b\r\nContent-Disposition: form-data; filename=\"model\"\r\n\r\nm\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"model\"; filename=\"a\"\r\n\r\nm\r\n--b--",
        "--b\r\nContent-Disposition: form-data; x=\"; name=model\"\r\n\r\nm\r\n--b--",
        "--b\r\nContent-Disposition: attachment; name=\"model\"\r\n\r\nm\r\n--b--",
        "--b\r\nContent-Type: form-data; name=\"model\"\r\n\r\nm\r\n--b--",
        "--b\r\n\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--", /* content */
        "--bx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ck_assert_msg(!finds(text_of(bodies[i])), "%s", bodies[i]);
}
END_TEST

/* Whoever reads it could take either. */
START_TEST(a_field_that_is_there_twice_is_said_to_be)
{
    ck_assert(finds(HG_S(PART("model") "a\r\n" PART("x") "y\r\n" PART("model") "b\r\n--b--")));
    ck_assert(field.is_twice && text_is(field.value, HG_S("a")));
}
END_TEST

START_TEST(a_field_whose_end_is_not_here_yet_is_not_found)
{
    static const char body[] = PART("model") "whisper-1\r\n--b";
    size_t n = sizeof body - 1;

    for (size_t cut = 0; cut < n; cut++)
        ck_assert(!finds((hg_str){body, cut}));
    ck_assert(finds_value((hg_str){body, n}, HG_S("whisper-1")));
}
END_TEST

RUN_SUITE("multipart", the_boundary_is_that_of_a_form, a_boundary_that_is_too_long_is_none,
          a_field_is_found_wherever_it_stands, what_is_no_such_field_is_not_found,
          a_field_that_is_there_twice_is_said_to_be, a_field_whose_end_is_not_here_yet_is_not_found)
