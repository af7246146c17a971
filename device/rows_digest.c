#include "device/rows_digest.h"

#include <stdlib.h>
#include <string.h>

#include "device/device.h"

enum status rows_digest_replace(struct dc_device *device, struct span key, const struct span *now)
{
    struct rows_digest *rows = &device->rows;
    uint8_t *before = NULL;
    size_t size = 0;
    struct hash hash;
    enum status status;

    if (!rows->known) {
        return STATUS_OK;
    }
    status = store_read_row(device->store, key, &before, &size);
    if (status == STATUS_OK) {
        status = sha256_bytes(device->sha, span_of(before, size), &hash);
        if (status == STATUS_OK) {
            row_digest_subtract(&rows->sum, &hash);
        }
    } else if (status != STATUS_NO_MEMORY) {
        rows->known = status == STATUS_NOT_FOUND; /* one that no longer opens: what was counted of it isn't known */
        status = STATUS_OK;
    }
    free(before);
    if (status == STATUS_OK && now) {
        status = sha256_bytes(device->sha, *now, &hash);
        if (status == STATUS_OK) {
            row_digest_add(&rows->sum, &hash);
        }
    }
    return status;
}

void rows_digest_forget(struct dc_device *device)
{
    device->rows.known = false;
}

void rows_digest_ahead(struct dc_device *device, uint64_t pos)
{
    if (pos > device->rows.ahead_pos) {
        device->rows.ahead_pos = pos;
    }
}

struct counting {
    struct sha256 *sha;
    struct row_digest sum;
    enum status status;
};

static bool count_row(void *context, const struct store_row *row)
{
    struct counting *counting = context;
    struct hash hash;

    counting->status = sha256_bytes(counting->sha, row->bytes, &hash);
    if (counting->status == STATUS_OK) {
        row_digest_add(&counting->sum, &hash);
    }
    return counting->status == STATUS_OK;
}

static enum status count_rows(struct dc_device *device)
{
    struct counting counting = {.sha = device->sha};
    enum status status = store_each_readable_row(device->store, count_row, &counting);

    if (status == STATUS_OK) {
        status = counting.status;
    }
    if (status == STATUS_OK) {
        device->rows.sum = counting.sum;
        device->rows.known = true;
    }
    return status;
}

enum status rows_digest_check(struct dc_device *device, const Doublecrew__V1__Delta *delta, bool *ret_checked,
                              bool *ret_same)
{
    struct rows_digest *rows = &device->rows;
    enum status status = STATUS_OK;

    if (!delta->last || delta->digest.len != HASH_SIZE || rows->ahead_pos > delta->to_cursor) {
        *ret_checked = false; /* an older server; or a further page is on its way */
        return STATUS_OK;
    }
    if (!rows->known) {
        status = count_rows(device);
    }
    if (status == STATUS_OK) {
        *ret_checked = true;
        *ret_same = memcmp(rows->sum.bytes, delta->digest.data, HASH_SIZE) == 0;
    }
    return status;
}
