/* T5: when the server's clocks contradict each other, what time it goes by then, and what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/edge/clock.h"
#include "server/edge/clock_files.h"
#include "tests/lib/store_fixture.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define NOON INT64_C(1800000000000000)
#define BOOT (77 * SECOND)

/* The journal ended an hour before noon; at noon the server starts. */
static struct clock_watch started(void)
{
    const struct clock_setup setup = {.journal_us = NOON - HOUR, .disagreement_us = 5 * SECOND};

    return clock_watch_start(&setup, NOON, BOOT);
}

static void clocks_that_agree__the_wall_is_told(void **state)
{
    struct clock_watch watch = started();
    struct clock_reading reading = clock_watch_read(&watch, NOON + HOUR, BOOT + HOUR);

    (void)state;
    assert_false(reading.clock_trouble);
    assert_true(reading.server_us == NOON + HOUR);
    reading = clock_watch_read(&watch, NOON + 2 * HOUR + 5 * SECOND, BOOT + 2 * HOUR);
    assert_false(reading.clock_trouble);
    assert_true(reading.server_us == NOON + 2 * HOUR + 5 * SECOND);
}

static void wall_that_stepped__time_goes_on_by_the_boot_clock(void **state)
{
    const int64_t steps[] = {-24 * HOUR, -5 * SECOND - 1, 5 * SECOND + 1, 24 * HOUR};

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct clock_watch watch = started();
        struct clock_reading reading;

        (void)clock_watch_read(&watch, NOON + SECOND, BOOT + SECOND);
        reading = clock_watch_read(&watch, NOON + HOUR + steps[i], BOOT + HOUR);
        assert_true(reading.clock_trouble);
        assert_true(reading.server_us == NOON + HOUR);
        reading = clock_watch_read(&watch, NOON + 2 * HOUR + 2, BOOT + 2 * HOUR); /* synchronised again */
        assert_false(reading.clock_trouble);
        assert_true(reading.server_us == NOON + 2 * HOUR + 2);
    }
}

static void many_small_steps__add_up(void **state)
{
    struct clock_watch watch = started();
    bool trouble = false;

    (void)state;
    for (int64_t i = 0; i < 6; i++)
        trouble = clock_watch_read(&watch, NOON + i * (HOUR + SECOND), BOOT + i * HOUR).clock_trouble;
    assert_false(trouble);
    assert_true(clock_watch_read(&watch, NOON + 6 * (HOUR + SECOND), BOOT + 6 * HOUR).clock_trouble);
}

/* The machine's battery is flat: it starts in 1970, or an hour back. */
static void wall_behind_the_journal__trouble_until_it_is_set(void **state)
{
    const struct clock_setup setup = {.journal_us = NOON, .disagreement_us = 5 * SECOND};
    struct clock_watch watch = clock_watch_start(&setup, NOON - HOUR, BOOT);
    struct clock_reading reading = clock_watch_read(&watch, NOON - HOUR, BOOT);

    (void)state;
    assert_true(reading.clock_trouble);
    assert_true(reading.server_us == NOON);
    reading = clock_watch_read(&watch, NOON - HOUR + SECOND, BOOT + SECOND);
    assert_true(reading.clock_trouble);
    assert_true(reading.server_us == NOON + SECOND);
    reading = clock_watch_read(&watch, NOON + HOUR, BOOT + 2 * SECOND); /* set right: any later time is believed */
    assert_false(reading.clock_trouble);
    assert_true(reading.server_us == NOON + HOUR);
    assert_true(clock_watch_read(&watch, NOON, BOOT + 3 * SECOND).clock_trouble);
}

static void restart_in_trouble__ends_only_by_a_person(void **state)
{
    const struct clock_setup setup = {.journal_us = NOON, .disagreement_us = 5 * SECOND, .doubted = true};
    struct clock_watch watch = clock_watch_start(&setup, NOON + 24 * HOUR, BOOT);
    struct clock_reading reading = clock_watch_read(&watch, NOON + 24 * HOUR, BOOT + SECOND);

    (void)state;
    assert_true(reading.clock_trouble);
    assert_true(reading.server_us == NOON + SECOND);
    clock_watch_accept_wall(&watch, NOON + 24 * HOUR + SECOND, BOOT + 2 * SECOND);
    reading = clock_watch_read(&watch, NOON + 24 * HOUR + 2 * SECOND, BOOT + 3 * SECOND);
    assert_false(reading.clock_trouble);
    assert_true(reading.server_us == NOON + 24 * HOUR + 2 * SECOND);
}

