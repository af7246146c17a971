/*
 * The device's own digest over the server's rows that it holds (P2). Counted from the rows' bytes after each opening of the
 * store, so that what was damaged or lost on the disk shows; kept up to date row by row from then on.
 */
#ifndef DOUBLECREW_DEVICE_ROWS_DIGEST_H
#define DOUBLECREW_DEVICE_ROWS_DIGEST_H

#include "core/row_digest.h"
#include "doublecrew/v1/sync.pb-c.h"

struct dc_device;

struct rows_digest {
    bool known; /* else it is counted before the next comparison */
    struct row_digest sum;
    uint64_t ahead_pos; /* of the newest row that a flag brought ahead of its page */
};

/* Before a row changes in the store: now its bytes, or NULL when it goes. */
MUST_USE enum status rows_digest_replace(struct dc_device *device, struct span key, const struct span *now);
/* What is in the store may be otherwise: a rollback, a sweep. */
void rows_digest_forget(struct dc_device *device);
void rows_digest_ahead(struct dc_device *device, uint64_t pos);
/* After a page: compares when the page has a digest, and no flag's row is newer than the page's snapshot. */
MUST_USE enum status rows_digest_check(struct dc_device *device, const Doublecrew__V1__Delta *delta, bool *ret_checked,
                                       bool *ret_same);

#endif
