/* T4, V9: a visit whose times nobody can prove counts after a supervisor's decision, also for the due date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/fleet.h"

#define VISIT (FLEET_T0 + 3 * FLEET_HOUR)

static bool due_met(struct fleet *fleet, const struct hash *presence)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);
    bool met = row->presence->due_met;

    protobuf_c_message_free_unpacked(&row->base, NULL);
    return met;
}

/* Enrolled, but its first session is after the visit, and after a restart. */
static struct fleet_device *phone_that_never_met(struct fleet *fleet)
{
    struct fleet_device *cal;

    fleet_officer(fleet, FLEET_T0, "dan", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "north");
    cal = fleet_enrol(fleet, FLEET_T0, "dan");
    fleet_settle(fleet, FLEET_T0 + FLEET_SECOND);
    return cal;
}

static void never_met_and_restarted__counts_after_a_decision(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *dan = phone_that_never_met(fleet);
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash visit;

    (void)state;
    fleet_reboot(dan, VISIT - FLEET_HOUR);
    visit = fleet_check_in(dan, VISIT, "xen", "");
    fleet_check_out(dan, VISIT + 30 * FLEET_MINUTE, &visit);
    fleet_outcome(dan, VISIT + 31 * FLEET_MINUTE, &visit, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    fleet_reboot(dan, VISIT + FLEET_HOUR);
    fleet_sync(dan, VISIT + 2 * FLEET_HOUR);
    assert_false(due_met(fleet, &visit));
    fleet_decide(sue, VISIT + 3 * FLEET_HOUR, &visit, true);
    fleet_sync(sue, VISIT + 3 * FLEET_HOUR);
    assert_true(due_met(fleet, &visit));
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void restarted_in_the_middle__counts_after_a_decision(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *dan = phone_that_never_met(fleet);
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash visit;

    (void)state;
    fleet_reboot(dan, VISIT - FLEET_HOUR);
    visit = fleet_check_in(dan, VISIT, "xen", "ann");
    fleet_reboot(dan, VISIT + 10 * FLEET_MINUTE);
    fleet_check_out(dan, VISIT + 30 * FLEET_MINUTE, &visit);
    fleet_outcome(dan, VISIT + 31 * FLEET_MINUTE, &visit, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    fleet_sync(dan, VISIT + 2 * FLEET_HOUR);
    assert_false(due_met(fleet, &visit));
    fleet_decide(sue, VISIT + 3 * FLEET_HOUR, &visit, true);
    fleet_sync(sue, VISIT + 3 * FLEET_HOUR);
    assert_true(due_met(fleet, &visit));
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

/* A colleague's whole visit, whose times are known, may have overlapped: it must stand too. */
static void partner_who_may_have_been_there__is_decided_too(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *dan = phone_that_never_met(fleet);
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash visit, other;

    (void)state;
    fleet_reboot(dan, VISIT - FLEET_HOUR);
    visit = fleet_check_in(dan, VISIT, "xen", "ann");
    other = fleet_check_in(ann, VISIT, "xen", "dan");
    fleet_check_out(dan, VISIT + 30 * FLEET_MINUTE, &visit);
    fleet_check_out(ann, VISIT + 30 * FLEET_MINUTE, &other);
    fleet_outcome(dan, VISIT + 31 * FLEET_MINUTE, &visit, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    fleet_outcome(ann, VISIT + 31 * FLEET_MINUTE, &other, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    fleet_sync(ann, VISIT + FLEET_HOUR);
    fleet_reboot(dan, VISIT + FLEET_HOUR);
    fleet_sync(dan, VISIT + 2 * FLEET_HOUR);
    assert_false(due_met(fleet, &visit));
    fleet_decide(sue, VISIT + 3 * FLEET_HOUR, &visit, true);
    fleet_sync(sue, VISIT + 3 * FLEET_HOUR);
    assert_false(due_met(fleet, &visit));
    fleet_decide(sue, VISIT + 4 * FLEET_HOUR, &other, true);
    fleet_sync(sue, VISIT + 4 * FLEET_HOUR);
    assert_true(due_met(fleet, &visit));
    assert_true(due_met(fleet, &other));
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_met_and_restarted__counts_after_a_decision),
        cmocka_unit_test(restarted_in_the_middle__counts_after_a_decision),
        cmocka_unit_test(partner_who_may_have_been_there__is_decided_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
