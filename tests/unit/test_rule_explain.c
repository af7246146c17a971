/* Every sentence of the rule, word for word (V8, A3): what a supervisor reads must not change unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule_explain.h"
#include "tests/lib/rule_story.h"

static const char *code_of(const void *context, size_t officer)
{
    static const char *const codes[] = {"PC 1123", "PC 2207", "DC 3310", "PC 4001"};

    (void)context;
    return codes[officer];
}

static void both(struct story *s, int64_t in, int64_t out, int64_t other_in, int64_t other_out)
{
    (void)story_presence(s, 0, in, out);
    (void)story_presence(s, 1, other_in, other_out);
}

/* The partner's phone so far away, both good to 5 m. */
static void near(struct story *s, double metres)
{
    s->presences[0].in_at = story_place(0, 5);
    s->presences[1].in_at = story_place(metres, 5);
}

static void cosign(struct story *s)
{
    s->presences[0].cosign = (struct rule_cosign){.presence = 1, .first = true, .round_trip_us = 20 * 1000000};
}

/* Bounds in minutes and seconds. */
static struct rule_instant at(int64_t lo_min, int64_t lo_s, int64_t hi_min, int64_t hi_s)
{
    return (struct rule_instant){story_us(lo_min) + lo_s * 1000000, story_us(hi_min) + hi_s * 1000000};
}

static void joint_locations_agree(struct story *s)
{
    both(s, 0, 60, 4, 60);
    near(s, 21);
}

static void joint_nothing_uncovered(struct story *s)
{
    both(s, 0, 60, 0, 60);
}

static void joint_one_minute(struct story *s)
{
    both(s, 0, 60, 1, 60);
    near(s, 21);
}

static void joint_seconds(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].in = at(0, 30, 0, 30);
}

static void joint_uncertain_minutes(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].in = at(2, 0, 4, 0);
}

static void joint_known_to_the_second(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].in = at(3, 59, 4, 1);
}

static void joint_uncertain_from_nothing(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].in = at(0, 0, 0, 40);
}

static void joint_one_location_missing(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[0].in_at = story_place(0, 5);
}

static void joint_phones_apart(struct story *s)
{
    both(s, 0, 60, 0, 60);
    near(s, 400);
}

static void joint_co_signed(struct story *s)
{
    both(s, 0, 60, 1, 60);
    near(s, 21);
    cosign(s);
}

static void joint_two_partners(struct story *s)
{
    both(s, 0, 60, 0, 30);
    (void)story_presence(s, 2, 30, 57);
}

static void joint_three_partners(struct story *s)
{
    both(s, 0, 60, 0, 20);
    (void)story_presence(s, 2, 20, 40);
    (void)story_presence(s, 3, 40, 60);
}

static void joint_the_same_partner_twice(struct story *s)
{
    both(s, 0, 60, 0, 30);
    (void)story_presence(s, 1, 31, 60);
}

static void joint_beside_a_probation_officer(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[0].agency = true;
}

static void joint_a_third_phone_too_far_away(struct story *s)
{
    both(s, 0, 60, 0, 60);
    near(s, 21);
    story_presence(s, 2, 0, 60)->in_at = story_place(9000, 5);
}

static void joint_a_third_s_evidence_held(struct story *s)
{
    both(s, 0, 60, 0, 60);
    story_presence(s, 2, 0, 60)->contested = true;
}

static void joint_check_out_missing(struct story *s)
{
    both(s, 0, STORY_OPEN, 4, 60);
}

static void joint_check_out_late(struct story *s)
{
    both(s, 0, 90, 4, 60);
    s->presences[0].in_at = story_place(0, 5);
    s->presences[0].out_at = story_place(900, 5);
}

static void joint_outcomes_differ(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].outcome = RULE_OUTCOME_NOT_IN;
}

static void joint_decided_against_before(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].received_us = story_us(500);
    story_decision(s, 0, 'x', false, 400);
}

static void joint_decided_against_knowing_it(struct story *s)
{
    both(s, 0, 60, 0, 60);
    story_decision(s, 0, 'x', false, 400);
}

static void joint_so_far(struct story *s)
{
    both(s, 0, STORY_OPEN, 4, STORY_OPEN);
    s->rule_case.now_us = story_us(30);
}

