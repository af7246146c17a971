/*
 * What an officer was and which phone was theirs, as of the check-in (V5, F4, D1): a change of the roster speaks of what
 * comes after it, whenever the phones' evidence arrives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "server/logic/standing.h"
#include "tests/lib/fleet.h"
#include "tests/oracle/journal_oracle.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define EVENING (MORNING + 8 * FLEET_HOUR)
#define MANAGER DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER
#define CONSTABLE DOUBLECREW__V1__ROLE__ROLE_CONSTABLE
#define STAFF DOUBLECREW__V1__ROLE__ROLE_STAFF

static int fresh(void **state)
{
    *state = fleet_typical();
    return 0;
}

static int done(void **state)
{
    fleet_free(*state);
    return 0;
}

/* The oracle over the whole journal agrees, and a rebuild is the same. */
static void expect_sound(struct fleet *fleet)
{
    struct journal_oracle_report report;
    char text[1024];
    const char *found = journal_oracle_check(fleet->store, &report, text, sizeof(text));

    if (found != NULL)
        fail_msg("%s", found);
    fleet_expect_rebuild(fleet);
}

static struct hash visit(struct fleet_device *device, int64_t at_us, const char *company)
{
    struct hash presence = fleet_check_in(device, at_us, "xen", company);

    (void)fleet_check_out(device, at_us + 40 * FLEET_MINUTE, &presence);
    return presence;
}

/* ann visits xen with the other one; the change is recorded at noon; the phones come before it or after it. */
static const char *visited(struct fleet *fleet, const char *other, int64_t at_us, bool phones_first,
                           void change(struct fleet *, int64_t))
{
    int64_t noon = MORNING + 4 * FLEET_HOUR;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *second = fleet_device(fleet, other);
    struct hash a = visit(ann, at_us, other);

    (void)visit(second, at_us + FLEET_MINUTE, "ann");
    if (phones_first) {
        (void)fleet_sync(ann, at_us + FLEET_HOUR);
        (void)fleet_sync(second, at_us + FLEET_HOUR);
    }
    change(fleet, noon);
    fleet_settle(fleet, noon);
    if (!phones_first) {
        (void)fleet_sync(second, EVENING);
        (void)fleet_sync(ann, EVENING);
    }
    expect_sound(fleet);
    return fleet_company(fleet, &a);
}

static void cal_becomes_staff(struct fleet *fleet, int64_t at_us)
{
    fleet_officer(fleet, at_us, "cal", STAFF, false, "north");
}

static void cal_becomes_staff__was_a_constable_before(void **state)
{
    assert_string_equal(visited(*state, "cal", MORNING, true, cal_becomes_staff), "joint");
}

static void cal_becomes_staff__was_a_constable_before_also_when_it_comes_late(void **state)
{
    assert_string_equal(visited(*state, "cal", MORNING, false, cal_becomes_staff), "joint");
}

static void cal_becomes_staff__only_accompanies_from_then_on(void **state)
{
    assert_string_equal(visited(*state, "cal", MORNING + 5 * FLEET_HOUR, false, cal_becomes_staff), "accompanied");
}

static void ann_is_no_longer_accredited(struct fleet *fleet, int64_t at_us)
{
    fleet_officer(fleet, at_us, "ann", MANAGER, false, "north");
}

static void ann_is_no_longer_accredited__was_before(void **state)
{
    assert_string_equal(visited(*state, "cal", MORNING, false, ann_is_no_longer_accredited), "joint");
}

static void ann_is_no_longer_accredited__isnt_from_then_on(void **state)
{
    assert_string_equal(visited(*state, "cal", MORNING + 5 * FLEET_HOUR, false, ann_is_no_longer_accredited),
                        "accompanied");
}

