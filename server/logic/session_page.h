/*
 * The feed as packed ServerMessages (P1). A page: rows in scope after a cursor, in order of their places (store.h, feed_page),
 * each as it lies in the store. Pure; for session_read.c and its tests.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_SESSION_PAGE_H
#define DOUBLECREW_SERVER_LOGIC_SESSION_PAGE_H

#include "server/logic/session_read.h"

/*
 * The caller holds a read snapshot whose head is head_pos. The last page moves the cursor to the head even when nothing
 * is in scope, so that a client knows that it is current. ret_page->bytes is the caller's to free.
 */
MUST_USE enum status session_page_read(struct store *store, const struct session_look *look,
                                       const struct feed_cursor *after, uint64_t head_pos,
                                       struct session_page *ret_page);

/*
 * The first flags after the cursor that are raised and not acknowledged, in the scopes that hold flags: supervisors and
 * officers (ARCHITECTURE.md). In the greeting's snapshot. What it found is the caller's also on failure.
 */
MUST_USE enum status session_pending_read(struct store *store, struct session_greeting *greeting);

/*
 * The next keys of what left the device's scopes up to purge_pos, as one Purge. Ends early, with `more`, after so many rows
 * of the feed or bytes of keys. In the caller's snapshot.
 */
MUST_USE enum status session_purge_read(struct store *store, const struct session_look *look,
                                        const struct feed_cursor *after, uint64_t purge_pos,
                                        struct session_purge *ret_purge);

#endif
