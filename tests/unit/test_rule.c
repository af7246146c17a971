/* The two-officer rule by example: pairs, minutes alone, grades, company, uncertain times (V1-V3, V5, V7, V8, V10, V11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/rule_gen.h"
#include "tests/lib/rule_story.h"

static void expect(const struct rule_verdict *verdict, enum rule_company company, int64_t min_minutes,
                   int64_t max_minutes)
{
    assert_string_equal(rule_company_name(verdict->company), rule_company_name(company));
    assert_int_equal(verdict->alone_min_us, min_minutes * MIN_US);
    assert_int_equal(verdict->alone_max_us, max_minutes * MIN_US);
}

static void pair__both_there__is_joint_and_due_met(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 4, 62);
    v = story_judge(&story);
    expect(&v[0], RULE_COMPANY_JOINT, 4, 4);
    expect(&v[1], RULE_COMPANY_JOINT, 2, 2);
    assert_int_equal(v[0].grade, RULE_GRADE_C); /* no locations */
    assert_true(v[0].due_met && v[1].due_met);
    assert_int_equal(v[1].attendance, 0);
    assert_int_equal(v[0].best_partner, 1);
    assert_int_equal(v[0].next_change_us, RULE_FOREVER);
}

static void pair__touching_for_an_instant__does_not_pair(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 60, 90);
    v = story_judge(&story);
    expect(&v[0], RULE_COMPANY_LONE_CONFIRMED, 60, 60); /* nobody named: by time limit */
    assert_int_equal(v[0].confirmed_by, RULE_CONFIRMED_BY_TIME_LIMIT);
}

static void pair__same_device_or_other_offender__does_not_pair(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 0, 60)->device = 0;
    story_presence(&story, 2, 0, 60)->offender = 1;
    v = story_judge(&story);
    assert_int_equal(v[0].company, RULE_COMPANY_LONE_CONFIRMED);
    assert_true((v[0].reasons & RULE_REASON_ONE_DEVICE) != 0);
    assert_int_equal(v[2].company, RULE_COMPANY_LONE_CONFIRMED);
    assert_true((v[2].reasons & RULE_REASON_ONE_DEVICE) == 0);
}

static void alone__limit_and_half__both_include_their_edge(void **state)
{
    static const struct {
        int64_t out;
        int64_t partner_in;
        enum rule_company company;
    } cases[] = {
        {60, 10, RULE_COMPANY_JOINT},
        {60, 11, RULE_COMPANY_PART_JOINT},
        {12, 6, RULE_COMPANY_JOINT},
        {11, 6, RULE_COMPANY_PART_JOINT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct story story;

        story_begin(&story);
        story_presence(&story, 0, 0, cases[i].out);
        story_presence(&story, 1, cases[i].partner_in, 200);
        expect(&story_judge(&story)[0], cases[i].company, cases[i].partner_in, cases[i].partner_in);
    }
}

static void chain__union_of_partners__covers(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 2, 30);
    story_presence(&story, 2, 33, 58);
    v = story_judge(&story);
    expect(&v[0], RULE_COMPANY_JOINT, 7, 7);
    expect(&v[1], RULE_COMPANY_JOINT, 0, 0);
    assert_int_equal(v[1].attendance, v[2].attendance); /* one attendance, though 1 and 2 are no pair */
}

static void partner__not_accredited_twice_or_not_entitled__only_accompanies(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 0, 60);
    story.officers[0].accredited = false;
    assert_int_equal(story_judge(&story)[0].company, RULE_COMPANY_JOINT); /* one accredited is enough */
    story.officers[1].accredited = false;
    assert_int_equal(story_judge(&story)[0].company, RULE_COMPANY_ACCOMPANIED);
    story.officers[1].accredited = true;
    story.officers[1].entitled_to_us = story_us(0); /* half-open: over at the check-in */
    v = story_judge(&story);
    assert_int_equal(v[0].company, RULE_COMPANY_ACCOMPANIED);
    assert_true((v[0].reasons & RULE_REASON_NOT_ENTITLED) != 0);
    story.officers[1].entitled_to_us = story_us(0) + 1;
    assert_int_equal(story_judge(&story)[0].company, RULE_COMPANY_JOINT);
}

