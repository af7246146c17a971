/* Visits as a person would tell them, pushed through the writer's batches: verdicts, flags, and the same after a rebuild. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define DAY (24 * FLEET_HOUR)

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

/* A visit of so many minutes from a time on, checked in and out. */
static struct hash visit(struct fleet_device *device, int64_t from_us, int64_t minutes, const char *company)
{
    struct hash presence = fleet_check_in(device, from_us, "xen", company);

    (void)fleet_check_out(device, from_us + minutes * FLEET_MINUTE, &presence);
    return presence;
}

static void both_online__joint(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a, b;

    fleet_hello(ann, MORNING - FLEET_MINUTE);
    fleet_hello(bob, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, 40, "bob");
    b = visit(bob, MORNING, 40, "ann");
    (void)fleet_outcome(ann, MORNING + 41 * FLEET_MINUTE, &a, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    assert_int_equal(fleet_sync(ann, MORNING + 42 * FLEET_MINUTE).status, STATUS_OK);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    assert_int_equal(fleet_sync(bob, MORNING + 43 * FLEET_MINUTE).status, STATUS_OK);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), 0);
    struct id xen = fleet_id("xen");
    Doublecrew__V1__Row *row = fleet_view(fleet, 'x', xen.bytes, ID_SIZE);
    assert_true(row->offender->last_seen_ms >= (MORNING + 40 * FLEET_MINUTE) / 1000);
    assert_true(row->offender->last_compliant_ms >= row->offender->last_seen_ms); /* the later of the two left */
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void partner_syncs_a_day_later__flag_comes_and_clears(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 40, "bob"), b = visit(bob, MORNING, 40, NULL);

    fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    fleet_tick(fleet, MORNING + FLEET_HOUR + DAY + FLEET_MINUTE);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    assert_int_equal(fleet_flag(fleet, "evidence_overdue", &a), FLAG_RAISED);
    fleet_sync(bob, MORNING + DAY + 2 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    assert_int_equal(fleet_flag(fleet, "evidence_overdue", &a), FLAG_CLEARED);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), 0);
}

static void partner_was_elsewhere__confirmed_by_their_log(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 40, "bob");
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    fleet_hello(bob, MORNING + 2 * FLEET_HOUR);
    (void)fleet_add(bob, MORNING + 2 * FLEET_HOUR + FLEET_SECOND, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL,
                    &seal.base);
    fleet_sync(bob, MORNING + 2 * FLEET_HOUR + 2 * FLEET_SECOND);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "log");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "authority_missing", &a), FLAG_RAISED);
}

static void partner_never_comes__waits_unless_the_log_is_lost(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 40, "bob");
    Doublecrew__V1__DeviceState lost = DOUBLECREW__V1__DEVICE_STATE__INIT;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    fleet_tick(fleet, MORNING + 30 * DAY);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    lost.device_id = (ProtobufCBinaryData){ID_SIZE, bob->device.bytes};
    lost.standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST;
    (void)fleet_add(fleet->operator_device, MORNING + 31 * DAY, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE,
                    &lost.base);
    fleet_settle(fleet, MORNING + 31 * DAY);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "time_limit");
}

static void nobody_named__provisional_then_time_limit_by_a_timer(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = visit(ann, MORNING, 40, NULL);
    int64_t received = MORNING + FLEET_HOUR;
    int64_t due;

    fleet_sync(ann, received);
    assert_string_equal(fleet_company(fleet, &a), "lone_provisional");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), 0);
    assert_int_equal(batch_next_timer(fleet->batch, &due), STATUS_OK);
    assert_true(due <= received + 4 * FLEET_HOUR + FLEET_SECOND);
    fleet_tick(fleet, received + 4 * FLEET_HOUR + FLEET_SECOND);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "time_limit");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_RAISED);
    uint64_t pos = batch_head(fleet->batch)->pos;
    fleet_tick(fleet, received + 4 * FLEET_HOUR + FLEET_MINUTE); /* nothing due: nothing appended */
    assert_int_equal(batch_head(fleet->batch)->pos, pos);
}

static void alone_by_statement__confirmed_at_once_and_pushed_live(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = visit(ann, MORNING, 40, "");
    const struct batch_flag *flags;
    size_t count, alarms = 0;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    flags = batch_flags(fleet->batch, &count);
    for (size_t i = 0; i < count; i++)
        alarms += flags[i].alarm && flags[i].scope_count == 2; /* the officer, and the team's supervisors */
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "statement");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_RAISED);
    assert_int_equal(alarms, count);
    assert_true(count >= 1);
}

static void two_minute_partner__part_joint(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 60, "bob"), b = visit(bob, MORNING + FLEET_MINUTE, 2, "ann");

    fleet_sync(bob, MORNING + 61 * FLEET_MINUTE);
    fleet_sync(ann, MORNING + 62 * FLEET_MINUTE);
    assert_string_equal(fleet_company(fleet, &a), "part_joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    assert_int_equal(fleet_flag(fleet, "part_joint", &a), FLAG_RAISED);
}

