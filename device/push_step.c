/* What to push, and what the server's word on its own copy of the log means (F2, E2). */
#include "device/step_parts.h"

void step_push(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    uint64_t in_flight = sync->sent_seq - sync->durable_seq;
    uint64_t pending = sync->head_seq - sync->sent_seq;
    struct sync_action *action;
    uint64_t room;

    if (sync->phase != SYNC_ONLINE || sync->push_stopped || sync->building || sync->resend || pending == 0) {
        return;
    }
    if (sync->ack_until_ms == SYNC_NEVER) {
        sync->ack_until_ms = event->now.timer_ms + sync->config.answer_limit_ms;
    }
    if (in_flight >= sync->credit || sync->outstanding >= SYNC_PUSHES_MAX) {
        return; /* an Ack brings more; where none can come, the limit ends the session (P7) */
    }
    room = sync->credit - in_flight;
    if (pending < room) {
        room = pending;
    }
    if (room > PUSH_ENTRIES_MAX) {
        room = PUSH_ENTRIES_MAX;
    }
    sync->building = true;
    action = step_add(actions, SYNC_ACTION_PUSH);
    action->from_seq = sync->sent_seq + 1;
    action->count = (size_t)room;
}

void step_answered(struct sync *sync)
{
    if (sync->outstanding > 0) {
        sync->outstanding--;
    }
    if (sync->resend && sync->outstanding == 0 && !sync->building) {
        sync->resend = false;
        sync->sent_seq = sync->durable_seq;
    }
}

static bool found_fork(struct sync *sync, struct sync_actions *actions)
{
    if (!sync->push_stopped) {
        sync->push_stopped = true;
        sync->stop = SYNC_STOP_FORK;
        sync->ack_until_ms = SYNC_NEVER;
        step_add(actions, SYNC_ACTION_REPORT_ERROR)->status = STATUS_LOG_FORK;
        step_enter(sync, sync->phase, STATUS_LOG_FORK, actions);
    }
    return false;
}

static void take(struct sync *sync, uint64_t seq, struct span hash, struct sync_actions *actions)
{
    struct hash taken = {{0}};

    if (seq > 0 && hash_from_span(hash, &taken) != STATUS_OK) {
        return; /* its length was checked before */
    }
    if (seq > sync->durable_seq) {
        struct sync_action *action = step_add(actions, SYNC_ACTION_ACKNOWLEDGED);

        action->from_seq = sync->durable_seq + 1;
        action->to_seq = seq;
    } else if (seq < sync->durable_seq) {
        step_add(actions, SYNC_ACTION_BEHIND)->to_seq = seq;
    }
    sync->durable_seq = seq;
    sync->durable_hash = taken;
}

void step_doubt_durable(struct sync *sync, struct sync_actions *actions)
{
    if (sync->durable_seq > 0) {
        take(sync, 0, span_of(NULL, 0), actions);
    }
    sync->sent_seq = 0;
}

bool step_take_durable(struct sync *sync, const struct sync_event *event, uint64_t seq, struct span hash,
                       struct sync_actions *actions)
{
    if ((seq == 0) != (hash.size == 0) || (hash.size != 0 && hash.size != HASH_SIZE)) {
        step_fail(sync, event, STATUS_BAD_LENGTH, actions);
        return false;
    }
    if (seq > sync->head_seq) {
        return found_fork(sync, actions); /* a copy of this log went on elsewhere; this one was restored */
    }
    if (seq > 0 && (!event->own_hash_known || !span_equal(hash, span_of(event->own_hash.bytes, HASH_SIZE)))) {
        return found_fork(sync, actions);
    }
    take(sync, seq, hash, actions);
    return true;
}
