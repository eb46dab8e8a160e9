#include "base/text.h"
#include "http/websocket.h"
#include "support/suite.h"

#define FRAMES(text) ((hg_str){text, sizeof(text) - 1})

/* What a run over some input has found. */
struct seen {
    char passed[1024], payload[1024];
    size_t passed_n, payload_n;
    unsigned data, control, starts, ends;
    enum websocket_found last;
};

static void keep(char *to, size_t *n, hg_str bytes)
{
    ck_assert_uint_le(*n + bytes.n, 1024);
    if (bytes.n)
        memcpy(to + *n, bytes.p, bytes.n);
    *n += bytes.n;
}

static void run(struct websocket *websocket, hg_str bytes, struct seen *seen)
{
    struct websocket_piece piece;

    while ((seen->last = websocket_next(websocket, &bytes, &piece)) == WEBSOCKET_DATA ||
           seen->last == WEBSOCKET_CONTROL) {
        keep(seen->passed, &seen->passed_n, piece.held);
        keep(seen->passed, &seen->passed_n, piece.bytes);
        keep(seen->payload, &seen->payload_n, piece.payload);
        ck_assert(!piece.payload.n ||
                  piece.payload.p + piece.payload.n == piece.bytes.p + piece.bytes.n);
        seen->data += seen->last == WEBSOCKET_DATA;
        seen->control += seen->last == WEBSOCKET_CONTROL;
        seen->starts += piece.starts;
        seen->ends += piece.ends;
    }
    ck_assert(seen->last == WEBSOCKET_BAD || bytes.n == 0);
}

static struct seen run_once(struct websocket *websocket, hg_str bytes)
{
    struct seen seen = {.last = WEBSOCKET_MORE};

    run(websocket, bytes, &seen);
    return seen;
}

static void assert_bad(bool is_masked, hg_str bytes, unsigned fault)
{
    for (size_t cut = 0; cut <= bytes.n; cut++) {
        struct websocket websocket = {.is_masked = is_masked, .message_max = 1000};
        struct seen seen = {.last = WEBSOCKET_MORE};

        run(&websocket, (hg_str){bytes.p, cut}, &seen);
        run(&websocket, (hg_str){bytes.p + cut, bytes.n - cut}, &seen);
        ck_assert_int_eq(seen.last, WEBSOCKET_BAD);
        ck_assert_uint_eq(websocket.fault, fault);
        ck_assert(websocket.reason && *websocket.reason);
        ck_assert_uint_eq(seen.passed_n, 0);
        run(&websocket, FRAMES("\x81\x00"), &seen); /* and it stays so */
        ck_assert_int_eq(seen.last, WEBSOCKET_BAD);
    }
}

START_TEST(a_message_in_one_frame_passes_as_it_is)
{
    struct websocket websocket = {.is_masked = false};
    struct seen seen = run_once(&websocket, FRAMES("\x81\x05Hello"));

    ck_assert_uint_eq(seen.passed_n, 7);
    ck_assert(text_is((hg_str){seen.payload, seen.payload_n}, HG_S("Hello")));
    ck_assert_uint_eq(websocket.messages, 1);
    ck_assert(!websocket_is_inside(&websocket));
}
END_TEST

/* A message in three fragments with a ping between them, and a close frame with its code. */
static const char client_frames[] =
    "\x01\x83\x01\x02\x03\x04IgO"
    "\x89\x82"
    "abcdhi"
    "\x00\x80zzzz"
    "\x80\xfe\x00\x80"
    "mmmm"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    "\x88\x84\x10\x20\x30\x40\x13\xc8\x52\x2b";

START_TEST(every_cut_of_a_stream_finds_the_same)
{
    size_t n = sizeof client_frames - 1;

    for (size_t cut = 0; cut <= n; cut++) {
        struct websocket websocket = {.is_masked = true};
        struct seen seen = {.last = WEBSOCKET_MORE};

        run(&websocket, (hg_str){client_frames, cut}, &seen);
        ck_assert_uint_le(seen.passed_n, cut);
        run(&websocket, (hg_str){client_frames + cut, n - cut}, &seen);
        ck_assert_uint_eq(seen.passed_n, n);
        ck_assert_mem_eq(seen.passed, client_frames, n);
        ck_assert_uint_eq(seen.payload_n, 3 + 128);
        ck_assert_uint_eq(seen.control, 2);
        ck_assert_uint_eq(seen.starts, 1);
        ck_assert_uint_eq(seen.ends, 1);
        ck_assert_uint_eq(websocket.frames, 5);
        ck_assert_uint_eq(websocket.messages, 1);
        ck_assert(websocket.is_closed);
        ck_assert_uint_eq(websocket.close_code, 1000);
    }
}
END_TEST