/* V10: judged under each; the results differ. */
static void a_change_within_the_check_ins_bounds__time_unproven(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *cal = fleet_device(fleet, "cal");
    struct hash a;

    fleet_hello(ann, MORNING);
    fleet_hello(cal, MORNING);
    fleet_reboot(ann, MORNING + FLEET_MINUTE);
    fleet_reboot(cal, MORNING + FLEET_MINUTE);
    fleet_offline(ann);
    fleet_offline(cal);
    a = visit(ann, MORNING + 3 * FLEET_HOUR, "cal");
    (void)fleet_check_in(cal, MORNING + 3 * FLEET_HOUR, "xen", "ann");
    cal_becomes_staff(fleet, MORNING + 4 * FLEET_HOUR);
    fleet_settle(fleet, MORNING + 4 * FLEET_HOUR);
    struct fleet_push from_ann = fleet_build(ann), from_cal = fleet_build(cal);
    (void)fleet_deliver(fleet, EVENING, &from_ann);
    (void)fleet_deliver(fleet, EVENING, &from_cal);
    assert_string_equal(fleet_company(fleet, &a), "time_unproven");
    expect_sound(fleet);
    fleet_push_free(&from_ann);
    fleet_push_free(&from_cal);
}

static void cal_left_at_nine(struct fleet *fleet, int64_t at_us)
{
    fleet_entitle(fleet, at_us, "cal", CONSTABLE, false, 0, MORNING - FLEET_HOUR);
}

/* An end that had passed when it was recorded works backwards, as a revocation's as-of does (D1). */
static void an_end_in_the_past__holds_from_then(void **state)
{
    assert_string_equal(visited(*state, "cal", MORNING, true, cal_left_at_nine), "accompanied");
}

static void an_end_in_the_past__taken_back_by_a_later_word(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *cal = fleet_device(fleet, "cal");
    struct hash a = visit(ann, MORNING, "cal");

    (void)visit(cal, MORNING, "ann");
    (void)fleet_sync(ann, MORNING + FLEET_HOUR);
    (void)fleet_sync(cal, MORNING + FLEET_HOUR);
    cal_left_at_nine(fleet, MORNING + 2 * FLEET_HOUR);
    fleet_settle(fleet, MORNING + 2 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "accompanied");
    fleet_officer(fleet, MORNING + 3 * FLEET_HOUR, "cal", CONSTABLE, false, "north");
    fleet_settle(fleet, MORNING + 3 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    expect_sound(fleet);
}

static void bob_hands_his_phone_to_cal(struct fleet *fleet, int64_t at_us)
{
    fleet_assign(fleet_device(fleet, "bob"), at_us, "cal");
}

/* F4 as of the entry's time: what comes after the device was handed on is judged as what came before. */
static void handed_on__its_earlier_entries_count_whenever_they_come(void **state)
{
    assert_string_equal(visited(*state, "bob", MORNING, false, bob_hands_his_phone_to_cal), "joint");
}

static void handed_on__the_earlier_holder_is_unassigned_from_then_on(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash before = visit(bob, MORNING, NULL), after;

    fleet_assign(bob, MORNING + FLEET_HOUR, "cal");
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    bob->officer = fleet_id("bob"); /* who goes on using it */
    after = visit(bob, MORNING + 2 * FLEET_HOUR, NULL);
    assert_string_equal(fleet_sync(bob, EVENING).held[0].reason, "unassigned_officer");
    assert_string_equal(fleet_company(fleet, &before), "lone_provisional");
    assert_string_equal(fleet_company(fleet, &after), "held");
    expect_sound(fleet);
}

static struct batch_result declare_lost(struct fleet_device *by, int64_t at_us, const struct fleet_device *lost)
{
    Doublecrew__V1__LogLost message = DOUBLECREW__V1__LOG_LOST__INIT;
    struct id log = lost->log;

    message.lost_log_id.data = log.bytes;
    message.lost_log_id.len = ID_SIZE;
    message.last_known_seq = 1;
    (void)fleet_add(by, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_LOG_LOST, &message.base);
    return fleet_sync(by, at_us + FLEET_SECOND);
}

/*
 * F3, W3: bob's phone went to cal and then got lost, his new one says so. Nobody else may say it of him. From then on ann's
 * visit waits for no log any more, and the time limit settles it; what the lost log held all the same counts when it comes.
 */
static void handed_on__who_had_it_may_say_that_its_log_is_lost(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob"),
                        *sue = fleet_device(fleet, "sue"), *cal = fleet_device(fleet, "cal");
    struct hash b = visit(bob, MORNING + FLEET_MINUTE, "ann"), a = visit(ann, MORNING, "bob");
    struct fleet_push late = fleet_build(bob); /* carried in by hand in the end */

    fleet_assign(bob, MORNING + FLEET_HOUR, "cal");
    fleet_assign(cal, MORNING + FLEET_HOUR, "bob"); /* his new one */
    fleet_settle(fleet, MORNING + FLEET_HOUR);
    (void)fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(declare_lost(sue, MORNING + 2 * FLEET_HOUR, bob).held[0].reason, "not_permitted");
    fleet_tick(fleet, EVENING);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    assert_int_equal(declare_lost(cal, EVENING + FLEET_HOUR, bob).held_count, 0);
    fleet_tick(fleet, EVENING + 2 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "time_limit");
    (void)fleet_deliver(fleet, EVENING + 3 * FLEET_HOUR, &late);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    fleet_push_free(&late);
    fleet_expect_rebuild(fleet);
}

/* W2: the log that may hold the second presence is the phone that was his then, whoever has it now. */
static void handed_on__the_earlier_holder_is_still_awaited(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, "bob");

    (void)fleet_sync(ann, MORNING + FLEET_HOUR);
    fleet_assign(bob, MORNING + 2 * FLEET_HOUR, "cal");
    fleet_settle(fleet, MORNING + 2 * FLEET_HOUR);
    fleet_tick(fleet, EVENING);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    (void)fleet_check_in(bob, EVENING, "yul", NULL); /* cal's */
    (void)fleet_sync(bob, EVENING + FLEET_MINUTE);
    (void)fleet_check_in(bob, EVENING + 2 * FLEET_MINUTE, "yul", NULL);
    (void)fleet_sync(bob, EVENING + 3 * FLEET_MINUTE);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    assert_string_equal(fleet_confirmed_by(fleet, &a), "log");
    expect_sound(fleet);
}

