/*
 * Anchors (T1): what a push's checkpoints and its session's Hello say about the device's clock, and the bounds of an entry:
 * by its boot's clock (clock.c), by the boots before and after (boots.c), by its receipt and the checkpoint that it names.
 */
#include "server/logic/batch_internal.h"

#include <string.h>

#include "core/checkpoint.h"

static enum status check_text(struct batch *batch, const struct push *push, const struct push_anchor *anchor,
                              struct anchor_row *ret_row)
{
    struct checkpoint checkpoint;

    if (batch->server_key == NULL ||
        checkpoint_open(batch->sha, anchor->text, &batch->server_public, batch->server_key, &checkpoint) != STATUS_OK)
        return STATUS_UNKNOWN_ANCHOR;
    if (!id_equal(&checkpoint.force, &batch->next.force))
        return STATUS_UNKNOWN_ANCHOR;
    if (id_equal(&checkpoint.epoch, &batch->next.epoch) && checkpoint.size > batch->next.pos) {
        memcpy(batch->shown, anchor->text.data, anchor->text.size);
        batch->shown_size = anchor->text.size;
        return STATUS_STORE_BEHIND; /* we signed it, and don't hold what it is about (E2) */
    }
    *ret_row = (struct anchor_row){.hash = anchor->hash, .time_us = checkpoint.time_ms * 1000, .log = push->log};
    if (checkpoint.is_anchor) {
        ret_row->log = checkpoint.log;
        ret_row->boot = checkpoint.boot;
        ret_row->sent_us = (int64_t)checkpoint.monotonic_ms * 1000;
    }
    return STATUS_OK;
}

enum status anchors_check(struct batch *batch, const struct push *push, struct anchor_row *ret_rows)
{
    for (size_t i = 0; i < push->anchor_count; i++) {
        const struct push_anchor *anchor = &push->anchors[i];
        enum status status = batch->store->ops->anchor_get(batch->store, &anchor->hash, &ret_rows[i]);

        if (status == STATUS_NOT_FOUND)
            status = anchor->text.size > 0 ? check_text(batch, push, anchor, &ret_rows[i]) : STATUS_UNKNOWN_ANCHOR;
        else if (status == STATUS_OK && anchor->text.size == 0 && !id_equal(&ret_rows[i].log, &push->log))
            status = STATUS_UNKNOWN_ANCHOR; /* by hash: this log must have named it before */
        RETURN_IF_BAD(status);
    }
    return STATUS_OK;
}

struct boot_touch {
    struct batch *batch;
    const struct id *boot;
    int64_t from_mono_us, to_mono_us;
};

static bool in_touch(const struct boot_touch *touch, const struct fact_stamp *stamp)
{
    return id_equal(&stamp->boot, touch->boot) && stamp->mono_us >= touch->from_mono_us &&
           stamp->mono_us <= touch->to_mono_us;
}

static enum status touch_in_boot(void *context, const struct presence_row *row)
{
    struct boot_touch *touch = context;

    if (!in_touch(touch, &row->in) && !(row->has_out && in_touch(touch, &row->out)))
        return STATUS_OK;
    return batch_touch_changed(touch->batch, &row->presence);
}

enum status touch_boot(struct batch *batch, const struct id *log, const struct id *boot, int64_t from_mono_us,
                       int64_t to_mono_us)
{
    struct boot_touch touch = {batch, boot, from_mono_us, to_mono_us};

    return batch->store->ops->presences_in_boot(batch->store, log, boot, touch_in_boot, &touch);
}

enum status anchors_store(struct batch *batch, const struct push *push, const struct anchor_row *rows,
                          const struct id *log)
{
    for (size_t i = 0; i < push->anchor_count; i++) {
        int64_t received_us = (int64_t)push->anchors[i].received_ms * 1000;
        struct boot_anchor_row seen = {.log = *log,
                                       .boot = rows[i].boot,
                                       .time_us = rows[i].time_us,
                                       .sent_us = rows[i].sent_us,
                                       .received_us = received_us};
        struct anchor_row stored;
        enum status status = batch->store->ops->anchor_get(batch->store, &rows[i].hash, &stored);

        if (status == STATUS_NOT_FOUND)
            status = batch->store->ops->anchor_put(batch->store, &rows[i]);
        RETURN_IF_BAD(status);
        if (!id_equal(&rows[i].log, &push->log) || id_is_zero(&rows[i].boot) || received_us < rows[i].sent_us)
            continue; /* another log's, a plain checkpoint, or an answer before its question: says nothing of this clock */
        RETURN_IF_BAD(clock_observe(batch, &seen));
    }
    return STATUS_OK;
}

enum status anchors_of_delivery(struct batch *batch, const struct push *push, const struct id *log,
                                const struct batch_delivery *delivery)
{
    struct boot_anchor_row seen = {
        .log = *log,
        .boot = delivery->boot,
        .time_us = delivery->hello_time_us / 1000 * 1000, /* as the journal keeps it, and as the anchor says it */
        .sent_us = (int64_t)delivery->hello_monotonic_ms * 1000,
        .received_us = INT64_MAX,
    };

    if (delivery->hello_time_us == 0 || id_is_zero(&delivery->boot))
        return STATUS_OK;
    if (push->session_received_ms > 0 && push->session_received_ms >= delivery->hello_monotonic_ms)
        seen.received_us = (int64_t)push->session_received_ms * 1000;
    return clock_observe(batch, &seen);
}

