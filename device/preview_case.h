/* The rule's case as this phone can know it: own entries, partners' carried check-ins, the server's rows. */
#ifndef DOUBLECREW_DEVICE_PREVIEW_CASE_H
#define DOUBLECREW_DEVICE_PREVIEW_CASE_H

#include "core/bounds.h"
#include "core/limits.h"
#include "core/rule.h"
#include "device/device.h"

#define PREVIEW_OFFICERS_MAX 128
#define PREVIEW_OFFENDERS_MAX 32
#define PREVIEW_BOOTS_MAX 64
#define PREVIEW_PLANS_MAX 64
#define PREVIEW_POLICIES_MAX 16

struct preview_case {
    struct rule_policy policies[PREVIEW_POLICIES_MAX];
    size_t policy_count;
    struct rule_risk_span risks[PREVIEW_OFFENDERS_MAX];
    struct rule_offender offenders[PREVIEW_OFFENDERS_MAX];
    size_t offender_count;
    struct rule_officer officers[PREVIEW_OFFICERS_MAX];
    size_t officer_count;
    struct rule_device devices[PREVIEW_OFFICERS_MAX];
    size_t device_count;
    struct rule_holder_span
        holders[RULE_PRESENCES_MAX]; /* of the devices that several officers used, one after another */
    size_t holder_count;
    struct rule_presence presences[RULE_PRESENCES_MAX];
    size_t presence_count;
    struct hash cosigned[RULE_PRESENCES_MAX]; /* what a presence's cosign names, until all presences are known */
    struct rule_plan plans[PREVIEW_PLANS_MAX];
    size_t plan_count;
    struct id boots[PREVIEW_BOOTS_MAX];
    size_t boot_count;
    uint64_t other_boots;
    int64_t now_us;
    bool roster_known; /* at least one officer's row */
};

/* NOT_FOUND: presence is no check-in of this log, or its body is no longer kept. The caller frees. */
MUST_USE enum status preview_case_build(struct dc_device *device, const struct hash *presence,
                                        struct preview_case **ret_case, size_t *ret_index);

#endif
