#include "device/report.h"

#include "device/pending.h"
#include "device/wait_text.h"

struct dc_event device_event(enum dc_event_type type)
{
    return (struct dc_event){.type = type, .text = "", .advice = ""};
}

void device_emit(struct dc_device *device, const struct dc_event *event)
{
    if (device->on_event && !device->closing) {
        device->on_event(device->event_context, device, event);
    }
}

void device_report_ack(struct dc_device *device, const struct sync_action *action)
{
    struct dc_event event = device_event(DC_EVENT_ACK);

    event.seq = action->to_seq;
    event.pos = action->pos;
    event.count = (uint32_t)(action->to_seq - action->from_seq + 1);
    device_emit(device, &event);
    for (size_t i = 0; action->ack && i < action->ack->n_held; i++) {
        struct dc_event held = device_event(DC_EVENT_HELD);

        held.seq = action->ack->held[i]->seq;
        held.text = action->ack->held[i]->reason;
        device_emit(device, &held);
    }
    device_report_progress(device);
}

void device_report_progress(struct dc_device *device)
{
    struct dc_event event = device_event(DC_EVENT_PROGRESS);
    const struct sync *sync = &device->sync;

    event.done = progress_done(device);
    event.total = progress_total(device);
    event.pages = sync->session_pages;
    event.rows = sync->session_rows;
    event.cursor = sync->feed.cursor;
    event.pos = sync->head_pos;
    event.complete = sync->feed_complete;
    device_emit(device, &event);
}

void device_report_state(struct dc_device *device)
{
    struct dc_event event = device_event(DC_EVENT_SYNC_STATE);
    uint64_t now = device->clock.timer_ms(device->clock.context);
    bool online = device->sync.phase == SYNC_ONLINE;
    char text[DEVICE_TEXT_MAX];

    if (online || device->was_online) {
        device->last_online_ms = device->clock.wall_ms(device->clock.context);
        device->age.online_wall_ms = device->last_online_ms; /* durable with the next commit */
    }
    wait_text_reason(&device->sync, text, sizeof text);
    event.state = (enum dc_sync_state)device->sync.phase;
    event.status = public_status(device->sync.reason);
    event.text = text;
    event.advice = wait_text_advice(&device->sync);
    if (device->sync.phase == SYNC_BACKING_OFF && device->sync.phase_until_ms > now) {
        event.retry_in_ms = device->sync.phase_until_ms - now;
    }
    device_emit(device, &event);
    if (online && !device->was_online) {
        device->was_online = true;
        device_report_progress(device);
    }
    device->was_online = online;
}

void device_report_error(struct dc_device *device, const struct sync_action *action)
{
    struct dc_event event = device_event(DC_EVENT_ERROR);

    event.status = public_status(action->status);
    event.text = status_what(action->status);
    event.advice = status_advice(action->status);
    if (action->error && action->error->message[0]) {
        event.text = action->error->message;
    }
    if (action->error && action->error->advice[0]) {
        event.advice = action->error->advice;
    }
    device_emit(device, &event);
}

void device_report_stepped(struct dc_device *device, const Doublecrew__V1__TrainingStepped *stepped)
{
    struct dc_event event = device_event(DC_EVENT_TRAINING_STEPPED);

    event.now_ms = stepped->now_ms;
    event.pos = stepped->head_pos;
    device_emit(device, &event);
}

void device_report_prompt(struct dc_device *device)
{
    struct dc_event event = device_event(DC_EVENT_PROMPT);

    device_emit(device, &event);
}
