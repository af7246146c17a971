#include "device/pending.h"

#include <string.h>

#include "device/wait_text.h"

static uint64_t beyond(uint64_t seq, uint64_t from_seq)
{
    return seq > from_seq ? seq - from_seq : 0;
}

uint64_t pending_count(const struct dc_device *device)
{
    return beyond(device->head.seq, device->sync.durable_seq);
}

uint64_t progress_done(const struct dc_device *device)
{
    return beyond(device->sync.durable_seq, device->sync.session_from_seq);
}

uint64_t progress_total(const struct dc_device *device)
{
    return beyond(device->head.seq, device->sync.session_from_seq);
}

/* Whatever the wall clock says, an entry of an earlier boot is at least as old as this one. */
static void take_age(struct dc_device *device, const struct entry_header *header, struct dc_pending *ret_pending)
{
    struct id boot;
    uint64_t now_ms = device_monotonic(device, &boot);
    int64_t by_wall = device->clock.wall_ms(device->clock.context) - header->wall_ms;

    ret_pending->age_measured = id_equal(&boot, &header->boot);
    if (ret_pending->age_measured) {
        ret_pending->age_ms = now_ms > header->monotonic_ms ? now_ms - header->monotonic_ms : 0;
    } else {
        ret_pending->age_ms = by_wall > 0 && (uint64_t)by_wall > now_ms ? (uint64_t)by_wall : now_ms;
    }
}

static enum dc_pending_reason stopped_reason(const struct sync *sync)
{
    switch (sync->stop) {
    case SYNC_STOP_FORK:
        return DC_PENDING_FORK;
    case SYNC_STOP_ENROL:
        return DC_PENDING_ENROL;
    case SYNC_STOP_UPDATE:
        return DC_PENDING_UPDATE;
    case SYNC_STOP_REFUSED:
        return DC_PENDING_REFUSED;
    case SYNC_STOP_LOST:
        return DC_PENDING_LOST;
    case SYNC_STOP_NONE:
        break;
    }
    return DC_PENDING_NOT_STARTED;
}

static enum dc_pending_reason reason_of(const struct sync *sync, uint64_t seq)
{
    if (sync->stop != SYNC_STOP_NONE) {
        return stopped_reason(sync);
    }
    switch (sync_push_waits_for(sync)) {
    case SYNC_WAIT_CONNECTION:
    case SYNC_WAIT_WELCOME:
        return DC_PENDING_CONNECTING;
    case SYNC_WAIT_RETRY:
        return DC_PENDING_RETRY;
    case SYNC_WAIT_SIGNATURE:
        return seq == sync->sent_seq + 1 ? DC_PENDING_SIGNING : DC_PENDING_QUEUED;
    case SYNC_WAIT_ACK:
        return seq <= sync->sent_seq && !sync->resend ? DC_PENDING_IN_FLIGHT : DC_PENDING_QUEUED;
    case SYNC_WAIT_CREDIT:
    case SYNC_WAIT_PAGE:
        return DC_PENDING_QUEUED;
    case SYNC_WAIT_NOTHING:
        break;
    }
    return DC_PENDING_NOT_STARTED;
}

static struct dc_pending describe(struct dc_device *device, const struct entry *entry)
{
    const struct sync *sync = &device->sync;
    struct dc_pending pending = {.seq = entry->header.seq,
                                 .kind = entry->header.kind,
                                 .since_ms = entry->header.wall_ms,
                                 .reason = reason_of(sync, entry->header.seq),
                                 .status = public_status(sync->reason)};
    uint64_t now = device->clock.timer_ms(device->clock.context);

    memcpy(pending.entry.bytes, entry->hash.bytes, HASH_SIZE);
    take_age(device, &entry->header, &pending);
    pending.never_online = sync->phase != SYNC_ONLINE && device->last_online_ms < pending.since_ms;
    if (pending.reason == DC_PENDING_RETRY && sync->phase_until_ms > now) {
        pending.retry_in_ms = sync->phase_until_ms - now;
    }
    return pending;
}

struct lister {
    struct dc_device *device;
    dc_on_pending on_pending;
    void *context;
    bool stopped;
};

static bool hand_out(void *context, const struct entry *entry)
{
    struct lister *lister = context;
    struct dc_pending pending = describe(lister->device, entry);
    char text[DEVICE_TEXT_MAX];

    wait_text_pending(&lister->device->sync, &pending, text, sizeof text);
    pending.text = text;
    lister->stopped = !lister->on_pending(lister->context, &pending);
    return !lister->stopped;
}

static bool hand_out_held(void *context, uint64_t seq, const char *reason)
{
    struct lister *lister = context;
    struct store_entry stored = {0};
    struct dc_pending pending;

    if (store_read_entry(lister->device->store, seq, &stored) != STATUS_OK) {
        return true;
    }
    pending = describe(lister->device, &stored.entry);
    pending.reason = DC_PENDING_HELD;
    pending.status = DC_OK;
    pending.retry_in_ms = 0;
    pending.never_online = false;
    pending.text = reason;
    store_entry_done(&stored);
    lister->stopped = !lister->on_pending(lister->context, &pending);
    return !lister->stopped;
}

enum dc_status dc_each_pending(struct dc_device *device, dc_on_pending on_pending, void *context)
{
    struct lister lister = {.device = device, .on_pending = on_pending, .context = context};
    enum status status = store_each_entry(device->store, device->sync.durable_seq + 1, hand_out, &lister);

    if (status == STATUS_OK && !lister.stopped) {
        status = store_each_held(device->store, hand_out_held, &lister);
    }
    return public_status(status);
}

bool pending_oldest(struct dc_device *device, struct pending_oldest *ret_oldest)
{
    struct store_entry stored = {0};
    uint64_t seq = 0;

    /* A server that was set back far may want entries whose bodies have gone: the oldest that is here is told. */
    if (pending_count(device) == 0 ||
        store_first_kept(device->store, device->sync.durable_seq + 1, &seq) != STATUS_OK ||
        store_read_entry(device->store, seq, &stored) != STATUS_OK) {
        return false;
    }
    ret_oldest->pending = describe(device, &stored.entry);
    store_entry_done(&stored);
    wait_text_pending(&device->sync, &ret_oldest->pending, ret_oldest->text, sizeof ret_oldest->text);
    ret_oldest->pending.text = ret_oldest->text;
    return true;
}