static void under_way(struct story *s)
{
    (void)story_presence(s, 0, 0, STORY_OPEN);
    s->rule_case.now_us = story_us(5);
}

static void time_unproven(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].in = at(4, 0, 11, 0);
}

static void time_unproven_clocks(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[0].clock_trouble = true;
}

static void awaiting_one_named(struct story *s)
{
    story_names(story_presence(s, 0, 0, 60), 1);
}

static void awaiting_two_named_overdue(struct story *s)
{
    struct rule_presence *p = story_presence(s, 0, 0, 60);

    story_names(p, 1);
    story_names(p, 2);
    s->rule_case.now_us = story_us(2000);
}

static void awaiting_planned(struct story *s)
{
    (void)story_presence(s, 0, 0, 60);
    story_plan(s, 0, 1, -10, 60);
}

static void awaiting_partner_held(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].contested = true;
}

static void awaiting_partner_far(struct story *s)
{
    both(s, 0, 60, 0, 60);
    near(s, 9000);
}

static void awaiting_a_part_covered(struct story *s)
{
    both(s, 0, 60, 30, 60);
    story_names(&s->presences[0], 2);
}

static void accompanied_agency(struct story *s)
{
    story_presence(s, 0, 0, 60)->agency = true;
}

static void accompanied_not_entitled(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->officers[1].entitled_to_us = story_us(-1);
}

static void accompanied_nobody_accredited(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->officers[0].accredited = s->officers[1].accredited = false;
}

static void part_joint(struct story *s)
{
    both(s, 0, 60, 30, 60);
    near(s, 21);
}

static void part_joint_decided_to_count(struct story *s)
{
    both(s, 0, 60, 30, 60);
    story_decision(s, 0, 'x', true, 400);
}

static void lone_provisional(struct story *s)
{
    (void)story_presence(s, 0, 0, 60);
    s->rule_case.now_us = story_us(61);
}

static void lone_by_log_claimed(struct story *s)
{
    story_names(story_presence(s, 0, 0, 60), 1);
    story_watermark(s, 1, 61);
}

static void lone_by_log_two_claimed(struct story *s)
{
    struct rule_presence *p = story_presence(s, 0, 0, 60);

    story_names(p, 1);
    story_names(p, 2);
    story_watermark(s, 1, 61);
    story_watermark(s, 2, 61);
}

static void lone_by_statement(struct story *s)
{
    story_presence(s, 0, 0, 1)->with = RULE_WITH_ALONE;
}

static void lone_by_time_limit(struct story *s)
{
    (void)story_presence(s, 0, 0, 60);
}

static void lone_excluded_by_policy(struct story *s)
{
    story_presence(s, 0, 0, 60)->with = RULE_WITH_ALONE;
    s->risks[0].risk = RULE_RISK_HIGH;
}

static void lone_one_phone_for_two(struct story *s)
{
    both(s, 0, 60, 0, 60);
    s->presences[1].device = 0;
}

static void held_fork(struct story *s)
{
    story_presence(s, 0, 0, 60)->contested = true;
}

static void held_revoked(struct story *s)
{
    (void)story_presence(s, 0, 0, 60);
    s->devices[0].revoked_as_of_us = story_us(0);
}

static void held_unassigned(struct story *s)
{
    story_presence(s, 0, 0, 60)->device = 3;
}

static void held_two_places(struct story *s)
{
    struct rule_presence *p;

    (void)story_presence(s, 0, 0, 60);
    p = story_presence(s, 0, 30, 90);
    p->offender = 1;
    p->device = 3;
    s->devices[3].officer = 0;
    p->in_at = story_place(9000, 5);
    s->presences[0].in_at = story_place(0, 5);
}

static void held_two_reasons(struct story *s)
{
    struct rule_presence *p = story_presence(s, 0, 0, 60);

    p->contested = true;
    p->device = 3;
}

