/* Words and policies that can't be what they say: each is kept and held with a name, and nothing follows (docs/TESTING.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/policy_file.h"
#include "tests/lib/fleet.h"

#define M FLEET_MINUTE
#define T(minutes) (FLEET_T0 + (minutes)*M)
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

static void expect_held(const struct batch_result *result, const char *reason)
{
    assert_int_equal(result->status, STATUS_OK);
    assert_int_equal(result->held_count, 1);
    assert_string_equal(result->held[0].reason, reason);
}

static struct hash lone_visit(struct fleet *fleet)
{
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash visit;

    fleet_hello(ann, T(9));
    visit = fleet_check_in(ann, T(10), "xen", "");
    (void)fleet_check_out(ann, T(40), &visit);
    (void)fleet_outcome(ann, T(41), &visit, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    assert_int_equal(fleet_sync(ann, T(41)).held_count, 0);
    return visit;
}

static struct batch_result decide(struct fleet *fleet, int64_t at_us, const struct hash *visit, const struct hash *flag)
{
    Doublecrew__V1__Decision message = DOUBLECREW__V1__DECISION__INIT;
    struct hash presence = *visit, named = *flag;
    char code[] = "reviewed", words[] = "Spoken to.";

    message.presence = (ProtobufCBinaryData){HASH_SIZE, presence.bytes};
    message.flag_id = (ProtobufCBinaryData){HASH_SIZE, named.bytes};
    message.reason_code = code;
    message.words = words;
    (void)fleet_add(fleet_device(fleet, "sue"), at_us, KIND(DECISION), &message.base);
    return fleet_sync(fleet_device(fleet, "sue"), at_us);
}

/* Sue hadn't seen yet that evidence had ended it: she is told, and her word on the visit stands (J3). */
static void decision__on_a_visits_flag_that_has_ended__is_told_and_counts(void **state)
{
    struct fleet *fleet = *state;
    struct hash visit = lone_visit(fleet), flag = fleet_flag_id(fleet, "lone_confirmed", &visit);
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash other = fleet_check_in(bob, T(10), "xen", "ann");
    struct batch_result result;
    Doublecrew__V1__Row *row;

    (void)fleet_check_out(bob, T(40), &other);
    (void)fleet_sync(bob, T(60));
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &visit), FLAG_CLEARED);
    result = decide(fleet, T(70), &visit, &flag);
    expect_held(&result, "flag_ended");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &visit), FLAG_CLEARED);
    row = fleet_view(fleet, 'p', visit.bytes, HASH_SIZE);
    assert_string_equal(row->presence->company, "joint");
    assert_false(row->presence->due_met); /* said after the evidence, so it stands */
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void decision__on_nothing__waits_and_says_so(void **state)
{
    struct hash nothing = {{7}};
    struct batch_result result = decide(*state, T(10), &nothing, &nothing);

    expect_held(&result, "unknown_presence");
}

static void acknowledgement_and_answer__of_no_flag__are_held(void **state)
{
    struct fleet *fleet = *state;
    struct hash nothing = {{7}};
    struct batch_result result;

    (void)fleet_acknowledge(fleet_device(fleet, "sue"), T(10), &nothing);
    result = fleet_sync(fleet_device(fleet, "sue"), T(10));
    expect_held(&result, "unknown_flag");
    (void)fleet_answer(fleet_device(fleet, "ann"), T(11), &nothing);
    result = fleet_sync(fleet_device(fleet, "ann"), T(11));
    expect_held(&result, "unknown_flag");
}

/* Of a flag that is over the acknowledgement changes nothing, and the decision that ended it stands. */
static void acknowledgement__of_a_decided_flag__changes_nothing(void **state)
{
    struct fleet *fleet = *state;
    struct hash visit = lone_visit(fleet), flag = fleet_flag_id(fleet, "lone_confirmed", &visit);

    assert_int_equal(decide(fleet, T(60), &visit, &flag).held_count, 0);
    (void)fleet_acknowledge(fleet_device(fleet, "sue"), T(61), &flag);
    assert_int_equal(fleet_sync(fleet_device(fleet, "sue"), T(61)).held_count, 0);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &visit), FLAG_DECIDED);
}

static struct batch_result record(struct fleet *fleet, int64_t at_us, const Doublecrew__V1__Policy *policy)
{
    struct fleet_push push;
    struct batch_result result;

    (void)fleet_add(fleet->operator_device, at_us, KIND(POLICY), &policy->base);
    push = fleet_build(fleet->operator_device);
    result = fleet_deliver(fleet, at_us, &push);
    fleet_push_free(&push);
    return result;
}

/* Not by doublecrewctl, which says what is wrong with its file: by another client with an operator's key. */
static void policy__that_no_clock_could_follow__is_held(void **state)
{
    struct policy_values values;
    struct batch_result result;

    policy_values_default(&values);
    values.message.version = 2;
    values.message.acknowledge_within_s = 8 * 24 * 3600;
    result = record(*state, T(1), &values.message);
    expect_held(&result, "malformed_payload");
    values.message.acknowledge_within_s = 900;
    values.message.drift_ppm = 1000000;
    result = record(*state, T(2), &values.message);
    expect_held(&result, "malformed_payload");
    values.message.drift_ppm = 200;
    values.message.work_to_min = 1441;
    result = record(*state, T(3), &values.message);
    expect_held(&result, "malformed_payload");
    values.message.work_to_min = 1080;
    result = record(*state, T(4), &values.message);
    assert_int_equal(result.held_count, 0);
}

static void policy__by_who_is_no_operator__is_held(void **state)
{
    struct fleet *fleet = *state;
    struct policy_values values;
    struct batch_result result;

    policy_values_default(&values);
    values.message.version = 2;
    (void)fleet_add(fleet_device(fleet, "sue"), T(1), KIND(POLICY), &values.message.base);
    result = fleet_sync(fleet_device(fleet, "sue"), T(1));
    expect_held(&result, "not_permitted");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(decision__on_a_visits_flag_that_has_ended__is_told_and_counts),
        CASE(decision__on_nothing__waits_and_says_so),
        CASE(acknowledgement_and_answer__of_no_flag__are_held),
        CASE(acknowledgement__of_a_decided_flag__changes_nothing),
        CASE(policy__that_no_clock_could_follow__is_held),
        CASE(policy__by_who_is_no_operator__is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
