/* T5: while the server's clocks contradict each other everything is stored, no timer fires; afterwards all do, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)

static int setup(void **state)
{
    *state = fleet_typical();
    return 0;
}

static int teardown(void **state)
{
    fleet_expect_rebuild(*state);
    fleet_free(*state);
    return 0;
}

static struct batch_result sync_held(struct fleet_device *device, int64_t at_us)
{
    struct fleet *fleet = device->fleet;
    struct fleet_push push = fleet_build(device);
    struct batch_result result;

    fleet_begin_held(fleet, at_us);
    result = fleet_deliver(fleet, at_us, &push);
    fleet_commit(fleet);
    fleet_push_free(&push);
    assert_int_equal(result.status, STATUS_OK);
    return result;
}

static struct hash visit(struct fleet_device *device, int64_t at_us, int64_t minutes, const char *company)
{
    struct hash presence = fleet_check_in(device, at_us, "xen", company);

    (void)fleet_check_out(device, at_us + minutes * FLEET_MINUTE, &presence);
    return presence;
}

/* Ann says nothing of company: lone provisional, then lone confirmed by time limit 240 minutes after receipt. */
static struct hash wait_for_time_limit(struct fleet *fleet)
{
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = visit(ann, MORNING, 40, NULL);

    (void)fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_provisional");
    return a;
}

static void in_trouble__stored_and_no_timer_fires(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash a = wait_for_time_limit(fleet);
    struct hash b = fleet_check_in(bob, MORNING + 6 * FLEET_HOUR, "yul", "");

    assert_int_equal(sync_held(bob, MORNING + 7 * FLEET_HOUR).durable_seq, 1);
    assert_int_equal(batch_head(fleet->batch)->time_us, MORNING + 7 * FLEET_HOUR);
    assert_true(batch_head(fleet->batch)->timers_held);
    assert_string_equal(fleet_company(fleet, &a), "lone_provisional");
    assert_string_not_equal(fleet_company(fleet, &b), "");
    fleet_expect_rebuild(fleet);
}

static void trouble_over__timers_fire_in_order_as_of_the_tick(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash a = wait_for_time_limit(fleet);

    (void)fleet_check_in(bob, MORNING + 6 * FLEET_HOUR, "yul", "");
    (void)sync_held(bob, MORNING + 7 * FLEET_HOUR);
    uint64_t pos = batch_head(fleet->batch)->pos;
    fleet_tick(fleet, MORNING + 8 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "time_limit");
    assert_false(batch_head(fleet->batch)->timers_held);
    assert_true(batch_head(fleet->batch)->pos > pos + 1); /* the tick, and what was told */
    assert_int_equal(batch_head(fleet->batch)->time_us, MORNING + 8 * FLEET_HOUR);
}

/* The first push after the trouble finds all timers fired before it. */
static void trouble_over__the_next_push_comes_after_the_timers(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob"), *cal = fleet_device(fleet, "cal");
    struct hash a = wait_for_time_limit(fleet);

    (void)fleet_check_in(bob, MORNING + 6 * FLEET_HOUR, "yul", "");
    (void)sync_held(bob, MORNING + 7 * FLEET_HOUR);
    (void)fleet_check_in(cal, MORNING + 7 * FLEET_HOUR, "yul", "");
    (void)sync_held(cal, MORNING + 7 * FLEET_HOUR); /* at the same instant, too */
    (void)visit(cal, MORNING + 8 * FLEET_HOUR, 10, NULL);
    (void)fleet_sync(cal, MORNING + 9 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    fleet_expect_rebuild(fleet);
    fleet_tick(fleet, MORNING + 30 * FLEET_HOUR);
}

/* Evidence that came in the trouble speaks before the timer that would have spoken against it. */
static void trouble_over__evidence_of_the_meantime_counts(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash a = wait_for_time_limit(fleet), b;

    b = visit(bob, MORNING + FLEET_MINUTE, 38, "ann");
    fleet_hello(bob, MORNING + FLEET_HOUR);
    (void)sync_held(bob, MORNING + 7 * FLEET_HOUR);
    fleet_tick(fleet, MORNING + 8 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), 0);
}

/* Twice in trouble, with batches that hold several pushes, a restart of the server in it, and silent timers between. */
static void trouble_twice__rebuilt_byte_for_byte(void **state)
{
    struct fleet *fleet = *state;
    const char *names[] = {"ann", "bob", "cal"};

    for (int64_t hour = 0; hour < 40; hour += 2) {
        bool held = (hour / 6) % 2 == 1;
        int64_t at_us = MORNING + hour * FLEET_HOUR;
        struct fleet_push pushes[3];

        for (size_t i = 0; i < 3; i++) {
            struct fleet_device *device = fleet_device(fleet, names[i]);

            if (!held)
                fleet_hello(device, at_us - FLEET_HOUR);
            (void)fleet_check_in(device, at_us - FLEET_HOUR / 2 + (int64_t)i * FLEET_MINUTE, i < 2 ? "xen" : "yul",
                                 i == 0 ? "bob" : NULL);
            pushes[i] = fleet_build(device);
        }
        if (held)
            fleet_begin_held(fleet, at_us);
        else
            fleet_begin(fleet, at_us);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(fleet_deliver(fleet, at_us, &pushes[i]).status, STATUS_OK);
            fleet_push_free(&pushes[i]);
        }
        fleet_commit(fleet);
        if (hour == 8) {
            batch_free(fleet->batch);
            assert_int_equal(batch_open(fleet->store, &fleet->batch), STATUS_OK);
            assert_true(batch_head(fleet->batch)->timers_held);
        }
        if (hour % 10 == 8)
            fleet_expect_rebuild(fleet);
    }
    fleet_tick(fleet, MORNING + 200 * FLEET_HOUR);
}

static void trouble_without_pushes__leaves_no_trace(void **state)
{
    struct fleet *fleet = *state;
    struct hash a = wait_for_time_limit(fleet);
    uint64_t pos = batch_head(fleet->batch)->pos;

    fleet_begin_held(fleet, MORNING + 7 * FLEET_HOUR);
    fleet_commit(fleet);
    assert_int_equal(batch_head(fleet->batch)->pos, pos);
    fleet_tick(fleet, MORNING + 7 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(in_trouble__stored_and_no_timer_fires),
        SCENARIO(trouble_over__timers_fire_in_order_as_of_the_tick),
        SCENARIO(trouble_over__the_next_push_comes_after_the_timers),
        SCENARIO(trouble_over__evidence_of_the_meantime_counts),
        SCENARIO(trouble_twice__rebuilt_byte_for_byte),
        SCENARIO(trouble_without_pushes__leaves_no_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
