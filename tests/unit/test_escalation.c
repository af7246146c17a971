/* Whose a flag is, until when, and where it goes then (A1, A2): in a force with two supervisors, leaders and a duty role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/flags.h"
#include "tests/lib/fleet.h"

#define M FLEET_MINUTE
#define LEVEL(name) DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_##name

/* FLEET_T0 is Friday 15 January 2027, 08:00 in winter: working hours begin. */
#define MONDAY (FLEET_T0 + 72 * FLEET_HOUR)

/* Beside fleet_typical's sue: leader "len" of the north, leader "lou" of the south, "dee" on duty, south's "sam". */
static struct fleet *force_with_leaders(void)
{
    static const char *const names[] = {"len", "lou", "dee", "sam"};
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_SECOND, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, "len", DOUBLECREW__V1__ROLE__ROLE_LEADER, false, "north");
    fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, "lou", DOUBLECREW__V1__ROLE__ROLE_LEADER, false, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, "sam", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "south");
    fleet_duty(fleet, FLEET_T0 + FLEET_SECOND, "dee", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, "south");
    for (size_t i = 0; i < 4; i++)
        (void)fleet_enrol(fleet, FLEET_T0 + FLEET_SECOND, names[i]);
    fleet_settle(fleet, FLEET_T0 + FLEET_SECOND);
    for (size_t i = 0; i < 4; i++)
        fleet_hello(fleet_device(fleet, names[i]), FLEET_T0 + 2 * FLEET_SECOND);
    return fleet;
}

/* Ann says that she was alone at xen's (medium), and leaves: lone confirmed, in the assurance lane. */
static struct hash lone_visit(struct fleet *fleet, int64_t at_us)
{
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, at_us, "xen", "");

    (void)fleet_check_out(ann, at_us + 20 * M, &presence);
    (void)fleet_sync(ann, at_us + 20 * M);
    return presence;
}

/* Ann is alone at yul's (very high) at this moment: the safety lane. */
static struct hash live_visit(struct fleet *fleet, int64_t at_us)
{
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, at_us, "yul", "");

    (void)fleet_sync(ann, at_us);
    fleet_tick(fleet, at_us + 11 * M); /* longer than max_alone: it is known now */
    return presence;
}

static Doublecrew__V1__FlagRow *lone(struct fleet *fleet, const struct hash *presence)
{
    return fleet_flag_row(fleet, "lone_confirmed", presence);
}

static void done(Doublecrew__V1__FlagRow *row)
{
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
}

static void expect_level(struct fleet *fleet, const struct hash *presence, Doublecrew__V1__FlagLevel level,
                         const char *owner)
{
    Doublecrew__V1__FlagRow *row = lone(fleet, presence);
    struct id id = fleet_id(owner != NULL ? owner : "");

    assert_int_equal(row->level, level);
    assert_int_equal(row->n_owner_ids, owner != NULL ? 1 : 0);
    if (owner != NULL)
        assert_memory_equal(row->owner_ids[0].data, id.bytes, ID_SIZE);
    done(row);
}