const struct anchor_row *anchor_of(const struct push *push, const struct anchor_row *rows,
                                   const struct hash *checkpoint)
{
    for (size_t i = 0; i < push->anchor_count; i++) {
        if (hash_equal(&rows[i].hash, checkpoint))
            return &rows[i];
    }
    return NULL;
}

/* A void checkpoint says nothing of when the entry that names it was written. */
static enum status evidence_from(struct batch *batch, int64_t *checkpoint_us)
{
    bool is_void;

    RETURN_IF_BAD(anchor_is_void(batch, *checkpoint_us, &is_void));
    if (is_void)
        *checkpoint_us = INT64_MIN;
    return STATUS_OK;
}

enum status bounds_of_stamp(struct batch *batch, const struct id *log, const struct fact_stamp *stamp,
                            struct bounds *ret_bounds, bool *ret_trouble)
{
    struct bounds outer = {stamp->checkpoint_us, stamp->received_us};
    struct bounds bounds, others;

    RETURN_IF_BAD(evidence_from(batch, &outer.lo_us));
    RETURN_IF_BAD(clock_bounds(batch, log, &stamp->boot, stamp->mono_us, &bounds));
    RETURN_IF_BAD(boots_bound(batch, log, stamp, &others, ret_trouble));
    bounds = bounds_intersect(bounds_intersect(bounds, outer), others);
    if (bounds_empty(bounds)) {
        *ret_trouble = true;
        bounds = bounds_empty(outer) ? bounds_unknown() : outer;
    }
    *ret_bounds = bounds;
    return STATUS_OK;
}

/* While there is no check-out, the longest visit bounds it from what stands fast: the check-in's latest instant. */
static enum status open_until(struct batch *batch, int64_t in_hi_us, int64_t *ret_to_us)
{
    const struct rule_policy *policies;
    size_t count;
    int64_t longest_us = 0;

    RETURN_IF_BAD(batch_policies(batch, &policies, &count));
    for (size_t i = 0; i < count; i++)
        longest_us = policies[i].longest_visit_us > longest_us ? policies[i].longest_visit_us : longest_us;
    if (__builtin_add_overflow(in_hi_us, longest_us, ret_to_us))
        *ret_to_us = RULE_FOREVER;
    return STATUS_OK;
}

/* F2: a contested check-out of a sound check-in ends nothing: what stands beside it may reach as far as if it were open. */
static enum status ends(struct batch *batch, const struct presence_row *row, bool *ret_ends)
{
    struct device_row device;

    *ret_ends = row->has_out;
    if (!row->has_out)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->device_by_id(batch->store, &row->device, &device));
    *ret_ends = device.fork_seq == 0 || !id_equal(&row->log, &device.log) || row->in.seq >= device.fork_seq ||
                row->out.seq < device.fork_seq;
    return STATUS_OK;
}

enum status presence_bounds(struct batch *batch, struct presence_row *row, struct rule_instant *ret_in,
                            struct rule_instant *ret_out, bool *ret_trouble)
{
    struct bounds in, out = bounds_unknown();
    bool in_trouble, out_trouble = false, is_over;
    int64_t open_to_us;

    RETURN_IF_BAD(bounds_of_stamp(batch, &row->log, &row->in, &in, &in_trouble));
    if (row->has_out)
        RETURN_IF_BAD(bounds_of_stamp(batch, &row->log, &row->out, &out, &out_trouble));
    if (row->has_out && out.lo_us < in.lo_us)
        out.lo_us = in.lo_us;
    if (row->has_out && in.hi_us > out.hi_us)
        in.hi_us = out.hi_us;
    if (bounds_empty(in) || bounds_empty(out)) { /* left certainly before arriving */
        int64_t from_us = row->in.checkpoint_us;

        in_trouble = true;
        RETURN_IF_BAD(evidence_from(batch, &from_us));
        in = (struct bounds){from_us, row->in.received_us};
        out = (struct bounds){from_us, row->out.received_us};
    }
    RETURN_IF_BAD(open_until(batch, in.hi_us, &open_to_us));
    *ret_in = (struct rule_instant){in.lo_us, in.hi_us};
    *ret_out = (struct rule_instant){out.lo_us, out.hi_us};
    *ret_trouble = in_trouble || out_trouble;
    row->from_us = in.lo_us;
    RETURN_IF_BAD(ends(batch, row, &is_over));
    row->to_us = is_over ? out.hi_us : open_to_us;
    return STATUS_OK;
}

int64_t watermark_of(const struct device_row *device)
{
    return device->watermark_us > device->assigned_from_us ? device->watermark_us : device->assigned_from_us;
}

static enum status touch_naming(void *context, const struct hash *presence)
{
    return batch_touch(context, presence);
}

/* Whoever held the device may be awaited by somebody who now waits for less. */
enum status watermark_touch(struct batch *batch, const struct device_row *device, int64_t from_us)
{
    struct holder_row rows[LOGIC_HOLDERS_MAX];
    size_t count;

    RETURN_IF_BAD(batch->store->ops->holders_of_device(batch->store, &device->device, from_us, RULE_FOREVER, rows,
                                                       LOGIC_HOLDERS_MAX, &count));
    for (size_t i = 0; i < count; i++)
        RETURN_IF_BAD(batch->store->ops->presences_naming(batch->store, &rows[i].officer,
                                                          from_us > rows[i].from_us ? from_us : rows[i].from_us,
                                                          touch_naming, batch));
    return STATUS_OK;
}

enum status watermark_move(struct batch *batch, struct device_row *device, int64_t to_us)
{
    int64_t before_us = device->watermark_us < to_us ? device->watermark_us : to_us;

    device->watermark_us = to_us;
    return watermark_touch(batch, device, before_us);
}
