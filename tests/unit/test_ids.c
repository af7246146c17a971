/* Fresh ids: by chance, or the same ones from the same number; and names looked up by hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/command.h"
#include "admin/ids.h"
#include "admin/name_index.h"

static void seeded__the_same_number_gives_the_same_ids(void **state)
{
    struct id_source one = {.seeded = true, .state = 7};
    struct id_source same = {.seeded = true, .state = 7};
    struct id_source other = {.seeded = true, .state = 8};
    struct id a;
    struct id b;
    struct id c;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(id_fresh(&one, &a), STATUS_OK);
        assert_int_equal(id_fresh(&same, &b), STATUS_OK);
        assert_int_equal(id_fresh(&other, &c), STATUS_OK);
        assert_true(id_equal(&a, &b));
        assert_false(id_equal(&a, &c));
        assert_false(id_is_zero(&a));
    }
}

/* The author's published first outputs for state 1234567 (splitmix64.c): a rebuilt training force depends on them. */
static void seeded__numbers_are_those_of_splitmix64(void **state)
{
    struct id_source source = {.seeded = true, .state = 1234567};
    struct id id;

    (void)state;
    assert_int_equal(id_fresh(&source, &id), STATUS_OK);
    assert_true(get_u64(id.bytes) == UINT64_C(6457827717110365317));
    assert_true(get_u64(id.bytes + 8) == UINT64_C(3203168211198807973));
    assert_true(id_source_below(&source, UINT64_MAX) == UINT64_C(9817491932198370423));
}

static void seeded__numbers_stay_below_their_bound_and_reach_all_below(void **state)
{
    struct id_source source = {.seeded = true, .state = 1};
    unsigned counts[10] = {0};

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t number = id_source_below(&source, 10);
        assert_true(number < 10);
        counts[number]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 850, 1150);
}

static void unseeded__ids_differ(void **state)
{
    struct id_source source = {.seeded = false};
    struct id a;
    struct id b;

    (void)state;
    assert_int_equal(id_fresh(&source, &a), STATUS_OK);
    assert_int_equal(id_fresh(&source, &b), STATUS_OK);
    assert_false(id_equal(&a, &b));
}

static void names__are_found_where_they_were_first_put(void **state)
{
    static char names[5000][8];
    struct name_index index = {.capacity = 0};
    size_t place = 99;

    (void)state;
    assert_false(name_index_find(&index, span_of("x", 1), &place));
    for (size_t i = 0; i < 5000; i++) {
        snprintf(names[i], sizeof(names[i]), "n%zu", i);
        assert_int_equal(name_index_add(&index, span_of(names[i], strlen(names[i])), i, &place), STATUS_OK);
        assert_int_equal(place, i);
    }
    assert_int_equal(name_index_add(&index, span_of("n17", 3), 6000, &place), STATUS_OK);
    assert_int_equal(place, 17);
    for (size_t i = 0; i < 5000; i++) {
        assert_true(name_index_find(&index, span_of(names[i], strlen(names[i])), &place));
        assert_int_equal(place, i);
    }
    assert_false(name_index_find(&index, span_of("n5000", 5), &place));
    assert_false(name_index_find(&index, span_of("", 0), &place));
    assert_int_equal(index.count, 5000);
    name_index_done(&index);
}

static void numbers__are_digits_only_and_within_their_limit(void **state)
{
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x10", "1e3", "18446744073709551616", "12a"};
    uint64_t number = 5;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(number_read(bad[i], UINT64_MAX, &number));
    assert_false(number_read("65536", 65535, &number));
    assert_int_equal(number, 5);
    assert_true(number_read("65535", 65535, &number));
    assert_int_equal(number, 65535);
    assert_true(number_read("18446744073709551615", UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_true(number_read("007", 7, &number));
    assert_int_equal(number, 7);
}

static void lines__have_no_control_characters_and_fit(void **state)
{
    (void)state;
    assert_true(line_fits("", 1));
    assert_true(line_fits("abc", 4));
    assert_false(line_fits("abc", 3));
    assert_true(line_fits("Se\xc3\xa1n O'Neill", 64));
    assert_false(line_fits("a\nb", 64));
    assert_false(line_fits("a\tb", 64));
    assert_false(line_fits("a\x7f", 64));
    assert_false(line_fits("a\xff", 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeded__the_same_number_gives_the_same_ids),
        cmocka_unit_test(seeded__numbers_are_those_of_splitmix64),
        cmocka_unit_test(seeded__numbers_stay_below_their_bound_and_reach_all_below),
        cmocka_unit_test(unseeded__ids_differ),
        cmocka_unit_test(names__are_found_where_they_were_first_put),
        cmocka_unit_test(numbers__are_digits_only_and_within_their_limit),
        cmocka_unit_test(lines__have_no_control_characters_and_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
