/*
 * What another policy would have said of presences that are judged already. From a reader's connection; nothing is written.
 * The neighbourhoods are collected and judged as the writer does it, once under the policies on record and once under the
 * other one as if it had always been in force.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_WHAT_IF_H
#define DOUBLECREW_SERVER_LOGIC_WHAT_IF_H

#include "core/rule_explain.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "server/logic/store.h"

struct what_if_case {
    const struct presence_row *presence;
    const char *officer_code;
    const char *offender_reference;
    const struct rule_verdict *before;
    const struct rule_verdict *after;
    char before_why[RULE_EXPLAIN_SIZE];
    char after_why[RULE_EXPLAIN_SIZE];
    bool differs; /* in company, confirmation, grade, authority or due date */
};

/* What isn't OK ends the walk and is returned. */
typedef enum status (*what_if_each)(void *context, const struct what_if_case *judged);

/*
 * Every presence first received at or after from_us, once, within a read snapshot. ret_skipped: neighbourhoods that can't
 * be judged (J7). Errors: the store's, NO_MEMORY.
 */
MUST_USE enum status what_if_policy(struct store *store, const Doublecrew__V1__Policy *policy, int64_t from_us,
                                    what_if_each each, void *context, size_t *ret_skipped);

#endif
