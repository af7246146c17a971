/* Error: a stable code and what to do about it. The remedy decides, not the code: an older device follows newer codes. */
#include "device/step_parts.h"

static enum status status_of(Doublecrew__V1__ErrorCode code)
{
    switch ((int)code) {
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_MALFORMED:
        return STATUS_MALFORMED;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_TOO_LARGE:
        return STATUS_OVER_LIMIT;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_PROTOCOL_VERSION:
        return STATUS_PROTOCOL_VERSION;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_PROTOCOL_ORDER:
        return STATUS_PROTOCOL_ORDER;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_MISSING_FIELD:
        return STATUS_MISSING_FIELD;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BAD_LENGTH:
        return STATUS_BAD_LENGTH;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BAD_SIGNATURE:
        return STATUS_BAD_SIGNATURE;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BAD_CHAIN:
        return STATUS_BAD_CHAIN;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_LOG_GAP:
        return STATUS_LOG_GAP;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_LOG_FORK:
        return STATUS_LOG_FORK;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_LOG:
        return STATUS_UNKNOWN_LOG;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_DEVICE:
        return STATUS_UNKNOWN_DEVICE;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_ANCHOR:
        return STATUS_UNKNOWN_ANCHOR;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_DEVICE_REVOKED:
        return STATUS_DEVICE_REVOKED;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_DEVICE_SUSPENDED:
        return STATUS_DEVICE_SUSPENDED;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_NOT_PERMITTED:
        return STATUS_NOT_PERMITTED;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_OVER_CREDIT:
        return STATUS_OVER_CREDIT;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY:
        return STATUS_BUSY;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_SLOW_READER:
        return STATUS_SLOW_READER;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_STOPPING:
        return STATUS_STOPPING;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_STORE:
        return STATUS_STORE;
    case DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_CLOCK_TROUBLE:
        return STATUS_CLOCK_TROUBLE;
    default:
        return STATUS_INTERNAL;
    }
}

/* A push that the server can't take now will fail alike next time, however well rows come in between. */
static void come_back_later(struct sync *sync, const struct sync_event *event, enum status status,
                            struct sync_actions *actions)
{
    if (sync->phase == SYNC_ONLINE && sync->sent_seq > sync->durable_seq)
        sync->push_refused = true;
    step_back_off(sync, event, status, event->message->error->retry_after_ms, actions);
}

/*
 * Pushes again from what is durable, once the pushes that are still under way have been answered too (they fail like this
 * one, and are charged until then). A session that needs it again and again backs off instead.
 */
static void resend(struct sync *sync, const struct sync_event *event, enum status status, struct sync_actions *actions)
{
    const Doublecrew__V1__Error *error = event->message->error;

    if (sync->phase != SYNC_ONLINE || error->closes || (!sync->resend && ++sync->resends > SYNC_RESENDS_MAX)) {
        come_back_later(sync, event, status, actions);
        return;
    }
    sync->resend = true;
    step_answered(sync);
    if (!sync->resend && sync->durable_seq == sync->head_seq) {
        sync->ack_until_ms = SYNC_NEVER; /* it was all durable before */
    }
    step_push(sync, event, actions);
}

static void send_from(struct sync *sync, const struct sync_event *event, enum status status,
                      struct sync_actions *actions)
{
    const Doublecrew__V1__Error *error = event->message->error;
    struct span hash = span_of(error->durable_hash.data, error->durable_hash.len);

    if (sync->phase != SYNC_ONLINE || step_take_durable(sync, event, error->durable_seq, hash, actions)) {
        resend(sync, event, status, actions);
    }
}

static enum sync_stop stop_of(Doublecrew__V1__Remedy remedy, enum status status)
{
    if (status == STATUS_LOG_FORK) {
        return SYNC_STOP_FORK;
    }
    switch ((int)remedy) {
    case DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN:
        return SYNC_STOP_ENROL;
    case DOUBLECREW__V1__REMEDY__REMEDY_UPDATE:
        return SYNC_STOP_UPDATE;
    default:
        return SYNC_STOP_REFUSED;
    }
}

/* What only a person can mend. Where the server keeps the session, rows and flags still come; pushing ends. */
static void leave_it_to_a_person(struct sync *sync, const struct sync_event *event, enum status status,
                                 struct sync_actions *actions)
{
    sync->stop = stop_of(event->message->error->remedy, status);
    step_count_failure(sync, event);
    if (event->message->error->closes || sync->phase != SYNC_ONLINE) {
        step_close(sync, status, actions);
        return;
    }
    sync->push_stopped = true;
    sync->ack_until_ms = SYNC_NEVER;
    step_enter(sync, sync->phase, status, actions);
}

/* An error that names no remedy of ours: the session may go on if the server keeps it open. */
static void no_remedy(struct sync *sync, const struct sync_event *event, enum status status,
                      struct sync_actions *actions)
{
    if (event->message->error->closes || sync->phase != SYNC_ONLINE) {
        step_back_off(sync, event, status, event->message->error->retry_after_ms, actions);
    } else {
        step_enter(sync, sync->phase, status, actions);
    }
}

void step_error(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Error *error = event->message->error;
    enum status status = status_of(error->code);
    struct sync_action *report = step_add(actions, SYNC_ACTION_REPORT_ERROR);

    report->status = status;
    report->error = error;
    switch ((int)error->remedy) {
    case DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER:
        come_back_later(sync, event, status, actions);
        break;
    case DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM:
        send_from(sync, event, status, actions);
        break;
    case DOUBLECREW__V1__REMEDY__REMEDY_SEND_FULL_ANCHORS:
        sync->full_anchors = true; /* until an Ack, in the next session too */
        resend(sync, event, status, actions);
        break;
    case DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN:
    case DOUBLECREW__V1__REMEDY__REMEDY_UPDATE:
    case DOUBLECREW__V1__REMEDY__REMEDY_STOP:
        leave_it_to_a_person(sync, event, status, actions);
        break;
    default:
        no_remedy(sync, event, status, actions);
        break;
    }
}
