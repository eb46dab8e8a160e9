#include <stdio.h>

#include <headgate/provider.h>

#include "base/text.h"
#include "http/frame.h"
#include "support/suite.h"

/* Frames as AWS sends them: a delta, and an exception. */
static const char delta_hex[] =
    "0000009d00000057b9bbf89f0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a63"
    "6f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070005"
    "6576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a224869"
    "227d2c2270223a226162227d8b38b268";
static const char exception_hex[] =
    "00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074"
    "696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74"
    "797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473227de6"
    "7f8005";

static hg_str from_hex(const char *hex, char *room)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        unsigned byte;

        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        room[i] = (char)byte;
    }
    return (hg_str){room, n};
}

static void expect_text(hg_str text, const char *wanted)
{
    ck_assert_msg(text_is(text, text_of(wanted)), "%.*s", TEXT_ARG(text));
}

START_TEST(an_aws_event_is_read_with_its_name_and_payload)
{
    struct arena *arena = arena_new();
    char room[256];
    hg_str bytes = from_hex(delta_hex, room);
    struct frame frame;

    ck_assert_uint_eq(frame_first(HG_FRAME_AWS, bytes), bytes.n);
    ck_assert(frame_parse(arena, HG_FRAME_AWS, bytes, &frame));
    expect_text(frame.event, "contentBlockDelta");
    expect_text(frame.data, "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hi\"},\"p\":\"ab\"}");
    ck_assert(!frame.is_error);
    arena_free(&arena);
}
END_TEST

START_TEST(an_aws_exception_is_an_error_with_its_type)
{
    struct arena *arena = arena_new();
    char room[256];
    hg_str bytes = from_hex(exception_hex, room);
    struct frame frame;

    ck_assert_uint_eq(frame_first(HG_FRAME_AWS, bytes), bytes.n);
    ck_assert(frame_parse(arena, HG_FRAME_AWS, bytes, &frame));
    expect_text(frame.event, "throttlingException");
    expect_text(frame.data, "{\"message\":\"Too many requests\"}");
    ck_assert(frame.is_error);
    arena_free(&arena);
}
END_TEST

START_TEST(an_aws_frame_is_whole_only_with_its_last_byte)
{
    char room[256];
    hg_str bytes = from_hex(delta_hex, room);

    for (size_t n = 0; n < bytes.n; n++)
        ck_assert_uint_eq(frame_first(HG_FRAME_AWS, (hg_str){bytes.p, n}), 0);
}
END_TEST

/* A length that is believed before its checksum would make us wait for gigabytes. */
START_TEST(every_flipped_byte_of_an_aws_frame_is_found)
{
    char room[256];
    hg_str bytes = from_hex(delta_hex, room);

    for (size_t i = 0; i < bytes.n; i++) {
        room[i] ^= 0x40;
        ck_assert_uint_eq(frame_first(HG_FRAME_AWS, bytes), SIZE_MAX);
        room[i] ^= 0x40;
    }
}
END_TEST

START_TEST(what_is_put_is_read_again)
{
    static const uint32_t framings[] = {HG_FRAME_SSE, HG_FRAME_AWS};

    for (size_t i = 0; i < 2; i++) {
        struct arena *arena = arena_new();
        struct chain *out = chain_new(arena);
        struct frame frame;

        frame_put(framings[i], HG_S("messageStop"), HG_S("{\"stopReason\":\"end_turn\"}"), out);
        frame_put_error(framings[i], HG_S("validationException"), HG_S("{}"), out);
        hg_str bytes = chain_flat(out, arena);
        size_t n = frame_first(framings[i], bytes);

        ck_assert(frame_parse(arena, framings[i], (hg_str){bytes.p, n}, &frame));
        expect_text(frame.event, "messageStop");
        expect_text(frame.data, "{\"stopReason\":\"end_turn\"}");
        ck_assert(!frame.is_error);
        bytes.p += n;
        bytes.n -= n;
        ck_assert_uint_eq(frame_first(framings[i], bytes), bytes.n);
        ck_assert(frame_parse(arena, framings[i], bytes, &frame));
        ck_assert(frame.is_error);
        arena_free(&arena);
    }
}
END_TEST

START_TEST(an_empty_aws_message_is_a_frame)
{
    char room[16];
    hg_str bytes = from_hex("000000100000000005c248eb7d98c8ff", room);

    ck_assert_uint_eq(frame_first(HG_FRAME_AWS, bytes), 16);
}
END_TEST

RUN_SUITE("frame", an_aws_event_is_read_with_its_name_and_payload,
          an_aws_exception_is_an_error_with_its_type, an_aws_frame_is_whole_only_with_its_last_byte,
          every_flipped_byte_of_an_aws_frame_is_found, what_is_put_is_read_again,
          an_empty_aws_message_is_a_frame)
