/* Kinds of A3 that follow from a visit as it goes on, from several visits, from the roster: when they come, how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/flags.h"
#include "tests/lib/fleet.h"

#define M FLEET_MINUTE
#define START (FLEET_T0 + 10 * M) /* Friday 08:10 */
#define DAY (24 * FLEET_HOUR)

static void seal(struct fleet_device *device, int64_t at_us)
{
    Doublecrew__V1__Seal words = DOUBLECREW__V1__SEAL__INIT;

    fleet_hello(device, at_us - FLEET_SECOND);
    (void)fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &words.base);
    assert_int_equal(fleet_sync(device, at_us).status, STATUS_OK);
}

static struct hash begin(struct fleet *fleet, const char *name, int64_t at_us, const char *offender,
                         const char *company)
{
    struct fleet_device *device = fleet_device(fleet, name);
    struct hash presence;

    fleet_hello(device, at_us - FLEET_SECOND);
    presence = fleet_check_in(device, at_us, offender, company);
    (void)fleet_sync(device, at_us);
    return presence;
}

static void end(struct fleet *fleet, const char *name, int64_t at_us, const struct hash *presence)
{
    struct fleet_device *device = fleet_device(fleet, name);

    (void)fleet_check_out(device, at_us, presence);
    (void)fleet_sync(device, at_us);
}

static void expect(struct fleet *fleet, const char *kind, const struct hash *subject, enum flag_state state)
{
    if (fleet_flag(fleet, kind, subject) != state)
        fail_msg("%s is %d, not %d", kind, fleet_flag(fleet, kind, subject), state);
}

