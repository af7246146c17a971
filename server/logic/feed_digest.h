/*
 * The digest over what a device holds of the feed (P2, PROTOCOL.md section 7): every live row of its scopes once, as sent.
 *
 * A row may lie in several scopes and a device in several, so sums by scope would count rows twice. Rows are summed by
 * class instead: all rows that lie in exactly the same scopes. A row's change touches one class, or two when it moves; a
 * device's digest joins the classes that touch its scopes: about as many as there are pairs of teams, whatever the rows.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_FEED_DIGEST_H
#define DOUBLECREW_SERVER_LOGIC_FEED_DIGEST_H

#include "server/logic/store.h"

/* A row before or after a change: where it is live, and its bytes' hash. No scopes: nobody has it. */
struct feed_digest_side {
    const struct scope *scopes;
    size_t scope_count;
    const struct hash *row;
};

/* OVER_LIMIT: more scopes than a class may have. */
MUST_USE enum status feed_digest_move(struct store *store, const struct feed_digest_side *before,
                                      const struct feed_digest_side *after);
/* Scopes that the device has left don't count. In the snapshot, or transaction, of the store's caller. */
MUST_USE enum status feed_digest_of(struct store *store, const struct scope_member *members, size_t member_count,
                                    struct row_digest *ret_digest);

#endif
