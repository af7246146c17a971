#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/logic/session_internal.h"

/* Which state may follow which. */
static const bool moves[SESSION_STATE_COUNT][SESSION_STATE_COUNT] = {
    [SESSION_NEW] = {[SESSION_GREETING] = true, [SESSION_CLOSING] = true},
    [SESSION_GREETING] = {[SESSION_LIVE] = true, [SESSION_CLOSING] = true},
    [SESSION_LIVE] = {[SESSION_CLOSING] = true},
};

typedef void (*receive_message)(struct session *session, const struct session_now *now, struct span body,
                                struct session_update *update);

/* Which message is allowed when, and who takes it. A purge's receipt is an entry. */
static const receive_message receivers[SESSION_STATE_COUNT][SESSION_MESSAGE_COUNT] = {
    [SESSION_NEW] = {[SESSION_MESSAGE_HELLO] = session_hello_receive},
    [SESSION_LIVE] =
        {
            [SESSION_MESSAGE_PUSH] = session_push_receive,
            [SESSION_MESSAGE_APPLIED] = session_applied_receive,
            [SESSION_MESSAGE_FLAG_RECEIVED] = session_flag_received_receive,
            [SESSION_MESSAGE_TRAINING_STEP] = session_training_step_receive,
            [SESSION_MESSAGE_DEFLATED_PUSH] = session_push_receive_deflated,
        },
};

enum status session_new(const struct session_setup *setup, const struct hash *certificate_key_hash,
                        uint64_t jitter_seed, const struct session_now *now, struct session **ret_session)
{
    struct session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return STATUS_NO_MEMORY;
    session->setup = setup;
    session->certificate_key_hash = *certificate_key_hash;
    session->jitter = jitter_seed | 1;
    session->hello_by_us = now->real_us + setup->hello_timeout_us;
    session->seal_look_us = INT64_MAX;
    session->seal_sent_us = INT64_MIN;
    *ret_session = session;
    return STATUS_OK;
}

void session_let_in(struct session *session, const struct session_now *now)
{
    session->hello_by_us = now->real_us + session->setup->hello_timeout_us;
}

void session_set_certificate_expired(struct session *session)
{
    session->certificate_expired = true;
}

enum status session_keep_look(struct session *session, const struct session_look *look)
{
    size_t size = look->member_count * sizeof(*look->members);
    struct scope_member *members = malloc(size + 1);

    if (members == NULL)
        return STATUS_NO_MEMORY;
    memcpy(members, look->members, size);
    free(session->look.members);
    session->look = (struct session_kept_look){.device = look->device,
                                               .is_operator = look->is_operator,
                                               .purge = look->purge,
                                               .members = members,
                                               .member_count = look->member_count};
    if (session->certificate_expired && session->look.device.standing == DEVICE_ACTIVE)
        session->look.device.standing = DEVICE_EXPIRED;
    session->hearing++;
    return STATUS_OK;
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    session_flags_drop(session);
    free(session->look.members);
    free(session->sent);
    free(session->timed);
    free(session);
}

enum session_state session_state(const struct session *session)
{
    return session->state;
}

const struct id *session_device(const struct session *session)
{
    return &session->look.device.device;
}

enum device_standing session_standing(const struct session *session)
{
    return session->looked ? session->look.device.standing : DEVICE_ACTIVE;
}

void session_move(struct session *session, enum session_state to)
{
    assert(moves[session->state][to]);
    session->state = to;
    session->hearing++;
}

struct session_action *session_act(struct session_update *update, enum session_action_kind kind)
{
    struct session_action *action;

    assert(update->count < SESSION_ACTIONS_MAX);
    action = &update->actions[update->count++];
    action->kind = kind;
    return action;
}

void session_send(struct session_update *update, enum session_lane lane, uint8_t *bytes, size_t size)
{
    struct session_action *action = session_act(update, SESSION_SEND);

    action->send.lane = lane;
    action->send.bytes = bytes;
    action->send.size = size;
}