START_TEST(byte_by_byte_is_the_same_too)
{
    struct websocket websocket = {.is_masked = true};
    struct seen seen = {.last = WEBSOCKET_MORE};

    for (size_t i = 0; i < sizeof client_frames - 1; i++)
        run(&websocket, (hg_str){client_frames + i, 1}, &seen);
    ck_assert_uint_eq(seen.passed_n, sizeof client_frames - 1);
    ck_assert_mem_eq(seen.passed, client_frames, seen.passed_n);
    ck_assert_uint_eq(websocket.close_code, 1000);
}
END_TEST

START_TEST(nothing_of_a_control_frame_passes_before_it_is_whole)
{
    struct websocket websocket = {.is_masked = false};
    struct seen seen = run_once(&websocket, FRAMES("\x89\x05ping"));

    ck_assert_uint_eq(seen.passed_n, 0);
    ck_assert(!websocket_is_inside(&websocket));
    run(&websocket, FRAMES("!\x82\x04xy"), &seen);
    ck_assert_uint_eq(seen.passed_n, 11);
    ck_assert(websocket_is_inside(&websocket));
}
END_TEST

START_TEST(what_follows_a_close_frame_is_dropped)
{
    struct websocket websocket = {.is_masked = false};
    struct seen seen = run_once(&websocket, FRAMES("\x88\x00\x81\x01xgarbage\xff\xff"));

    ck_assert_uint_eq(seen.passed_n, 2);
    ck_assert_int_eq(seen.last, WEBSOCKET_MORE);
    ck_assert_uint_eq(websocket.close_code, CLOSE_NO_CODE);
}
END_TEST

START_TEST(masks_must_be_as_the_side_says)
{
    assert_bad(true, FRAMES("\x81\x01x"), CLOSE_PROTOCOL);
    assert_bad(false,
               FRAMES("\x81\x81"
                      "abcdx"),
               CLOSE_PROTOCOL);
    assert_bad(false,
               FRAMES("\x88\x80"
                      "abcd"),
               CLOSE_PROTOCOL);
}
END_TEST

START_TEST(heads_must_be_as_the_standard_says)
{
    assert_bad(false, FRAMES("\xc1\x00"), CLOSE_PROTOCOL); /* reserved bits */
    assert_bad(false, FRAMES("\xa1\x00"), CLOSE_PROTOCOL);
    assert_bad(false, FRAMES("\x91\x00"), CLOSE_PROTOCOL);
    assert_bad(false, FRAMES("\x83\x00"), CLOSE_PROTOCOL); /* unknown kinds */
    assert_bad(false, FRAMES("\x87\x00"), CLOSE_PROTOCOL);
    assert_bad(false, FRAMES("\x8b\x00"), CLOSE_PROTOCOL);
    assert_bad(false, FRAMES("\x8f\x00"), CLOSE_PROTOCOL);
    assert_bad(false, FRAMES("\x80\x01x"), CLOSE_PROTOCOL);        /* continues nothing */
    assert_bad(false, FRAMES("\x09\x01x"), CLOSE_PROTOCOL);        /* control in fragments */
    assert_bad(false, FRAMES("\x89\x7e\x00\x7e"), CLOSE_PROTOCOL); /* control too long */
    assert_bad(false, FRAMES("\x81\x7e\x00\x7d"), CLOSE_PROTOCOL); /* not the shortest length */
    assert_bad(false, FRAMES("\x81\x7f\0\0\0\0\0\0\xff\xff"), CLOSE_PROTOCOL);
    assert_bad(false, FRAMES("\x81\x7f\x80\0\0\0\0\0\0\0"), CLOSE_PROTOCOL); /* the highest bit */
}
END_TEST

START_TEST(a_message_must_end_before_the_next_begins)
{
    struct websocket websocket = {.is_masked = false};
    struct seen seen = run_once(&websocket, FRAMES("\x01\x01"
                                                   "a\x81\x01"
                                                   "b"));

    ck_assert_int_eq(seen.last, WEBSOCKET_BAD);
    ck_assert_uint_eq(seen.passed_n, 3);
}
END_TEST

START_TEST(close_codes_are_those_that_may_be_sent)
{
    static const struct {
        unsigned code;
        bool is_sane;
    } codes[] = {{999, false},  {1000, true}, {1003, true},  {1004, false}, {1005, false},
                 {1006, false}, {1007, true}, {1014, true},  {1015, false}, {2999, false},
                 {3000, true},  {4999, true}, {5000, false}, {0, false},    {65535, false}};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char frame[] = {(char)0x88, 2, (char)(codes[i].code >> 8), (char)codes[i].code};

        if (!codes[i].is_sane) {
            assert_bad(false, (hg_str){frame, 4}, CLOSE_PROTOCOL);
            continue;
        }
        struct websocket websocket = {.is_masked = false};

        ck_assert_int_eq(run_once(&websocket, (hg_str){frame, 4}).last, WEBSOCKET_MORE);
        ck_assert_uint_eq(websocket.close_code, codes[i].code);
    }
    assert_bad(false, FRAMES("\x88\x01\x03"), CLOSE_PROTOCOL);
}
END_TEST