static void lone_live__when_the_partners_phone_is_online_and_they_have_not_come(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash visit = begin(fleet, "ann", START, "xen", "bob");

    (void)state;
    seal(fleet_device(fleet, "bob"), START + 3 * M);
    fleet_tick(fleet, START + 15 * M);
    expect(fleet, "lone_live", &visit, (enum flag_state)0); /* heard, but not since max_alone was over */
    seal(fleet_device(fleet, "bob"), START + 16 * M);
    expect(fleet, "lone_live", &visit, FLAG_RAISED);
    expect(fleet, "lone_confirmed", &visit, (enum flag_state)0);
    end(fleet, "ann", START + 40 * M, &visit);
    expect(fleet, "lone_live", &visit, FLAG_CLEARED); /* it is over: what it was is another flag's to say */
    seal(fleet_device(fleet, "bob"), START + 41 * M);
    expect(fleet, "lone_confirmed", &visit, FLAG_RAISED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void lone_live__ends_when_the_partner_comes_and_never_without_signal(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash visit = begin(fleet, "ann", START, "xen", "bob"), partner, other;

    (void)state;
    seal(fleet_device(fleet, "bob"), START + 12 * M);
    expect(fleet, "lone_live", &visit, FLAG_RAISED);
    partner = begin(fleet, "bob", START + 14 * M, "xen", "ann");
    expect(fleet, "lone_live", &visit, FLAG_CLEARED);
    end(fleet, "ann", START + 40 * M, &visit);
    end(fleet, "bob", START + 40 * M, &partner);
    other = begin(fleet, "ann", START + 60 * M, "yul", "bob"); /* bob's phone is silent now */
    fleet_tick(fleet, START + 100 * M);
    expect(fleet, "lone_live", &other, (enum flag_state)0);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void lone_live__with_a_very_high_risk_is_safety(void **state)
{
    struct fleet *fleet = fleet_typical();
    int64_t night = FLEET_T0 + 14 * FLEET_HOUR;
    struct hash visit = begin(fleet, "ann", night, "yul", "bob");
    Doublecrew__V1__FlagRow *row;

    (void)state;
    seal(fleet_device(fleet, "bob"), night + 12 * M);
    row = fleet_flag_row(fleet, "lone_live", &visit);
    assert_int_equal(row->lane, DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY);
    assert_false(row->quiet);
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
    fleet_free(fleet);
}

static void expect_why(struct fleet *fleet, const struct hash *visit, const char *why, uint32_t times)
{
    Doublecrew__V1__FlagRow *row = fleet_flag_row(fleet, "late_to_leave", visit);

    assert_string_equal(row->why, why);
    assert_int_equal(row->times_raised, times);
    assert_int_equal(row->state, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED);
    assert_int_equal(row->lane, DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_SAFETY);
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
}

static void late_to_leave__at_the_welfare_check_and_again_past_the_longest_visit(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash visit = begin(fleet, "ann", START, "xen", NULL), flag;

    (void)state;
    fleet_tick(fleet, START + 59 * M);
    expect(fleet, "late_to_leave", &visit, (enum flag_state)0);
    fleet_tick(fleet, START + 61 * M);
    expect_why(fleet, &visit, FLAG_WHY_LATE_OFFLINE, 1);
    flag = fleet_flag_id(fleet, "late_to_leave", &visit);
    (void)fleet_acknowledge(fleet_device(fleet, "sue"), START + 65 * M, &flag);
    assert_int_equal(fleet_sync(fleet_device(fleet, "sue"), START + 65 * M).held_count, 0);
    expect(fleet, "late_to_leave", &visit, FLAG_ACKNOWLEDGED);
    fleet_tick(fleet, START + 182 * M);
    expect_why(fleet, &visit, FLAG_WHY_LATE_LONGEST, 2);
    end(fleet, "ann", START + 200 * M, &visit);
    expect(fleet, "late_to_leave", &visit, FLAG_CLEARED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void late_to_leave__says_when_the_phone_can_be_heard(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash visit = begin(fleet, "ann", START, "xen", NULL), next;

    (void)state;
    seal(fleet_device(fleet, "ann"), START + 59 * M);
    fleet_tick(fleet, START + 61 * M);
    expect_why(fleet, &visit, FLAG_WHY_LATE_ONLINE, 1);
    next = begin(fleet, "ann", START + 120 * M, "yul", NULL); /* forgot to check out, and went on */
    expect(fleet, "late_to_leave", &visit, FLAG_CLEARED);
    expect(fleet, "late_to_leave", &next, (enum flag_state)0);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void late_to_leave__is_no_alarm_for_yesterdays_visit(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash visit = fleet_check_in(ann, START, "xen", NULL);

    (void)state;
    (void)fleet_sync(ann, START + DAY);
    expect(fleet, "late_to_leave", &visit, (enum flag_state)0);
    expect(fleet, "check_out_missing", &visit, FLAG_RAISED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static struct hash lone(struct fleet *fleet, const char *name, int64_t at_us, const char *offender)
{
    struct hash visit = begin(fleet, name, at_us, offender, "");

    end(fleet, name, at_us + 20 * M, &visit);
    return visit;
}

static void repeated_lone__the_second_time_in_ninety_days(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash first = lone(fleet, "ann", START, "xen"), other = lone(fleet, "bob", START + DAY, "xen");
    struct hash second = lone(fleet, "ann", START + 30 * DAY, "xen");
    struct hash third = lone(fleet, "ann", START + 150 * DAY, "xen");

    (void)state;
    expect(fleet, "repeated_lone", &first, (enum flag_state)0);
    expect(fleet, "repeated_lone", &other, (enum flag_state)0);
    expect(fleet, "repeated_lone", &second, FLAG_RAISED);
    expect(fleet, "repeated_lone", &third, (enum flag_state)0);
    (void)fleet_decide(fleet_device(fleet, "sue"), START + 151 * DAY, &second, false);
    (void)fleet_sync(fleet_device(fleet, "sue"), START + 151 * DAY);
    expect(fleet, "repeated_lone", &second, FLAG_DECIDED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

/* In whichever order the two come; and it ends when evidence shows that one of them was joint. */
static void repeated_lone__in_either_order_and_ends_with_evidence(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct fleet *fleet = fleet_typical();
        struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
        struct hash first = fleet_check_in(ann, START, "xen", ""), second, partner;
        struct fleet_push pushes[2];

        (void)state;
        (void)fleet_check_out(ann, START + 20 * M, &first);
        fleet_hello(ann, START + FLEET_HOUR);
        pushes[0] = fleet_build(ann);
        if (order == 0)
            (void)fleet_deliver(fleet, START + FLEET_HOUR, &pushes[0]);
        second = fleet_check_in(ann, START + 2 * DAY, "xen", "");
        (void)fleet_check_out(ann, START + 2 * DAY + 20 * M, &second);
        fleet_hello(ann, START + 3 * DAY);
        pushes[1] = fleet_build(ann);
        if (order == 1)
            (void)fleet_deliver(fleet, START + 3 * DAY, &pushes[0]);
        (void)fleet_deliver(fleet, START + 3 * DAY, &pushes[1]);
        expect(fleet, "repeated_lone", &second, FLAG_RAISED);
        partner = fleet_check_in(bob, START, "xen", "ann");
        (void)fleet_check_out(bob, START + 20 * M, &partner);
        (void)fleet_sync(bob, START + 4 * DAY);
        assert_string_equal(fleet_company(fleet, &first), "joint");
        expect(fleet, "repeated_lone", &second, FLAG_CLEARED);
        fleet_expect_rebuild(fleet);
        for (size_t i = 0; i < 2; i++)
            fleet_push_free(&pushes[i]);
        fleet_free(fleet);
    }
}

static struct hash together(struct fleet *fleet, int64_t at_us, const char *a, const char *b)
{
    struct hash one = begin(fleet, a, at_us, "xen", b), two = begin(fleet, b, at_us + M, "xen", a);

    end(fleet, a, at_us + 30 * M, &one);
    end(fleet, b, at_us + 30 * M, &two);
    return one;
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

static void same_pair__until_one_of_them_goes_with_somebody_else(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash pair = pair_of(fleet, "ann", "bob");

    (void)state;
    for (int i = 0; i < 8; i++) {
        expect(fleet, "same_pair", &pair, (enum flag_state)0);
        (void)together(fleet, START + i * 7 * DAY, "ann", "bob");
    }
    expect(fleet, "same_pair", &pair, FLAG_RAISED);
    (void)together(fleet, START + 57 * DAY, "ann", "cal");
    expect(fleet, "same_pair", &pair, FLAG_CLEARED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void short_visit__of_whom_the_offender_was_seen(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash quick = begin(fleet, "ann", START, "xen", NULL), knock;

    (void)state;
    end(fleet, "ann", START + 2 * M, &quick);
    expect(fleet, "short_visit", &quick, (enum flag_state)0);
    (void)fleet_outcome(fleet_device(fleet, "ann"), START + 3 * M, &quick,
                        DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    (void)fleet_sync(fleet_device(fleet, "ann"), START + 3 * M);
    expect(fleet, "short_visit", &quick, FLAG_RAISED);
    (void)fleet_outcome(fleet_device(fleet, "ann"), START + 4 * M, &quick,
                        DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_NOT_IN);
    (void)fleet_sync(fleet_device(fleet, "ann"), START + 4 * M);
    expect(fleet, "short_visit", &quick, FLAG_CLEARED);
    knock = begin(fleet, "ann", START + 60 * M, "yul", NULL);
    end(fleet, "ann", START + 90 * M, &knock);
    expect(fleet, "short_visit", &knock, (enum flag_state)0);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void note(struct fleet *fleet, int64_t at_us, const struct hash *visit)
{
    Doublecrew__V1__Note message = DOUBLECREW__V1__NOTE__INIT;
    struct hash subject = *visit;
    char words[] = "Remembered later.";

    message.subject = (ProtobufCBinaryData){HASH_SIZE, subject.bytes};
    message.text = words;
    fleet_hello(fleet_device(fleet, "ann"), at_us);
    (void)fleet_add(fleet_device(fleet, "ann"), at_us + M, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, &message.base);
    (void)fleet_sync(fleet_device(fleet, "ann"), at_us + 2 * M);
}

static void edited_after__three_days_and_ends_by_decision_only(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash visit = lone(fleet, "ann", START, "xen");

    (void)state;
    note(fleet, START + 2 * DAY, &visit);
    expect(fleet, "edited_after", &visit, (enum flag_state)0);
    note(fleet, START + 4 * DAY, &visit);
    expect(fleet, "edited_after", &visit, FLAG_RAISED);
    fleet_tick(fleet, START + 5 * DAY);
    expect(fleet, "edited_after", &visit, FLAG_RAISED);
    (void)fleet_decide(fleet_device(fleet, "sue"), START + 5 * DAY, &visit, true);
    (void)fleet_sync(fleet_device(fleet, "sue"), START + 5 * DAY);
    expect(fleet, "edited_after", &visit, FLAG_DECIDED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void set_standing(struct fleet *fleet, int64_t at_us, Doublecrew__V1__DeviceStanding standing)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct id id = fleet_device(fleet, "bob")->device;

    message.device_id = (ProtobufCBinaryData){ID_SIZE, id.bytes};
    message.standing = standing;
    (void)fleet_add(fleet->operator_device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &message.base);
    fleet_settle(fleet, at_us);
}

static struct batch_result decide_flag(struct fleet *fleet, const char *who, int64_t at_us, const struct hash *subject,
                                       const struct hash *flag, const char *reason)
{
    Doublecrew__V1__Decision message = DOUBLECREW__V1__DECISION__INIT;
    struct hash named = *flag, about = *subject;
    char code[32], words[] = "Looked into.";

    (void)snprintf(code, sizeof(code), "%s", reason);
    message.presence = (ProtobufCBinaryData){HASH_SIZE, about.bytes};
    message.flag_id = (ProtobufCBinaryData){HASH_SIZE, named.bytes};
    message.appropriate = true;
    message.reason_code = code;
    message.words = words;
    (void)fleet_add(fleet_device(fleet, who), at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DECISION, &message.base);
    return fleet_sync(fleet_device(fleet, who), at_us);
}

static void lost_device__until_it_is_back_or_a_supervisor_decides(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash subject = flag_subject_of_id(&fleet_device(fleet, "bob")->device);
    struct hash flag = fleet_flag_id(fleet, "lost_device", &subject);
    struct batch_result result;

    (void)state;
    set_standing(fleet, START, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED);
    expect(fleet, "lost_device", &subject, FLAG_RAISED);
    set_standing(fleet, START + M, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE);
    expect(fleet, "lost_device", &subject, FLAG_CLEARED);
    result = decide_flag(fleet, "sue", START + 2 * M, &subject, &flag, "found");
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "flag_ended");
    set_standing(fleet, START + 3 * M, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST);
    expect(fleet, "lost_device", &subject, FLAG_RAISED);
    assert_int_equal(fleet_times_raised(fleet, "lost_device", &subject), 2);
    result = decide_flag(fleet, "ann", START + 4 * M, &subject, &flag, "replaced");
    assert_string_equal(result.held[0].reason, "not_in_chain");
    result = decide_flag(fleet, "sue", START + 5 * M, &subject, &flag, "");
    assert_string_equal(result.held[0].reason, "reason_missing");
    result = decide_flag(fleet, "sue", START + 6 * M, &subject, &flag, "replaced");
    assert_int_equal(result.held_count, 0);
    expect(fleet, "lost_device", &subject, FLAG_DECIDED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void decisions__by_those_who_may_not_are_held_by_name(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct hash visit = lone(fleet, "ann", START, "xen"), sues, flag, partner;
    struct batch_result result;

    (void)state;
    (void)fleet_decide(fleet_device(fleet, "ann"), START + FLEET_HOUR, &visit, true);
    assert_string_equal(fleet_sync(fleet_device(fleet, "ann"), START + FLEET_HOUR).held[0].reason, "own_visit");
    (void)fleet_decide(fleet_device(fleet, "bob"), START + FLEET_HOUR, &visit, true);
    assert_string_equal(fleet_sync(fleet_device(fleet, "bob"), START + FLEET_HOUR).held[0].reason, "not_permitted");
    sues = begin(fleet, "sue", START + 2 * FLEET_HOUR, "yul", NULL);
    partner = begin(fleet, "ann", START + 2 * FLEET_HOUR, "yul", "sue");
    end(fleet, "sue", START + 150 * M, &sues);
    end(fleet, "ann", START + 150 * M, &partner);
    (void)fleet_decide(fleet_device(fleet, "sue"), START + 3 * FLEET_HOUR, &partner, true);
    assert_string_equal(fleet_sync(fleet_device(fleet, "sue"), START + 3 * FLEET_HOUR).held[0].reason, "involved");
    expect(fleet, "lone_confirmed", &visit, FLAG_RAISED);
    partner = fleet_check_in(fleet_device(fleet, "bob"), START + 6 * FLEET_HOUR, "yul", NULL);
    (void)fleet_sync(fleet_device(fleet, "bob"), START + 6 * FLEET_HOUR);
    flag = fleet_flag_id(fleet, "lone_confirmed", &visit);
    result = decide_flag(fleet, "sue", START + 7 * FLEET_HOUR, &visit, &flag, "reviewed");
    assert_int_equal(result.held_count, 0);
    expect(fleet, "lone_confirmed", &visit, FLAG_DECIDED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_live__when_the_partners_phone_is_online_and_they_have_not_come),
        cmocka_unit_test(lone_live__ends_when_the_partner_comes_and_never_without_signal),
        cmocka_unit_test(lone_live__with_a_very_high_risk_is_safety),
        cmocka_unit_test(late_to_leave__at_the_welfare_check_and_again_past_the_longest_visit),
        cmocka_unit_test(late_to_leave__says_when_the_phone_can_be_heard),
        cmocka_unit_test(late_to_leave__is_no_alarm_for_yesterdays_visit),
        cmocka_unit_test(repeated_lone__the_second_time_in_ninety_days),
        cmocka_unit_test(repeated_lone__in_either_order_and_ends_with_evidence),
        cmocka_unit_test(same_pair__until_one_of_them_goes_with_somebody_else),
        cmocka_unit_test(short_visit__of_whom_the_offender_was_seen),
        cmocka_unit_test(edited_after__three_days_and_ends_by_decision_only),
        cmocka_unit_test(lost_device__until_it_is_back_or_a_supervisor_decides),
        cmocka_unit_test(decisions__by_those_who_may_not_are_held_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
