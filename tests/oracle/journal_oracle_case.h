/* The evidence as core/rule.h takes it: all of the force once, then one case for each group of linked presences. */
#ifndef DOUBLECREW_TESTS_ORACLE_JOURNAL_ORACLE_CASE_H
#define DOUBLECREW_TESTS_ORACLE_JOURNAL_ORACLE_CASE_H

#include "tests/oracle/journal_oracle_parts.h"

struct jo_risks {
    JO_LIST(struct rule_risk_span) spans;
};

struct jo_changes {
    JO_LIST(struct rule_officer_span) spans;
};

struct jo_holders {
    JO_LIST(struct rule_holder_span) spans;
};

/* Indices of rule_case refer to these lists. */
struct jo_evidence {
    const struct jo *jo;
    JO_LIST(struct rule_policy) policies;
    JO_LIST(struct rule_offender) offenders;
    JO_LIST(struct jo_risks) risks;
    JO_LIST(struct rule_officer) officers;
    JO_LIST(struct jo_changes) changes; /* of each officer */
    JO_LIST(struct rule_device) devices;
    JO_LIST(struct jo_holders) holders; /* of each device */
    JO_LIST(struct rule_plan) plans;
    JO_LIST(struct rule_authority_word) words;
};

struct jo_case {
    size_t members[RULE_PRESENCES_MAX]; /* of jo->presences */
    struct rule_presence presences[RULE_PRESENCES_MAX];
    JO_LIST(struct rule_decision) decisions;
    JO_LIST(struct jo_trouble) boots; /* a boot's number is its place here */
    struct rule_case rule_case;
};

void jo_evidence_init(struct jo_evidence *evidence, const struct jo *jo);
void jo_evidence_done(struct jo_evidence *evidence);
/* The groups: ret_group[i] is the least index of presence i's group. */
void jo_group(const struct jo *jo, size_t *ret_group);
/* members: at most RULE_PRESENCES_MAX of jo->presences. */
void jo_case_init(struct jo_case *jc, const struct jo_evidence *evidence, const size_t *members, size_t count,
                  int64_t now_us);
void jo_case_done(struct jo_case *jc);

#endif
