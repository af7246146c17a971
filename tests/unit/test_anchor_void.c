/* Anchors from a time when the server's clock was wrong, declared void (T5): what rested on them is worked out without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define DAY (24 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

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

static struct hash visit(struct fleet_device *device, int64_t at_us, int64_t minutes, const char *company)
{
    struct hash presence = fleet_check_in(device, at_us, "xen", company);

    (void)fleet_check_out(device, at_us + minutes * FLEET_MINUTE, &presence);
    return presence;
}

static void seal(struct fleet_device *device, int64_t at_us)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    (void)fleet_add(device, at_us, KIND(SEAL), &message.base);
}

static int64_t in_from_ms(struct fleet *fleet, const struct hash *presence, int64_t *ret_to_ms)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);
    int64_t from_ms;

    assert_non_null(row);
    from_ms = row->presence->in_from_ms;
    *ret_to_ms = row->presence->in_to_ms;
    doublecrew__v1__row__free_unpacked(row, NULL);
    return from_ms;
}

/* The day on which the server's clock is a day ahead; what is delivered then. */
static void deliver_ahead(struct fleet_device *device, int64_t at_us)
{
    struct fleet_push push;

    fleet_hello_wrong(device, at_us, at_us + DAY);
    push = fleet_build(device);
    assert_int_equal(fleet_deliver(device->fleet, at_us + DAY, &push).status, STATUS_OK);
    fleet_push_free(&push);
}

static void declare_void(struct fleet *fleet)
{
    fleet_anchor_void(fleet, MORNING + DAY + 2 * FLEET_HOUR, MORNING + DAY - FLEET_HOUR, MORNING + DAY + FLEET_HOUR);
    fleet_settle(fleet, MORNING + DAY + 2 * FLEET_HOUR);
}

/* Ann's phone was restarted: only the wrong session says when the visit was. Later it meets the server again. */
static void times_that_rested_on_void_anchors__bounded_by_others(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a;
    int64_t from_ms, to_ms;

    fleet_reboot(ann, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, 40, "");
    deliver_ahead(ann, MORNING + 50 * FLEET_MINUTE);
    from_ms = in_from_ms(fleet, &a, &to_ms);
    assert_true(from_ms > (MORNING + DAY - FLEET_MINUTE) / 1000); /* wrong, and sure of it */
    declare_void(fleet);
    from_ms = in_from_ms(fleet, &a, &to_ms);
    assert_true(from_ms <= MORNING / 1000 && to_ms >= MORNING / 1000);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    seal(ann, MORNING + 2 * FLEET_HOUR);
    fleet_hello(ann, MORNING + 2 * FLEET_HOUR); /* the server's clock is right again; its journal's time waits */
    struct fleet_push push = fleet_build(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + 2 * FLEET_HOUR, &push).status, STATUS_OK);
    fleet_push_free(&push);
    from_ms = in_from_ms(fleet, &a, &to_ms);
    assert_true(from_ms <= MORNING / 1000 && to_ms >= MORNING / 1000);
    assert_true(to_ms - from_ms < 10000);
}

/* The void entry itself would be a step back of the anchors: the boot isn't in trouble for it, in either order. */
static void anchors_after_void_ones__no_clock_trouble(void **state)
{
    for (int void_first = 0; void_first < 2; void_first++) {
        struct fleet *fleet = *state;
        struct fleet_device *ann = fleet_device(fleet, void_first ? "bob" : "ann");
        struct hash a;
        struct fleet_push push;
        int64_t from_ms, to_ms;

        if (void_first)
            declare_void(fleet);
        seal(ann, MORNING);
        fleet_hello_wrong(ann, MORNING + FLEET_MINUTE, MORNING + FLEET_MINUTE + DAY);
        seal(ann, MORNING + 2 * FLEET_MINUTE); /* names the wrong anchor */
        fleet_hello(ann, MORNING + FLEET_HOUR);
        a = visit(ann, MORNING + FLEET_HOUR + FLEET_MINUTE, 20, "");
        push = fleet_build(ann);
        assert_int_equal(fleet_deliver(fleet, MORNING + DAY + FLEET_HOUR, &push).status, STATUS_OK);
        fleet_push_free(&push);
        if (!void_first) {
            in_from_ms(fleet, &a, &to_ms);
            Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
            assert_true((row->presence->reasons & RULE_REASON_CLOCK_TROUBLE) != 0);
            doublecrew__v1__row__free_unpacked(row, NULL);
            declare_void(fleet);
        }
        Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
        assert_int_equal(row->presence->reasons & RULE_REASON_CLOCK_TROUBLE, 0);
        doublecrew__v1__row__free_unpacked(row, NULL);
        from_ms = in_from_ms(fleet, &a, &to_ms);
        assert_true(to_ms - from_ms < 10000);
        assert_true(from_ms <= (MORNING + FLEET_HOUR + FLEET_MINUTE) / 1000);
        assert_true(to_ms >= (MORNING + FLEET_HOUR + FLEET_MINUTE) / 1000);
    }
}

