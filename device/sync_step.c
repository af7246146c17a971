#include <assert.h>
#include <string.h>

#include "device/step_parts.h"

void sync_init(struct sync *sync, const struct sync_config *config, const struct anchor_verifier *verifier)
{
    memset(sync, 0, sizeof *sync);
    sync->config = *config;
    sync->verifier = verifier;
    sync->phase_until_ms = SYNC_NEVER;
    sync->ack_until_ms = SYNC_NEVER;
    sync->page_until_ms = SYNC_NEVER;
    sync->seal_at_ms = SYNC_NEVER;
}

struct sync_action *step_add(struct sync_actions *actions, enum sync_action_type type)
{
    struct sync_action *action;

    assert(actions->count < SYNC_ACTIONS_MAX);
    action = &actions->items[actions->count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

void step_enter(struct sync *sync, enum sync_phase phase, enum status reason, struct sync_actions *actions)
{
    bool changed = sync->phase != phase || sync->reason != reason;

    sync->phase = phase;
    sync->reason = reason;
    if (changed) {
        step_add(actions, SYNC_ACTION_REPORT_STATE);
    }
}

static void forget_session(struct sync *sync)
{
    sync->building = false;
    sync->credit = 0;
    sync->outstanding = 0;
    sync->resend = false;
    sync->resends = 0;
    sync->phase_until_ms = SYNC_NEVER;
    sync->ack_until_ms = SYNC_NEVER;
    sync->page_until_ms = SYNC_NEVER;
    sync->feed_complete = false;
}

static bool has_link(const struct sync *sync)
{
    return sync->phase == SYNC_CONNECTING || sync->phase == SYNC_HELLO_SENT || sync->phase == SYNC_ONLINE;
}

/* Half of the doubled wait is certain, the other half chance: a fleet that lost its server doesn't come back at once. */
static uint64_t wait_ms(const struct sync *sync, uint32_t least_ms, uint32_t random)
{
    uint64_t longest = sync->config.retry_longest_ms;
    uint64_t wait = sync->config.retry_first_ms;

    for (uint32_t i = 1; i < sync->failures && wait < longest; i++) {
        wait *= 2;
    }
    if (wait > longest) {
        wait = longest;
    }
    wait = wait / 2 + random % (wait / 2 + 1);
    if (least_ms > 0) {
        uint32_t least = least_ms < SYNC_TOLD_WAIT_MAX_MS ? least_ms : SYNC_TOLD_WAIT_MAX_MS;
        uint64_t told = least + random % (least / 4 + 1);

        return told > wait ? told : wait;
    }
    return wait;
}

void step_count_failure(struct sync *sync, const struct sync_event *event)
{
    const Doublecrew__V1__ServerMessage *message = event->type == SYNC_EVENT_MESSAGE ? event->message : NULL;
    bool told = message && message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR;

    if (sync->failures < UINT32_MAX) {
        sync->failures++;
    }
    sync->failing_code = told ? message->error->code : DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNSPECIFIED;
}

void step_back_off(struct sync *sync, const struct sync_event *event, enum status reason, uint32_t least_ms,
                   struct sync_actions *actions)
{
    if (has_link(sync) && event->type != SYNC_EVENT_DISCONNECTED) {
        step_add(actions, SYNC_ACTION_DISCONNECT);
    }
    forget_session(sync);
    sync->ran_out = SYNC_WAIT_NOTHING;
    step_count_failure(sync, event);
    sync->phase_until_ms = event->now.timer_ms + wait_ms(sync, least_ms, event->now.random);
    step_enter(sync, SYNC_BACKING_OFF, reason, actions);
}

void step_close(struct sync *sync, enum status reason, struct sync_actions *actions)
{
    if (has_link(sync)) {
        step_add(actions, SYNC_ACTION_DISCONNECT);
    }
    forget_session(sync);
    sync->wanted = false;
    sync->seal_at_ms = SYNC_NEVER;
    step_enter(sync, SYNC_CLOSED, reason, actions);
}

void step_fail(struct sync *sync, const struct sync_event *event, enum status status, struct sync_actions *actions)
{
    step_add(actions, SYNC_ACTION_REPORT_ERROR)->status = status;
    step_back_off(sync, event, status, 0, actions);
}

static void connect_now(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    enum status why = sync->phase == SYNC_BACKING_OFF ? sync->reason : STATUS_OK;

    if (sync->phase == SYNC_CLOSED) {
        sync->stop = SYNC_STOP_NONE; /* a person has started it again: the server's word counts */
    }
    sync->wanted = true;
    sync->phase_until_ms = event->now.timer_ms + sync->config.connect_limit_ms;
    step_add(actions, SYNC_ACTION_CONNECT);
    step_enter(sync, SYNC_CONNECTING, why, actions);
}

static void connected(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    if (sync->phase != SYNC_CONNECTING) {
        return;
    }
    sync->hello_boot = event->now.boot;
    sync->hello_monotonic_ms = event->now.monotonic_ms;
    sync->phase_until_ms = event->now.timer_ms + sync->config.answer_limit_ms;
    step_add(actions, SYNC_ACTION_SEND_HELLO);
    step_enter(sync, SYNC_HELLO_SENT, sync->reason, actions);
}

enum sync_wait sync_push_waits_for(const struct sync *sync)
{
    switch (sync->phase) {
    case SYNC_CONNECTING:
        return SYNC_WAIT_CONNECTION;
    case SYNC_HELLO_SENT:
        return SYNC_WAIT_WELCOME;
    case SYNC_BACKING_OFF:
        return SYNC_WAIT_RETRY;
    case SYNC_CLOSED:
        return SYNC_WAIT_NOTHING;
    case SYNC_ONLINE:
        break;
    }
    if (sync->push_stopped || sync->head_seq == sync->durable_seq) {
        return SYNC_WAIT_NOTHING;
    }
    if (sync->outstanding > 0) {
        return SYNC_WAIT_ACK;
    }
    return sync->building ? SYNC_WAIT_SIGNATURE : SYNC_WAIT_CREDIT;
}

/* Whose limit has run out. */
static enum sync_wait ran_out(const struct sync *sync, uint64_t now)
{
    if (!has_link(sync)) {
        return SYNC_WAIT_NOTHING;
    }
    if (now >= sync->phase_until_ms || now >= sync->ack_until_ms) {
        return sync_push_waits_for(sync);
    }
    return now >= sync->page_until_ms ? SYNC_WAIT_PAGE : SYNC_WAIT_NOTHING;
}

static void tick(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    uint64_t now = event->now.timer_ms;
    enum sync_wait wait = ran_out(sync, now);

    if (sync->phase == SYNC_BACKING_OFF && now >= sync->phase_until_ms) {
        connect_now(sync, event, actions);
    } else if (wait != SYNC_WAIT_NOTHING) {
        step_fail(sync, event, STATUS_TIMEOUT, actions);
        sync->ran_out = wait;
    } else if (sync->phase == SYNC_ONLINE && now >= sync->seal_at_ms) {
        sync->seal_at_ms = SYNC_NEVER;
        step_add(actions, SYNC_ACTION_SEAL);
    }
}

static void pushed(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    if (sync->phase != SYNC_ONLINE || !sync->building) {
        return;
    }
    sync->building = false;
    sync->outstanding++;
    sync->sent_seq = event->seq;
    step_push(sync, event, actions);
}

static void message(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    int kind = (int)event->message->message_case;

    if (sync->phase != SYNC_HELLO_SENT && sync->phase != SYNC_ONLINE) {
        return; /* a late message of a session that has ended */
    }
    if (sync->phase == SYNC_HELLO_SENT && kind != DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME &&
        kind != DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR) {
        step_fail(sync, event, STATUS_PROTOCOL_ORDER, actions);
        return;
    }
    switch (kind) {
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME:
        step_welcome(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK:
        step_ack(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA:
        step_delta(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG:
        step_flag(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_PURGE:
        step_purge(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR:
        step_error(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_SEAL_REQUEST:
        step_seal_request(sync, event, actions);
        break;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_TRAINING_STEPPED:
        step_stepped(sync, event, actions);
        break;
    default:
        break; /* a newer server's message: unknown ones carry nothing that an older device must do (P5) */
    }
}

static void start(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    if (sync->phase == SYNC_CLOSED || sync->phase == SYNC_BACKING_OFF) {
        connect_now(sync, event, actions);
    } else if (sync->phase == SYNC_ONLINE) {
        step_push(sync, event, actions);
    }
}

static void disconnected(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    if (has_link(sync)) {
        step_back_off(sync, event, event->status == STATUS_OK ? STATUS_NETWORK : event->status, 0, actions);
    }
}

/*
 * The server was set back by more than this device keeps (E2): the log can't go on there, and trying again wouldn't help.
 * Rows still come; a new log carries what is left.
 */
static void stop_at_gap(struct sync *sync, struct sync_actions *actions)
{
    sync->push_stopped = true;
    sync->building = false;
    sync->stop = SYNC_STOP_ENROL;
    sync->ack_until_ms = SYNC_NEVER;
    step_add(actions, SYNC_ACTION_REPORT_ERROR)->status = STATUS_LOG_GAP;
    step_enter(sync, sync->phase, STATUS_LOG_GAP, actions);
}

void sync_step(struct sync *sync, const struct sync_event *event, struct sync_actions *ret_actions)
{
    ret_actions->count = 0;
    switch (event->type) {
    case SYNC_EVENT_START:
        if (!sync->wanted) {
            start(sync, event, ret_actions);
        }
        break;
    case SYNC_EVENT_RETRY_NOW:
        start(sync, event, ret_actions);
        break;
    case SYNC_EVENT_STOP:
        step_close(sync, STATUS_OK, ret_actions);
        break;
    case SYNC_EVENT_CONNECTED:
        connected(sync, event, ret_actions);
        break;
    case SYNC_EVENT_DISCONNECTED:
        disconnected(sync, event, ret_actions);
        break;
    case SYNC_EVENT_MESSAGE:
        message(sync, event, ret_actions);
        break;
    case SYNC_EVENT_APPENDED:
        sync->head_seq = event->seq;
        step_push(sync, event, ret_actions);
        break;
    case SYNC_EVENT_PUSHED:
        pushed(sync, event, ret_actions);
        break;
    case SYNC_EVENT_ROWS_CHECKED:
        step_rows_checked(sync, event, ret_actions);
        break;
    case SYNC_EVENT_FAILED:
        if (sync->phase == SYNC_ONLINE && event->status == STATUS_LOG_GAP) {
            stop_at_gap(sync, ret_actions);
        } else if (has_link(sync)) {
            step_fail(sync, event, event->status, ret_actions);
        }
        break;
    case SYNC_EVENT_TICK:
        tick(sync, event, ret_actions);
        break;
    }
    assert(sync->sent_seq <= sync->head_seq || sync->push_stopped);
    assert(sync->phase != SYNC_BACKING_OFF || sync->phase_until_ms != SYNC_NEVER);
    assert(sync_push_waits_for(sync) == SYNC_WAIT_NOTHING || sync_next_tick_ms(sync) != SYNC_NEVER);
}

uint64_t sync_next_tick_ms(const struct sync *sync)
{
    uint64_t next = sync->phase_until_ms;

    if (sync->ack_until_ms < next) {
        next = sync->ack_until_ms;
    }
    if (sync->page_until_ms < next) {
        next = sync->page_until_ms;
    }
    if (sync->phase == SYNC_ONLINE && sync->seal_at_ms < next) {
        next = sync->seal_at_ms;
    }
    return next;
}
