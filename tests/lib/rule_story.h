/*
 * Cases of the two-officer rule written as stories, in minutes: the least that each test must say.
 *
 * Officer i has device i; all are accredited and entitled; the one offender is low risk. Times are minutes after an epoch.
 */
#ifndef DOUBLECREW_TESTS_LIB_RULE_STORY_H
#define DOUBLECREW_TESTS_LIB_RULE_STORY_H

#include "core/limits.h"
#include "core/rule.h"

#define STORY_EPOCH_US INT64_C(1800000000000000)
#define MIN_US INT64_C(60000000)
#define STORY_OFFICERS 6

struct story {
    struct rule_case rule_case;
    struct rule_policy policies[2];
    struct rule_risk_span risks[2];
    struct rule_offender offenders[2];
    struct rule_officer officers[STORY_OFFICERS];
    struct rule_device devices[STORY_OFFICERS];
    struct rule_presence presences[16];
    struct rule_plan plans[2];
    struct rule_authority_word authorities[4];
    struct rule_decision decisions[4];
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
};

#define STORY_OPEN INT64_MIN /* no check-out */

int64_t story_us(int64_t minute);
/* An empty story: now is minute 1000, long after everything. */
void story_begin(struct story *story);
/* Exact times, unrecorded company, no places, received at once. Returns it to be changed further. */
struct rule_presence *story_presence(struct story *story, size_t officer, int64_t in_minute, int64_t out_minute);
void story_names(struct rule_presence *presence, size_t officer);
struct rule_instant story_bounds(int64_t lo_minute, int64_t hi_minute);
struct rule_place story_place(double x_m, double accuracy_m);
void story_watermark(struct story *story, size_t device, int64_t minute);
void story_plan(struct story *story, size_t a, size_t b, int64_t from_minute, int64_t to_minute);
void story_word(struct story *story, char by, bool granted, int64_t recorded_minute);
void story_decision(struct story *story, size_t presence, char by, bool counts, int64_t recorded_minute);
/* Judges; fails the test when the case can't be judged. */
const struct rule_verdict *story_judge(struct story *story);

#endif