void session_send_message(struct session *session, struct session_update *update,
                          const Doublecrew__V1__ServerMessage *message)
{
    uint8_t *bytes;
    size_t size;
    enum status status = wire_pack(&message->base, &bytes, &size);

    if (status == STATUS_OK)
        session_send(update, SESSION_URGENT, bytes, size);
    else
        session_close(session, update, status);
}

enum status session_unpack(struct session *session, const ProtobufCMessageDescriptor *descriptor, struct span body,
                           ProtobufCMessage **ret_message)
{
    arena_reset(session->setup->arena, ARENA_FACTOR * body.size + ARENA_FLOOR);
    return wire_unpack(session->setup->arena, descriptor, body, ret_message);
}

bool session_log_is_here(const struct session *session)
{
    return session->durable_seq >= session->device_seq && session->in_flight_pushes == 0;
}

bool session_asks(const struct session_update *update)
{
    for (size_t i = 0; i < update->count; i++) {
        if (update->actions[i].kind == SESSION_READ)
            return true;
    }
    return false;
}

static void receive(struct session *session, const struct session_now *now, struct span bytes,
                    struct session_update *update)
{
    enum session_message kind;
    struct span body;
    receive_message receiver;
    enum status status = session_frame_split(bytes, &kind, &body);

    if (status == STATUS_UNKNOWN_KIND)
        return; /* a newer client's message, which may go unheard (P5) */
    if (status != STATUS_OK) {
        session_fail(session, update, status, false);
        return;
    }
    receiver = receivers[session->state][kind];
    if (receiver == NULL)
        session_fail(session, update, STATUS_PROTOCOL_ORDER, true);
    else
        receiver(session, now, body, update);
}

static void answer(struct session *session, const struct session_now *now, const struct session_reply *reply,
                   struct session_update *update)
{
    switch (reply->kind) {
    case SESSION_GREET:
        session_hello_greeted(session, reply, update);
        break;
    case SESSION_LOOK:
        session_wait_answered(session, SESSION_WAIT_LOOK);
        session_roster_looked(session, reply, update);
        break;
    case SESSION_PAGE:
        session_wait_answered(session, SESSION_WAIT_PAGE);
        session_page_ready(session, reply, update);
        break;
    case SESSION_PURGE:
        session_purge_ready(session, reply, update);
        break;
    case SESSION_SEAL:
        session_wait_answered(session, SESSION_WAIT_SEAL);
        session_seal_ready(session, now, reply, update);
        break;
    case SESSION_FENCE:
        session_training_settled(session, update);
        break;
    }
}

static void commit(struct session *session, uint64_t head_pos, bool roster_changed, const struct batch_named *named,
                   struct session_update *update)
{
    if (session->state == SESSION_NEW || session->state == SESSION_CLOSING)
        return;
    if (head_pos > session->head_pos) /* the greeting's snapshot may be newer than this news */
        session->head_pos = head_pos;
    if (session->state == SESSION_GREETING) { /* or older */
        session->roster_moved = session->roster_moved || roster_changed;
        return;
    }
    session_seal_named(session, named);
    if (roster_changed)
        session_roster_changed(session, update);
    else
        session_page_want(session, update);
}

static void tick(struct session *session, const struct session_now *now, struct session_update *update)
{
    if (session->state == SESSION_NEW && now->real_us >= session->hello_by_us)
        session_fail(session, update, STATUS_TIMEOUT, true);
    else
        session_wait_tick(session, now, update);
    session_seal_tick(session, now);
}

