/*
 * Versions of the policy as the store holds them: what is in force, what came before, what is set for later.
 */
#ifndef DOUBLECREW_ADMIN_POLICY_VERSIONS_H
#define DOUBLECREW_ADMIN_POLICY_VERSIONS_H

#include "admin/force_folder.h"
#include "admin/policy_file.h"
#include "server/logic/store.h"

#define POLICY_VERSIONS_MAX 64

struct policy_versions {
    struct policy_values versions[POLICY_VERSIONS_MAX]; /* by when they take effect */
    size_t count;
    int64_t head_ms; /* time of the journal's last record */
};

/* From a reader's connection; without any version the defaults are the one. */
MUST_USE enum status policy_versions_read(struct store *store, struct policy_versions *ret_versions);
MUST_USE enum status policy_versions_of(const struct force_folder *folder, struct policy_versions *ret_versions);
/* The last that takes effect: what a new version changes. */
const struct policy_values *policy_versions_newest(const struct policy_versions *versions);
/* The one in force at the journal's last record. */
const struct policy_values *policy_versions_in_force(const struct policy_versions *versions);
/* Complains, and INPUT, if a version with this time would be back-dated (L1) or begin before another one that is set. */
MUST_USE enum status policy_versions_admit(const struct policy_versions *versions, const char *path,
                                           const struct policy_values *values);
/* Every version, oldest first, with what it changed. */
void policy_versions_print(const struct policy_versions *versions);

#endif
