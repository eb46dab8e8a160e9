#include <string.h>

#include "base/buffer.h"
#include "support/suite.h"

START_TEST(bytes_come_off_in_the_order_they_went_in)
{
    struct buffer buffer = {0};

    buffer_add(&buffer, "hello ", 6);
    buffer_add(&buffer, "world", 5);
    buffer_take(&buffer, 6);
    ck_assert_uint_eq(buffer.len, 5);
    ck_assert_mem_eq(buffer_at(&buffer), "world", 5);
    buffer_done(&buffer);
}
END_TEST

START_TEST(an_empty_buffer_holds_no_memory)
{
    struct buffer buffer = {0};

    buffer_add(&buffer, "x", 1);
    buffer_take(&buffer, 1);
    ck_assert_ptr_null(buffer.p);
    ck_assert_uint_eq(buffer.cap, 0);
}
END_TEST

START_TEST(room_is_found_again_at_the_front)
{
    struct buffer buffer = {0};
    char block[400] = {1};

    buffer_add(&buffer, block, sizeof block);
    buffer_take(&buffer, 300);
    buffer_add(&buffer, block, 350);
    ck_assert_uint_eq(buffer.len, 450);
    ck_assert_uint_le(buffer.cap, 512);
    buffer_done(&buffer);
}
END_TEST

RUN_SUITE("buffer", bytes_come_off_in_the_order_they_went_in, an_empty_buffer_holds_no_memory,
          room_is_found_again_at_the_front)
