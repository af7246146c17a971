#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/sha256.h"

/* FIPS 180-4 examples. */
static const struct {
    const char *text;
    const char *hash;
} known[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void expect_hash(const struct hash *hash, const char *hex)
{
    char text[2 * HASH_SIZE + 1];

    hex_encode(span_of(hash->bytes, HASH_SIZE), text);
    assert_string_equal(text, hex);
}

static void sha256__known_answers_from_one_hasher(void **state)
{
    struct sha256 *sha;
    struct hash hash;

    (void)state;
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            assert_int_equal(sha256_bytes(sha, span_of(known[i].text, strlen(known[i].text)), &hash), STATUS_OK);
            expect_hash(&hash, known[i].hash);
        }
    }
    sha256_free(sha);
}

static void sha256__a_million_times_a(void **state)
{
    char *text = malloc(1000000);
    struct sha256 *sha;
    struct hash hash;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', 1000000);
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    assert_int_equal(sha256_bytes(sha, span_of(text, 1000000), &hash), STATUS_OK);
    expect_hash(&hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_free(sha);
    free(text);
}

static void sha256__parts_hash_as_one(void **state)
{
    struct span parts[4] = {span_of("a", 1), span_of(NULL, 0), span_of("b", 1), span_of("c", 1)};
    struct sha256 *sha;
    struct hash hash;

    (void)state;
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    assert_int_equal(sha256_parts(sha, parts, 4, &hash), STATUS_OK);
    expect_hash(&hash, known[1].hash);
    assert_int_equal(sha256_parts(sha, NULL, 0, &hash), STATUS_OK);
    expect_hash(&hash, known[0].hash);
    sha256_free(sha);
    sha256_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256__known_answers_from_one_hasher),
        cmocka_unit_test(sha256__a_million_times_a),
        cmocka_unit_test(sha256__parts_hash_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
