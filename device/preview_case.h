/* The rule's case as this phone can know it: own entries, partners' carried check-ins, the server's rows. */
#ifndef DOUBLECREW_DEVICE_PREVIEW_CASE_H
#define DOUBLECREW_DEVICE_PREVIEW_CASE_H

#include "core/bounds.h"
#include "core/limits.h"
#include "core/rule.h"
#include "device/device.h"

#define PREVIEW_OFFICERS_MAX 256
#define PREVIEW_DEVICES_MAX 384 /* a phone of each officer's at least */
#define PREVIEW_OFFENDERS_MAX RULE_PRESENCES_MAX
#define PREVIEW_BOOTS_MAX (2 * RULE_PRESENCES_MAX)
#define PREVIEW_PLANS_MAX 64
#define PREVIEW_POLICIES_MAX 65 /* all that a server keeps, and the default */
#define PREVIEW_SPANS_MAX 16    /* changes of one officer's standing, one phone's holder, one offender's risk */
#define PREVIEW_WORDS_MAX 256

struct preview_case {
    size_t chosen[RULE_PRESENCES_MAX]; /* sketches: those of the visit, then what is around it */
    size_t chosen_count;
    size_t visit_count;
    struct rule_policy policies[PREVIEW_POLICIES_MAX];
    size_t policy_count;
    int64_t longest_visit_us;                           /* of all policies */
    struct rule_risk_span risks[PREVIEW_OFFENDERS_MAX]; /* today's */
    struct rule_risk_span past_risks[PREVIEW_OFFENDERS_MAX]
                                    [PREVIEW_SPANS_MAX + 1]; /* as far as rows say, then today's */
    size_t past_risk_counts[PREVIEW_OFFENDERS_MAX];
    int64_t risks_told_to_us[PREVIEW_OFFENDERS_MAX];       /* the latest check-in of which a row says it */
    struct rule_offender offenders[PREVIEW_OFFENDERS_MAX]; /* the first: the one visited */
    size_t offender_count;
    struct rule_officer officers[PREVIEW_OFFICERS_MAX];
    struct rule_officer_span standings[PREVIEW_OFFICERS_MAX][PREVIEW_SPANS_MAX];
    size_t standing_counts[PREVIEW_OFFICERS_MAX];
    size_t officer_count;
    struct rule_device devices[PREVIEW_DEVICES_MAX];
    struct rule_holder_span holders[PREVIEW_DEVICES_MAX][PREVIEW_SPANS_MAX];
    size_t device_count;
    bool phones_known; /* the server said which phones the visit in question waits for */
    struct rule_presence presences[RULE_PRESENCES_MAX];
    size_t presence_count;
    struct rule_decision decisions[PREVIEW_WORDS_MAX];
    size_t decision_count;
    struct rule_plan plans[PREVIEW_PLANS_MAX];
    size_t plan_count;
    struct id boots[PREVIEW_BOOTS_MAX];
    size_t boot_count;
    uint64_t other_boots;
    int64_t now_us;
    bool roster_known; /* at least one officer's row */
    bool told;         /* the server's verdict on it is here */
    bool complete;     /* all that the server looked at for the visit in question is here */
    bool news;         /* something here isn't in the server's verdict on it yet */
};

/* NOT_FOUND: presence is no check-in of this log, or its body is no longer kept. The caller frees. */
MUST_USE enum status preview_case_build(struct dc_device *device, const struct hash *presence,
                                        struct preview_case **ret_case, size_t *ret_index);
/* Borrows. */
void preview_case_view(const struct preview_case *preview, struct rule_case *ret_case);

#endif