static void handle(struct session *session, const struct session_now *now, const struct session_event *event,
                   struct session_update *update)
{
    switch (event->kind) {
    case SESSION_ON_MESSAGE:
        receive(session, now, event->message, update);
        break;
    case SESSION_ON_REFUSED:
        session->retry_after_ms = event->retry_after_ms;
        session_fail(session, update, event->status, true);
        break;
    case SESSION_ON_BAD_FRAME:
        session_fail(session, update, event->status, true);
        break;
    case SESSION_ON_REPLY:
        answer(session, now, event->reply, update);
        break;
    case SESSION_ON_PUSHED:
        session_wait_answered(session, SESSION_WAIT_PUSH);
        session_push_result(session, event->pushed.entry_count, event->pushed.result, update);
        break;
    case SESSION_ON_COMMIT:
        commit(session, event->commit.head_pos, event->commit.roster_changed, event->commit.named, update);
        break;
    case SESSION_ON_FLAG:
        session_flag_raised(session, event->flag.flag, event->flag.committed_real_us, update);
        break;
    case SESSION_ON_STEPPED:
        session_wait_answered(session, SESSION_WAIT_STEP);
        session_training_stepped(session, event->status, event->stepped.now_us, event->stepped.head_pos, update);
        break;
    case SESSION_ON_BACKLOG:
        session->backlog = event->backlog;
        if (!event->backlog)
            session_page_want(session, update);
        break;
    case SESSION_ON_TICK:
        tick(session, now, update);
        break;
    }
}

static void check(const struct session *session)
{
    assert(session->in_flight_entries <= session->setup->credit_entries);
    assert((session->in_flight_pushes == 0) == (session->in_flight_entries == 0));
    assert(session->sent_count + session->page_credit <= SESSION_PAGES_MAX);
    assert(session->held_count == 0 || session->looking);
    assert(session->state == SESSION_LIVE || session->state == SESSION_CLOSING ||
           (!session->looked && !session->reading_page && !session->looking && !session->seal_asked &&
            session->in_flight_pushes == 0));
    assert(!session->look_again || session->looking);
}

void session_step(struct session *session, const struct session_now *now, const struct session_event *event,
                  struct session_update *ret_update)
{
    ret_update->count = 0;
    if (session->state == SESSION_CLOSING)
        return; /* nothing that comes now changes anything: what was pushed stays pushed */
    session->now_us = now->server_us;
    handle(session, now, event, ret_update);
    session_purge_ask(session, ret_update);
    session_seal_ask(session, now, ret_update);
    check(session);
}

uint32_t session_hearing_changes(const struct session *session)
{
    return session->hearing;
}

bool session_lags(const struct session *session, uint64_t head_pos)
{
    return session->state == SESSION_LIVE && session->look.device.standing == DEVICE_ACTIVE &&
           head_pos > session->head_pos;
}

/* The officer's own scope, too: commits say whose logs verdicts look at. */
enum session_hearing session_hears(const struct session *session, struct scope *ret_scopes, size_t *ret_count)
{
    const struct session_kept_look *look = &session->look;

    *ret_count = 0;
    if (session->state == SESSION_GREETING || (session->state == SESSION_LIVE && session->looking))
        return SESSION_HEARS_ALL;
    if (session->state != SESSION_LIVE || look->device.standing != DEVICE_ACTIVE)
        return SESSION_HEARS_NOTHING;
    ret_scopes[(*ret_count)++] = (struct scope){.kind = SCOPE_OFFICER, .id = look->device.officer};
    for (size_t i = 0; i < look->member_count; i++) {
        const struct scope *scope = &look->members[i].scope;

        if (look->members[i].left_pos == 0 &&
            (scope->kind != SCOPE_OFFICER || !id_equal(&scope->id, &look->device.officer)))
            ret_scopes[(*ret_count)++] = *scope;
    }
    return SESSION_HEARS_SCOPES;
}

bool session_sees(const struct session *session, const struct scope *scopes, size_t count)
{
    if (session->state != SESSION_LIVE || session->look.device.standing != DEVICE_ACTIVE)
        return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < session->look.member_count; j++) {
            const struct scope_member *own = &session->look.members[j];

            if (own->left_pos == 0 && own->scope.kind == scopes[i].kind && id_equal(&own->scope.id, &scopes[i].id))
                return true;
        }
    }
    return false;
}
