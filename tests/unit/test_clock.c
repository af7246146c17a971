/* A boot's clock (T1): the exact intersection over all its observations, whatever the order in which they came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/logic/batch_internal.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/fleet.h"
#include "tests/lib/store_fixture.h"

#define SEEN_MAX 24
#define WORLDS 150
#define SECOND ((int64_t)1000000)
#define OK(call) assert_int_equal((call), STATUS_OK)

static int setup(void **state)
{
    *state = fleet_typical();
    OK(batch_start(((struct fleet *)*state)->batch, FLEET_T0));
    return 0;
}

static int teardown(void **state)
{
    struct fleet *fleet = *state;

    batch_abort(fleet->batch);
    fleet_free(fleet);
    return 0;
}

struct world {
    struct boot_anchor_row seen[SEEN_MAX];
    size_t count;
};

/* Sessions in bursts and far apart, answered or not, on a clock that runs true to some milliseconds, or not at all. */
static struct world some_world(uint64_t *seed, struct id boot)
{
    struct world world = {.count = 1 + fixture_below(seed, SEEN_MAX)};
    uint64_t jitter_us = fixture_below(seed, 2) == 0 ? 20000 : 30 * (uint64_t)SECOND;
    int64_t at_us = 0;

    for (size_t i = 0; i < world.count; i++) {
        struct boot_anchor_row *seen = &world.seen[i];
        uint64_t gap_us = fixture_below(seed, 3) == 0 ? 40000 * (uint64_t)SECOND : 20000;

        at_us += (int64_t)(fixture_below(seed, gap_us) / 1000 * 1000);
        seen->log = boot;
        seen->boot = boot;
        seen->sent_us = at_us;
        seen->time_us = FLEET_T0 + (at_us + (int64_t)fixture_below(seed, jitter_us)) / 1000 * 1000;
        seen->received_us = at_us + (int64_t)(fixture_below(seed, jitter_us) / 1000 * 1000);
        if (fixture_below(seed, 4) == 0)
            seen->received_us = INT64_MAX;
    }
    return world;
}

static void shuffle(struct world *world, uint64_t *seed)
{
    for (size_t i = world->count; i > 1; i--) {
        size_t other = fixture_below(seed, i);
        struct boot_anchor_row row = world->seen[i - 1];

        world->seen[i - 1] = world->seen[other];
        world->seen[other] = row;
    }
}

static struct bounds brute(const struct world *world, int64_t mono_us, int64_t drift_ppb)
{
    struct bounds all = bounds_unknown();

    for (size_t i = 0; i < world->count; i++) {
        struct bounds_anchor anchor = {world->seen[i].time_us, world->seen[i].sent_us, world->seen[i].received_us};

        all = bounds_intersect(all, bounds_from_cut_anchor(&anchor, mono_us, drift_ppb));
    }
    return all;
}

static void expect_exact(struct batch *batch, const struct world *world, const struct id *boot, uint64_t *seed)
{
    for (size_t i = 0; i < 60; i++) {
        const struct boot_anchor_row *near = &world->seen[fixture_below(seed, world->count)];
        int64_t spread_us = fixture_below(seed, 2) == 0 ? 30000 : 50000 * SECOND;
        int64_t mono_us = (near->sent_us + (int64_t)fixture_below(seed, (uint64_t)spread_us) - spread_us / 2) / 1000;
        struct bounds expected = brute(world, mono_us * 1000, 200000);
        struct bounds found;

        OK(clock_bounds(batch, boot, boot, mono_us * 1000, &found));
        assert_int_equal(found.lo_us, expected.lo_us);
        assert_int_equal(found.hi_us, expected.hi_us);
    }
}

static void bounds__are_the_intersection_over_all_in_any_order(void **state)
{
    struct batch *batch = ((struct fleet *)*state)->batch;
    uint64_t seed = 20260101;
    unsigned number = 1000;

    for (unsigned i = 0; i < WORLDS; i++) {
        struct world world = some_world(&seed, numbered_id(number));

        for (unsigned order = 0; order < 3; order++) {
            struct id boot = numbered_id(++number);

            for (size_t n = 0; n < world.count; n++) {
                world.seen[n].boot = boot;
                world.seen[n].log = boot;
                OK(clock_observe(batch, &world.seen[n]));
            }
            expect_exact(batch, &world, &boot, &seed);
            shuffle(&world, &seed);
        }
    }
}

static size_t points_of(struct batch *batch, const struct id *boot, bool is_ceiling)
{
    struct clock_point_row point;
    int64_t at_us = INT64_MIN;
    size_t count = 0;

    while (batch->store->ops->clock_point_after(batch->store, boot, boot, is_ceiling, at_us, &point) == STATUS_OK) {
        at_us = point.at_us;
        count++;
    }
    return count;
}

