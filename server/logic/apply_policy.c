/* Versions of the policy, and their form for the rule (L1: none is ever back-dated). */
#include "server/logic/batch_internal.h"

#include <stdlib.h>

#define SECOND_US INT64_C(1000000)

void policy_for_rule(const Doublecrew__V1__Policy *message, struct rule_policy *policy)
{
    policy->effective_from_us = message->effective_from_ms * 1000;
    policy->max_alone_us = message->max_alone_s * SECOND_US;
    policy->longest_visit_us = message->longest_visit_s * SECOND_US;
    policy->time_limit_us = message->time_limit_s * SECOND_US;
    policy->retro_window_us = message->retro_window_s * SECOND_US;
    policy->evidence_overdue_us = message->evidence_overdue_s * SECOND_US;
    policy->authority_max_us = message->authority_max_s * SECOND_US;
    policy->cosign_round_trip_us = message->cosign_round_trip_s * SECOND_US;
    policy->drift_ppb = (int64_t)message->drift_ppm * 1000;
    policy->partner_distance_m = message->partner_distance_m;
    policy->far_apart_m = message->far_apart_m;
    policy->late_out_m = message->late_out_m;
    for (size_t risk = 0; risk < 4; risk++)
        policy->lone_forbidden[risk] = false;
    for (size_t i = 0; i < message->n_lone_forbidden; i++) {
        int level = (int)message->lone_forbidden[i] - (int)DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW;

        if (level >= 0 && level < 4)
            policy->lone_forbidden[level] = true;
    }
}

void policy_for_flags(const Doublecrew__V1__Policy *message, struct flag_policy *policy)
{
    flag_policy_default(policy);
    policy->effective_from_us = message->effective_from_ms * 1000;
    policy->max_alone_us = message->max_alone_s * SECOND_US;
    if (message->acknowledge_within_s > 0)
        policy->acknowledge_us = message->acknowledge_within_s * SECOND_US;
    if (message->welfare_check_s > 0)
        policy->welfare_us = message->welfare_check_s * SECOND_US;
    if (message->longest_visit_s > 0)
        policy->longest_us = message->longest_visit_s * SECOND_US;
    if (message->work_days == 0)
        return;
    policy->hours = (struct work_hours){message->work_from_min, message->work_to_min, message->work_days};
    policy->answer_us = message->answer_within_s * SECOND_US;
    policy->repeated_lone = message->repeated_lone;
    policy->repeated_us = message->repeated_within_s * SECOND_US;
    policy->same_pair = message->same_pair;
    policy->plausible_us = message->plausible_visit_s * SECOND_US;
    policy->edited_after_us = message->edited_after_s * SECOND_US;
}

/* Nothing outlasts a day of the clock, and no clock is wound for longer than a year (work_hours.h). */
static bool policy_is_sound(const Doublecrew__V1__Policy *policy)
{
    const uint32_t week_s = 7 * 24 * 3600;

    return policy->drift_ppm < 1000000 && policy->work_from_min <= 1440 && policy->work_to_min <= 1440 &&
           policy->acknowledge_within_s <= week_s && policy->answer_within_s <= week_s;
}

static int flags_by_effect(const void *a, const void *b)
{
    const struct flag_policy *left = a;
    const struct flag_policy *right = b;

    return (left->effective_from_us > right->effective_from_us) - (left->effective_from_us < right->effective_from_us);
}

static int by_effect(const void *a, const void *b)
{
    const struct rule_policy *left = a;
    const struct rule_policy *right = b;

    return (left->effective_from_us > right->effective_from_us) - (left->effective_from_us < right->effective_from_us);
}

