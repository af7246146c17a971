#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/bytes.h"

static void span_equal__compares_size_and_bytes(void **state)
{
    (void)state;
    assert_true(span_equal(span_of(NULL, 0), span_of("", 0)));
    assert_true(span_equal(span_of("abc", 3), span_of("abc", 3)));
    assert_false(span_equal(span_of("abc", 3), span_of("abd", 3)));
    assert_false(span_equal(span_of("abc", 3), span_of("abc", 2)));
}

static void id__only_from_16_bytes_and_ordered_as_bytes(void **state)
{
    uint8_t bytes[17] = {1};
    struct id id = {{9}};
    struct id other = {{0x80}};

    (void)state;
    assert_int_equal(id_from_span(span_of(bytes, 15), &id), STATUS_BAD_LENGTH);
    assert_int_equal(id_from_span(span_of(bytes, 17), &id), STATUS_BAD_LENGTH);
    assert_int_equal(id.bytes[0], 9); /* untouched on failure */
    assert_int_equal(id_from_span(span_of(bytes, 16), &id), STATUS_OK);
    assert_int_equal(id.bytes[0], 1);
    assert_true(id_compare(&id, &other) < 0); /* unsigned bytes */
    assert_false(id_equal(&id, &other));
    assert_false(id_is_zero(&id));
    id.bytes[0] = 0;
    assert_true(id_is_zero(&id));
}

static void hash__only_from_32_bytes(void **state)
{
    uint8_t bytes[33] = {0};
    struct hash hash = {{7}};

    (void)state;
    bytes[31] = 1;
    assert_int_equal(hash_from_span(span_of(bytes, 31), &hash), STATUS_BAD_LENGTH);
    assert_int_equal(hash_from_span(span_of(bytes, 33), &hash), STATUS_BAD_LENGTH);
    assert_int_equal(hash.bytes[0], 7);
    assert_int_equal(hash_from_span(span_of(bytes, 32), &hash), STATUS_OK);
    assert_false(hash_is_zero(&hash));
    hash.bytes[31] = 0;
    assert_true(hash_is_zero(&hash));
}

static void hex__round_trips_and_refuses_what_it_is_not(void **state)
{
    uint8_t bytes[4] = {0x00, 0x9f, 0xa0, 0xff};
    uint8_t back[4] = {0};
    char text[9];

    (void)state;
    hex_encode(span_of(bytes, 4), text);
    assert_string_equal(text, "009fa0ff");
    assert_int_equal(hex_decode(text, 4, back), STATUS_OK);
    assert_memory_equal(bytes, back, 4);
    assert_int_equal(hex_decode("009FA0FF", 4, back), STATUS_OK);
    assert_int_equal(hex_decode("009fa0f", 4, back), STATUS_MALFORMED);
    assert_int_equal(hex_decode("009fa0ff0", 4, back), STATUS_MALFORMED);
    assert_int_equal(hex_decode("009fa0fg", 4, back), STATUS_MALFORMED);
    assert_int_equal(hex_decode("0x9fa0ff", 4, back), STATUS_MALFORMED);
    assert_memory_equal(bytes, back, 4);
    assert_int_equal(hex_decode("", 0, back), STATUS_OK);
}

static void integers__are_big_endian(void **state)
{
    static const uint8_t expected[8] = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    uint8_t bytes[8];

    (void)state;
    put_u64(bytes, 0xfedcba9876543210u);
    assert_memory_equal(bytes, expected, 8);
    assert_true(get_u64(bytes) == 0xfedcba9876543210u);
    assert_int_equal(get_u32(bytes), 0xfedcba98u);
    assert_int_equal(get_u16(bytes), 0xfedc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_equal__compares_size_and_bytes),
        cmocka_unit_test(id__only_from_16_bytes_and_ordered_as_bytes),
        cmocka_unit_test(hash__only_from_32_bytes),
        cmocka_unit_test(hex__round_trips_and_refuses_what_it_is_not),
        cmocka_unit_test(integers__are_big_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