START_TEST(a_message_beyond_the_limit_is_too_large)
{
    struct websocket websocket = {.message_max = 5};

    assert_bad(false, FRAMES("\x82\x7e\x03\xe9"), CLOSE_TOO_LARGE); /* 1001 bytes, the limit 1000 */
    ck_assert_int_eq(run_once(&websocket, FRAMES("\x02\x03"
                                                 "abc\x80\x03"
                                                 "def"))
                         .last,
                     WEBSOCKET_BAD); /* its fragments are added up */
    ck_assert_uint_eq(websocket.fault, CLOSE_TOO_LARGE);
    websocket = (struct websocket){.is_masked = false};
    /* fragments that promise more than there can be */
    ck_assert_int_eq(run_once(&websocket, FRAMES("\x02\x7f\x7f\xff\xff\xff\xff\xff\xff\xff")).last,
                     WEBSOCKET_MORE);
}
END_TEST

START_TEST(our_close_frames_can_be_read)
{
    static const unsigned codes[] = {1000, 1001, 1011, 4000, CLOSE_NO_CODE, CLOSE_ABNORMAL};
    char room[WEBSOCKET_CLOSE_MAX], reason[300];

    memset(reason, 'r', sizeof reason);
    reason[299] = 0;
    for (int is_masked = 0; is_masked < 2; is_masked++)
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            struct websocket websocket = {.is_masked = is_masked};
            hg_str frame = websocket_close(room, is_masked, codes[i], i % 2 ? "" : reason);

            ck_assert_uint_le(frame.n, WEBSOCKET_CLOSE_MAX);
            ck_assert_uint_eq(run_once(&websocket, frame).control, 1);
            ck_assert_uint_eq(websocket.close_code, i < 4 ? codes[i] : CLOSE_NO_CODE);
        }
}
END_TEST

/* ---- the upgrade -------------------------------------------------------------------------------
 */

static struct field fields[] = {
    {{"upgrade", 7}, {"WebSocket", 9}, FIELD_HOP_BY_HOP},
    {{"connection", 10}, {"keep-alive, Upgrade", 19}, FIELD_CONNECTION},
    {{"sec-websocket-version", 21}, {"13", 2}, FIELD_OTHER},
    {{"sec-websocket-key", 17}, {"dGhlIHNhbXBsZSBub25jZQ==", 24}, FIELD_OTHER},
    {{"sec-websocket-accept", 20}, {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28}, FIELD_OTHER},
};

static struct head head_make(void)
{
    return (struct head){.method = METHOD_GET,
                         .minor = 1,
                         .status = 101,
                         .content_length = -1,
                         .fields = fields,
                         .field_count = 5};
}

START_TEST(an_upgrade_needs_all_its_fields)
{
    struct head head = head_make();

    ck_assert_ptr_null(websocket_missing(&head));
    for (size_t i = 0; i < 4; i++) {
        hg_str value = fields[i].value;

        fields[i].value = HG_S("other");
        ck_assert_ptr_nonnull(websocket_missing(&head));
        fields[i].value = value;
    }
    head.minor = 0;
    ck_assert_ptr_nonnull(websocket_missing(&head));
    head = head_make();
    head.method = METHOD_POST;
    ck_assert_ptr_nonnull(websocket_missing(&head));
    head = head_make();
    head.content_length = 1;
    ck_assert_ptr_nonnull(websocket_missing(&head));
}
END_TEST

START_TEST(the_answer_proves_that_the_key_was_read)
{
    struct arena *arena = arena_new();
    struct head head = head_make();
    hg_str key = fields[3].value;

    ck_assert_ptr_null(websocket_refusal(arena, &head, key));
    ck_assert_ptr_nonnull(websocket_refusal(arena, &head, websocket_key_make(arena)));
    head.status = 200;
    ck_assert_ptr_nonnull(websocket_refusal(arena, &head, key));
    head = head_make();
    fields[0].value = HG_S("h2c");
    ck_assert_ptr_nonnull(websocket_refusal(arena, &head, key));
    fields[0].value = HG_S("WebSocket");
    fields[2].name = HG_S("sec-websocket-extensions");
    ck_assert_ptr_nonnull(websocket_refusal(arena, &head, key));
    fields[2].name = HG_S("sec-websocket-version");
    arena_free(&arena);
}
END_TEST

RUN_SUITE("websocket", a_message_in_one_frame_passes_as_it_is, every_cut_of_a_stream_finds_the_same,
          byte_by_byte_is_the_same_too, nothing_of_a_control_frame_passes_before_it_is_whole,
          what_follows_a_close_frame_is_dropped, masks_must_be_as_the_side_says,
          heads_must_be_as_the_standard_says, a_message_must_end_before_the_next_begins,
          close_codes_are_those_that_may_be_sent, a_message_beyond_the_limit_is_too_large,
          our_close_frames_can_be_read, an_upgrade_needs_all_its_fields,
          the_answer_proves_that_the_key_was_read)