/* DOMAIN.md's defaults hold until the first version takes effect. */
enum status batch_policies(struct batch *batch, const struct rule_policy **ret_policies, size_t *ret_count)
{
    if (batch->policy_count == 0) {
        struct span bodies[LOGIC_POLICIES_MAX];
        size_t count;

        RETURN_IF_BAD(batch->store->ops->policies(batch->store, bodies, LOGIC_POLICIES_MAX, &count));
        arena_reset(batch->scratch, ARENA_CAP_DEFAULT);
        rule_policy_default(&batch->policies[0]);
        batch->policies[0].effective_from_us = INT64_MIN;
        flag_policy_default(&batch->flag_policies[0]);
        for (size_t i = 0; i < count; i++) {
            ProtobufCMessage *message;

            RETURN_IF_BAD(wire_unpack(batch->scratch, &doublecrew__v1__policy__descriptor, bodies[i], &message));
            policy_for_rule((const Doublecrew__V1__Policy *)message, &batch->policies[i + 1]);
            policy_for_flags((const Doublecrew__V1__Policy *)message, &batch->flag_policies[i + 1]);
        }
        qsort(batch->policies, count + 1, sizeof(batch->policies[0]), by_effect);
        qsort(batch->flag_policies, count + 1, sizeof(batch->flag_policies[0]), flags_by_effect);
        batch->policy_count = count + 1;
    }
    *ret_policies = batch->policies;
    *ret_count = batch->policy_count;
    return STATUS_OK;
}

enum status batch_policy_at(struct batch *batch, int64_t at_us, const struct rule_policy **ret_policy)
{
    const struct rule_policy *policies;
    size_t count, at = 0;

    RETURN_IF_BAD(batch_policies(batch, &policies, &count));
    for (size_t i = 1; i < count && policies[i].effective_from_us <= at_us; i++)
        at = i;
    *ret_policy = &policies[at];
    return STATUS_OK;
}

enum status batch_flag_policy_at(struct batch *batch, int64_t at_us, const struct flag_policy **ret_policy)
{
    const struct rule_policy *policies;
    size_t count, at = 0;

    RETURN_IF_BAD(batch_policies(batch, &policies, &count));
    for (size_t i = 1; i < count && batch->flag_policies[i].effective_from_us <= at_us; i++)
        at = i;
    *ret_policy = &batch->flag_policies[at];
    return STATUS_OK;
}

static enum status publish_policy(struct batch *batch, uint64_t pos, Doublecrew__V1__Policy *policy)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__PolicyRow policy_row = DOUBLECREW__V1__POLICY_ROW__INIT;
    struct view_key key = {.bytes = {'y'}, .size = 5};
    struct scope_list scopes = scopes_of_force();

    put_u32(key.bytes + 1, policy->version);
    policy_row.policy = policy;
    row.row_case = DOUBLECREW__V1__ROW__ROW_POLICY;
    row.policy = &policy_row;
    return feed_publish(batch, &key, pos, &row, &scopes);
}

enum status apply_policy(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    Doublecrew__V1__Policy policy = *(const Doublecrew__V1__Policy *)base;
    const struct rule_policy *policies;
    struct view_key key = {.bytes = {'y'}, .size = 5};
    struct view_row view;
    size_t count, size;
    uint8_t *bytes;
    enum status status;

    put_u32(key.bytes + 1, policy.version);
    status = batch->store->ops->view_get(batch->store, span_of(key.bytes, key.size), &view);
    if (status != STATUS_NOT_FOUND) {
        applying->held = "policy_in_use"; /* a version says one thing for ever */
        return status;
    }
    RETURN_IF_BAD(batch_policies(batch, &policies, &count));
    if (count > LOGIC_POLICIES_MAX || !policy_is_sound(&policy)) {
        applying->held = policy_is_sound(&policy) ? "over_limit" : "malformed_payload";
        return STATUS_OK;
    }
    if (policy.effective_from_ms * 1000 < batch->time_us)
        policy.effective_from_ms = (batch->time_us + 999) / 1000;
    if (policy.effective_from_ms * 1000 < policies[count - 1].effective_from_us) {
        applying->held = "policy_overlaps"; /* a later version is set already: what is to follow it comes after it */
        return STATUS_OK;
    }
    RETURN_IF_BAD(wire_pack(&policy.base, &bytes, &size));
    status = batch->store->ops->policy_put(batch->store, policy.version, policy.effective_from_ms * 1000,
                                           span_of(bytes, size));
    free(bytes);
    RETURN_IF_BAD(status);
    batch->policy_count = 0;
    return publish_policy(batch, applying->pos, &policy);
}
