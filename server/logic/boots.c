/*
 * A log's boots (T2): stretches of entries with one boot id. Within a boot neither the monotonic clock nor the anchors go
 * back, and a boot doesn't return; where they do, the boot's clock is in trouble.
 *
 * Log order (T1): an entry is no earlier than any before it and no later than any after it. Within a boot its clock says that
 * already. Between boots the last entry of each stretch bounds all later ones and the first one all earlier: each row keeps
 * what the others say of it, so that one look tells all. Who is better bounded by its own clock passes nothing on, for it
 * has said better already.
 */
#include "server/logic/batch_internal.h"

struct boot_walk {
    struct batch *batch;
    const struct id *log;
    bool any;
    struct boot_row last; /* the stretch under way */
    bool last_is_new;     /* began in this walk */
    bool again;           /* all of the log is walked anew: who looks again is settled by the caller */
};

static enum status put(struct batch *batch, const struct boot_row *row)
{
    batch->clock_memo.has_last = false;
    return batch->store->ops->boot_put(batch->store, row);
}

static bool goes_back(const struct boot_row *boot, const struct entry *entry, const struct anchor_row *anchor)
{
    int64_t mono_us = (int64_t)entry->header.monotonic_ms * 1000;

    if (mono_us < boot->last_mono_us)
        return true;
    return anchor != NULL && id_equal(&anchor->boot, &entry->header.boot) &&
           entry->header.checkpoint_received_ms > entry->header.monotonic_ms;
}

static enum status own_bounds(struct batch *batch, const struct boot_row *row, int64_t mono_us, struct bounds *ret_own)
{
    return clock_bounds(batch, &row->log, &row->boot, mono_us, ret_own);
}

static enum status is_beside(struct batch *batch, const struct boot_row *row, bool earlier, struct boot_row *ret_beside,
                             bool *ret_is)
{
    enum status status = STATUS_NOT_FOUND;

    if (!earlier || row->first_seq > 1)
        status = batch->store->ops->boot_at(batch->store, &row->log, earlier ? row->first_seq - 1 : row->last_seq + 1,
                                            ret_beside);
    *ret_is = status == STATUS_OK && (earlier || ret_beside->first_seq > row->last_seq);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* No entry before this stretch is later than ceiling_us. */
static enum status bound_earlier(struct batch *batch, const struct boot_row *row, int64_t ceiling_us)
{
    struct boot_row at = *row, earlier;
    struct bounds own;
    bool is;

    for (;; at = earlier) {
        RETURN_IF_BAD(is_beside(batch, &at, true, &earlier, &is));
        if (!is || earlier.ceiling_us <= ceiling_us)
            return STATUS_OK;
        RETURN_IF_BAD(own_bounds(batch, &earlier, earlier.last_mono_us, &own));
        if (own.hi_us <= ceiling_us)
            return STATUS_OK;
        earlier.ceiling_us = ceiling_us;
        RETURN_IF_BAD(put(batch, &earlier));
        RETURN_IF_BAD(touch_boot(batch, &row->log, &earlier.boot, INT64_MIN, INT64_MAX));
    }
}

/* No entry after this stretch is earlier than floor_us. */
static enum status bound_later(struct batch *batch, const struct boot_row *row, int64_t floor_us)
{
    struct boot_row at = *row, later;
    struct bounds own;
    bool is;

    for (;; at = later) {
        RETURN_IF_BAD(is_beside(batch, &at, false, &later, &is));
        if (!is || later.floor_us >= floor_us)
            return STATUS_OK;
        RETURN_IF_BAD(own_bounds(batch, &later, later.first_mono_us, &own));
        if (own.lo_us >= floor_us)
            return STATUS_OK;
        later.floor_us = floor_us;
        RETURN_IF_BAD(put(batch, &later));
        RETURN_IF_BAD(touch_boot(batch, &row->log, &later.boot, INT64_MIN, INT64_MAX));
    }
}

/* What this stretch and all before it say of those after it. */
static enum status floor_after(struct batch *batch, const struct boot_row *row, int64_t *ret_floor_us)
{
    struct bounds own;

    RETURN_IF_BAD(own_bounds(batch, row, row->last_mono_us, &own));
    *ret_floor_us = row->floor_us > row->newest_us ? row->floor_us : row->newest_us;
    if (own.lo_us > *ret_floor_us)
        *ret_floor_us = own.lo_us;
    return STATUS_OK;
}

/* And what this one says of those before it. */
static enum status bind_earlier(struct batch *batch, const struct boot_row *row)
{
    struct bounds own;

    RETURN_IF_BAD(own_bounds(batch, row, row->first_mono_us, &own));
    return bound_earlier(batch, row, own.hi_us < row->ceiling_us ? own.hi_us : row->ceiling_us);
}

/* A boot that has come back is in trouble, all of it. */
static enum status find_return(struct batch *batch, struct boot_row *fresh)
{
    struct boot_row rows[BOOTS_NEAR];
    size_t count;

    RETURN_IF_BAD(batch->store->ops->boots_of_boot(batch->store, &fresh->log, &fresh->boot, rows, BOOTS_NEAR, &count));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].first_seq >= fresh->first_seq)
            continue;
        fresh->clock_trouble = true;
        if (rows[i].clock_trouble)
            continue;
        rows[i].clock_trouble = true;
        RETURN_IF_BAD(put(batch, &rows[i]));
    }
    return STATUS_OK;
}

