/* Where a flag must not be raised, or must not say what isn't so (A3; decisions/0026). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/flags.h"
#include "tests/lib/fleet.h"

#define M FLEET_MINUTE
#define DAY (24 * FLEET_HOUR)
#define T(minutes) (FLEET_T0 + (minutes)*M)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

static struct hash begin(struct fleet *fleet, const char *name, int64_t at_us, const char *company)
{
    struct fleet_device *device = fleet_device(fleet, name);
    struct hash visit;

    fleet_hello(device, at_us - FLEET_SECOND);
    visit = fleet_check_in(device, at_us, "xen", company);
    (void)fleet_sync(device, at_us);
    return visit;
}

static void leave(struct fleet *fleet, const char *name, int64_t at_us, const struct hash *visit)
{
    (void)fleet_check_out(fleet_device(fleet, name), at_us, visit);
    (void)fleet_sync(fleet_device(fleet, name), at_us);
}

static void expect_why(struct fleet *fleet, const struct hash *visit, const char *why)
{
    Doublecrew__V1__FlagRow *row = fleet_flag_row(fleet, "authority_missing", visit);

    assert_string_equal(row->why, why);
    assert_int_equal(row->times_raised, 1);
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
}

/* Sue's word came while it isn't known whether ann had checked in: that it is missing would be false. */
static void authority__whose_order_is_unproven_isnt_called_missing(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash visit;

    (void)state;
    fleet_reboot(ann, T(30));
    visit = fleet_check_in(ann, T(40), "xen", "");
    (void)fleet_check_out(ann, T(70), &visit);
    fleet_reboot(ann, T(75));
    (void)fleet_authorise(sue, T(45), "ann", "xen", true, T(0), T(300));
    (void)fleet_sync(sue, T(45));
    (void)fleet_sync(ann, T(120));
    fleet_tick(fleet, T(125));
    expect_why(fleet, &visit, FLAG_WHY_ORDER_UNPROVEN);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

/* While they are there, part joint rests on the officer not having left: no pattern of two. */
static void repeated_lone__doesnt_count_a_visit_that_goes_on(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash first = begin(fleet, "ann", T(10), ""), partner, second;

    (void)state;
    leave(fleet, "ann", T(40), &first);
    partner = begin(fleet, "bob", T(60), "ann");
    second = begin(fleet, "ann", T(60) + FLEET_SECOND, "bob");
    leave(fleet, "bob", T(65), &partner);
    fleet_tick(fleet, T(100));
    assert_string_equal(fleet_company(fleet, &second), "part_joint");
    assert_int_equal(fleet_flag(fleet, "repeated_lone", &second), 0);
    leave(fleet, "ann", T(101), &second);
    assert_int_equal(fleet_flag(fleet, "repeated_lone", &second), FLAG_RAISED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static struct hash pair_of(struct fleet *fleet, const char *a, const char *b)
{
    struct id first = fleet_id(a), second = fleet_id(b);
    bool swapped = memcmp(first.bytes, second.bytes, ID_SIZE) > 0;
    struct span parts[] = {span_of("pair", 5), span_of(swapped ? second.bytes : first.bytes, ID_SIZE),
                           span_of(swapped ? first.bytes : second.bytes, ID_SIZE)};
    struct hash pair;

    assert_int_equal(sha256_parts(fleet->sha, parts, 3, &pair), STATUS_OK);
    return pair;
}

/* Eight joint visits, of which one turns out not to have been: bob's phone had been stolen by then. */
static void same_pair__ends_when_a_visit_was_not_joint(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash pair = pair_of(fleet, "ann", "bob");
    int64_t last = T(10) + 49 * DAY;

    (void)state;
    for (int i = 0; i < 8; i++) {
        struct hash bobs = begin(fleet, "bob", T(10) + i * 7 * DAY, "ann");
        struct hash anns = begin(fleet, "ann", T(10) + i * 7 * DAY + FLEET_SECOND, "bob");

        leave(fleet, "bob", T(40) + i * 7 * DAY, &bobs);
        leave(fleet, "ann", T(40) + i * 7 * DAY, &anns);
    }
    assert_int_equal(fleet_flag(fleet, "same_pair", &pair), FLAG_RAISED);
    fleet_standing(fleet_device(fleet, "bob"), last + DAY, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED,
                   last - DAY);
    fleet_settle(fleet, last + DAY);
    assert_int_equal(fleet_flag(fleet, "same_pair", &pair), FLAG_CLEARED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

/* Whether the officer is well is another question than whether the visit was right: the decision must name the flag. */
static void late_to_leave__ends_by_a_decision_that_names_it(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash visit = begin(fleet, "ann", T(10), ""), flag = fleet_flag_id(fleet, "late_to_leave", &visit);
    Doublecrew__V1__Decision message = DOUBLECREW__V1__DECISION__INIT;
    char code[] = "telephoned", words[] = "She is well, and leaves now.";

    (void)state;
    fleet_tick(fleet, T(71));
    assert_int_equal(fleet_flag(fleet, "late_to_leave", &visit), FLAG_RAISED);
    (void)fleet_decide(sue, T(72), &visit, true);
    (void)fleet_sync(sue, T(72));
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &visit), FLAG_DECIDED);
    assert_int_equal(fleet_flag(fleet, "late_to_leave", &visit), FLAG_RAISED);
    message.presence = (ProtobufCBinaryData){HASH_SIZE, visit.bytes};
    message.flag_id = (ProtobufCBinaryData){HASH_SIZE, flag.bytes};
    message.appropriate = true;
    message.reason_code = code;
    message.words = words;
    (void)fleet_add(sue, T(73), KIND(DECISION), &message.base);
    assert_int_equal(fleet_sync(sue, T(73)).held_count, 0);
    assert_int_equal(fleet_flag(fleet, "late_to_leave", &visit), FLAG_DECIDED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority__whose_order_is_unproven_isnt_called_missing),
        cmocka_unit_test(repeated_lone__doesnt_count_a_visit_that_goes_on),
        cmocka_unit_test(same_pair__ends_when_a_visit_was_not_joint),
        cmocka_unit_test(late_to_leave__ends_by_a_decision_that_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
