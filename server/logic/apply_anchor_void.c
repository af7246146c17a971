/*
 * A range of the server's own time declared wrong (T5): anchors issued in it are evidence of nothing, whether they came before
 * or come later. Times that rested on them are bounded by other anchors, or not at all.
 */
#include "server/logic/batch_internal.h"

static enum status load_voids(struct batch *batch)
{
    if (batch->voids_read)
        return STATUS_OK;
    RETURN_IF_BAD(
        batch->store->ops->anchor_voids(batch->store, batch->voids, LOGIC_ANCHOR_VOIDS_MAX, &batch->void_count));
    batch->voids_read = true;
    return STATUS_OK;
}

enum status anchor_is_void(struct batch *batch, int64_t time_us, bool *ret_void)
{
    *ret_void = false;
    if (time_us == INT64_MIN)
        return STATUS_OK;
    RETURN_IF_BAD(load_voids(batch));
    for (size_t i = 0; i < batch->void_count && !*ret_void; i++)
        *ret_void = time_us >= batch->voids[i].from_us && time_us < batch->voids[i].to_us;
    return STATUS_OK;
}

static enum status touch_presence(void *context, const struct presence_row *row)
{
    return batch_touch_changed(context, &row->presence);
}

/* Branches begin where the fork is. */
static uint64_t first_seq_of(const struct device_row *device)
{
    return id_equal(&device->device, &device->log) ? device->fork_seq : 1;
}

/* Its watermark without the void anchors, and whether its clock's troubles were the void anchors' doing. */
static enum status look_again(struct batch *batch, struct device_row *device)
{
    int64_t before_us = device->watermark_us;
    int64_t watermark_us = INT64_MIN;

    RETURN_IF_BAD(clock_again(batch, &device->log));
    RETURN_IF_BAD(boots_again(batch, &device->log, first_seq_of(device), device->last_seq));
    RETURN_IF_BAD(carried_times_again(batch, &device->log));
    if (before_us == INT64_MIN)
        return STATUS_OK;
    RETURN_IF_BAD(watermark_up_to(batch, device, &watermark_us));
    if (watermark_us == before_us)
        return STATUS_OK;
    device->watermark_us = INT64_MIN; /* what it let through is looked at again */
    RETURN_IF_BAD(watermark_move(batch, device, watermark_us));
    return batch->store->ops->device_put(batch->store, device);
}

struct boot_touches {
    struct batch *batch;
    const struct id *log;
};

static enum status touch_of_log(void *context, const struct presence_row *row)
{
    struct boot_touches *touch = context;

    return id_equal(&row->log, touch->log) ? batch_touch_changed(touch->batch, &row->presence) : STATUS_OK;
}

/* Boots that were in trouble may not be any more: their presences' bounds count again. */
static enum status touch_troubled(struct batch *batch, const struct device_row *device)
{
    struct boot_touches touch = {batch, &device->log};
    struct boot_row boots[BOOTS_NEAR];
    size_t count;
    uint64_t seq = device->last_seq;

    for (;;) {
        RETURN_IF_BAD(batch->store->ops->boots_of_log(batch->store, &device->log, seq, boots, BOOTS_NEAR, &count));
        for (size_t i = 0; i < count; i++) {
            if (boots[i].clock_trouble && boots[i].first_seq <= seq)
                RETURN_IF_BAD(batch->store->ops->presences_in_boot(batch->store, &device->log, &boots[i].boot,
                                                                   touch_of_log, &touch));
        }
        if (count == 0 || boots[0].first_seq <= first_seq_of(device) || boots[0].first_seq > seq)
            return STATUS_OK;
        seq = boots[0].first_seq - 1;
    }
}

static enum status look_again_at_logs(struct batch *batch, struct applying *applying,
                                      const struct anchor_void_row *range)
{
    struct device_row device;
    struct id after = {{0}};
    enum status status;

    while ((status = batch->store->ops->device_anchored_in(batch->store, range->from_us, range->to_us, &after,
                                                           &device)) == STATUS_OK) {
        after = device.log;
        if (id_equal(&device.device, &applying->device->device))
            device = *applying->device;
        RETURN_IF_BAD(touch_troubled(batch, &device));
        RETURN_IF_BAD(look_again(batch, &device));
        if (id_equal(&device.device, &applying->device->device))
            *applying->device = device;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status apply_anchor_void(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__AnchorVoid *message = (const Doublecrew__V1__AnchorVoid *)base;
    struct anchor_void_row row = {applying->entry->hash, message->from_ms * 1000, message->to_ms * 1000};

    RETURN_IF_BAD(load_voids(batch));
    if (batch->void_count == LOGIC_ANCHOR_VOIDS_MAX) {
        applying->held = "over_limit";
        return STATUS_OK;
    }
    RETURN_IF_BAD(batch->store->ops->anchor_void_put(batch->store, &row));
    batch->voids_read = false;
    RETURN_IF_BAD(
        batch->store->ops->presences_anchored_in(batch->store, row.from_us, row.to_us, touch_presence, batch));
    return look_again_at_logs(batch, applying, &row);
}
