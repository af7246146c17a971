/*
 * What flags about patterns look at of a visit, taken from the row that people see of it. An officer's visits of months are looked
 * through for each joint one, so what was read is kept, until the row changes. Bounded: a visit takes another's place.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_VISIT_RECORDS_H
#define DOUBLECREW_SERVER_LOGIC_VISIT_RECORDS_H

#include "server/logic/store.h"

struct visit_record {
    struct hash presence;
    int64_t in_ms;
    bool lone; /* confirmed, or part joint and over: as those flags themselves */
    bool joint;
    struct id partner; /* zero: none */
};

struct visit_records;

MUST_USE enum status visit_records_new(struct visit_records **ret_records);
void visit_records_free(struct visit_records *records); /* NULL is fine */

/* All zero but its id where nothing was told of it yet. MALFORMED, and the store's own. */
MUST_USE enum status visit_record_get(struct visit_records *records, struct store *store, const struct hash *presence,
                                      struct visit_record *ret_record);

/* People will see another row of it. */
void visit_record_forget(struct visit_records *records, const struct hash *presence);
/* What was told may never have been: after a rollback, or when tables were cleared. */
void visit_records_drop(struct visit_records *records);

#endif