/* What a partner carried of the new boot may be here already. */
static enum status begin_stretch(struct boot_walk *walk, const struct entry *entry)
{
    struct batch *batch = walk->batch;
    struct boot_row fresh = {.log = *walk->log,
                             .boot = entry->header.boot,
                             .first_seq = entry->header.seq,
                             .last_seq = entry->header.seq,
                             .first_mono_us = (int64_t)entry->header.monotonic_ms * 1000,
                             .last_mono_us = (int64_t)entry->header.monotonic_ms * 1000,
                             .newest_us = INT64_MIN,
                             .floor_us = INT64_MIN,
                             .ceiling_us = INT64_MAX};

    if (walk->any) {
        RETURN_IF_BAD(floor_after(batch, &walk->last, &fresh.floor_us));
        RETURN_IF_BAD(put(batch, &walk->last));
        RETURN_IF_BAD(find_return(batch, &fresh));
        RETURN_IF_BAD(bind_earlier(batch, &fresh));
        if (!walk->again)
            RETURN_IF_BAD(touch_boot(batch, walk->log, &fresh.boot, INT64_MIN, INT64_MAX));
    }
    walk->any = true;
    walk->last_is_new = true;
    walk->last = fresh;
    return STATUS_OK;
}

static enum status walk_entry(struct boot_walk *walk, const struct entry *entry, const struct anchor_row *anchor)
{
    struct boot_row *boot = &walk->last;
    int64_t mono_us = (int64_t)entry->header.monotonic_ms * 1000;
    bool is_void = false;

    if (anchor != NULL)
        RETURN_IF_BAD(anchor_is_void(walk->batch, anchor->time_us, &is_void));
    if (!walk->any || !id_equal(&boot->boot, &entry->header.boot))
        RETURN_IF_BAD(begin_stretch(walk, entry));
    if (!boot->clock_trouble &&
        (goes_back(boot, entry, anchor) || (anchor != NULL && !is_void && anchor->time_us < boot->newest_us))) {
        boot->clock_trouble = true;
        if (!walk->again)
            RETURN_IF_BAD(touch_boot(walk->batch, walk->log, &boot->boot, INT64_MIN, INT64_MAX));
    }
    if (anchor != NULL && !is_void && anchor->time_us > boot->newest_us)
        boot->newest_us = anchor->time_us;
    boot->last_seq = entry->header.seq;
    if (mono_us > boot->last_mono_us)
        boot->last_mono_us = mono_us;
    return STATUS_OK;
}

/* The stretch under way bounds none after it; those before it only by what is known of its beginning. */
static bool has_said_all(const struct boot_walk *walk, const struct clock_changed *changed)
{
    if (!id_equal(&changed->log, walk->log) || !id_equal(&changed->boot, &walk->last.boot))
        return false;
    return !walk->last.clock_trouble && (walk->last_is_new || changed->from_us > walk->last.first_mono_us);
}

/* One stretch, unless the boot came back; none, if only a partner has carried something of it. */
static enum status bind_again(struct batch *batch, const struct clock_changed *changed)
{
    struct boot_row rows[BOOTS_NEAR];
    int64_t floor_us;
    size_t count;

