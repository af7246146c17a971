/* Times as people write them: what is one, what isn't, and there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "admin/time_text.h"

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static int in_london(void **state)
{
    (void)state;
    set_zone("GMT0BST,M3.5.0/1,M10.5.0");
    return 0;
}

static void expect(const char *text, int64_t time_s)
{
    int64_t time_ms = -1;

    if (time_from_text(text, &time_ms) != STATUS_OK)
        fail_msg("'%s' was not read", text);
    assert_int_equal(time_ms, time_s * 1000);
}

static void refuse(const char *text)
{
    int64_t time_ms = -1;

    if (time_from_text(text, &time_ms) != STATUS_INPUT)
        fail_msg("'%s' was read as a time", text);
    assert_int_equal(time_ms, -1);
}

static void times__are_read_with_and_without_clock_and_zone(void **state)
{
    (void)state;
    expect("1970-01-01Z", 0);
    expect("1970-01-01T00:00Z", 0);
    expect("1970-01-01 00:00:01Z", 1);
    expect("2026-03-02T09:00Z", 1772442000);
    expect("2026-03-02T09:00:30Z", 1772442030);
    expect("2026-03-02T09:00+01:00", 1772442000 - 3600);
    expect("2026-03-02T09:00-05:30", 1772442000 + 5 * 3600 + 1800);
    expect("2026-03-02T09:00+14:00", 1772442000 - 14 * 3600);
    expect("2024-02-29Z", 1709164800);
    expect("2000-02-29Z", 951782400);
}

static void times__without_zone_are_local(void **state)
{
    (void)state;
    expect("2026-03-02T09:00", 1772442000); /* winter: as UTC */
    expect("2026-07-01T09:00", 1782892800); /* summer: 08:00 UTC */
    expect("2026-07-01", 1782892800 - 9 * 3600);
}

static void times__that_are_none_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "today",
        "2026",
        "2026-3-2",
        "26-03-02",
        "02/03/2026",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-02-30",
        "2025-02-29",
        "2026-04-31Z",
        "1899-12-31Z",
        " 2026-03-02",
        "2026-03-02 ",
        "+026-03-02",
        "2026--3-02",
        "2026-03-02T",
        "2026-03-02T9:00",
        "2026-03-02T24:00Z",
        "2026-03-02T09:60Z",
        "2026-03-02T09:00:60Z",
        "2026-03-02T09:00:5Z",
        "2026-03-02T09Z",
        "2026-03-02T09:00z",
        "2026-03-02T09:00Zz",
        "2026-03-02T09:00+1:00",
        "2026-03-02T09:00+15:00",
        "2026-03-02T09:00+01:60",
        "2026-03-02T09:00+0100",
        "2026-03-02T-1:00Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        refuse(texts[i]);
}

static void times__are_written_with_their_offset(void **state)
{
    char text[TIME_TEXT_SIZE];

    (void)state;
    time_to_text(0, text);
    assert_string_equal(text, "1970-01-01 00:00:00 +00:00");
    time_to_text(INT64_C(1782892800999), text);
    assert_string_equal(text, "2026-07-01 09:00:00 +01:00");
    time_to_text(-1, text);
    assert_string_equal(text, "1969-12-31 23:59:59 +00:00");
    set_zone("XXX3:30");
    time_to_text(INT64_C(1772442000000), text);
    assert_string_equal(text, "2026-03-02 05:30:00 -03:30");
    in_london(state);
}

static void times__beyond_the_calendar_are_written_as_numbers(void **state)
{
    char text[TIME_TEXT_SIZE];

    (void)state;
    time_to_text(INT64_MAX, text);
    assert_string_equal(text, "9223372036854775807 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times__are_read_with_and_without_clock_and_zone),
        cmocka_unit_test(times__without_zone_are_local),
        cmocka_unit_test(times__that_are_none_are_refused),
        cmocka_unit_test(times__are_written_with_their_offset),
        cmocka_unit_test(times__beyond_the_calendar_are_written_as_numbers),
    };

    return cmocka_run_group_tests(tests, in_london, NULL);
}
