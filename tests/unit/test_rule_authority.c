/* The two-officer rule by example: authority, policy in force, due date, and the sentence (L1, L2, V9, V10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule_explain.h"
#include "tests/lib/rule_story.h"

#define SAYS(verdict, company_wanted)                                                                                  \
    assert_string_equal(rule_company_name((verdict).company), rule_company_name(company_wanted))

static bool has(const struct rule_verdict *verdict, enum rule_reason reason)
{
    return (verdict->reasons & (uint32_t)reason) != 0;
}

/* ---- L1, L2, V9: authority, due date ---- */

static enum rule_authority authority(struct story *story)
{
    return story_judge(story)[0].authority;
}

static void authority__order_against_the_check_in__decides(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in = story_bounds(-2, 2);
    assert_int_equal(authority(&story), RULE_AUTHORITY_NONE);
    story_word(&story, 'a', true, -3);
    assert_int_equal(authority(&story), RULE_AUTHORITY_PRIOR);
    assert_true(story.verdicts[0].due_met);
    story.authorities[0].recorded_us = story_us(-2);
    assert_int_equal(authority(&story), RULE_AUTHORITY_ORDER_UNPROVEN);
    story.authorities[0].recorded_us = story_us(2);
    assert_int_equal(authority(&story), RULE_AUTHORITY_ORDER_UNPROVEN);
    story.authorities[0].recorded_us = story_us(3);
    assert_int_equal(authority(&story), RULE_AUTHORITY_RETROSPECTIVE);
    story.authorities[0].recorded_us = story_us(24 * 60); /* 24 h after first receipt, included */
    assert_int_equal(authority(&story), RULE_AUTHORITY_RETROSPECTIVE);
    story.authorities[0].recorded_us = story_us(24 * 60) + 1;
    assert_int_equal(authority(&story), RULE_AUTHORITY_NONE);
    story.authorities[0].recorded_us = story_us(-3);
    story.authorities[0].by = story.officers[0].id; /* nobody authorises themselves */
    assert_int_equal(authority(&story), RULE_AUTHORITY_NONE);
}

static void authority__last_words_and_refusals__outweigh(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_word(&story, 'a', true, -10);
    story_word(&story, 'a', false, -5); /* withdrawn */
    assert_int_equal(authority(&story), RULE_AUTHORITY_REFUSED);
    story_word(&story, 'a', true, -4);
    assert_int_equal(authority(&story), RULE_AUTHORITY_PRIOR);
    story_word(&story, 'b', false, 5); /* after the check-in: replaces nothing */
    assert_int_equal(authority(&story), RULE_AUTHORITY_PRIOR);
    story.authorities[3].recorded_us = story_us(-20);
    assert_int_equal(authority(&story), RULE_AUTHORITY_REFUSED);
}

static void authority__against_policy__is_not_permitted(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_word(&story, 'a', true, -10);
    story.risks[0].risk = RULE_RISK_HIGH;
    assert_int_equal(authority(&story), RULE_AUTHORITY_NOT_PERMITTED);
    assert_true(has(&story.verdicts[0], RULE_REASON_LONE_FORBIDDEN));
    story.risks[0].risk = RULE_RISK_LOW;
    story.authorities[0].valid_to_us = story.authorities[0].valid_from_us + 7 * 24 * 60 * MIN_US;
    assert_int_equal(authority(&story), RULE_AUTHORITY_PRIOR);
    story.authorities[0].valid_to_us++;
    assert_int_equal(authority(&story), RULE_AUTHORITY_NOT_PERMITTED);
}

static void authority__risk_changed_within_the_bounds__is_unproven(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story.risks[1] = (struct rule_risk_span){story_us(0), RULE_RISK_HIGH};
    story.offenders[0].risk_count = 2;
    story_presence(&story, 0, 0, 60)->in = story_bounds(-2, 2);
    story_word(&story, 'a', true, -10);
    assert_int_equal(authority(&story), RULE_AUTHORITY_ORDER_UNPROVEN);
    story.presences[0].in = story_bounds(-2, -1);
    assert_int_equal(authority(&story), RULE_AUTHORITY_PRIOR);
}

static void policy__changed_within_the_bounds__is_judged_under_each(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story.rule_case.policy_count = 2;
    story.policies[1].effective_from_us = story_us(0);
    story.policies[1].max_alone_us = 2 * MIN_US;
    story_presence(&story, 0, 0, 60)->in = story_bounds(-1, 1);
    story_presence(&story, 1, 5, 60);
    SAYS(story_judge(&story)[0], RULE_COMPANY_TIME_UNPROVEN);
    story.presences[1].in = story_bounds(1, 1);
    SAYS(story_judge(&story)[0], RULE_COMPANY_JOINT); /* the same under both */
}