    RETURN_IF_BAD(
        batch->store->ops->boots_of_boot(batch->store, &changed->log, &changed->boot, rows, BOOTS_NEAR, &count));
    for (size_t i = 0; i < count; i++) {
        RETURN_IF_BAD(bind_earlier(batch, &rows[i]));
        RETURN_IF_BAD(floor_after(batch, &rows[i], &floor_us));
        RETURN_IF_BAD(bound_later(batch, &rows[i], floor_us));
    }
    return STATUS_OK;
}

static enum status clock_changed(struct batch *batch, const struct boot_walk *walk)
{
    struct clock_changed changed = batch->clock_changed;

    batch->clock_changed.any = false;
    if (!changed.any)
        return STATUS_OK;
    RETURN_IF_BAD(carried_times_clock_changed(batch, &changed.log, &changed.boot));
    return walk != NULL && has_said_all(walk, &changed) ? STATUS_OK : bind_again(batch, &changed);
}

enum status boots_clock_changed(struct batch *batch)
{
    return clock_changed(batch, NULL);
}

enum status boots_apply(struct batch *batch, const struct push *push, size_t first, const struct id *log,
                        const struct anchor_row *rows)
{
    struct boot_walk walk = {.batch = batch, .log = log};
    enum status status = batch->store->ops->boot_at(batch->store, log, SEQ_MAX, &walk.last);

    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    walk.any = status == STATUS_OK;
    for (size_t i = first; i < push->entry_count; i++)
        RETURN_IF_BAD(walk_entry(&walk, &push->entries[i], anchor_of(push, rows, &push->entries[i].header.checkpoint)));
    RETURN_IF_BAD(put(batch, &walk.last));
    return clock_changed(batch, &walk);
}

static enum status walk_again(void *context, const struct log_record *record)
{
    return walk_entry(context, record->entry, record->anchor);
}

enum status boots_again(struct batch *batch, const struct id *log, uint64_t first_seq, uint64_t last_seq)
{
    struct boot_walk walk = {.batch = batch, .log = log, .again = true};

    RETURN_IF_BAD(log_walk(batch, log, first_seq, last_seq, walk_again, &walk));
    batch->clock_changed.any = false;
    return walk.any ? put(batch, &walk.last) : STATUS_OK;
}

/* The stretch that a seq lies in, or the last one before it. NOT_FOUND. */
static enum status stretch_at(struct batch *batch, const struct id *log, uint64_t seq, struct boot_row *ret_row)
{
    struct clock_memo *memo = &batch->clock_memo;

    if (!memo->has_last || !id_equal(&memo->last.log, log)) {
        memo->has_last = false;
        RETURN_IF_BAD(batch->store->ops->boot_at(batch->store, log, SEQ_MAX, &memo->last));
        memo->has_last = true;
    }
    if (memo->last.first_seq > seq)
        return batch->store->ops->boot_at(batch->store, log, seq, ret_row);
    *ret_row = memo->last;
    return STATUS_OK;
}

/* Where the log forks, nobody knows which branch a carried entry follows: only what lies before it bounds. */
static enum status bound_by_stretches(struct batch *batch, const struct id *log, const struct fact_stamp *stamp,
                                      struct bounds *ret_bounds, bool *ret_trouble)
{
    struct boot_row row;
    uint64_t fork_seq, last_seq = stamp->seq;
    bool contested;
    enum status status;

    RETURN_IF_BAD(log_fork_of(batch, log, &fork_seq));
    contested = fork_seq != 0 && stamp->seq >= fork_seq;
    status = stretch_at(batch, log, last_seq, &row);
    if (status == STATUS_OK)
        *ret_trouble = row.clock_trouble && id_equal(&row.boot, &stamp->boot);
    if (status == STATUS_OK && contested) {
        last_seq = fork_seq - 1;
        status = stretch_at(batch, log, last_seq, &row);
    }
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    *ret_bounds = (struct bounds){row.floor_us, contested ? INT64_MAX : row.ceiling_us};
    /* A stretch that has ended before: carried by a partner, before its own log has come so far. */
    return row.last_seq < last_seq + contested ? floor_after(batch, &row, &ret_bounds->lo_us) : STATUS_OK;
}

enum status boots_bound(struct batch *batch, const struct id *log, const struct fact_stamp *stamp,
                        struct bounds *ret_bounds, bool *ret_trouble)
{
    *ret_bounds = bounds_unknown();
    *ret_trouble = false;
    RETURN_IF_BAD(bound_by_stretches(batch, log, stamp, ret_bounds, ret_trouble));
    return carried_times_bound(batch, log, stamp->seq, ret_bounds);
}
