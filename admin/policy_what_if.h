/*
 * What a policy would have said: the presences of the last days judged again, on a copy of the store. Nothing is written.
 */
#ifndef DOUBLECREW_ADMIN_POLICY_WHAT_IF_H
#define DOUBLECREW_ADMIN_POLICY_WHAT_IF_H

#include "admin/force_folder.h"
#include "admin/policy_file.h"

#define POLICY_WHAT_IF_DAYS_MAX 3650

/* Prints each verdict that would differ, and how many. Complains itself. */
MUST_USE enum status policy_what_if(const struct force_folder *folder, const struct policy_values *values,
                                    uint64_t days);

#endif