static void bobs_phone_is_suspended_as_of_the_visit(struct fleet *fleet, int64_t at_us)
{
    fleet_standing(fleet_device(fleet, "bob"), at_us, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED,
                   MORNING - FLEET_HOUR);
}

static void bobs_phone_is_suspended_from_now(struct fleet *fleet, int64_t at_us)
{
    fleet_standing(fleet_device(fleet, "bob"), at_us, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED, 0);
}

/* D1, V6: recorded after the presences had come, or before: what was done since the as-of time is held, the partner waits. */
static void revoked_as_of_before__held_when_the_phones_came_first(void **state)
{
    assert_string_equal(visited(*state, "bob", MORNING, true, bobs_phone_is_suspended_as_of_the_visit),
                        "awaiting_second");
}

static void revoked_as_of_before__held_when_the_phones_come_later(void **state)
{
    assert_string_equal(visited(*state, "bob", MORNING, false, bobs_phone_is_suspended_as_of_the_visit),
                        "awaiting_second");
}

static void revoked_as_of_later__what_was_before_stays(void **state)
{
    assert_string_equal(visited(*state, "bob", MORNING, true, bobs_phone_is_suspended_from_now), "joint");
}

static void revoked_as_of_later__what_was_before_counts_also_when_it_comes_later(void **state)
{
    assert_string_equal(visited(*state, "bob", MORNING, false, bobs_phone_is_suspended_from_now), "joint");
}

