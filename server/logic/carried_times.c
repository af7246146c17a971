/*
 * What partners carried of a log bounds the rest of it (T1's log order), whether or not the log itself ever comes so far: an
 * entry after a carried one isn't earlier than that, one before it isn't later, nor later than its first receipt. Each row
 * keeps what those before and after it say as well, so that two looks tell all. Past a fork nobody knows which branch a carried
 * entry follows: there it bounds only what lies before the fork.
 */
#include "server/logic/batch_internal.h"

static enum status memo_of(struct batch *batch, const struct id *log, const struct log_memo **ret_memo)
{
    struct log_memo *memo = &batch->log_memo;
    struct carried_time_row any;
    struct device_row device;
    enum status status;

    *ret_memo = memo;
    if (memo->known && id_equal(&memo->log, log))
        return STATUS_OK;
    *memo = (struct log_memo){.log = *log};
    status = batch->store->ops->device_by_log(batch->store, log, &device);
    if (status == STATUS_OK && !id_equal(&device.device, &device.log)) /* a branch is sound in itself */
        memo->fork_seq = device.fork_seq;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    status = batch->store->ops->carried_time_from(batch->store, log, 1, &any);
    memo->has_carried = status == STATUS_OK;
    memo->known = status == STATUS_OK || status == STATUS_NOT_FOUND;
    return memo->known ? STATUS_OK : status;
}

enum status log_fork_of(struct batch *batch, const struct id *log, uint64_t *ret_fork_seq)
{
    const struct log_memo *memo;

    RETURN_IF_BAD(memo_of(batch, log, &memo));
    *ret_fork_seq = memo->fork_seq;
    return STATUS_OK;
}

static enum status find(enum status status, bool *ret_is)
{
    *ret_is = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status find_before(struct batch *batch, const struct id *log, uint64_t seq,
                               struct carried_time_row *ret_row, bool *ret_is)
{
    *ret_is = false;
    if (seq <= 1)
        return STATUS_OK;
    return find(batch->store->ops->carried_time_up_to(batch->store, log, seq - 1, ret_row), ret_is);
}

static enum status find_after(struct batch *batch, const struct id *log, uint64_t seq, struct carried_time_row *ret_row,
                              bool *ret_is)
{
    return find(batch->store->ops->carried_time_from(batch->store, log, seq + 1, ret_row), ret_is);
}

/* By its own clock, the checkpoint that it names, and its first receipt. */
static enum status own_bounds(struct batch *batch, const struct carried_time_row *row, struct bounds *ret_own)
{
    struct bounds own = {row->checkpoint_us, row->received_us};
    bool is_void;

    RETURN_IF_BAD(anchor_is_void(batch, row->checkpoint_us, &is_void));
    if (is_void)
        own.lo_us = INT64_MIN;
    RETURN_IF_BAD(clock_bounds(batch, &row->log, &row->boot, row->mono_us, ret_own));
    *ret_own = bounds_intersect(*ret_own, own);
    return STATUS_OK;
}

/* Entries of the log's own from this one back to the first stretch that its own clock bounds as well. */
static enum status touch_earlier(struct batch *batch, const struct carried_time_row *row)
{
    uint64_t seq = row->seq;

    while (seq > 0) {
        struct boot_row boot;
        struct bounds own;
        bool is;

        RETURN_IF_BAD(find(batch->store->ops->boot_at(batch->store, &row->log, seq, &boot), &is));
        if (!is)
            return STATUS_OK;
        RETURN_IF_BAD(clock_bounds(batch, &row->log, &boot.boot, boot.last_mono_us, &own));
        if (own.hi_us <= row->ceiling_us)
            return STATUS_OK;
        RETURN_IF_BAD(touch_boot(batch, &row->log, &boot.boot, INT64_MIN, INT64_MAX));
        seq = boot.first_seq - 1;
    }
    return STATUS_OK;
}

static enum status touch_later(struct batch *batch, const struct carried_time_row *row)
{
    struct boot_row boot = {.last_seq = row->seq};

    for (;;) {
        uint64_t seq = boot.last_seq + 1;
        struct bounds own;
        bool is;

        RETURN_IF_BAD(find(batch->store->ops->boot_at(batch->store, &row->log, seq, &boot), &is));
        if (!is || boot.last_seq < seq)
            return STATUS_OK;
        RETURN_IF_BAD(clock_bounds(batch, &row->log, &boot.boot, boot.first_mono_us, &own));
        if (own.lo_us >= row->floor_us && boot.first_seq > row->seq)
            return STATUS_OK;
        RETURN_IF_BAD(touch_boot(batch, &row->log, &boot.boot, INT64_MIN, INT64_MAX));
    }
}

static enum status spread_earlier(struct batch *batch, const struct carried_time_row *from)
{
    struct carried_time_row row = *from, earlier;
    bool is;

    for (;; row = earlier) {
        RETURN_IF_BAD(find_before(batch, &row.log, row.seq, &earlier, &is));
        if (!is || earlier.ceiling_us <= row.ceiling_us)
            return STATUS_OK;
        earlier.ceiling_us = row.ceiling_us;
        RETURN_IF_BAD(batch->store->ops->carried_time_put(batch->store, &earlier));
        RETURN_IF_BAD(touch_boot(batch, &row.log, &earlier.boot, INT64_MIN, INT64_MAX));
    }
}

static enum status spread_later(struct batch *batch, const struct carried_time_row *from)
{
    struct carried_time_row row = *from, later;
    bool is;

