/* Which flags a verdict asks for, and what becomes of a flag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "server/logic/flags.h"

#define BIT(kind) (UINT32_C(1) << (kind))

static struct rule_verdict verdict_of(enum rule_company company, enum rule_authority authority, uint32_t reasons)
{
    struct rule_verdict verdict = {.company = company, .authority = authority, .reasons = reasons};

    return verdict;
}

static void quiet_companies__no_flag(void **state)
{
    static const enum rule_company quiet[] = {RULE_COMPANY_UNDER_WAY, RULE_COMPANY_JOINT_SO_FAR, RULE_COMPANY_JOINT,
                                              RULE_COMPANY_AWAITING_SECOND, RULE_COMPANY_LONE_PROVISIONAL};

    (void)state;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        struct rule_verdict verdict = verdict_of(quiet[i], RULE_AUTHORITY_NONE, RULE_REASON_CLAIMED_ONLY);

        assert_int_equal(flags_of_verdict(&verdict), 0);
    }
}

static void lone_confirmed__alarm_unless_authorised_beforehand(void **state)
{
    struct rule_verdict none = verdict_of(RULE_COMPANY_LONE_CONFIRMED, RULE_AUTHORITY_NONE, 0);
    struct rule_verdict prior = verdict_of(RULE_COMPANY_LONE_CONFIRMED, RULE_AUTHORITY_PRIOR, 0);
    struct rule_verdict refused = verdict_of(RULE_COMPANY_LONE_CONFIRMED, RULE_AUTHORITY_REFUSED, 0);

    (void)state;
    assert_int_equal(flags_of_verdict(&none), BIT(FLAG_LONE_CONFIRMED) | BIT(FLAG_AUTHORITY_MISSING));
    assert_int_equal(flags_of_verdict(&prior), 0);
    assert_int_equal(flags_of_verdict(&refused), BIT(FLAG_LONE_CONFIRMED) | BIT(FLAG_AUTHORITY_REFUSED));
}

static void unsettled__waits_for_what_settles_itself(void **state)
{
    struct rule_verdict open = verdict_of(RULE_COMPANY_PART_JOINT, RULE_AUTHORITY_NONE, RULE_REASON_OPEN);
    struct rule_verdict over = verdict_of(RULE_COMPANY_PART_JOINT, RULE_AUTHORITY_NONE, 0);
    struct rule_verdict unproven = verdict_of(RULE_COMPANY_TIME_UNPROVEN, RULE_AUTHORITY_NONE, 0);
    const int64_t now_us = 1000;

    (void)state;
    assert_int_equal(flags_unsettled(&open, now_us), BIT(FLAG_PART_JOINT) | BIT(FLAG_AUTHORITY_MISSING));
    assert_int_equal(flags_unsettled(&over, now_us), 0);
    unproven.next_change_us = now_us + FLAG_SETTLING_US;
    assert_int_equal(flags_unsettled(&unproven, now_us), BIT(FLAG_TIME_UNPROVEN));
    unproven.next_change_us = now_us + FLAG_SETTLING_US + 1;
    assert_int_equal(flags_unsettled(&unproven, now_us), 0);
    unproven.next_change_us = RULE_FOREVER;
    assert_int_equal(flags_unsettled(&unproven, now_us), 0);
}

static void held__flagged_by_its_cause(void **state)
{
    struct rule_verdict contested = verdict_of(RULE_COMPANY_HELD, RULE_AUTHORITY_NONE, RULE_REASON_CONTESTED);
    struct rule_verdict two = verdict_of(RULE_COMPANY_HELD, RULE_AUTHORITY_NONE, RULE_REASON_TWO_PLACES);

    (void)state;
    assert_int_equal(flags_of_verdict(&contested), BIT(FLAG_HELD_EVIDENCE));
    assert_int_equal(flags_of_verdict(&two), BIT(FLAG_TWO_PLACES));
}

static void life_of_a_flag__as_the_evidence_goes(void **state)
{
    (void)state;
    assert_int_equal(flag_next((enum flag_state)0, false, false), FLAG_STAYS);
    assert_int_equal(flag_next((enum flag_state)0, true, false), FLAG_IS_RAISED);
    assert_int_equal(flag_next(FLAG_RAISED, true, false), FLAG_STAYS);
    assert_int_equal(flag_next(FLAG_RAISED, false, false), FLAG_IS_CLEARED);
    assert_int_equal(flag_next(FLAG_ACKNOWLEDGED, false, false), FLAG_IS_CLEARED);
    assert_int_equal(flag_next(FLAG_ACKNOWLEDGED, true, true), FLAG_IS_DECIDED);
    assert_int_equal(flag_next(FLAG_CLEARED, true, false), FLAG_IS_REOPENED);
    assert_int_equal(flag_next(FLAG_CLEARED, false, true), FLAG_STAYS);
    assert_int_equal(flag_next(FLAG_DECIDED, true, false), FLAG_STAYS);
    assert_int_equal(flag_next(FLAG_DECIDED, false, false), FLAG_STAYS);
    assert_int_equal(flag_next(FLAG_DECIDED, false, true), FLAG_IS_DECIDED); /* a person's last word speaks */
}

static void names__stable_and_distinct(void **state)
{
    (void)state;
    assert_null(flag_info(0));
    assert_null(flag_info(FLAG_KIND_COUNT));
    for (uint32_t a = 1; a < FLAG_KIND_COUNT; a++) {
        assert_non_null(flag_info(a));
        assert_in_range(flag_info(a)->severity, 1, 4);
        for (uint32_t b = 1; b < a; b++)
            assert_string_not_equal(flag_info(a)->name, flag_info(b)->name);
    }
}

static void id__depends_on_kind_and_subject(void **state)
{
    struct hash subject = {{1}}, other = {{2}}, a, b, c, again;
    struct sha256 *sha;

    (void)state;
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    assert_int_equal(flag_id(sha, FLAG_FORK, &subject, &a), STATUS_OK);
    assert_int_equal(flag_id(sha, FLAG_FORK, &subject, &again), STATUS_OK);
    assert_int_equal(flag_id(sha, FLAG_FORK, &other, &b), STATUS_OK);
    assert_int_equal(flag_id(sha, FLAG_PART_JOINT, &subject, &c), STATUS_OK);
    assert_true(hash_equal(&a, &again));
    assert_false(hash_equal(&a, &b));
    assert_false(hash_equal(&a, &c));
    sha256_free(sha);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_companies__no_flag),
        cmocka_unit_test(lone_confirmed__alarm_unless_authorised_beforehand),
        cmocka_unit_test(unsettled__waits_for_what_settles_itself),
        cmocka_unit_test(held__flagged_by_its_cause),
        cmocka_unit_test(life_of_a_flag__as_the_evidence_goes),
        cmocka_unit_test(names__stable_and_distinct),
        cmocka_unit_test(id__depends_on_kind_and_subject),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
