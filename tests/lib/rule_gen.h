/*
 * Seeded random cases for the two-officer rule: the same seed and options give the same case on every machine.
 *
 * A case is drawn around a hidden true world: bounds hold the true instants, monotonic clocks and log numbers follow them, so the
 * constraints don't contradict each other, except where RULE_GEN_TROUBLE breaks one on purpose.
 * All times and lengths are multiples of grid_us and all places whole metres, so a case survives JUDGE's whole seconds when
 * grid_us is a multiple of a second.
 */
#ifndef DOUBLECREW_TESTS_LIB_RULE_GEN_H
#define DOUBLECREW_TESTS_LIB_RULE_GEN_H

#include "core/rule.h"

#define RULE_GEN_OFFICERS_MAX 6
#define RULE_GEN_PRESENCES_MAX 10
#define RULE_GEN_DEVICES_MAX 8
#define RULE_GEN_EPOCH_US INT64_C(1800000000000000)

/* What may occur in a case. */
enum rule_gen_feature {
    RULE_GEN_UNCERTAIN = 1 << 0, /* bounds wider than a point */
    RULE_GEN_BOOTS = 1 << 1,     /* monotonic clocks shared within a boot; without it every boot stands alone */
    RULE_GEN_LOG_ORDER = 1 << 2, /* places in the log are known */
    RULE_GEN_COSIGN = 1 << 3,
    RULE_GEN_MISSING = 1 << 4, /* open, missing and late check-outs */
    RULE_GEN_HELD = 1 << 5,    /* forks, revocations, unassigned officers, two places, far apart */
    RULE_GEN_PLANS = 1 << 6,
    RULE_GEN_DECISIONS = 1 << 7,
    RULE_GEN_AUTHORITIES = 1 << 8,
    RULE_GEN_ENTITLEMENT = 1 << 9, /* officers not entitled, not accredited; partner agencies */
    RULE_GEN_HISTORY = 1 << 10,    /* what JUDGE.md's format holds once: policies, risk levels, standings, holders */
    RULE_GEN_TROUBLE = 1 << 11,    /* contradicting clocks */
    RULE_GEN_ALL = (1 << 12) - 1
};

struct rule_gen_options {
    size_t officers_max;  /* 1 to RULE_GEN_OFFICERS_MAX */
    size_t presences_max; /* 1 to RULE_GEN_PRESENCES_MAX */
    int64_t grid_us;
    unsigned features; /* enum rule_gen_feature */
};

/* Owns all that rule_case points at. Don't copy by assignment: rule_gen_copy(). */
struct rule_gen {
    struct rule_case rule_case;
    struct rule_policy policies[2];
    struct rule_risk_span risks[2][2];
    struct rule_offender offenders[2];
    struct rule_officer officers[RULE_GEN_OFFICERS_MAX];
    struct rule_officer_span changes[RULE_GEN_OFFICERS_MAX][2]; /* a row stays with its officer's id */
    struct rule_holder_span holders[RULE_GEN_DEVICES_MAX][2];   /* ... its device's */
    struct rule_device devices[RULE_GEN_DEVICES_MAX];
    struct rule_presence presences[RULE_GEN_PRESENCES_MAX];
    struct rule_plan plans[3];
    struct rule_authority_word authorities[4];
    struct rule_decision decisions[4];
    int64_t true_in_us[RULE_GEN_PRESENCES_MAX];
    int64_t true_out_us[RULE_GEN_PRESENCES_MAX]; /* also where the check-out is missing */
};

/* splitmix64: small, good enough for cases, the same everywhere. */
uint64_t rule_gen_next(uint64_t *state);
/* Uniform enough in [0, bound); 0 when bound is 0. */
uint64_t rule_gen_below(uint64_t *state, uint64_t bound);

/* Six officers, ten presences, whole seconds, all features. */
struct rule_gen_options rule_gen_options_all(void);

/* Points the case at this struct's own arrays: after it was made or copied. */
void rule_gen_point(struct rule_gen *gen);

void rule_gen_make(uint64_t seed, const struct rule_gen_options *options, struct rule_gen *ret_gen);
void rule_gen_copy(const struct rule_gen *from, struct rule_gen *ret_gen);
/* The same case with every array in another order and all indices following. ret_presence_at[i] is where presence i went. */
void rule_gen_shuffle(const struct rule_gen *from, uint64_t seed, struct rule_gen *ret_gen, size_t *ret_presence_at);
/* Presence order given: order[k] is the old index of the new k-th presence. Other arrays stay. */
void rule_gen_reorder(const struct rule_gen *from, const size_t *order, struct rule_gen *ret_gen);

#endif