static void agency__named__accompanies_with_grade_d(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->agency = true;
    v = story_judge(&story);
    assert_int_equal(v[0].company, RULE_COMPANY_ACCOMPANIED);
    assert_int_equal(v[0].grade, RULE_GRADE_D);
    story_presence(&story, 1, 0, 60);
    v = story_judge(&story);
    assert_int_equal(v[0].company, RULE_COMPANY_JOINT); /* the mark stays beside it */
    assert_true((v[0].reasons & RULE_REASON_ACCOMPANIED) != 0);
}

static enum rule_grade grade_with(double apart_m, bool cosigned, int64_t round_trip_us)
{
    struct story story;

    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in_at = story_place(0, 10);
    story_presence(&story, 1, 0, 60)->in_at = story_place(apart_m, 10);
    if (cosigned) {
        story.presences[0].cosign = (struct rule_cosign){.presence = 1, .first = true, .round_trip_us = round_trip_us};
    }
    return story_judge(&story)[0].grade;
}

static void grade__evidence_of_the_pair__decides(void **state)
{
    (void)state;
    assert_int_equal(grade_with(120, true, MIN_US), RULE_GRADE_A); /* 100 m plus both accuracies, 60 s: inclusive */
    assert_int_equal(grade_with(120, true, MIN_US + 1), RULE_GRADE_B);
    assert_int_equal(grade_with(121, true, MIN_US), RULE_GRADE_C);
    assert_int_equal(grade_with(120, false, 0), RULE_GRADE_B);
    assert_int_equal(grade_with(121, false, 0), RULE_GRADE_C);
}

static void grade__best_whose_partners_alone_give_the_verdict(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in_at = story_place(0, 10);
    story_presence(&story, 1, 0, 30)->in_at = story_place(5, 10);
    story_presence(&story, 2, 30, 60); /* no location */
    assert_int_equal(story_judge(&story)[0].grade, RULE_GRADE_C);
    story_presence(&story, 3, 28, 60)->in_at = story_place(9, 10);
    assert_int_equal(story_judge(&story)[0].grade, RULE_GRADE_B);
}

static void company__uncertain_within_one_answer__stays_definite(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in = story_bounds(-3, 2);
    story_presence(&story, 1, 3, 60)->in = story_bounds(2, 6);
    expect(&story_judge(&story)[0], RULE_COMPANY_JOINT, 0, 9);
    story.presences[1].in = story_bounds(2, 8);
    expect(&story_judge(&story)[0], RULE_COMPANY_TIME_UNPROVEN, 0, 11);
    story.presences[1].in = story_bounds(14, 18);
    expect(&story_judge(&story)[0], RULE_COMPANY_PART_JOINT, 12, 21);
}

static void company__maybe_no_overlap__is_unproven_with_the_whole_length_as_upper_bound(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 50, 90)->in = story_bounds(50, 70);
    expect(&story_judge(&story)[0], RULE_COMPANY_TIME_UNPROVEN, 50, 60);
}

static void company__two_phones_that_never_met_the_server__prove_their_overlap_by_cosigning(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story.policies[0].drift_ppb = 0;
    for (size_t i = 0; i < 2; i++) {
        struct rule_presence *presence = story_presence(&story, i, 0, 60);

        presence->in = (struct rule_instant){INT64_MIN, RULE_FOREVER};
        presence->out = presence->in;
        presence->in_boot = presence->out_boot = 7; /* of each its own device */
        presence->out_mono_us = 60 * MIN_US;
    }
    story.presences[0].cosign = (struct rule_cosign){
        .presence = 1, .first = true, .confirm_known = true, .confirm_mono_us = MIN_US, .round_trip_us = MIN_US};
    v = story_judge(&story);
    expect(&v[0], RULE_COMPANY_JOINT, 0, 1);
    expect(&v[1], RULE_COMPANY_JOINT, 0, 1);
    assert_int_equal(v[0].grade, RULE_GRADE_A);
    story.policies[0].drift_ppb = 200000; /* 200 ppm of the minute to the confirmation */
    assert_int_equal(story_judge(&story)[0].alone_max_us, MIN_US + 12000);
}

