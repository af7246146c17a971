/*
 * Oracle and engine on cases small enough to be worked out by hand from DESIGN.md section 6: each is judged by both, which
 * must agree, and the oracle's verdict is compared with the hand's. Minutes from one start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/oracle/oracle.h"

#define MINUTE INT64_C(60000000)
#define A 0
#define B 1
#define NOBODY 9

struct scene {
    struct rule_case rule_case;
    struct rule_policy policy;
    struct rule_risk_span risk;
    struct rule_offender offender;
    struct rule_officer officers[3];
    struct rule_device devices[3];
    struct rule_presence presences[3];
    struct rule_plan plan;
    struct rule_authority_word word;
    struct rule_decision decision;
    struct rule_verdict verdicts[3];
};

static void begin(struct scene *s, int64_t now_minute)
{
    memset(s, 0, sizeof *s);
    rule_policy_default(&s->policy);
    s->risk = (struct rule_risk_span){INT64_MIN, RULE_RISK_MEDIUM};
    s->offender = (struct rule_offender){.risks = &s->risk, .risk_count = 1};
    for (size_t i = 0; i < 3; i++) {
        s->officers[i] = (struct rule_officer){.accredited = true, .entitled_to_us = RULE_FOREVER};
        s->officers[i].id.bytes[0] = (uint8_t)(i + 1);
        s->devices[i] = (struct rule_device){
            .officer = i, .revoked_as_of_us = RULE_FOREVER, .revocation_recorded_us = RULE_FOREVER};
    }
    s->rule_case = (struct rule_case){.policies = &s->policy,
                                      .policy_count = 1,
                                      .offenders = &s->offender,
                                      .offender_count = 1,
                                      .officers = s->officers,
                                      .officer_count = 3,
                                      .devices = s->devices,
                                      .device_count = 3,
                                      .presences = s->presences,
                                      .plans = &s->plan,
                                      .authorities = &s->word,
                                      .decisions = &s->decision,
                                      .now_us = now_minute * MINUTE};
}

static struct rule_presence *presence(struct scene *s, size_t officer, int64_t in, int64_t out, size_t named)
{
    size_t i = s->rule_case.presence_count++;
    struct rule_presence *p = &s->presences[i];

    *p = (struct rule_presence){.officer = officer, .device = officer, .received_us = in * MINUTE};
    p->id.bytes[0] = (uint8_t)(i + 1);
    p->in = (struct rule_instant){in * MINUTE, in * MINUTE};
    p->has_out = out >= 0;
    p->out = (struct rule_instant){out * MINUTE, out * MINUTE};
    p->in_boot = 10 * i + 1;
    p->out_boot = 10 * i + 2;
    p->with = named == NOBODY ? RULE_WITH_UNRECORDED : RULE_WITH_NAMED;
    p->named[0] = named == NOBODY ? 0 : named;
    p->named_count = named == NOBODY ? 0 : 1;
    p->cosign.presence = RULE_NONE;
    p->outcome = RULE_OUTCOME_SEEN;
    return p;
}

static enum rule_company company(struct scene *s, size_t i)
{
    struct oracle_settings settings = {1, 300};
    struct rule_verdict engine[RULE_PRESENCES_MAX];
    char text[512];
    const char *difference;

    assert_int_equal(oracle_judge(&s->rule_case, s->verdicts), STATUS_OK);
    assert_int_equal(rule_judge(&s->rule_case, engine), STATUS_OK);
    difference = oracle_compare(&s->rule_case, engine, settings, text, sizeof text);
    if (difference) {
        fail_msg("%s", difference);
    }
    return s->verdicts[i].company;
}

static void full_cover__is_joint(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 200);
    (void)presence(&s, A, 0, 60, NOBODY);
    (void)presence(&s, B, 10, 60, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_JOINT); /* at most max_alone includes it */
    assert_int_equal(s.verdicts[0].alone_max_us, 10 * MINUTE);
    assert_true(s.verdicts[0].due_met);
    s.presences[1].in = (struct rule_instant){10 * MINUTE + 1, 10 * MINUTE + 1};
    assert_int_equal(company(&s, 0), RULE_COMPANY_PART_JOINT);
    assert_int_equal(company(&s, 1), RULE_COMPANY_JOINT);
    assert_false(s.verdicts[0].due_met);
}

static void short_knock__is_not_joint_for_being_short(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 200);
    (void)presence(&s, A, 0, 5, NOBODY);
    (void)presence(&s, B, 4, 60, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_PART_JOINT); /* 4 of 5 minutes alone: more than half */
}

