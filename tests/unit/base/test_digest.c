#include "base/digest.h"

#include <string.h>

#include "support/suite.h"

enum {
    SIZE = 5000
};

static const uint8_t key[FINGERPRINT_KEY] = "a secret of 16 b";

/* In pieces of random length, empty ones and long ones too. */
static void print_in_pieces(struct fingerprint *fingerprint, const char *text, size_t n,
                            uint8_t out[FINGERPRINT_SIZE])
{
    static const size_t most[] = {1, 8, 40, 300, 2000};

    fingerprint_begin(fingerprint);
    while (n) {
        size_t piece = (size_t)rand() % (most[rand() % 5] + 1);

        piece = piece < n ? piece : n;
        fingerprint_add(fingerprint, text, piece);
        text += piece;
        n -= piece;
    }
    fingerprint_end(fingerprint, out);
}

START_TEST(a_fingerprint_is_the_same_however_the_text_comes)
{
    struct fingerprint *fingerprint = fingerprint_new(key);
    uint8_t whole[FINGERPRINT_SIZE], pieces[FINGERPRINT_SIZE];
    char text[SIZE];

    random_fill(text, sizeof text);
    for (size_t n = 0; n <= SIZE; n += n < 600 ? 1 : 97) {
        fingerprint_begin(fingerprint);
        fingerprint_add(fingerprint, text, n);
        fingerprint_end(fingerprint, whole);
        for (int i = 0; i < 5; i++) {
            print_in_pieces(fingerprint, text, n, pieces);
            ck_assert_mem_eq(whole, pieces, sizeof whole);
        }
    }
    fingerprint_free(&fingerprint);
}
END_TEST

START_TEST(a_fingerprint_changes_with_each_byte_the_length_and_the_key)
{
    struct fingerprint *fingerprint = fingerprint_new(key), *other;
    uint8_t first[FINGERPRINT_SIZE], second[FINGERPRINT_SIZE], secret[FINGERPRINT_KEY];
    char text[700] = "";

    print_in_pieces(fingerprint, text, sizeof text, first);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = 1;
        print_in_pieces(fingerprint, text, sizeof text, second);
        ck_assert_mem_ne(first, second, sizeof first);
        text[i] = 0;
    }
    print_in_pieces(fingerprint, text, sizeof text - 1, second);
    ck_assert_mem_ne(first, second, sizeof first);
    random_fill(secret, sizeof secret);
    other = fingerprint_new(secret);
    print_in_pieces(other, text, sizeof text, second);
    ck_assert_mem_ne(first, second, sizeof first);
    fingerprint_free(&fingerprint);
    fingerprint_free(&other);
}
END_TEST

START_TEST(a_digest_is_sha_256)
{
    struct digest *digest = digest_new();
    uint8_t sum[DIGEST_SIZE];
    static const uint8_t want[4] = {0xba, 0x78, 0x16, 0xbf}; /* of "abc", as FIPS 180-4 has it */

    for (int i = 0; i < 2; i++) {
        digest_begin(digest);
        digest_add(digest, "ab", 2);
        digest_add(digest, "c", 1);
        digest_end(digest, sum);
        ck_assert_mem_eq(sum, want, sizeof want);
    }
    digest_free(&digest);
}
END_TEST

RUN_SUITE("digest", a_fingerprint_is_the_same_however_the_text_comes,
          a_fingerprint_changes_with_each_byte_the_length_and_the_key, a_digest_is_sha_256)