static void clocks__in_contradiction__trouble_what_is_linked_only(void **state)
{
    struct story story;
    const struct rule_verdict *v;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->out_boot = 1;
    story.presences[0].out_mono_us = 5 * MIN_US; /* says five minutes, the bounds sixty */
    story_presence(&story, 1, 0, 60);
    story_presence(&story, 2, 0, 60)->offender = 1;
    story_presence(&story, 3, 0, 60)->offender = 1;
    v = story_judge(&story);
    assert_int_equal(v[0].company, RULE_COMPANY_TIME_UNPROVEN);
    assert_true((v[0].reasons & RULE_REASON_CLOCK_TROUBLE) != 0);
    assert_int_equal(v[1].company, RULE_COMPANY_TIME_UNPROVEN);
    assert_true((v[1].reasons & RULE_REASON_CLOCK_TROUBLE) == 0);
    assert_int_equal(v[2].company, RULE_COMPANY_JOINT);
}

static void log_order__across_boots__bounds_what_anchors_leave_open(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 5, 60)->in = story_bounds(-60, 5);
    story.presences[1].in_seq = 3;
    story_presence(&story, 1, -90, -1)->offender = 1;
    story.presences[2].in_seq = 1;
    story.presences[2].out_seq = 2;
    assert_int_equal(story_judge(&story)[1].company, RULE_COMPANY_JOINT); /* not there an hour early */
}

/* Every world on a grid of minutes, judged exactly, against one judgement with bounds. */
struct worlds {
    unsigned companies;
    int64_t min_us;
    int64_t max_us;
};

static void visit(struct story *story, const int64_t *at, struct worlds *worlds)
{
    const struct rule_verdict *v;

    story->presences[0].in = story_bounds(at[0], at[0]);
    story->presences[0].out = story_bounds(at[1], at[1]);
    story->presences[1].in = story_bounds(at[2], at[2]);
    story->presences[1].out = story_bounds(at[3], at[3]);
    v = story_judge(story);
    worlds->min_us = worlds->companies == 0 || v[0].alone_min_us < worlds->min_us ? v[0].alone_min_us : worlds->min_us;
    worlds->max_us = worlds->companies == 0 || v[0].alone_max_us > worlds->max_us ? v[0].alone_max_us : worlds->max_us;
    worlds->companies |= 1u << v[0].company;
}

static struct worlds visit_all(const struct story *story, const int64_t *lo, const int64_t *hi, const int64_t *lengths)
{
    struct worlds worlds = {0, 0, 0};
    struct story exact = *story;
    int64_t at[4];

    exact.rule_case.presences = exact.presences;
    for (at[0] = lo[0]; at[0] <= hi[0]; at[0]++) {
        for (at[1] = lo[1]; at[1] <= hi[1]; at[1]++) {
            for (at[2] = lo[2]; at[2] <= hi[2]; at[2]++) {
                for (at[3] = lo[3]; at[3] <= hi[3]; at[3]++) {
                    bool possible = at[0] <= at[1] && at[2] <= at[3] &&
                                    (lengths[0] < 0 || at[1] - at[0] == lengths[0]) &&
                                    (lengths[1] < 0 || at[3] - at[2] == lengths[1]);

                    if (possible) {
                        visit(&exact, at, &worlds);
                    }
                }
            }
        }
    }
    return worlds;
}