static void touching__is_no_pair(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 200);
    (void)presence(&s, A, 0, 30, NOBODY);
    (void)presence(&s, B, 30, 60, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_LONE_PROVISIONAL);
    s.rule_case.now_us = 240 * MINUTE;
    assert_int_equal(company(&s, 0), RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(s.verdicts[0].confirmed_by, RULE_CONFIRMED_BY_TIME_LIMIT);
}

static void named_partner__awaits_until_the_log_has_reported(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 3000);
    (void)presence(&s, A, 0, 30, B);
    assert_int_equal(company(&s, 0), RULE_COMPANY_AWAITING_SECOND); /* W3: however long */
    assert_int_equal(s.verdicts[0].grade, RULE_GRADE_D);
    s.devices[1].watermark_known = true;
    s.devices[1].watermark_us = 30 * MINUTE;
    assert_int_equal(company(&s, 0), RULE_COMPANY_AWAITING_SECOND); /* a watermark must exceed */
    s.devices[1].watermark_us++;
    assert_int_equal(company(&s, 0), RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(s.verdicts[0].confirmed_by, RULE_CONFIRMED_BY_LOG);
}

static void missing_check_out__is_taken_from_the_partner(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, A, 0, 60, NOBODY);
    (void)presence(&s, B, 0, -1, NOBODY);
    assert_int_equal(company(&s, 1), RULE_COMPANY_JOINT);
    assert_int_equal(s.verdicts[1].out.hi_us, 60 * MINUTE);
    assert_int_equal(s.verdicts[1].reasons & RULE_REASON_OUT_MISSING, RULE_REASON_OUT_MISSING);
    s.presences[0].in = s.presences[1].in = (struct rule_instant){0, 0};
    s.presences[0].in = (struct rule_instant){11 * MINUTE, 11 * MINUTE}; /* a stranger to it: beyond max_alone */
    assert_int_equal(company(&s, 1), RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(s.verdicts[1].out.hi_us, 180 * MINUTE);
}

static void open_presence__is_so_far(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 10);
    (void)presence(&s, A, 0, -1, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_UNDER_WAY);
    (void)presence(&s, B, 5, -1, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_JOINT_SO_FAR);
}

static void held_partner__awaits(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, A, 0, 60, NOBODY);
    presence(&s, B, 0, 60, NOBODY)->contested = true;
    assert_int_equal(company(&s, 0), RULE_COMPANY_AWAITING_SECOND);
    assert_int_equal(company(&s, 1), RULE_COMPANY_HELD);
    s.decision = (struct rule_decision){.presence = 1, .by = {{77}}, .counts = true, .recorded_us = 500 * MINUTE};
    s.rule_case.decision_count = 1;
    assert_int_equal(company(&s, 0), RULE_COMPANY_JOINT);
    s.decision.by = s.officers[A].id; /* nobody decides who is possibly present */
    assert_int_equal(company(&s, 0), RULE_COMPANY_AWAITING_SECOND);
}

static void cosigned_phones__prove_their_overlap(void **state)
{
    struct scene s;
    struct rule_presence *a, *b;

    (void)state;
    begin(&s, 5000);
    a = presence(&s, A, 0, 60, NOBODY);
    b = presence(&s, B, 1, 60, NOBODY);
    a->in = a->out = b->in = b->out = (struct rule_instant){0, 4000 * MINUTE};
    assert_int_equal(company(&s, 0), RULE_COMPANY_TIME_UNPROVEN);
    a->out_boot = a->in_boot;
    a->out_mono_us = 60 * MINUTE;
    b->out_boot = b->in_boot;
    b->out_mono_us = 60 * MINUTE;
    a->cosign = (struct rule_cosign){1, true, true, MINUTE, MINUTE};
    assert_int_equal(company(&s, 0), RULE_COMPANY_JOINT);
    assert_int_equal(s.verdicts[0].grade, RULE_GRADE_A);
    assert_int_equal(company(&s, 1), RULE_COMPANY_JOINT);
}

