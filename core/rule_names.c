/* The rule's names, as on the wire and in the store, and DOMAIN.md's default policy. */
#include "core/rule.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

static const char *name_at(const char *const *names, size_t count, size_t index)
{
    return index < count ? names[index] : "";
}

#define NAME_AT(names, index) name_at(names, sizeof(names) / sizeof *(names), (size_t)(index))

const char *rule_company_name(enum rule_company company)
{
    static const char *const names[] = {
        [RULE_COMPANY_HELD] = "held",
        [RULE_COMPANY_UNDER_WAY] = "under_way",
        [RULE_COMPANY_JOINT_SO_FAR] = "joint_so_far",
        [RULE_COMPANY_JOINT] = "joint",
        [RULE_COMPANY_TIME_UNPROVEN] = "time_unproven",
        [RULE_COMPANY_AWAITING_SECOND] = "awaiting_second",
        [RULE_COMPANY_ACCOMPANIED] = "accompanied",
        [RULE_COMPANY_PART_JOINT] = "part_joint",
        [RULE_COMPANY_LONE_PROVISIONAL] = "lone_provisional",
        [RULE_COMPANY_LONE_CONFIRMED] = "lone_confirmed",
    };

    return NAME_AT(names, company);
}

const char *rule_confirmed_name(enum rule_confirmed confirmed)
{
    static const char *const names[] = {
        [RULE_CONFIRMED_NOT] = "",
        [RULE_CONFIRMED_BY_LOG] = "log",
        [RULE_CONFIRMED_BY_STATEMENT] = "statement",
        [RULE_CONFIRMED_BY_TIME_LIMIT] = "time_limit",
    };

    return NAME_AT(names, confirmed);
}

const char *rule_grade_name(enum rule_grade grade)
{
    static const char *const names[] = {
        [RULE_GRADE_NONE] = "", [RULE_GRADE_A] = "A", [RULE_GRADE_B] = "B", [RULE_GRADE_C] = "C", [RULE_GRADE_D] = "D",
    };

    return NAME_AT(names, grade);
}

const char *rule_authority_name(enum rule_authority authority)
{
    static const char *const names[] = {
        [RULE_AUTHORITY_NONE] = "none",
        [RULE_AUTHORITY_PRIOR] = "prior",
        [RULE_AUTHORITY_RETROSPECTIVE] = "retrospective",
        [RULE_AUTHORITY_ORDER_UNPROVEN] = "order_unproven",
        [RULE_AUTHORITY_REFUSED] = "refused",
        [RULE_AUTHORITY_NOT_PERMITTED] = "not_permitted",
    };

    return NAME_AT(names, authority);
}

const char *rule_outcome_name(enum rule_outcome outcome)
{
    static const char *const names[] = {
        [RULE_OUTCOME_NONE] = "",           [RULE_OUTCOME_SEEN] = "seen",   [RULE_OUTCOME_NOT_IN] = "not_in",
        [RULE_OUTCOME_REFUSED] = "refused", [RULE_OUTCOME_MOVED] = "moved", [RULE_OUTCOME_CUSTODY] = "custody",
        [RULE_OUTCOME_ABORTED] = "aborted",
    };

    return NAME_AT(names, outcome);
}

void rule_policy_default(struct rule_policy *ret_policy)
{
    *ret_policy = (struct rule_policy){
        .effective_from_us = INT64_MIN,
        .max_alone_us = 10 * MINUTE_US,
        .longest_visit_us = 180 * MINUTE_US,
        .time_limit_us = 240 * MINUTE_US,
        .retro_window_us = 24 * HOUR_US,
        .evidence_overdue_us = 24 * HOUR_US,
        .authority_max_us = 7 * 24 * HOUR_US,
        .cosign_round_trip_us = 60 * SECOND_US,
        .drift_ppb = 200000,
        .partner_distance_m = 100,
        .far_apart_m = 2000,
        .late_out_m = 150,
        .lone_forbidden = {[RULE_RISK_HIGH] = true, [RULE_RISK_VERY_HIGH] = true},
    };
}
