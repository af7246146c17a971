/* The two-officer rule by example: check-outs, held evidence, decisions on it, absence (V4, V6, W2, W3, L2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/rule_story.h"

#define SAYS(verdict, company_wanted)                                                                                  \
    assert_string_equal(rule_company_name((verdict).company), rule_company_name(company_wanted))

static bool has(const struct rule_verdict *verdict, enum rule_reason reason)
{
    return (verdict->reasons & (uint32_t)reason) != 0;
}

/* ---- V4: check-outs ---- */

static void open__alone__is_under_way_until_beyond_max_alone(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story.rule_case.now_us = story_us(10);
    SAYS(story_judge(&story)[0], RULE_COMPANY_UNDER_WAY);
    assert_int_equal(story.verdicts[0].next_change_us, story_us(10) + 1);
    story.rule_case.now_us = story_us(10) + 1;
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_PROVISIONAL);
}

/* Each look is a tick in the journal, and this one never ends. */
static void uncertain__without_an_end__is_looked_at_less_and_less_often(void **state)
{
    struct story story;
    unsigned looks = 0;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story.presences[0].in = (struct rule_instant){story_us(0), RULE_FOREVER};
    story.rule_case.now_us = story_us(24 * 60);
    while (story.rule_case.now_us < story_us(365 * 24 * 60)) {
        int64_t next_us = story_judge(&story)[0].next_change_us;

        assert_true(next_us > story.rule_case.now_us);
        story.rule_case.now_us = next_us;
        looks++;
    }
    assert_in_range(looks, 2, 20);
}

static void uncertain__on_both_sides_for_ever__waits_for_no_time(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story.presences[0].in = (struct rule_instant){INT64_MIN, RULE_FOREVER};
    story.rule_case.now_us = story_us(30 * 24 * 60);
    assert_int_equal(story_judge(&story)[0].next_change_us, RULE_FOREVER);
}

static void open__partner_there__is_joint_so_far(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story_presence(&story, 1, 8, STORY_OPEN);
    story.rule_case.now_us = story_us(9); /* half doesn't apply while open */
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_JOINT_SO_FAR);
    assert_false(v[0].due_met);
    story.presences[0].has_out = true;
    story.presences[0].out = story_bounds(40, 40);
    story.rule_case.now_us = story_us(41);
    SAYS(story_judge(&story)[0], RULE_COMPANY_JOINT_SO_FAR); /* rests on the partner, who is still there */
}

static void missing__partner_recorded__leaves_with_the_partner(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story_presence(&story, 1, 5, 60);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_JOINT);
    assert_int_equal(v[0].out.hi_us, story_us(60));
    assert_true(has(&v[0], RULE_REASON_OUT_MISSING));
    SAYS(v[1], RULE_COMPANY_JOINT);
}

static void missing__nobody_recorded__left_together_by_the_earliest_limit(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story_presence(&story, 1, 5, STORY_OPEN);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_JOINT);
    assert_int_equal(v[0].out.hi_us, story_us(180));
    assert_int_equal(v[1].out.lo_us, story_us(180));
}

static void missing__next_check_in_elsewhere__ends_it(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story_presence(&story, 0, 90, 120)->offender = 1;
    v = story_judge(&story);
    assert_int_equal(v[0].out.hi_us, story_us(90));
    story.presences[1].contested = true; /* what is held ends no other presence */
    assert_int_equal(story_judge(&story)[0].out.hi_us, story_us(180));
}

static void missing__in_the_morning__does_not_cover_the_afternoon(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, STORY_OPEN);
    story_presence(&story, 1, 100, 160);
    SAYS(story_judge(&story)[1], RULE_COMPANY_LONE_CONFIRMED);
    story_names(&story.presences[1], 0); /* who says they were there together */
    SAYS(story_judge(&story)[1], RULE_COMPANY_JOINT);
    story.presences[1].named_count = 0;
    story_plan(&story, 0, 1, -10, 10);
    SAYS(story_judge(&story)[1], RULE_COMPANY_JOINT);
}

