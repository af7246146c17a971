/*
 * From records of the roster to operators' entries.
 */
#ifndef DOUBLECREW_ADMIN_ROSTER_ENTRIES_H
#define DOUBLECREW_ADMIN_ROSTER_ENTRIES_H

#include "admin/operator_log.h"
#include "admin/roster.h"

/* Words of the CSV files and of device.conf; ROLE_UNSPECIFIED (RISK_LEVEL_UNSPECIFIED) when it is none. */
Doublecrew__V1__Role role_from_text(const char *text);
const char *role_to_text(Doublecrew__V1__Role role);
Doublecrew__V1__RiskLevel risk_from_text(const char *text);
const char *risk_to_text(Doublecrew__V1__RiskLevel risk);

MUST_USE enum status entries_add_team(struct operator_entries *entries, const struct roster_team *team);
MUST_USE enum status entries_add_officer(struct operator_entries *entries, const struct roster_officer *officer);
MUST_USE enum status entries_add_offender(struct operator_entries *entries, const struct roster_offender *offender);
MUST_USE enum status entries_add_device(struct operator_entries *entries, const struct package *package);

#endif