static void authority__is_ordered_against_the_check_in(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, A, 10, 60, NOBODY);
    s.word = (struct rule_authority_word){
        .granted = true, .by = {{77}}, .recorded_us = 9 * MINUTE, .valid_to_us = 100 * MINUTE};
    s.rule_case.authority_count = 1;
    (void)company(&s, 0);
    assert_int_equal(s.verdicts[0].authority, RULE_AUTHORITY_PRIOR);
    assert_true(s.verdicts[0].due_met);
    s.presences[0].in.lo_us = 8 * MINUTE;
    (void)company(&s, 0);
    assert_int_equal(s.verdicts[0].authority, RULE_AUTHORITY_ORDER_UNPROVEN);
    s.word.recorded_us = 500 * MINUTE;
    (void)company(&s, 0);
    assert_int_equal(s.verdicts[0].authority, RULE_AUTHORITY_RETROSPECTIVE);
    assert_false(s.verdicts[0].due_met);
    s.risk.risk = RULE_RISK_HIGH;
    (void)company(&s, 0);
    assert_int_equal(s.verdicts[0].authority, RULE_AUTHORITY_NOT_PERMITTED);
}

static void contradicting_clocks__are_time_unproven(void **state)
{
    struct scene s;
    struct rule_presence *a;

    (void)state;
    begin(&s, 1000);
    a = presence(&s, A, 0, 60, NOBODY);
    (void)presence(&s, B, 0, 60, NOBODY);
    a->out_boot = a->in_boot;
    a->out_mono_us = 90 * MINUTE; /* the phone counted 90 minutes, its anchors 60 */
    assert_int_equal(company(&s, 0), RULE_COMPANY_TIME_UNPROVEN);
}

static void gone_before__is_nobody_to_leave_with(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, 0, 0, 5, NOBODY);
    (void)presence(&s, 1, 1, -1, NOBODY); /* assumed to have left with the first, at 5 */
    (void)presence(&s, 2, 7, -1, NOBODY); /* came after both were gone: its own limit, not no time at all */
    (void)company(&s, 0);
    assert_int_equal(s.verdicts[1].out.hi_us, 5 * MINUTE);
    assert_int_equal(s.verdicts[2].out.hi_us, 187 * MINUTE);
}

static void held_evidence__does_not_hold_a_pair_as_far(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    presence(&s, A, 0, 30, NOBODY)->in_at = (struct rule_place){true, 0, 0, 10};
    presence(&s, B, 0, -1, NOBODY)->in_at = (struct rule_place){true, 5000, 0, 10};
    s.presences[1].contested = true;
    assert_int_equal(company(&s, 1), RULE_COMPANY_HELD);
    assert_int_equal(s.verdicts[1].out.hi_us, 30 * MINUTE); /* the unheld one lends its check-out */
}

static void candidates__are_logs_not_people(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 100);
    (void)presence(&s, A, 0, 30, B);
    s.plan = (struct rule_plan){.officers = {2}, .officer_count = 1, .from_us = 0, .to_us = 60 * MINUTE};
    s.rule_case.plan_count = 1;
    s.devices[1].watermark_known = true;
    s.devices[1].watermark_us = 31 * MINUTE;
    assert_int_equal(company(&s, 0), RULE_COMPANY_AWAITING_SECOND);
    s.devices[2].revoked_as_of_us = -MINUTE; /* the planned officer has no log that could hold a check-in */
    assert_int_equal(company(&s, 0), RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(s.verdicts[0].confirmed_by, RULE_CONFIRMED_BY_LOG);
}

static void not_appropriate__keeps_the_due_date_also_from_one_not_entitled(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, A, 0, 60, NOBODY);
    (void)presence(&s, B, 0, 60, NOBODY);
    s.officers[B].entitled_from_us = 500 * MINUTE;
    s.word = (struct rule_authority_word){
        .granted = true, .by = {{77}}, .recorded_us = -MINUTE, .valid_from_us = -MINUTE, .valid_to_us = 100 * MINUTE};
    s.rule_case.authority_count = 1;
    assert_int_equal(company(&s, 0), RULE_COMPANY_ACCOMPANIED);
    assert_true(s.verdicts[0].due_met);
    s.decision = (struct rule_decision){.presence = 1, .by = {{77}}, .counts = false, .recorded_us = 500 * MINUTE};
    s.rule_case.decision_count = 1;
    (void)company(&s, 0);
    assert_false(s.verdicts[0].due_met);
}

static void two_places_both_refused__count_for_nobody(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    presence(&s, A, 0, 60, NOBODY)->in_at = (struct rule_place){true, 0, 0, 10};
    presence(&s, A, 0, 60, NOBODY)->in_at = (struct rule_place){true, 500, 0, 10};
    (void)presence(&s, B, 0, 60, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_HELD);
    assert_int_equal(company(&s, 2), RULE_COMPANY_AWAITING_SECOND);
    s.rule_case.decisions =
        (const struct rule_decision[]){{0, {{77}}, false, 500 * MINUTE}, {1, {{77}}, false, 500 * MINUTE}};
    s.rule_case.decision_count = 2;
    assert_int_equal(company(&s, 2), RULE_COMPANY_LONE_CONFIRMED);
}