static void late__pressed_elsewhere__is_as_missing_with_its_time_as_upper_bound(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 100)->in_at = story_place(0, 10);
    story.presences[0].out_at = story_place(171, 10); /* 150 m and both accuracies */
    story_presence(&story, 1, 0, 60);
    v = story_judge(&story);
    assert_true(has(&v[0], RULE_REASON_OUT_LATE));
    assert_int_equal(v[0].out.hi_us, story_us(60));
    SAYS(v[0], RULE_COMPANY_JOINT);
    story.presences[0].out_at = story_place(170, 10);
    SAYS(story_judge(&story)[0], RULE_COMPANY_PART_JOINT);
}

/* ---- V6: held ---- */

static void held__fork__waits_unless_an_uncontested_log_names_it(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->contested = true;
    story_presence(&story, 1, 0, 60);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_HELD);
    SAYS(v[1], RULE_COMPANY_AWAITING_SECOND); /* never lone while the partner's evidence is held */
    assert_true(has(&v[1], RULE_REASON_PARTNER_HELD));
    story.presences[1].cosign = (struct rule_cosign){.presence = 0};
    SAYS(story_judge(&story)[0], RULE_COMPANY_JOINT);
}

static void held__revoked__from_the_very_instant(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story.devices[0].revoked_as_of_us = story_us(0);
    SAYS(story_judge(&story)[0], RULE_COMPANY_HELD);
    story.devices[0].revoked_as_of_us = story_us(0) + 1;
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_CONFIRMED);
    story.presences[0].in = story_bounds(-1, 0);
    story.devices[0].revoked_as_of_us = story_us(0);
    SAYS(story_judge(&story)[0], RULE_COMPANY_TIME_UNPROVEN);
}

static void held__two_places__needs_places_apart_and_recorded_check_outs(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in_at = story_place(0, 10);
    story_presence(&story, 0, 30, 90)->in_at = story_place(21, 10);
    story.presences[1].offender = 1;
    story.presences[1].device = 1;
    story.devices[1].officer = 0; /* the officer's second phone */
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_HELD);
    SAYS(v[1], RULE_COMPANY_HELD);
    assert_true(has(&v[0], RULE_REASON_TWO_PLACES));
    story.presences[1].in_at = story_place(20, 10); /* merely two offenders */
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_CONFIRMED);
}

static void held__far_apart__holds_the_pair_only_until_decided(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in_at = story_place(0, 10);
    story_presence(&story, 1, 0, 60)->in_at = story_place(2021, 10);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_AWAITING_SECOND);
    assert_true(has(&v[0], RULE_REASON_PARTNER_FAR));
    story_presence(&story, 2, 0, 60);
    SAYS(story_judge(&story)[0], RULE_COMPANY_JOINT); /* other partners do count */
    story.rule_case.presence_count = 2;
    story_decision(&story, 1, 'a', true, 100);
    SAYS(story_judge(&story)[0], RULE_COMPANY_JOINT);
}

static void decision__ends_holding_either_way(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->unassigned = true;
    story_presence(&story, 1, 0, 60);
    story_decision(&story, 0, 'a', true, 100);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_JOINT);
    story.decisions[0].counts = false; /* counts for nobody, and nobody awaits it */
    v = story_judge(&story);
    SAYS(v[1], RULE_COMPANY_LONE_CONFIRMED);
    assert_false(v[1].due_met);
}

static void decision__by_whoever_may_be_there_or_is_named__is_ignored(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->unassigned = true;
    story_presence(&story, 1, 30, 90);
    story_decision(&story, 0, 'a', true, 100);
    story.decisions[0].by = story.officers[1].id; /* possibly present */
    SAYS(story_judge(&story)[0], RULE_COMPANY_HELD);
    story.decisions[0].by = story.officers[0].id; /* the author */
    SAYS(story_judge(&story)[0], RULE_COMPANY_HELD);
    story.decisions[0].by = story.officers[2].id;
    story_names(&story.presences[0], 2); /* named */
    SAYS(story_judge(&story)[0], RULE_COMPANY_HELD);
    story.decisions[0].by = story.officers[3].id;
    SAYS(story_judge(&story)[0], RULE_COMPANY_AWAITING_SECOND); /* the named one; held no more */
}

/* ---- W2, W3: absence ---- */

