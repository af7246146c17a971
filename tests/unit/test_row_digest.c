/* Sums of row hashes modulo 2^256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/row_digest.h"

static struct hash filled(uint8_t byte)
{
    struct hash hash;

    memset(hash.bytes, byte, sizeof(hash.bytes));
    return hash;
}

static void sum__carries_to_the_first_byte_and_out_of_it(void **state)
{
    struct row_digest digest = {{0}};
    struct hash ones = filled(0xff), one = {{0}};
    uint8_t zero[HASH_SIZE] = {0};

    (void)state;
    one.bytes[HASH_SIZE - 1] = 1;
    row_digest_add(&digest, &ones);
    assert_memory_equal(digest.bytes, ones.bytes, HASH_SIZE);
    row_digest_add(&digest, &one);
    assert_memory_equal(digest.bytes, zero, HASH_SIZE);
    row_digest_subtract(&digest, &one);
    assert_memory_equal(digest.bytes, ones.bytes, HASH_SIZE);
}

static void sum__does_not_depend_on_the_order(void **state)
{
    struct row_digest there = {{0}}, back = {{0}};
    struct hash rows[] = {filled(0x80), filled(0x7f), filled(0xfe), filled(0x01)};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        row_digest_add(&there, &rows[i]);
        row_digest_add(&back, &rows[3 - i]);
    }
    assert_true(row_digest_equal(&there, &back));
    row_digest_subtract(&there, &rows[2]);
    assert_false(row_digest_equal(&there, &back));
    row_digest_subtract(&back, &rows[2]);
    assert_true(row_digest_equal(&there, &back));
}

static void sum__joins_disjoint_sets(void **state)
{
    struct row_digest all = {{0}}, left = {{0}}, right = {{0}};
    struct hash a = filled(0xc3), b = filled(0x5a);

    (void)state;
    row_digest_add(&all, &a);
    row_digest_add(&all, &b);
    row_digest_add(&left, &a);
    row_digest_add(&right, &b);
    row_digest_join(&left, &right);
    assert_true(row_digest_equal(&left, &all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum__carries_to_the_first_byte_and_out_of_it),
        cmocka_unit_test(sum__does_not_depend_on_the_order),
        cmocka_unit_test(sum__joins_disjoint_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
