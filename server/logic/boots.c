/*
 * A log's boots (T2): stretches of entries with one boot id. Within a boot the monotonic clock never goes back, within a
 * log anchors don't, and a boot doesn't return; where they do, the boot's clock is in trouble.
 */
#include "server/logic/batch_internal.h"

/* The last stretches of the log, oldest first; the newest is under way. */
struct boot_walk {
    struct batch *batch;
    const struct id *log;
    struct boot_row near[BOOTS_NEAR];
    size_t count;
    bool any_new;
    bool again; /* all of the log is walked anew: who looks again is settled by the caller */
};

static bool goes_back(const struct boot_row *boot, const struct entry *entry, const struct anchor_row *anchor)
{
    int64_t mono_us = (int64_t)entry->header.monotonic_ms * 1000;

    if (mono_us < boot->last_mono_us)
        return true;
    return anchor != NULL && id_equal(&anchor->boot, &entry->header.boot) &&
           entry->header.checkpoint_received_ms > entry->header.monotonic_ms;
}

/* The stretch that an entry continues, or a new one. */
static enum status continue_boot(struct boot_walk *walk, const struct entry *entry, struct boot_row **ret_boot)
{
    struct boot_row *last = walk->count > 0 ? &walk->near[walk->count - 1] : NULL;
    struct boot_row fresh = {.log = *walk->log,
                             .boot = entry->header.boot,
                             .first_seq = entry->header.seq,
                             .first_mono_us = (int64_t)entry->header.monotonic_ms * 1000,
                             .last_mono_us = (int64_t)entry->header.monotonic_ms * 1000,
                             .newest_us = last != NULL ? last->newest_us : INT64_MIN};

    if (last != NULL && id_equal(&last->boot, &entry->header.boot)) {
        *ret_boot = last;
        return STATUS_OK;
    }
    if (last != NULL)
        RETURN_IF_BAD(walk->batch->store->ops->boot_put(walk->batch->store, last));
    for (size_t i = 0; i < walk->count; i++)
        fresh.clock_trouble = fresh.clock_trouble || id_equal(&walk->near[i].boot, &entry->header.boot);
    if (walk->count == BOOTS_NEAR) {
        for (size_t i = 1; i < BOOTS_NEAR; i++)
            walk->near[i - 1] = walk->near[i];
        walk->count--;
    }
    walk->any_new = true;
    walk->near[walk->count] = fresh;
    *ret_boot = &walk->near[walk->count++];
    return STATUS_OK;
}

static enum status walk_entry(struct boot_walk *walk, const struct entry *entry, const struct anchor_row *anchor)
{
    struct boot_row *boot;
    bool is_void = false;

    if (anchor != NULL)
        RETURN_IF_BAD(anchor_is_void(walk->batch, anchor->time_us, &is_void));
    RETURN_IF_BAD(continue_boot(walk, entry, &boot));
    if (!boot->clock_trouble &&
        (goes_back(boot, entry, anchor) || (anchor != NULL && !is_void && anchor->time_us < boot->newest_us))) {
        boot->clock_trouble = true;
        if (!walk->again)
            RETURN_IF_BAD(touch_boot(walk->batch, walk->log, &boot->boot, INT64_MIN));
    }
    if (anchor != NULL && !is_void && anchor->time_us > boot->newest_us)
        boot->newest_us = anchor->time_us;
    boot->last_seq = entry->header.seq;
    if ((int64_t)entry->header.monotonic_ms * 1000 > boot->last_mono_us)
        boot->last_mono_us = (int64_t)entry->header.monotonic_ms * 1000;
    return STATUS_OK;
}

enum status boots_apply(struct batch *batch, const struct push *push, size_t first, const struct id *log,
                        const struct anchor_row *rows)
{
    struct boot_walk walk = {.batch = batch, .log = log};

    RETURN_IF_BAD(batch->store->ops->boots_of_log(batch->store, log, SEQ_MAX, walk.near, BOOTS_NEAR, &walk.count));
    for (size_t i = first; i < push->entry_count; i++)
        RETURN_IF_BAD(walk_entry(&walk, &push->entries[i], anchor_of(push, rows, &push->entries[i].header.checkpoint)));
    RETURN_IF_BAD(batch->store->ops->boot_put(batch->store, &walk.near[walk.count - 1]));
    return walk.any_new ? touch_unanchored(batch, log, push->first_seq + push->entry_count) : STATUS_OK;
}

static enum status walk_again(void *context, const struct log_record *record)
{
    return walk_entry(context, record->entry, record->anchor);
}

enum status boots_again(struct batch *batch, const struct id *log, uint64_t first_seq, uint64_t last_seq)
{
    struct boot_walk walk = {.batch = batch, .log = log, .again = true};

    RETURN_IF_BAD(log_walk(batch, log, first_seq, last_seq, walk_again, &walk));
    return walk.count > 0 ? batch->store->ops->boot_put(batch->store, &walk.near[walk.count - 1]) : STATUS_OK;
}