static void absence__named_partner__awaits_the_log_however_long(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_names(story_presence(&story, 0, 0, 60), 1);
    story.rule_case.now_us = story_us(100000);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_AWAITING_SECOND);
    assert_int_equal(v[0].grade, RULE_GRADE_D);
    assert_true(has(&v[0], RULE_REASON_EVIDENCE_OVERDUE));
    story_watermark(&story, 1, 60); /* must exceed */
    SAYS(story_judge(&story)[0], RULE_COMPANY_AWAITING_SECOND);
    story_watermark(&story, 1, 61);
    v = story_judge(&story);
    SAYS(v[0], RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(v[0].confirmed_by, RULE_CONFIRMED_BY_LOG);
}

static void absence__candidate_lost__falls_to_the_time_limit(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_names(story_presence(&story, 0, 0, 60), 1);
    story.devices[1].lost = true;
    story.rule_case.now_us = story_us(240) - 1;
    SAYS(story_judge(&story)[0], RULE_COMPANY_AWAITING_SECOND);
    assert_int_equal(story.verdicts[0].next_change_us, story_us(240));
    story.rule_case.now_us = story_us(240);
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(story.verdicts[0].confirmed_by, RULE_CONFIRMED_BY_TIME_LIMIT);
}

static void absence__alone__is_confirmed_at_once_unless_a_plan_names_another(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->with = RULE_WITH_ALONE;
    story.rule_case.now_us = story_us(61);
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_CONFIRMED);
    assert_int_equal(story.verdicts[0].confirmed_by, RULE_CONFIRMED_BY_STATEMENT);
    story_plan(&story, 0, 1, -30, 0); /* half-open: over at the check-in */
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_CONFIRMED);
    story.plans[0].to_us = story_us(0) + 1;
    SAYS(story_judge(&story)[0], RULE_COMPANY_AWAITING_SECOND);
}

static void absence__part_joint__waits_for_every_candidate(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_names(story_presence(&story, 0, 0, 60), 2);
    story_presence(&story, 1, 20, 60);
    SAYS(story_judge(&story)[0], RULE_COMPANY_AWAITING_SECOND);
    story_watermark(&story, 2, 61);
    SAYS(story_judge(&story)[0], RULE_COMPANY_PART_JOINT);
}

static void absence__unrecorded__is_provisional_then_confirmed(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story.rule_case.now_us = story_us(239);
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_PROVISIONAL);
    story.rule_case.now_us = story_us(240);
    SAYS(story_judge(&story)[0], RULE_COMPANY_LONE_CONFIRMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__alone__is_under_way_until_beyond_max_alone),
        cmocka_unit_test(uncertain__without_an_end__is_looked_at_less_and_less_often),
        cmocka_unit_test(uncertain__on_both_sides_for_ever__waits_for_no_time),
        cmocka_unit_test(open__partner_there__is_joint_so_far),
        cmocka_unit_test(missing__partner_recorded__leaves_with_the_partner),
        cmocka_unit_test(missing__nobody_recorded__left_together_by_the_earliest_limit),
        cmocka_unit_test(missing__next_check_in_elsewhere__ends_it),
        cmocka_unit_test(missing__in_the_morning__does_not_cover_the_afternoon),
        cmocka_unit_test(late__pressed_elsewhere__is_as_missing_with_its_time_as_upper_bound),
        cmocka_unit_test(held__fork__waits_unless_an_uncontested_log_names_it),
        cmocka_unit_test(held__revoked__from_the_very_instant),
        cmocka_unit_test(held__two_places__needs_places_apart_and_recorded_check_outs),
        cmocka_unit_test(held__far_apart__holds_the_pair_only_until_decided),
        cmocka_unit_test(decision__ends_holding_either_way),
        cmocka_unit_test(decision__by_whoever_may_be_there_or_is_named__is_ignored),
        cmocka_unit_test(absence__named_partner__awaits_the_log_however_long),
        cmocka_unit_test(absence__candidate_lost__falls_to_the_time_limit),
        cmocka_unit_test(absence__alone__is_confirmed_at_once_unless_a_plan_names_another),
        cmocka_unit_test(absence__part_joint__waits_for_every_candidate),
        cmocka_unit_test(absence__unrecorded__is_provisional_then_confirmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