/* The wall had been a day ahead, also while anchors were issued; now it is right, though before what was told. */
static void accepted_wall__may_lie_before_what_was_told(void **state)
{
    struct clock_watch watch = started();
    struct clock_reading reading;

    (void)state;
    (void)clock_watch_read(&watch, NOON + HOUR, BOOT + HOUR);
    assert_true(clock_watch_read(&watch, NOON - 23 * HOUR, BOOT + HOUR).clock_trouble);
    clock_watch_accept_wall(&watch, NOON - 23 * HOUR, BOOT + HOUR);
    reading = clock_watch_read(&watch, NOON - 22 * HOUR, BOOT + 2 * HOUR);
    assert_false(reading.clock_trouble);
    assert_true(reading.server_us == NOON - 22 * HOUR);
    assert_true(clock_watch_read(&watch, NOON, BOOT + 2 * HOUR).clock_trouble);
}

/* Whatever the wall does, in trouble time never goes back, and it advances with the boot clock. */
static void any_walls__time_in_trouble_never_goes_back(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct clock_watch watch = started();
        int64_t boot_us = BOOT, stepped_us = 0, before_us = INT64_MIN;
        unsigned draw = seed;

        (void)clock_watch_read(&watch, NOON, BOOT);
        for (int i = 0; i < 60; i++) {
            struct clock_reading reading;

            draw = draw * 1664525u + 1013904223u;
            boot_us += (int64_t)(draw >> 8) % HOUR;
            if (draw % 7 == 0)
                stepped_us = (int64_t)(draw >> 12) % (40 * SECOND) - 20 * SECOND;
            reading = clock_watch_read(&watch, NOON + boot_us - BOOT + stepped_us, boot_us);
            if (reading.clock_trouble && reading.server_us < before_us)
                fail_msg("seed %u: back", seed);
            if (reading.server_us < NOON + boot_us - BOOT - 11 * SECOND ||
                reading.server_us > NOON + boot_us - BOOT + 11 * SECOND)
                fail_msg("seed %u: beyond what agreeing clocks may differ by", seed);
            before_us = reading.server_us;
        }
    }
}

static void files__tell_of_trouble_and_take_one_acceptance(void **state)
{
    char folder[64], store[96];
    struct clock_note note;

    (void)state;
    test_folder_make(folder);
    (void)snprintf(store, sizeof(store), "%s/store.db", folder);
    assert_false(clock_files_read(store, &note));
    assert_false(clock_files_take_acceptance(store));
    assert_true(clock_files_accept(store)); /* too early: of no trouble */
    assert_true(clock_files_note(store, true, NOON, NOON - HOUR));
    assert_false(clock_files_take_acceptance(store));
    assert_true(clock_files_read(store, &note));
    assert_true(note.wall_us == NOON && note.server_us == NOON - HOUR);
    assert_true(clock_files_accept(store));
    assert_true(clock_files_take_acceptance(store));
    assert_false(clock_files_take_acceptance(store));
    assert_true(clock_files_note(store, false, NOON, NOON));
    assert_false(clock_files_read(store, &note));
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_that_agree__the_wall_is_told),
        cmocka_unit_test(wall_that_stepped__time_goes_on_by_the_boot_clock),
        cmocka_unit_test(many_small_steps__add_up),
        cmocka_unit_test(wall_behind_the_journal__trouble_until_it_is_set),
        cmocka_unit_test(restart_in_trouble__ends_only_by_a_person),
        cmocka_unit_test(accepted_wall__may_lie_before_what_was_told),
        cmocka_unit_test(any_walls__time_in_trouble_never_goes_back),
        cmocka_unit_test(files__tell_of_trouble_and_take_one_acceptance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