static void due__lone_in_an_excluded_band__needs_two_supervisors(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story.risks[0].risk = RULE_RISK_VERY_HIGH;
    story_presence(&story, 0, 0, 60)->with = RULE_WITH_ALONE;
    story_decision(&story, 0, 'a', true, 100);
    assert_false(story_judge(&story)[0].due_met);
    story_decision(&story, 0, 'a', true, 101); /* the same person twice */
    assert_false(story_judge(&story)[0].due_met);
    story_decision(&story, 0, 'b', true, 102);
    assert_true(story_judge(&story)[0].due_met);
    story_decision(&story, 0, 'c', false, 90); /* between people "not appropriate" stands */
    assert_false(story_judge(&story)[0].due_met);
}

static void due__standing_against__lapses_by_later_evidence_only(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 0, 60)->received_us = story_us(200);
    story_decision(&story, 0, 'a', false, 100);
    assert_true(story_judge(&story)[0].due_met);
    story.presences[1].received_us = story_us(90);
    assert_false(story_judge(&story)[0].due_met);
}

static void due__outcomes_that_differ_or_nobody_seen__wait(void **state)
{
    struct story story;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 0, 60)->outcome = RULE_OUTCOME_NOT_IN;
    assert_false(story_judge(&story)[0].due_met);
    assert_true(has(&story.verdicts[0], RULE_REASON_OUTCOMES_DIFFER));
    story.presences[0].outcome = RULE_OUTCOME_NOT_IN;
    assert_false(story_judge(&story)[0].due_met);
    assert_false(has(&story.verdicts[0], RULE_REASON_OUTCOMES_DIFFER));
}

/* ---- the sentence ---- */

static const char *constable(const void *context, size_t officer)
{
    (void)context;
    return officer == 0 ? "PC 1123" : "PC 2207";
}

static void sentence__joint__names_partner_minutes_and_distance(void **state)
{
    struct story story;
    char text[RULE_EXPLAIN_SIZE];
    char small[12];
    size_t length;

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->in_at = story_place(0, 4);
    story_presence(&story, 1, 4, 60)->in_at = story_place(21, 5);
    (void)story_judge(&story);
    (void)rule_explain(&story.rule_case, story.verdicts, 0, constable, NULL, text, sizeof text);
    assert_string_equal(
        text, "Joint, grade B: PC 2207's presence covers all but 4 minutes of PC 1123's; phones 12\u201331 m apart.");
    length = rule_explain(&story.rule_case, story.verdicts, 0, constable, NULL, small, sizeof small);
    assert_int_equal(length, strlen(small));
    assert_string_equal(small, "Joint, grad");
}

static void sentence__awaiting__says_what_is_awaited(void **state)
{
    struct story story;
    char text[RULE_EXPLAIN_SIZE];

    (void)state;
    story_begin(&story);
    story_names(story_presence(&story, 0, 0, 60), 1);
    (void)story_judge(&story);
    (void)rule_explain(&story.rule_case, story.verdicts, 0, constable, NULL, text, sizeof text);
    assert_non_null(strstr(text, "Awaiting the second officer"));
    assert_non_null(strstr(text, "still awaited: a phone that has not yet reported past the visit"));
}

static void sentence__agency__nobody_is_missing(void **state)
{
    struct story story;
    char text[RULE_EXPLAIN_SIZE];

    (void)state;
    story_begin(&story);
    story_presence(&story, 0, 0, 60)->agency = true;
    (void)story_judge(&story);
    (void)rule_explain(&story.rule_case, story.verdicts, 0, constable, NULL, text, sizeof text);
    assert_string_equal(
        text, "Accompanied: the second person is from a partner agency and does not count as a second officer.");
}

static void sentence__minutes_from_none__at_most(void **state)
{
    struct story story;
    char text[RULE_EXPLAIN_SIZE];

    (void)state;
    story_begin(&story);
    (void)story_presence(&story, 0, 0, 60);
    story_presence(&story, 1, 0, 60)->in.hi_us += 90 * 1000000;
    (void)story_judge(&story);
    (void)rule_explain(&story.rule_case, story.verdicts, 0, constable, NULL, text, sizeof text);
    assert_non_null(strstr(text, "covers all but at most 2 minutes of PC 1123's"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority__order_against_the_check_in__decides),
        cmocka_unit_test(authority__last_words_and_refusals__outweigh),
        cmocka_unit_test(authority__against_policy__is_not_permitted),
        cmocka_unit_test(authority__risk_changed_within_the_bounds__is_unproven),
        cmocka_unit_test(policy__changed_within_the_bounds__is_judged_under_each),
        cmocka_unit_test(due__lone_in_an_excluded_band__needs_two_supervisors),
        cmocka_unit_test(due__standing_against__lapses_by_later_evidence_only),
        cmocka_unit_test(due__outcomes_that_differ_or_nobody_seen__wait),
        cmocka_unit_test(sentence__joint__names_partner_minutes_and_distance),
        cmocka_unit_test(sentence__agency__nobody_is_missing),
        cmocka_unit_test(sentence__minutes_from_none__at_most),
        cmocka_unit_test(sentence__awaiting__says_what_is_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