static void pair__random_bounds__equal_all_worlds_exactly(void **state)
{
    uint64_t dice = 5;
    size_t unproven = 0;

    (void)state;
    for (int round = 0; round < 1500; round++) {
        struct story story;
        int64_t lo[4], hi[4], lengths[2] = {-1, -1};
        struct worlds worlds;
        const struct rule_verdict *v;

        story_begin(&story);
        story.policies[0].drift_ppb = 0;
        story.policies[0].max_alone_us = 3 * MIN_US;
        story_presence(&story, 0, 0, 1);
        story_presence(&story, 1, 0, 1);
        for (size_t i = 0; i < 4; i++) {
            int64_t truth = (int64_t)rule_gen_below(&dice, 6) + (i % 2 == 1 ? 4 : 0);

            lo[i] = truth - (int64_t)rule_gen_below(&dice, 3);
            hi[i] = truth + (int64_t)rule_gen_below(&dice, 3);
            if (i % 2 == 1 && rule_gen_below(&dice, 3) == 0) { /* one boot: the length is known */
                lengths[i / 2] = hi[i] - hi[i - 1] < 0 ? 0 : hi[i] - hi[i - 1];
                story.presences[i / 2].out_boot = story.presences[i / 2].in_boot;
                story.presences[i / 2].out_mono_us = lengths[i / 2] * MIN_US;
            }
        }
        worlds = visit_all(&story, lo, hi, lengths);
        if (worlds.companies == 0) {
            continue; /* contradicting clocks */
        }
        story.presences[0].in = story_bounds(lo[0], hi[0]);
        story.presences[0].out = story_bounds(lo[1], hi[1]);
        story.presences[1].in = story_bounds(lo[2], hi[2]);
        story.presences[1].out = story_bounds(lo[3], hi[3]);
        v = story_judge(&story);
        assert_int_equal(v[0].alone_min_us, worlds.min_us);
        assert_int_equal(v[0].alone_max_us, worlds.max_us);
        if ((worlds.companies & (worlds.companies - 1)) != 0) {
            assert_int_equal(v[0].company, RULE_COMPANY_TIME_UNPROVEN);
            unproven++;
        } else {
            assert_int_equal(worlds.companies, 1u << v[0].company);
        }
    }
    assert_in_range(unproven, 100, 1400);
}

static void case__not_valid__is_refused_and_outputs_untouched(void **state)
{
    struct story story;
    struct rule_verdict verdict = {.alone_min_us = 42};

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in = story_bounds(2, 1);
    assert_int_equal(rule_judge(&story.rule_case, &verdict), STATUS_INPUT);
    story.presences[0].in = story_bounds(0, 0);
    story.presences[0].device = STORY_OFFICERS;
    assert_int_equal(rule_judge(&story.rule_case, &verdict), STATUS_INPUT);
    story.presences[0].device = 0;
    story.rule_case.policy_count = 0;
    assert_int_equal(rule_judge(&story.rule_case, &verdict), STATUS_INPUT);
    story.rule_case.policy_count = 1;
    story.rule_case.presence_count = RULE_PRESENCES_MAX + 1;
    assert_int_equal(rule_judge(&story.rule_case, &verdict), STATUS_OVER_LIMIT);
    story.rule_case.presence_count = 1;
    story_presence(&story, 1, 0, 60)->id = story.presences[0].id;
    assert_int_equal(rule_judge(&story.rule_case, &verdict), STATUS_INPUT);
    assert_int_equal(verdict.alone_min_us, 42);
}

static void case__without_presences__is_fine(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    (void)story_judge(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pair__both_there__is_joint_and_due_met),
        cmocka_unit_test(pair__touching_for_an_instant__does_not_pair),
        cmocka_unit_test(pair__same_device_or_other_offender__does_not_pair),
        cmocka_unit_test(alone__limit_and_half__both_include_their_edge),
        cmocka_unit_test(chain__union_of_partners__covers),
        cmocka_unit_test(partner__not_accredited_twice_or_not_entitled__only_accompanies),
        cmocka_unit_test(agency__named__accompanies_with_grade_d),
        cmocka_unit_test(grade__evidence_of_the_pair__decides),
        cmocka_unit_test(grade__best_whose_partners_alone_give_the_verdict),
        cmocka_unit_test(company__uncertain_within_one_answer__stays_definite),
        cmocka_unit_test(company__maybe_no_overlap__is_unproven_with_the_whole_length_as_upper_bound),
        cmocka_unit_test(company__two_phones_that_never_met_the_server__prove_their_overlap_by_cosigning),
        cmocka_unit_test(clocks__in_contradiction__trouble_what_is_linked_only),
        cmocka_unit_test(log_order__across_boots__bounds_what_anchors_leave_open),
        cmocka_unit_test(pair__random_bounds__equal_all_worlds_exactly),
        cmocka_unit_test(case__not_valid__is_refused_and_outputs_untouched),
        cmocka_unit_test(case__without_presences__is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