static const struct golden {
    void (*tell)(struct story *story);
    const char *sentence; /* of the first presence */
} goldens[] = {
    {joint_locations_agree,
     "Joint, grade B: PC 2207's presence covers all but 4 minutes of PC 1123's; phones 11\u201332 m apart."},
    {joint_nothing_uncovered,
     "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for either phone."},
    {joint_one_minute,
     "Joint, grade B: PC 2207's presence covers all but 1 minute of PC 1123's; phones 11\u201332 m apart."},
    {joint_seconds, "Joint, grade C: PC 2207's presence covers all but less than a minute of PC 1123's; no location "
                    "for either phone."},
    {joint_uncertain_minutes,
     "Joint, grade C: PC 2207's presence covers all but 2 to 4 minutes of PC 1123's; no location for either phone."},
    {joint_known_to_the_second,
     "Joint, grade C: PC 2207's presence covers all but about 4 minutes of PC 1123's; no location for either phone."},
    {joint_uncertain_from_nothing, "Joint, grade C: PC 2207's presence covers all but less than a minute of PC 1123's; "
                                   "no location for either phone."},
    {joint_one_location_missing,
     "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for one of the phones."},
    {joint_phones_apart, "Joint, grade C: PC 2207's presence covers all of PC 1123's; phones 390\u2013411 m apart, "
                         "farther than partners should be."},
    {joint_co_signed,
     "Joint, grade A: PC 2207's presence covers all but 1 minute of PC 1123's; phones 11\u201332 m apart."},
    {joint_two_partners, "Joint, grade C: the presences of PC 2207 and 1 other officer cover all but 3 minutes of PC "
                         "1123's; no location for either phone."},
    {joint_three_partners, "Joint, grade C: the presences of PC 2207 and 2 other officers cover all of PC 1123's; no "
                           "location for either phone."},
    {joint_the_same_partner_twice,
     "Joint, grade C: PC 2207's presence covers all but 1 minute of PC 1123's; no location for either phone."},
    {joint_beside_a_probation_officer, "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for "
                                       "either phone; accompanied by a person who does not count as a second officer."},
    {joint_a_third_phone_too_far_away,
     "Joint, grade B: PC 2207's presence covers all of PC 1123's; phones 11\u201332 m apart; another officer's phone "
     "was too far away to count until a supervisor decides."},
    {joint_a_third_s_evidence_held, "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for "
                                    "either phone; another officer's evidence is held until a supervisor decides."},
    {joint_check_out_missing, "Joint, grade C: PC 2207's presence covers all but 4 minutes of PC 1123's; no location "
                              "for either phone; check-out missing, its time is assumed."},
    {joint_check_out_late, "Joint, grade C: PC 2207's presence covers all but 4 minutes of PC 1123's; no location for "
                           "one of the phones; check-out pressed away from the place, its time is assumed."},
    {joint_outcomes_differ, "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for either phone; "
                            "the officers recorded different outcomes."},
    {joint_decided_against_before,
     "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for either phone; a supervisor had "
     "decided that it was not appropriate, before the evidence came."},
    {joint_decided_against_knowing_it, "Joint, grade C: PC 2207's presence covers all of PC 1123's; no location for "
                                       "either phone; a supervisor decided that it was not appropriate."},
    {joint_so_far,
     "Joint so far, grade C: PC 2207's presence covers all but 4 minutes of PC 1123's; no location for either phone."},
    {under_way, "Under way: PC 1123 has checked in, and no second officer yet."},
    {time_unproven, "Time unproven: the times leave open whether a second officer was with PC 1123 for long enough; "
                    "alone for 4 to 11 minutes."},
    {time_unproven_clocks, "Time unproven: the times leave open whether a second officer was with PC 1123 for long "
                           "enough; alone for an unknown time; the clocks contradict each other."},
    {awaiting_one_named, "Awaiting the second officer: nobody else's presence counts so far; PC 2207 was named but has "
                         "not checked in (grade D); still awaited: a phone that has not yet reported past the visit."},
    {awaiting_two_named_overdue,
     "Awaiting the second officer: nobody else's presence counts so far; PC 2207 and DC 3310 were named but have not "
     "checked in (grade D); still awaited: a phone that has not yet reported past the visit, and it is overdue."},
    {awaiting_planned, "Awaiting the second officer: nobody else's presence counts so far; PC 2207 was planned; still "
                       "awaited: a phone that has not yet reported past the visit."},
    {awaiting_partner_held, "Awaiting the second officer: a partner's evidence is held until a supervisor decides."},
    {awaiting_partner_far,
     "Awaiting the second officer: the two phones were too far apart to count together until a supervisor decides."},
    {awaiting_a_part_covered, "Awaiting the second officer: PC 2207's presence covers some of PC 1123's so far; alone "
                              "for 30 minutes; still awaited: a phone that has not yet reported past the visit."},
    {accompanied_agency,
     "Accompanied: the second person is from a partner agency and does not count as a second officer."},
    {accompanied_not_entitled,
     "Accompanied: the second person does not count as a second officer; an officer was not entitled at the check-in."},
    {accompanied_nobody_accredited, "Accompanied: the second person does not count as a second officer."},
    {part_joint,
     "Part joint, grade B: PC 2207's presence covers all but 30 minutes of PC 1123's; phones 11\u201332 m apart."},
    {part_joint_decided_to_count, "Part joint, grade C: PC 2207's presence covers all but 30 minutes of PC 1123's; no "
                                  "location for either phone; a supervisor decided that it counts."},
    {lone_provisional,
     "Lone, provisionally: no second officer has checked in, and nobody was named or planned; there for 60 minutes."},
    {lone_by_log_claimed, "Lone, confirmed: every phone that could show a second officer has reported past the visit; "
                          "there for 60 minutes; PC 2207 was named but has not checked in (grade D)."},
    {lone_by_log_two_claimed,
     "Lone, confirmed: every phone that could show a second officer has reported past the visit; there for 60 minutes; "
     "PC 2207 and DC 3310 were named but have not checked in (grade D)."},
    {lone_by_statement, "Lone, confirmed: the officer said so at the check-in; there for 1 minute."},
    {lone_by_time_limit, "Lone, confirmed: the time limit has passed and no phone can still report a second officer; "
                         "there for 60 minutes."},
    {lone_excluded_by_policy, "Lone, confirmed: the officer said so at the check-in; there for 60 minutes; policy "
                              "allows no lone visit at this risk level."},
    {lone_one_phone_for_two, "Lone, confirmed: the time limit has passed and no phone can still report a second "
                             "officer; there for 60 minutes; one phone was used for two officers."},
    {held_fork, "Held until a supervisor decides: two copies of the phone's log exist."},
    {held_revoked, "Held until a supervisor decides: the phone was revoked as of before the check-in."},
    {held_unassigned, "Held until a supervisor decides: the officer was not assigned to the phone."},
    {held_two_places, "Held until a supervisor decides: the officer would have been at two places at once."},
    {held_two_reasons, "Held until a supervisor decides: two copies of the phone's log exist, and the officer was not "
                       "assigned to the phone."},
};