static void prior_authority__silences_the_alarm_not_the_row(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash a;

    (void)fleet_authorise(sue, FLEET_T0 + FLEET_HOUR, "ann", "xen", true, MORNING - FLEET_HOUR, MORNING + FLEET_HOUR);
    assert_int_equal(fleet_sync(sue, FLEET_T0 + FLEET_HOUR).held_count, 0);
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, 40, "");
    fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), 0);
    assert_int_equal(fleet_flag(fleet, "authority_missing", &a), 0);
}

static void authorising_oneself__held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct batch_result result;

    (void)fleet_authorise(sue, FLEET_T0 + FLEET_HOUR, "sue", "xen", true, MORNING, MORNING + FLEET_HOUR);
    result = fleet_sync(sue, FLEET_T0 + FLEET_HOUR);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "own_visit");
}

static void decision__ends_the_flags_and_counts(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash a = visit(ann, MORNING, 40, "");

    fleet_sync(ann, MORNING + FLEET_HOUR);
    (void)fleet_decide(ann, MORNING + FLEET_HOUR + FLEET_MINUTE, &a, true);
    assert_string_equal(fleet_sync(ann, MORNING + FLEET_HOUR + FLEET_MINUTE).held[0].reason, "own_visit");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_RAISED);
    (void)fleet_decide(sue, MORNING + 2 * FLEET_HOUR, &a, false);
    assert_int_equal(fleet_sync(sue, MORNING + 2 * FLEET_HOUR).held_count, 0);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_DECIDED);
    assert_int_equal(fleet_flag(fleet, "authority_missing", &a), FLAG_DECIDED);
}

static void acknowledgement__by_the_supervisor_only(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash a = visit(ann, MORNING, 40, "");
    Doublecrew__V1__FlagAcknowledgement seen = DOUBLECREW__V1__FLAG_ACKNOWLEDGEMENT__INIT;
    const struct batch_flag *flags;
    struct hash flag;
    size_t count;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    flags = batch_flags(fleet->batch, &count);
    assert_true(count > 0);
    flag = flags[0].flag;
    seen.flag_id = (ProtobufCBinaryData){HASH_SIZE, flag.bytes};
    (void)fleet_add(ann, MORNING + 2 * FLEET_HOUR, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FLAG_ACKNOWLEDGEMENT,
                    &seen.base);
    assert_string_equal(fleet_sync(ann, MORNING + 2 * FLEET_HOUR).held[0].reason, "own_flag");
    (void)fleet_add(sue, MORNING + 3 * FLEET_HOUR, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FLAG_ACKNOWLEDGEMENT,
                    &seen.base);
    assert_int_equal(fleet_sync(sue, MORNING + 3 * FLEET_HOUR).held_count, 0);
    flags = batch_flags(fleet->batch, &count);
    assert_int_equal(count, 2); /* after three hours that nobody had taken it was a flag, too: it ends with this */
    for (size_t i = 0; i < count; i++)
        assert_false(flags[i].alarm);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_ACKNOWLEDGED);
    assert_int_equal(fleet_flag(fleet, "unacknowledged", &flag), FLAG_CLEARED);
}

static void timers_missed__fire_as_of_their_time(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *cal = fleet_device(fleet, "cal");
    struct hash a = visit(ann, MORNING, 40, NULL);
    struct hash flag_seen;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    /* the server was down when the limit passed; the next push brings it up to date first */
    flag_seen = visit(cal, MORNING + 20 * FLEET_HOUR, 5, NULL);
    fleet_sync(cal, MORNING + 21 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_company(fleet, &flag_seen), "lone_provisional");
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_true(row->presence->as_of_ms <= (MORNING + 5 * FLEET_HOUR + FLEET_MINUTE) / 1000);
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void clock_going_back__time_never_falls(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    int64_t before;

    (void)visit(ann, MORNING, 5, NULL);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    before = batch_head(fleet->batch)->time_us;
    (void)visit(ann, MORNING + 2 * FLEET_HOUR, 5, NULL);
    struct fleet_push push = fleet_build(ann);
    (void)fleet_deliver(fleet, MORNING, &push);
    fleet_push_free(&push);
    assert_int_equal(batch_head(fleet->batch)->time_us, before);
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(both_online__joint),
        SCENARIO(partner_syncs_a_day_later__flag_comes_and_clears),
        SCENARIO(partner_was_elsewhere__confirmed_by_their_log),
        SCENARIO(partner_never_comes__waits_unless_the_log_is_lost),
        SCENARIO(nobody_named__provisional_then_time_limit_by_a_timer),
        SCENARIO(alone_by_statement__confirmed_at_once_and_pushed_live),
        SCENARIO(two_minute_partner__part_joint),
        SCENARIO(prior_authority__silences_the_alarm_not_the_row),
        SCENARIO(authorising_oneself__held),
        SCENARIO(decision__ends_the_flags_and_counts),
        SCENARIO(acknowledgement__by_the_supervisor_only),
        SCENARIO(timers_missed__fire_as_of_their_time),
        SCENARIO(clock_going_back__time_never_falls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
