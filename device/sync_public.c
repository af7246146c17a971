/* The sync as the app steers and sees it. */
#include "device/pending.h"
#include "device/report.h"
#include "device/upkeep.h"
#include "device/wait_text.h"

int64_t device_pending_since_ms(struct dc_device *device)
{
    struct pending_oldest oldest;

    return pending_oldest(device, &oldest) ? oldest.pending.since_ms : 0;
}

enum dc_status dc_sync_start(struct dc_device *device)
{
    struct sync_event event = {.type = SYNC_EVENT_START};

    if (!device->link_ops) {
        return DC_CONFIG;
    }
    if (device->log_lost) {
        return DC_LOG_LOST;
    }
    device_drive(device, &event);
    return DC_OK;
}

void dc_sync_stop(struct dc_device *device)
{
    struct sync_event event = {.type = SYNC_EVENT_STOP};

    if (!device->log_lost) { /* that one never started, and goes on saying why */
        device_drive(device, &event);
    }
}

enum dc_status dc_sync_now(struct dc_device *device)
{
    struct sync_event event = {.type = SYNC_EVENT_RETRY_NOW};

    if (!device->link_ops) {
        return DC_CONFIG;
    }
    if (device->log_lost) {
        return DC_LOG_LOST;
    }
    device_drive(device, &event);
    return DC_OK;
}

void dc_sync_status(struct dc_device *device, struct dc_sync_status *ret_status)
{
    const struct sync *sync = &device->sync;
    uint64_t now = device->clock.timer_ms(device->clock.context);
    bool waits = sync->phase == SYNC_BACKING_OFF && sync->phase_until_ms > now;
    struct pending_oldest oldest = {0};
    uint64_t count = pending_oldest(device, &oldest) ? pending_count(device) : 0;

    wait_text_reason(sync, device->texts.reason, sizeof device->texts.reason);
    wait_text_overall(count, &oldest.pending, device->texts.pending, sizeof device->texts.pending);
    *ret_status = (struct dc_sync_status){
        .state = (enum dc_sync_state)sync->phase,
        .reason = public_status(sync->reason),
        .reason_text = device->texts.reason,
        .advice = wait_text_advice(sync),
        .head_seq = device->head.seq,
        .durable_seq = sync->durable_seq,
        .pending_entries = pending_count(device),
        .pending_since_ms = oldest.pending.since_ms,
        .pending_age_ms = oldest.pending.age_ms,
        .pending_reason = oldest.pending.reason,
        .pending_text = device->texts.pending,
        .pushed_entries = progress_done(device),
        .push_total = progress_total(device),
        .pages = sync->session_pages,
        .rows = sync->session_rows,
        .feed_head = sync->head_pos,
        .feed_cursor = sync->feed.cursor,
        .feed_complete = sync->feed_complete,
        .last_anchor_ms = device->anchor_time_ms,
        .last_online_ms = device->last_online_ms,
        .records = upkeep_records(device),
        .records_age_ms = age_of_rows_ms(&device->age),
        .retry_in_ms = waits ? sync->phase_until_ms - now : 0,
        .failures = sync->failures,
        .repairs = sync->feed.repairs,
        .training = sync->training,
        .policy_version = sync->policy_version,
    };
}

enum dc_status dc_training_step(struct dc_device *device, int64_t now_ms)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__TrainingStep step_message = DOUBLECREW__V1__TRAINING_STEP__INIT;

    if (device->sync.phase != SYNC_ONLINE) {
        return DC_NETWORK;
    }
    step_message.now_ms = now_ms;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_TRAINING_STEP;
    message.training_step = &step_message;
    return public_status(device_send(device, &message));
}
