/*
 * what-if: the presences on record, judged under another policy; what differs is told, and nothing is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/policy_file.h"
#include "server/logic/what_if.h"
#include "tests/lib/fleet.h"

#define AT(minutes) (FLEET_T0 + FLEET_HOUR + (minutes)*FLEET_MINUTE)

struct told {
    size_t judged;
    size_t differing;
    char before[8][32];
    char after[8][32];
    char why[8][RULE_EXPLAIN_SIZE];
};

static enum status keep(void *context, const struct what_if_case *judged)
{
    struct told *told = context;

    assert_true(told->judged < 8);
    strcpy(told->before[told->judged], rule_company_name(judged->before->company));
    strcpy(told->after[told->judged], rule_company_name(judged->after->company));
    strcpy(told->why[told->judged], judged->after_why);
    told->judged++;
    told->differing += judged->differs;
    return STATUS_OK;
}

/* Bob comes twelve minutes after Ann, and both leave together. */
static struct fleet *story(void)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct hash presence;

    fleet_hello(ann, AT(-1));
    fleet_hello(bob, AT(-1));
    presence = fleet_check_in(ann, AT(0), "xen", "bob");
    (void)fleet_check_out(ann, AT(60), &presence);
    presence = fleet_check_in(bob, AT(12), "xen", "ann");
    (void)fleet_check_out(bob, AT(60), &presence);
    (void)fleet_sync(ann, AT(120));
    (void)fleet_sync(bob, AT(121));
    return fleet;
}

static void ask(struct fleet *fleet, const struct policy_values *values, int64_t from_us, struct told *ret_told)
{
    size_t skipped = 99;

    memset(ret_told, 0, sizeof(*ret_told));
    assert_int_equal(what_if_policy(fleet->store, &values->message, from_us, keep, ret_told, &skipped), STATUS_OK);
    assert_int_equal(skipped, 0);
}

static size_t count(char (*names)[32], size_t total, const char *name)
{
    size_t found = 0;

    for (size_t i = 0; i < total; i++)
        found += strcmp(names[i], name) == 0;
    return found;
}

static void what_if__tells_what_a_longer_limit_would_have_made_joint(void **state)
{
    struct fleet *fleet = story();
    struct policy_values values;
    struct told told;

    (void)state;
    policy_values_default(&values);
    values.message.max_alone_s = 15 * 60;
    ask(fleet, &values, INT64_MIN, &told);
    assert_int_equal(told.judged, 2);
    assert_int_equal(told.differing, 1);
    assert_int_equal(count(told.before, 2, "part_joint"), 1);
    assert_int_equal(count(told.before, 2, "joint"), 1);
    assert_int_equal(count(told.after, 2, "joint"), 2);
    assert_non_null(strstr(told.why[0], "Joint"));
    fleet_expect_rebuild(fleet); /* nothing was written */
    fleet_free(fleet);
}

static void what_if__of_the_policy_in_force_differs_nowhere(void **state)
{
    struct fleet *fleet = story();
    struct policy_values values;
    struct told told;

    (void)state;
    policy_values_default(&values);
    ask(fleet, &values, INT64_MIN, &told);
    assert_int_equal(told.judged, 2);
    assert_int_equal(told.differing, 0);
    fleet_free(fleet);
}

static void what_if__looks_no_further_back_than_it_is_asked(void **state)
{
    struct fleet *fleet = story();
    struct policy_values values;
    struct told told;

    (void)state;
    policy_values_default(&values);
    values.message.max_alone_s = 15 * 60;
    ask(fleet, &values, AT(121), &told); /* Bob's alone was received then; Ann's is a minute older */
    assert_int_equal(told.judged, 1);
    assert_int_equal(told.differing, 0);
    ask(fleet, &values, AT(200), &told);
    assert_int_equal(told.judged, 0);
    fleet_free(fleet);
}

static const char *record_policy(struct fleet *fleet, int64_t at_us, uint32_t version, int64_t from_us)
{
    static struct batch_result result;
    struct policy_values values;
    struct fleet_push push;

    policy_values_default(&values);
    values.message.version = version;
    values.message.effective_from_ms = from_us / 1000;
    (void)fleet_add(fleet->operator_device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_POLICY, &values.message.base);
    push = fleet_build(fleet->operator_device);
    result = fleet_deliver(fleet, at_us, &push);
    fleet_push_free(&push);
    assert_int_equal(result.status, STATUS_OK);
    return result.held_count > 0 ? result.held[0].reason : "";
}

static void policy__that_begins_before_one_already_set_is_held(void **state)
{
    struct fleet *fleet = fleet_typical();

    (void)state;
    assert_string_equal(record_policy(fleet, AT(0), 2, AT(600)), "");
    assert_string_equal(record_policy(fleet, AT(1), 3, 0), "policy_overlaps");
    assert_string_equal(record_policy(fleet, AT(2), 4, AT(599)), "policy_overlaps");
    assert_string_equal(record_policy(fleet, AT(3), 5, AT(700)), "");
    assert_string_equal(record_policy(fleet, AT(4), 5, AT(800)), "policy_in_use");
    assert_string_equal(record_policy(fleet, AT(900), 6, 0), "");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_if__tells_what_a_longer_limit_would_have_made_joint),
        cmocka_unit_test(what_if__of_the_policy_in_force_differs_nowhere),
        cmocka_unit_test(policy__that_begins_before_one_already_set_is_held),
        cmocka_unit_test(what_if__looks_no_further_back_than_it_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
