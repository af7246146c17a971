/* UK local time and working hours, against the C library's time zones and by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "server/logic/work_hours.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = 0};

    return (int64_t)timegm(&tm) * SECOND;
}

/* The rule of the POSIX zone string, as the C library reads it: independent of ours. */
static void offset__as_the_c_library_has_it_for_20_years(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "GMT0BST,M3.5.0/1,M10.5.0/2", 1), 0);
    tzset();
    for (int64_t at = utc(2024, 1, 1, 0, 30); at < utc(2044, 1, 1, 0, 0); at += 6 * HOUR) {
        time_t seconds = (time_t)(at / SECOND);
        struct tm local;

        assert_non_null(localtime_r(&seconds, &local));
        assert_int_equal(uk_offset_us(at), local.tm_isdst ? HOUR : 0);
    }
}

static void offset__changes_at_one_o_clock_on_the_last_sundays(void **state)
{
    (void)state;
    assert_int_equal(uk_offset_us(utc(2026, 3, 29, 1, 0) - 1), 0);
    assert_int_equal(uk_offset_us(utc(2026, 3, 29, 1, 0)), HOUR);
    assert_int_equal(uk_offset_us(utc(2026, 10, 25, 1, 0) - 1), HOUR);
    assert_int_equal(uk_offset_us(utc(2026, 10, 25, 1, 0)), 0);
    assert_int_equal(uk_offset_us(utc(2027, 3, 28, 1, 0)), HOUR); /* the 31st is a Wednesday */
    assert_int_equal(uk_offset_us(utc(2032, 10, 31, 1, 0)), 0);   /* the 31st is a Sunday */
    assert_int_equal(uk_offset_us(utc(2032, 10, 31, 1, 0) - 1), HOUR);
}

static void begin__at_once_in_hours_otherwise_next_morning(void **state)
{
    struct work_hours hours = work_hours_default();

    (void)state;
    assert_int_equal(work_begin(&hours, utc(2027, 1, 15, 9, 0)), utc(2027, 1, 15, 9, 0)); /* a Friday */
    assert_int_equal(work_begin(&hours, utc(2027, 1, 15, 7, 59)), utc(2027, 1, 15, 8, 0));
    assert_int_equal(work_begin(&hours, utc(2027, 1, 15, 18, 0)), utc(2027, 1, 18, 8, 0));
    assert_int_equal(work_begin(&hours, utc(2027, 1, 17, 12, 0)), utc(2027, 1, 18, 8, 0));
    /* Friday evening in winter time, Monday morning in summer time: 08:00 is 07:00 UTC. */
    assert_int_equal(work_begin(&hours, utc(2026, 3, 27, 20, 0)), utc(2026, 3, 30, 7, 0));
    assert_int_equal(work_begin(&hours, utc(2026, 7, 1, 17, 0)), utc(2026, 7, 2, 7, 0)); /* 18:00 local is past it */
}

static void add__counts_working_time_only(void **state)
{
    struct work_hours hours = work_hours_default();

    (void)state;
    assert_int_equal(work_add(&hours, utc(2027, 1, 15, 17, 50), 15 * MINUTE), utc(2027, 1, 18, 8, 5));
    assert_int_equal(work_add(&hours, utc(2027, 1, 15, 17, 45), 15 * MINUTE), utc(2027, 1, 18, 8, 0));
    assert_int_equal(work_add(&hours, utc(2027, 1, 16, 3, 0), 45 * MINUTE), utc(2027, 1, 18, 8, 45));
    assert_int_equal(work_add(&hours, utc(2027, 1, 11, 8, 0), 25 * HOUR), utc(2027, 1, 13, 13, 0));
}

static void add__of_parts_is_add_of_the_whole(void **state)
{
    struct work_hours hours = {.from_min = 7 * 60 + 30, .to_min = 19 * 60, .days = 2 | 8 | 64};

    (void)state;
    for (int64_t at = utc(2026, 1, 1, 0, 0); at < utc(2027, 1, 1, 0, 0); at += 7 * HOUR + 13 * MINUTE) {
        int64_t half = work_add(&hours, at, 11 * MINUTE);

        assert_true(half >= at + 11 * MINUTE);
        assert_int_equal(work_add(&hours, half, 9 * MINUTE), work_add(&hours, at, 20 * MINUTE));
        assert_int_equal(work_begin(&hours, work_begin(&hours, at)), work_begin(&hours, at));
    }
}

static void hours__that_never_come_are_always(void **state)
{
    struct work_hours none = {.from_min = 480, .to_min = 1080, .days = 0};
    struct work_hours empty = {.from_min = 480, .to_min = 480, .days = 127};

    (void)state;
    assert_int_equal(work_add(&none, 5 * DAY + 1, HOUR), 5 * DAY + 1 + HOUR);
    assert_int_equal(work_begin(&empty, 5 * DAY + 1), 5 * DAY + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offset__as_the_c_library_has_it_for_20_years),
        cmocka_unit_test(offset__changes_at_one_o_clock_on_the_last_sundays),
        cmocka_unit_test(begin__at_once_in_hours_otherwise_next_morning),
        cmocka_unit_test(add__counts_working_time_only),
        cmocka_unit_test(add__of_parts_is_add_of_the_whole),
        cmocka_unit_test(hours__that_never_come_are_always),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