static void assurance__the_officers_time_then_the_supervisors_then_up(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M); /* raised at 08:30 */
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    Doublecrew__V1__FlagRow *row = lone(fleet, &presence);

    (void)state;
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    assert_int_equal(row->answer_by_ms, row->raised_ms + 30 * 60 * 1000);
    assert_int_equal(row->acknowledge_by_ms, row->raised_ms + 45 * 60 * 1000);
    assert_false(row->quiet);
    done(row);
    expect_level(fleet, &presence, LEVEL(SUPERVISORS), "sue");
    assert_false(fleet_sees(fleet, "len", 'f', &flag));
    fleet_tick(fleet, FLEET_T0 + 75 * M - 1000);
    expect_level(fleet, &presence, LEVEL(SUPERVISORS), "sue");
    fleet_tick(fleet, FLEET_T0 + 75 * M);
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    expect_level(fleet, &presence, LEVEL(LEADERS), "len");
    assert_true(fleet_sees(fleet, "len", 'f', &flag));
    assert_false(fleet_sees(fleet, "lou", 'f', &flag));
    fleet_tick(fleet, FLEET_T0 + 90 * M);
    expect_level(fleet, &presence, LEVEL(ANY_LEADER), "lou");
    fleet_tick(fleet, FLEET_T0 + 105 * M);
    expect_level(fleet, &presence, LEVEL(DUTY), "dee");
    assert_true(fleet_sees(fleet, "dee", 'f', &flag));
    assert_int_equal(fleet_flag(fleet, "unacknowledged", &flag), 0);
    fleet_tick(fleet, FLEET_T0 + 120 * M);
    expect_level(fleet, &presence, LEVEL(NOBODY), NULL);
    assert_int_equal(fleet_flag(fleet, "unacknowledged", &flag), FLAG_RAISED);
    assert_int_equal(fleet_times_raised(fleet, "lone_confirmed", &presence), 1);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void all_at_once__as_if_each_had_been_on_time(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    Doublecrew__V1__FlagRow *row;

    (void)state;
    fleet_tick(fleet, FLEET_T0 + 5 * FLEET_HOUR); /* the server had been down */
    row = lone(fleet, &presence);
    assert_int_equal(row->n_escalated_ms, 4);
    assert_int_equal(row->escalated_ms[0], (FLEET_T0 + 75 * M) / 1000);
    assert_int_equal(row->escalated_ms[3], (FLEET_T0 + 120 * M) / 1000);
    done(row);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void acknowledgement__stops_the_clock_and_ends_what_told_of_it(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);

    (void)state;
    fleet_tick(fleet, FLEET_T0 + 130 * M);
    assert_int_equal(fleet_flag(fleet, "unacknowledged", &flag), FLAG_RAISED);
    (void)fleet_acknowledge(fleet_device(fleet, "lou"), FLEET_T0 + 131 * M, &flag);
    assert_int_equal(fleet_sync(fleet_device(fleet, "lou"), FLEET_T0 + 131 * M).held_count, 0);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_ACKNOWLEDGED);
    assert_int_equal(fleet_flag(fleet, "unacknowledged", &flag), FLAG_CLEARED);
    fleet_tick(fleet, FLEET_T0 + 5 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_ACKNOWLEDGED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void answer__starts_the_supervisors_time(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    Doublecrew__V1__FlagRow *row;

    (void)state;
    (void)fleet_answer(fleet_device(fleet, "ann"), FLEET_T0 + 35 * M, &flag);
    assert_int_equal(fleet_sync(fleet_device(fleet, "ann"), FLEET_T0 + 35 * M).held_count, 0);
    row = lone(fleet, &presence);
    assert_int_equal(row->answered_ms, (FLEET_T0 + 35 * M) / 1000);
    assert_int_equal(row->acknowledge_by_ms, (FLEET_T0 + 50 * M) / 1000);
    assert_string_equal(row->answer, "My partner was called away.");
    done(row);
    (void)fleet_answer(fleet_device(fleet, "ann"), FLEET_T0 + 45 * M, &flag); /* a second answer gains no time */
    (void)fleet_sync(fleet_device(fleet, "ann"), FLEET_T0 + 45 * M);
    fleet_tick(fleet, FLEET_T0 + 50 * M);
    expect_level(fleet, &presence, LEVEL(LEADERS), "len");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void late_answer__gains_no_time(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);

    (void)state;
    (void)fleet_answer(fleet_device(fleet, "ann"), FLEET_T0 + 70 * M, &flag);
    (void)fleet_sync(fleet_device(fleet, "ann"), FLEET_T0 + 70 * M);
    fleet_tick(fleet, FLEET_T0 + 75 * M);
    expect_level(fleet, &presence, LEVEL(LEADERS), "len");
    fleet_free(fleet);
}

static void evening__a_quiet_row_until_monday_morning(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 12 * FLEET_HOUR); /* Friday 20:00 */
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    Doublecrew__V1__FlagRow *row = lone(fleet, &presence);

    (void)state;
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_UPDATE); /* the row, no alarm */
    assert_true(row->quiet);
    assert_int_equal(row->alarm_ms, MONDAY / 1000);
    assert_int_equal(row->acknowledge_by_ms, (MONDAY + 45 * M) / 1000);
    done(row);
    assert_true(fleet_sees(fleet, "sue", 'f', &flag));
    fleet_tick(fleet, MONDAY - 1000);
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_NOTHING);
    fleet_tick(fleet, MONDAY);
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    row = lone(fleet, &presence);
    assert_false(row->quiet);
    assert_int_equal(row->level, LEVEL(SUPERVISORS));
    done(row);
    fleet_tick(fleet, MONDAY + 45 * M);
    expect_level(fleet, &presence, LEVEL(LEADERS), "len");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void evening__that_ends_by_itself_never_becomes_an_alarm(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    int64_t at_us = FLEET_T0 + 12 * FLEET_HOUR;
    struct hash flag, presence = fleet_check_in(ann, at_us, "xen", ""), partner;

    (void)state;
    (void)fleet_check_out(ann, at_us + 20 * M, &presence);
    (void)fleet_sync(ann, at_us + 20 * M);
    flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    partner = fleet_check_in(bob, at_us, "xen", "ann");
    (void)fleet_check_out(bob, at_us + 20 * M, &partner);
    (void)fleet_sync(bob, at_us + FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_CLEARED);
    fleet_tick(fleet, MONDAY + FLEET_HOUR);
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_NOTHING);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void safety__day_and_night_and_nobody_is_asked_first(void **state)
{
    struct fleet *fleet = force_with_leaders();
    int64_t at_us = FLEET_T0 + 16 * FLEET_HOUR; /* midnight */
    struct hash presence = live_visit(fleet, at_us);
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    Doublecrew__V1__FlagRow *row = lone(fleet, &presence);

    (void)state;
    assert_int_equal(row->lane, DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY);
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    assert_int_equal(row->answer_by_ms, 0);
    assert_in_range(row->raised_ms, (at_us + 10 * M) / 1000, (at_us + 11 * M) / 1000);
    assert_in_range(row->acknowledge_by_ms - row->raised_ms, 15 * 60 * 1000, 15 * 60 * 1000 + 1); /* rounded up */
    done(row);
    fleet_tick(fleet, at_us + 27 * M);
    expect_level(fleet, &presence, LEVEL(LEADERS), "len");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void chain__skips_whoever_was_there(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash own = fleet_check_in(sue, FLEET_T0 + 10 * M, "xen", "");
    struct hash flag;
    struct batch_result result;

    (void)state;
    (void)fleet_check_out(sue, FLEET_T0 + 30 * M, &own); /* a supervisor's own lone visit */
    (void)fleet_sync(sue, FLEET_T0 + 30 * M);
    expect_level(fleet, &own, LEVEL(LEADERS), "len");
    flag = fleet_flag_id(fleet, "lone_confirmed", &own);
    assert_true(fleet_sees(fleet, "len", 'f', &flag));
    (void)fleet_acknowledge(sue, FLEET_T0 + 40 * M, &flag);
    result = fleet_sync(sue, FLEET_T0 + 40 * M);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "own_flag");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &own), FLAG_RAISED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void acknowledgement__by_somebody_outside_or_present_is_held(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash sues = fleet_check_in(sue, FLEET_T0 + 10 * M, "xen", NULL);
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    struct hash flag = fleet_flag_id(fleet, "part_joint", &presence);
    struct batch_result result;

    (void)state;
    (void)fleet_check_out(sue, FLEET_T0 + 12 * M, &sues); /* the supervisor was there for two minutes */
    (void)fleet_sync(sue, FLEET_T0 + 31 * M);
    (void)fleet_check_in(ann, FLEET_T0 + 60 * M, "yul", NULL);
    flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    (void)fleet_acknowledge(sue, FLEET_T0 + 40 * M, &flag);
    result = fleet_sync(sue, FLEET_T0 + 40 * M);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "involved");
    (void)fleet_acknowledge(fleet_device(fleet, "sam"), FLEET_T0 + 40 * M, &flag);
    result = fleet_sync(fleet_device(fleet, "sam"), FLEET_T0 + 40 * M);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "not_in_chain");
    (void)fleet_acknowledge(fleet_device(fleet, "bob"), FLEET_T0 + 40 * M, &flag);
    result = fleet_sync(fleet_device(fleet, "bob"), FLEET_T0 + 40 * M);
    assert_string_equal(result.held[0].reason, "not_in_chain");
    (void)fleet_answer(fleet_device(fleet, "bob"), FLEET_T0 + 41 * M, &flag);
    result = fleet_sync(fleet_device(fleet, "bob"), FLEET_T0 + 41 * M);
    assert_string_equal(result.held[0].reason, "not_own_flag");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void duty__is_the_end_even_when_nobody_has_it(void **state)
{
    struct fleet *fleet = fleet_typical(); /* one supervisor, nobody else */
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);

    (void)state;
    fleet_tick(fleet, FLEET_T0 + 75 * M);
    expect_level(fleet, &presence, LEVEL(NOBODY), NULL);
    assert_int_equal(fleet_flag(fleet, "unacknowledged", &flag), FLAG_RAISED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void suspend(struct fleet *fleet, int64_t at_us, const struct fleet_device *device, int64_t as_of_us)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct id id = device->device;

    message.device_id = (ProtobufCBinaryData){ID_SIZE, id.bytes};
    message.standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED;
    message.as_of_ms = as_of_us / 1000;
    (void)fleet_add(fleet->operator_device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &message.base);
    fleet_settle(fleet, at_us);
}

