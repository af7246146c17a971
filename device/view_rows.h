/* Iterating over the server's rows, opened; callbacks may start another iteration. */
#ifndef DOUBLECREW_DEVICE_VIEW_ROWS_H
#define DOUBLECREW_DEVICE_VIEW_ROWS_H

#include "device/device.h"
#include "device/view_key.h"

/* Borrowed until the callback returns; false stops. */
typedef bool (*view_on_row)(void *context, const Doublecrew__V1__Row *row);

/*
 * Rows under a key's prefix whose kind is row_case. ret_count (may be NULL): how many were seen. Rows that don't open, or
 * hold no message of their kind, are passed over.
 */
MUST_USE enum status view_each(struct dc_device *device, const struct view_key *prefix,
                               Doublecrew__V1__Row__RowCase kind, view_on_row on_row, void *context, size_t *ret_count);

#endif
