/* Ack: entries are durable at the server. Only now may they be forgotten here. */
#include "device/step_parts.h"

void step_ack(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Ack *ack = event->message->ack;
    struct span hash = span_of(ack->durable_hash.data, ack->durable_hash.len);
    size_t before;

    if (sync->push_stopped) {
        return;
    }
    if (ack->durable_seq > sync->sent_seq) {
        step_fail(sync, event, STATUS_PROTOCOL_ORDER, actions); /* what wasn't sent can't be durable there */
        return;
    }
    if (ack->durable_seq == sync->sent_seq) {
        sync->outstanding = 0; /* one Ack may answer several */
    }
    if (ack->durable_seq < sync->durable_seq) {
        step_answered(sync); /* of a push that went twice */
        step_push(sync, event, actions);
        return;
    }
    before = actions->count;
    if (!step_take_durable(sync, event, ack->durable_seq, hash, actions)) {
        return;
    }
    if (actions->count > before) {
        actions->items[before].pos = ack->pos;
        actions->items[before].ack = ack;
    }
    sync->credit = ack->credit;
    sync->failures = 0;
    sync->push_refused = false;
    sync->resends = 0;
    sync->full_anchors = false;
    step_answered(sync);
    sync->ack_until_ms = sync->sent_seq > sync->durable_seq || sync->building || sync->resend
                             ? event->now.timer_ms + sync->config.answer_limit_ms
                             : SYNC_NEVER;
    step_enter(sync, SYNC_ONLINE, STATUS_OK, actions);
    step_push(sync, event, actions);
}