/* Half-open: the as-of time lies among the instants at which bob may have checked in. */
static void revoked_within_the_check_ins_bounds__time_unproven(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash presence;

    fleet_hello(bob, MORNING);
    fleet_reboot(bob, MORNING + FLEET_MINUTE);
    fleet_offline(bob);
    presence = visit(bob, MORNING + 3 * FLEET_HOUR, "");
    fleet_standing(bob, MORNING + 4 * FLEET_HOUR, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED, 0);
    fleet_settle(fleet, MORNING + 4 * FLEET_HOUR);
    struct fleet_push push = fleet_build(bob);
    (void)fleet_deliver(fleet, EVENING, &push);
    assert_string_equal(fleet_company(fleet, &presence), "time_unproven");
    expect_sound(fleet);
    fleet_push_free(&push);
}

static void span_is(const struct rule_officer_span *span, int64_t from_us, bool accredited, bool entitled)
{
    assert_int_equal(span->from_us, from_us);
    assert_int_equal(span->accredited, accredited);
    assert_int_equal(span->entitled, entitled);
}

static void spans__nobody_becomes_eligible_backwards(void **state)
{
    struct standing_row rows[] = {{{{0}}, 100, false, true, 0, RULE_FOREVER},
                                  {{{0}}, 200, true, true, 50, 300},
                                  {{{0}}, 400, true, true, 500, RULE_FOREVER}};
    struct rule_officer_span spans[STANDING_SPANS_MAX];

    (void)state;
    assert_int_equal(standing_spans(rows, 0, spans), 1);
    span_is(&spans[0], INT64_MIN, false, false);
    assert_int_equal(standing_spans(rows, 3, spans), 5);
    span_is(&spans[0], INT64_MIN, false, false);
    span_is(&spans[1], 0, false, true);
    span_is(&spans[2], 200, true, true);
    span_is(&spans[3], 300, true, false);
    span_is(&spans[4], 500, true, true);
}

static void spans__first_difference(void **state)
{
    struct rule_officer_span a[] = {{INT64_MIN, false, true}, {100, true, true}, {300, true, false}};
    struct rule_officer_span b[] = {{INT64_MIN, false, true}, {100, true, true}, {200, false, true}};

    (void)state;
    assert_int_equal(standing_first_difference(a, 3, a, 3), RULE_FOREVER);
    assert_int_equal(standing_first_difference(a, 3, b, 3), 200);
    assert_int_equal(standing_first_difference(a, 3, b, 2), 300);
    assert_int_equal(standing_first_difference(a, 1, b, 2), 100);
    assert_int_equal(standing_first_difference(a + 1, 1, b, 1), INT64_MIN);
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(cal_becomes_staff__was_a_constable_before),
        SCENARIO(cal_becomes_staff__was_a_constable_before_also_when_it_comes_late),
        SCENARIO(cal_becomes_staff__only_accompanies_from_then_on),
        SCENARIO(ann_is_no_longer_accredited__was_before),
        SCENARIO(ann_is_no_longer_accredited__isnt_from_then_on),
        SCENARIO(a_change_within_the_check_ins_bounds__time_unproven),
        SCENARIO(an_end_in_the_past__holds_from_then),
        SCENARIO(an_end_in_the_past__taken_back_by_a_later_word),
        SCENARIO(handed_on__its_earlier_entries_count_whenever_they_come),
        SCENARIO(handed_on__the_earlier_holder_is_unassigned_from_then_on),
        SCENARIO(handed_on__who_had_it_may_say_that_its_log_is_lost),
        SCENARIO(handed_on__the_earlier_holder_is_still_awaited),
        SCENARIO(revoked_as_of_before__held_when_the_phones_came_first),
        SCENARIO(revoked_as_of_before__held_when_the_phones_come_later),
        SCENARIO(revoked_as_of_later__what_was_before_stays),
        SCENARIO(revoked_as_of_later__what_was_before_counts_also_when_it_comes_later),
        SCENARIO(revoked_within_the_check_ins_bounds__time_unproven),
        cmocka_unit_test(spans__nobody_becomes_eligible_backwards),
        cmocka_unit_test(spans__first_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
