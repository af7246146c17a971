/*
 * What a device must give back (P1): rows that left its scopes since its last signed receipt. Which rows, the feed says: they
 * are its tombstones. Nothing else is kept than the pos up to which the device has said that they are gone.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_PURGE_H
#define DOUBLECREW_SERVER_LOGIC_PURGE_H

#include "server/logic/store.h"

/* Departures without a receipt: of the first the time tells since when; the last names the purge. */
struct purge_due {
    uint64_t first_pos; /* 0: none */
    uint64_t last_pos;
};

/* members: as scopes_of_device gives them. In the caller's snapshot or transaction. */
MUST_USE enum status purge_due(struct store *store, const struct device_row *device, const struct scope_member *members,
                               size_t member_count, struct purge_due *ret_due);
/* When the first of them left: the journal's time, microseconds. NOT_FOUND: nothing is due. */
MUST_USE enum status purge_due_since(struct store *store, const struct device_row *device, int64_t *ret_since_us);

#endif