/* L2: it lapses by later evidence, certainly: where it may have been joint already, "not appropriate" stands. */
static void not_appropriate__lapses_only_certainly(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, A, 20, 60, NOBODY);
    (void)presence(&s, B, 25, 60, NOBODY);
    (void)presence(&s, 2, 20, 60, NOBODY);
    s.presences[2].received_us = 600 * MINUTE;
    s.decision = (struct rule_decision){.presence = 0, .by = {{77}}, .counts = false, .recorded_us = 500 * MINUTE};
    s.rule_case.decision_count = 1;
    assert_int_equal(company(&s, 0), RULE_COMPANY_JOINT);
    assert_false(s.verdicts[0].due_met); /* joint before the third was heard of */
    s.presences[1].in = (struct rule_instant){35 * MINUTE, 35 * MINUTE};
    (void)company(&s, 0);
    assert_true(s.verdicts[0].due_met);
    s.presences[1].in.lo_us = 25 * MINUTE;
    (void)company(&s, 0);
    assert_false(s.verdicts[0].due_met);
}

static void part_joint__waits_for_logs_only(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 100);
    (void)presence(&s, A, 0, 60, 2); /* names somebody who has no phone any more */
    (void)presence(&s, B, 30, 60, NOBODY);
    assert_int_equal(company(&s, 0), RULE_COMPANY_AWAITING_SECOND);
    s.devices[2].revoked_as_of_us = -MINUTE;
    assert_int_equal(company(&s, 0), RULE_COMPANY_PART_JOINT);
}

static void presence_without_length__takes_nobody_along(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 1000);
    (void)presence(&s, A, 0, -1, NOBODY);
    (void)presence(&s, B, 5, 5, NOBODY);
    s.presences[1].in_at = (struct rule_place){true, 0, 0, 10};
    s.presences[1].out_at = (struct rule_place){true, 500, 0, 10}; /* late, at once: as missing, at most until then */
    (void)company(&s, 0);
    assert_int_equal(s.verdicts[0].out.hi_us, 180 * MINUTE);
}

static void under_way__until_certainly_beyond(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 300);
    presence(&s, A, 295, -1, NOBODY)->in.lo_us = INT64_MIN;
    assert_int_equal(company(&s, 0), RULE_COMPANY_UNDER_WAY);
    s.rule_case.now_us = 306 * MINUTE;
    assert_int_equal(company(&s, 0), RULE_COMPANY_LONE_PROVISIONAL);
}

static void clock_trouble__is_not_under_way_for_ever(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 5);
    presence(&s, A, 0, -1, NOBODY)->clock_trouble = true;
    assert_int_equal(company(&s, 0), RULE_COMPANY_UNDER_WAY);
    s.rule_case.now_us = 11 * MINUTE; /* the receipt is the server's own clock */
    assert_int_equal(company(&s, 0), RULE_COMPANY_LONE_PROVISIONAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_cover__is_joint),
        cmocka_unit_test(short_knock__is_not_joint_for_being_short),
        cmocka_unit_test(touching__is_no_pair),
        cmocka_unit_test(named_partner__awaits_until_the_log_has_reported),
        cmocka_unit_test(missing_check_out__is_taken_from_the_partner),
        cmocka_unit_test(open_presence__is_so_far),
        cmocka_unit_test(held_partner__awaits),
        cmocka_unit_test(cosigned_phones__prove_their_overlap),
        cmocka_unit_test(authority__is_ordered_against_the_check_in),
        cmocka_unit_test(contradicting_clocks__are_time_unproven),
        cmocka_unit_test(gone_before__is_nobody_to_leave_with),
        cmocka_unit_test(held_evidence__does_not_hold_a_pair_as_far),
        cmocka_unit_test(candidates__are_logs_not_people),
        cmocka_unit_test(not_appropriate__keeps_the_due_date_also_from_one_not_entitled),
        cmocka_unit_test(two_places_both_refused__count_for_nobody),
        cmocka_unit_test(not_appropriate__lapses_only_certainly),
        cmocka_unit_test(part_joint__waits_for_logs_only),
        cmocka_unit_test(presence_without_length__takes_nobody_along),
        cmocka_unit_test(under_way__until_certainly_beyond),
        cmocka_unit_test(clock_trouble__is_not_under_way_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