/* Cal's seal named a checkpoint of tomorrow: it had said that this phone has nothing to add. */
static void watermark_of_a_void_anchor__proves_no_absence(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *cal = fleet_device(fleet, "cal");
    struct hash a = visit(ann, MORNING, 40, "cal");
    struct device_row row;
    struct fleet_push push;

    (void)fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    fleet_hello_wrong(cal, MORNING, MORNING + DAY);
    seal(cal, MORNING + FLEET_MINUTE);
    push = fleet_build(cal);
    assert_int_equal(fleet_deliver(fleet, MORNING + DAY, &push).status, STATUS_OK);
    fleet_push_free(&push);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    declare_void(fleet);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    assert_int_equal(fleet->store->ops->device_by_log(fleet->store, &cal->log, &row), STATUS_OK);
    assert_true(row.watermark_us < MORNING);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_CLEARED);
}

/* Whether the range was declared void before or after the evidence came: the same verdict and times. */
static void declared_before_or_after__the_same(void **state)
{
    struct fleet *fleets[] = {*state, fleet_typical()};
    char *said[2];

    for (size_t i = 0; i < 2; i++) {
        struct fleet *fleet = fleets[i];
        struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
        struct hash a, b;
        struct fleet_push pushes[2];
        int64_t from_ms, to_ms;

        fleet_reboot(ann, MORNING - FLEET_MINUTE);
        a = visit(ann, MORNING, 40, "bob");
        b = visit(bob, MORNING + FLEET_MINUTE, 38, "ann");
        fleet_hello_wrong(ann, MORNING + 50 * FLEET_MINUTE, MORNING + 50 * FLEET_MINUTE + DAY);
        seal(ann, MORNING + 51 * FLEET_MINUTE);
        pushes[0] = fleet_build(ann);
        fleet_hello_wrong(bob, MORNING + 50 * FLEET_MINUTE, MORNING + 50 * FLEET_MINUTE + DAY);
        pushes[1] = fleet_build(bob);
        if (i == 1)
            declare_void(fleet);
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(fleet_deliver(fleet, MORNING + DAY + 2 * FLEET_HOUR, &pushes[j]).status, STATUS_OK);
            fleet_push_free(&pushes[j]);
        }
        if (i == 0)
            declare_void(fleet);
        said[i] = calloc(1, 512);
        from_ms = in_from_ms(fleet, &a, &to_ms);
        (void)snprintf(said[i], 512, "%s %lld %lld ", fleet_company(fleet, &a), (long long)from_ms, (long long)to_ms);
        from_ms = in_from_ms(fleet, &b, &to_ms);
        (void)snprintf(said[i] + strlen(said[i]), 256, "%s %lld %lld", fleet_company(fleet, &b), (long long)from_ms,
                       (long long)to_ms);
    }
    assert_string_equal(said[0], said[1]);
    free(said[0]);
    free(said[1]);
    fleet_expect_rebuild(fleets[1]);
    fleet_free(fleets[1]);
}

static void void_by_anybody_else__held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *sue = fleet_device(fleet, "sue");
    Doublecrew__V1__AnchorVoid message = DOUBLECREW__V1__ANCHOR_VOID__INIT;
    char reason[] = "mine";
    struct batch_result result;

    message.from_ms = 1;
    message.to_ms = MORNING / 1000;
    message.reason = reason;
    (void)fleet_add(sue, MORNING, KIND(ANCHOR_VOID), &message.base);
    result = fleet_sync(sue, MORNING);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "not_permitted");
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(times_that_rested_on_void_anchors__bounded_by_others),
        SCENARIO(anchors_after_void_ones__no_clock_trouble),
        SCENARIO(watermark_of_a_void_anchor__proves_no_absence),
        SCENARIO(declared_before_or_after__the_same),
        SCENARIO(void_by_anybody_else__held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