/* What others say better at every instant isn't kept: a long burst of sessions leaves a handful. */
static void superfluous_observations__leave_no_point(void **state)
{
    struct batch *batch = ((struct fleet *)*state)->batch;
    struct id boot = numbered_id(1);
    struct boot_anchor_row seen = {.log = boot, .boot = boot, .time_us = FLEET_T0};
    bool loose = false;

    OK(clock_is_loose(batch, &boot, &boot, &loose));
    assert_true(loose);
    for (int64_t i = 0; i < 40; i++) {
        seen.time_us = FLEET_T0 + 2 * i * SECOND; /* the round trip grows: the first says all that is to be said */
        seen.sent_us = i * SECOND;
        seen.received_us = 3 * i * SECOND;
        OK(clock_observe(batch, &seen));
    }
    assert_true(points_of(batch, &boot, true) == 1);
    assert_true(points_of(batch, &boot, false) == 1);
    OK(clock_is_loose(batch, &boot, &boot, &loose));
    assert_false(loose);
}

/* Twelve restarts without signal between two sessions: the visit in any of them lies between the two (log order). */
static void loose_boots__bounded_by_anchored_ones_however_far(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    int64_t start_us = FLEET_T0 + 2 * FLEET_HOUR;
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;
    struct hash visits[12];

    (void)state;
    (void)fleet_add(ann, start_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &seal.base);
    fleet_sync(ann, start_us);
    for (int64_t i = 0; i < 12; i++) {
        fleet_reboot(ann, start_us + (i * 30 + 1) * FLEET_MINUTE);
        visits[i] = fleet_check_in(ann, start_us + (i * 30 + 5) * FLEET_MINUTE, "xen", "");
        (void)fleet_check_out(ann, start_us + (i * 30 + 25) * FLEET_MINUTE, &visits[i]);
    }
    fleet_reboot(ann, start_us + 6 * FLEET_HOUR + FLEET_MINUTE);
    (void)fleet_add(ann, start_us + 6 * FLEET_HOUR + 2 * FLEET_MINUTE, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL,
                    &seal.base);
    fleet_sync(ann, start_us + 20 * FLEET_HOUR);
    for (size_t i = 0; i < 12; i++) {
        Doublecrew__V1__Row *row = fleet_view(fleet, 'p', visits[i].bytes, HASH_SIZE);

        assert_in_range(row->presence->in_from_ms, (start_us - FLEET_MINUTE) / 1000, start_us / 1000 + 1000);
        assert_in_range(row->presence->in_to_ms, (start_us + 6 * FLEET_HOUR) / 1000,
                        (start_us + 6 * FLEET_HOUR + 3 * FLEET_MINUTE) / 1000);
        doublecrew__v1__row__free_unpacked(row, NULL);
    }
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static struct fleet_push carry(struct fleet_device *device, int64_t at_us, struct fleet_push carried)
{
    Doublecrew__V1__Carried message = DOUBLECREW__V1__CARRIED__INIT;
    struct fleet_push push;

    message.push = (ProtobufCBinaryData){carried.size, carried.bytes};
    (void)fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED, &message.base);
    push = fleet_build(device);
    fleet_push_free(&carried);
    return push;
}

/* Ann's phone is lost; colleagues carried three check-ins of it, of which only the middle one's boot ever met the server. */
static void carried_entries__bound_each_other_in_any_order(void **state)
{
    int64_t start_us = FLEET_T0 + 2 * FLEET_HOUR;

    (void)state;
    for (unsigned order = 0; order < 6; order++) {
        struct fleet *fleet = fleet_typical();
        struct fleet_device *ann = fleet_device(fleet, "ann");
        static const char *const carriers[] = {"bob", "cal", "sue"};
        static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        struct fleet_push pushes[3];
        struct hash visits[3];
        int64_t from_ms[3], to_ms[3];

        for (unsigned i = 0; i < 3; i++) {
            int64_t at_us = start_us + i * 3 * FLEET_HOUR;

            fleet_reboot(ann, at_us - FLEET_HOUR);
            if (i == 1)
                fleet_hello(ann, at_us - FLEET_MINUTE);
            visits[i] = fleet_check_in(ann, at_us, "xen", "");
            fleet_hello(fleet_device(fleet, carriers[i]), start_us - FLEET_HOUR);
            pushes[i] = carry(fleet_device(fleet, carriers[i]), at_us + FLEET_MINUTE, fleet_build(ann));
        }
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(fleet_deliver(fleet, start_us + (10 + i) * FLEET_HOUR, &pushes[orders[order][i]]).status,
                             STATUS_OK);
        for (unsigned i = 0; i < 3; i++) {
            Doublecrew__V1__Row *row = fleet_view(fleet, 'p', visits[i].bytes, HASH_SIZE);

            from_ms[i] = row->presence->in_from_ms;
            to_ms[i] = row->presence->in_to_ms;
            doublecrew__v1__row__free_unpacked(row, NULL);
            fleet_push_free(&pushes[i]);
        }
        assert_in_range(to_ms[1] - from_ms[1], 1, 2000);
        assert_int_equal(to_ms[0], to_ms[1]);
        assert_int_equal(from_ms[2], from_ms[1]);
        fleet_expect_rebuild(fleet);
        fleet_free(fleet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bounds__are_the_intersection_over_all_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(superfluous_observations__leave_no_point, setup, teardown),
        cmocka_unit_test(loose_boots__bounded_by_anchored_ones_however_far),
        cmocka_unit_test(carried_entries__bound_each_other_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
