/*
 * The policy as a file that people edit (DOMAIN.md's parameters), and as an operator's entry.
 *
 *   max_alone = 10 min
 *   far_apart = 2 km
 *   lone_forbidden = very_high, high
 *   effective_from = 2026-04-01T00:00Z     (left out: from when it is recorded)
 */
#ifndef DOUBLECREW_ADMIN_POLICY_FILE_H
#define DOUBLECREW_ADMIN_POLICY_FILE_H

#include "admin/operator_log.h"
#include "doublecrew/v1/entry.pb-c.h"

#define POLICY_LONE_MAX 4

struct policy_values {
    Doublecrew__V1__Policy message; /* lone_forbidden points into `lone` */
    Doublecrew__V1__RiskLevel lone[POLICY_LONE_MAX];
};

/* DOMAIN.md's defaults, version 1, in force from the beginning. */
void policy_values_default(struct policy_values *values);
/* A version from before there were working hours gets the defaults of what it doesn't say, as the server has it. */
void policy_values_complete(struct policy_values *values);
/* Changes what the file names. Complains with line and what is allowed; INPUT when anything is wrong, and then nothing is
 * changed. */
MUST_USE enum status policy_values_read(const char *path, struct policy_values *values);
/* The file that would give these values, to stdout. */
void policy_values_print(const struct policy_values *values);
/* What differs, a line each ("max_alone: 10 min -> 15 min"), behind `indent`; returns how many lines. */
size_t policy_difference_print(const struct policy_values *before, const struct policy_values *after,
                               const char *indent);

MUST_USE enum status policy_add(struct operator_entries *entries, const struct policy_values *values);
MUST_USE enum status policy_add_default(struct operator_entries *entries);

#endif