    for (;; row = later) {
        RETURN_IF_BAD(find_after(batch, &row.log, row.seq, &later, &is));
        if (!is || later.floor_us >= row.floor_us)
            return STATUS_OK;
        later.floor_us = row.floor_us;
        RETURN_IF_BAD(batch->store->ops->carried_time_put(batch->store, &later));
        RETURN_IF_BAD(touch_boot(batch, &row.log, &later.boot, INT64_MIN, INT64_MAX));
    }
}

static enum status take(struct batch *batch, struct carried_time_row *row)
{
    struct carried_time_row beside;
    struct bounds own, before = {row->floor_us, row->ceiling_us};
    bool is;

    RETURN_IF_BAD(own_bounds(batch, row, &own));
    RETURN_IF_BAD(find_before(batch, &row->log, row->seq, &beside, &is));
    row->floor_us = is && beside.floor_us > own.lo_us ? beside.floor_us : own.lo_us;
    RETURN_IF_BAD(find_after(batch, &row->log, row->seq, &beside, &is));
    row->ceiling_us = is && beside.ceiling_us < own.hi_us ? beside.ceiling_us : own.hi_us;
    RETURN_IF_BAD(batch->store->ops->carried_time_put(batch->store, row));
    if (row->ceiling_us != before.hi_us) {
        RETURN_IF_BAD(spread_earlier(batch, row));
        RETURN_IF_BAD(touch_earlier(batch, row));
    }
    if (row->floor_us != before.lo_us) {
        RETURN_IF_BAD(spread_later(batch, row));
        RETURN_IF_BAD(touch_later(batch, row));
    }
    return STATUS_OK;
}

enum status carried_time_add(struct batch *batch, const struct device_row *device, const struct entry *entry,
                             int64_t checkpoint_us)
{
    struct carried_time_row row = {.log = device->log,
                                   .seq = entry->header.seq,
                                   .boot = entry->header.boot,
                                   .mono_us = (int64_t)entry->header.monotonic_ms * 1000,
                                   .checkpoint_us = checkpoint_us,
                                   .received_us = batch->time_us,
                                   .floor_us = INT64_MIN,
                                   .ceiling_us = INT64_MAX};
    struct carried_time_row there;
    bool is;

    if (entry->header.seq <= device->last_seq || (device->fork_seq != 0 && entry->header.seq >= device->fork_seq))
        return STATUS_OK;
    RETURN_IF_BAD(find(batch->store->ops->carried_time_from(batch->store, &row.log, row.seq, &there), &is));
    if (is && there.seq == row.seq)
        return STATUS_OK;
    batch->log_memo.known = false;
    return take(batch, &row);
}

enum status carried_times_clock_changed(struct batch *batch, const struct id *log, const struct id *boot)
{
    const struct log_memo *memo;
    struct carried_time_row row = {0};
    bool is;

    RETURN_IF_BAD(memo_of(batch, log, &memo));
    if (!memo->has_carried)
        return STATUS_OK;
    for (;;) {
        RETURN_IF_BAD(find_after(batch, log, row.seq, &row, &is));
        if (!is)
            return STATUS_OK;
        if (id_equal(&row.boot, boot))
            RETURN_IF_BAD(take(batch, &row));
    }
}

/* What the void ones had said is taken back first. */
enum status carried_times_again(struct batch *batch, const struct id *log)
{
    struct carried_time_row row = {0};
    bool is;

    for (unsigned pass = 0; pass < 2; pass++) {
        row.seq = 0;
        for (;;) {
            RETURN_IF_BAD(find_after(batch, log, row.seq, &row, &is));
            if (!is)
                break;
            if (pass == 0) {
                row.floor_us = INT64_MIN;
                row.ceiling_us = INT64_MAX;
                RETURN_IF_BAD(batch->store->ops->carried_time_put(batch->store, &row));
            } else
                RETURN_IF_BAD(take(batch, &row));
        }
    }
    return STATUS_OK;
}

enum status carried_times_bound(struct batch *batch, const struct id *log, uint64_t seq, struct bounds *bounds)
{
    const struct log_memo *memo;
    struct carried_time_row row;
    bool is, contested;

    RETURN_IF_BAD(memo_of(batch, log, &memo));
    if (!memo->has_carried)
        return STATUS_OK;
    contested = memo->fork_seq != 0 && seq >= memo->fork_seq;
    RETURN_IF_BAD(find_before(batch, log, contested ? memo->fork_seq : seq, &row, &is));
    if (is && row.floor_us > bounds->lo_us)
        bounds->lo_us = row.floor_us;
    if (contested)
        return STATUS_OK;
    RETURN_IF_BAD(find_after(batch, log, seq, &row, &is));
    if (is && row.ceiling_us < bounds->hi_us)
        bounds->hi_us = row.ceiling_us;
    return STATUS_OK;
}