static void reopened__with_its_history_and_at_the_first_level_again(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);
    struct hash flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    struct hash partner = fleet_check_in(bob, FLEET_T0 + 10 * M, "xen", NULL);
    struct fleet_push push;
    Doublecrew__V1__FlagRow *row;

    (void)state;
    fleet_tick(fleet, FLEET_T0 + 80 * M); /* at the leader's */
    (void)fleet_check_out(bob, FLEET_T0 + 30 * M, &partner);
    fleet_hello(bob, FLEET_T0 + 90 * M);
    push = fleet_build(bob);
    (void)fleet_deliver(fleet, FLEET_T0 + 90 * M, &push);
    fleet_push_free(&push);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_CLEARED);
    assert_true(fleet_sees(fleet, "len", 'f', &flag));
    suspend(fleet, FLEET_T0 + 92 * M, bob, FLEET_T0 + 5 * M); /* bob's phone wasn't his any more: held */
    (void)fleet_decide(fleet_device(fleet, "sue"), FLEET_T0 + 95 * M, &partner, false); /* and counts for nobody */
    assert_int_equal(fleet_sync(fleet_device(fleet, "sue"), FLEET_T0 + 95 * M).held_count, 0);
    row = lone(fleet, &presence);
    assert_int_equal(row->state, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED);
    assert_int_equal(row->times_raised, 2);
    assert_int_equal(row->n_history, 1);
    assert_int_equal(row->history[0]->raised_ms, (FLEET_T0 + 30 * M) / 1000);
    assert_int_equal(row->history[0]->ended_ms, (FLEET_T0 + 90 * M) / 1000);
    assert_int_equal(row->level, LEVEL(SUPERVISORS));
    assert_int_equal(row->n_escalated_ms, 0);
    assert_false(fleet_sees(fleet, "len", 'f', &flag));
    done(row);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void second_supervisor__for_a_band_that_policy_excludes(void **state)
{
    struct fleet *fleet = force_with_leaders();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash presence = fleet_check_in(ann, FLEET_T0 + 10 * M, "yul", "");
    Doublecrew__V1__FlagRow *row;

    (void)state;
    fleet_officer(fleet, FLEET_T0 + 3 * FLEET_SECOND, "sid", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "north");
    (void)fleet_enrol(fleet, FLEET_T0 + 3 * FLEET_SECOND, "sid");
    fleet_settle(fleet, FLEET_T0 + 3 * FLEET_SECOND);
    (void)fleet_check_out(ann, FLEET_T0 + 30 * M, &presence);
    (void)fleet_sync(ann, FLEET_T0 + 30 * M);
    (void)fleet_decide(sue, FLEET_T0 + 40 * M, &presence, true);
    assert_int_equal(fleet_sync(sue, FLEET_T0 + 40 * M).held_count, 0);
    row = lone(fleet, &presence);
    assert_int_equal(row->state, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED);
    assert_true(row->second_needed);
    done(row);
    (void)fleet_decide(sue, FLEET_T0 + 41 * M, &presence, true); /* the same person twice is one */
    (void)fleet_sync(sue, FLEET_T0 + 41 * M);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_RAISED);
    (void)fleet_decide(fleet_device(fleet, "sid"), FLEET_T0 + 45 * M, &presence, true);
    assert_int_equal(fleet_sync(fleet_device(fleet, "sid"), FLEET_T0 + 45 * M).held_count, 0);
    row = lone(fleet, &presence);
    assert_int_equal(row->state, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_DECIDED);
    assert_true(row->appropriate);
    assert_false(row->second_needed);
    done(row);
    (void)fleet_decide(sue, FLEET_T0 + 50 * M, &presence, false); /* she thinks again: "not appropriate" stands */
    (void)fleet_sync(sue, FLEET_T0 + 50 * M);
    row = lone(fleet, &presence);
    assert_int_equal(row->state, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_DECIDED);
    assert_false(row->appropriate);
    done(row);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void engine__that_takes_over_winds_the_clocks_again(void **state)
{
    static const struct engine later = {.version = "1000", .judge = rule_judge};
    struct fleet *fleet = force_with_leaders();
    struct hash presence = lone_visit(fleet, FLEET_T0 + 10 * M);

    (void)state;
    assert_int_equal(fleet_reopen(fleet, &later), STATUS_OK);
    fleet_tick(fleet, FLEET_T0 + 40 * M);
    expect_level(fleet, &presence, LEVEL(SUPERVISORS), "sue");
    fleet_tick(fleet, FLEET_T0 + 75 * M);
    expect_level(fleet, &presence, LEVEL(LEADERS), "len");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assurance__the_officers_time_then_the_supervisors_then_up),
        cmocka_unit_test(all_at_once__as_if_each_had_been_on_time),
        cmocka_unit_test(acknowledgement__stops_the_clock_and_ends_what_told_of_it),
        cmocka_unit_test(answer__starts_the_supervisors_time),
        cmocka_unit_test(late_answer__gains_no_time),
        cmocka_unit_test(evening__a_quiet_row_until_monday_morning),
        cmocka_unit_test(evening__that_ends_by_itself_never_becomes_an_alarm),
        cmocka_unit_test(safety__day_and_night_and_nobody_is_asked_first),
        cmocka_unit_test(chain__skips_whoever_was_there),
        cmocka_unit_test(acknowledgement__by_somebody_outside_or_present_is_held),
        cmocka_unit_test(duty__is_the_end_even_when_nobody_has_it),
        cmocka_unit_test(reopened__with_its_history_and_at_the_first_level_again),
        cmocka_unit_test(second_supervisor__for_a_band_that_policy_excludes),
        cmocka_unit_test(engine__that_takes_over_winds_the_clocks_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
