/* Private to judge_json*.c: what a read case owns. */
#ifndef DOUBLECREW_ADMIN_JUDGE_NAMES_H
#define DOUBLECREW_ADMIN_JUDGE_NAMES_H

#include <jansson.h>

#include "core/rule.h"

struct judge_owned {
    json_t *root; /* the names live in it */
    struct rule_policy policy;
    struct rule_risk_span *risks;
    struct rule_offender *offenders;
    struct rule_officer *officers;
    struct rule_device *devices;
    struct rule_presence *presences;
    struct rule_plan *plans;
    struct rule_authority_word *authorities;
    struct rule_decision *decisions;
    const char **officer_names;
    const char **presence_names;
};

void judge_owned_free(struct judge_owned *owned);

#endif