static void sentence__each_company_and_reason__word_for_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        struct story story;
        char text[RULE_EXPLAIN_SIZE];

        story_begin(&story);
        goldens[i].tell(&story);
        (void)story_judge(&story);
        (void)rule_explain(&story.rule_case, story.verdicts, 0, code_of, NULL, text, sizeof text);
        assert_string_equal(text, goldens[i].sentence);
    }
}

/* A reason that no sentence shows is one that nobody will ever hear of. */
static void sentence__every_reason__is_in_one_of_them(void **state)
{
    /* Said by the company's own word: "so far", "under way". */
    uint32_t seen = RULE_REASON_OPEN;

    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        struct story story;

        story_begin(&story);
        goldens[i].tell(&story);
        seen |= story_judge(&story)[0].reasons;
    }
    assert_int_equal(seen, 2 * (uint32_t)RULE_REASON_LONE_FORBIDDEN - 1);
}

/* However little room: whole characters, ended by a zero. */
static void sentence__cut__is_a_text_all_the_same(void **state)
{
    struct story story;
    char whole[RULE_EXPLAIN_SIZE];

    (void)state;
    story_begin(&story);
    joint_locations_agree(&story);
    (void)story_judge(&story);
    size_t length = rule_explain(&story.rule_case, story.verdicts, 0, code_of, NULL, whole, sizeof whole);

    for (size_t size = 1; size <= length; size++) {
        char text[RULE_EXPLAIN_SIZE];
        size_t cut = rule_explain(&story.rule_case, story.verdicts, 0, code_of, NULL, text, size);

        assert_int_equal(cut, strlen(text));
        assert_true(cut < size && cut + 4 >= size);
        assert_memory_equal(text, whole, cut);
        assert_true(((unsigned char)whole[cut] & 0xc0u) != 0x80u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentence__each_company_and_reason__word_for_word),
        cmocka_unit_test(sentence__every_reason__is_in_one_of_them),
        cmocka_unit_test(sentence__cut__is_a_text_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
