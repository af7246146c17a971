/*
 * Push → Ack: entries up to the credit may be under way; the answer leaves after the commit (E1, P6). An error in one
 * push keeps the connection and its other records, and says from where to send again.
 */
#include "core/deflated.h"
#include "core/limits.h"
#include "server/logic/session_internal.h"

#define PUSH_ENTRIES_FIELD 6u

/*
 * What the push is charged. One that is no push at all, or too large a one, is for the verifier to name: so that answers
 * keep the order of the pushes.
 */
static uint32_t charge(struct span body)
{
    uint32_t count;

    if (session_frame_count(body, PUSH_ENTRIES_FIELD, &count) != STATUS_OK || count == 0)
        return 1;
    return count < PUSH_ENTRIES_MAX ? count : PUSH_ENTRIES_MAX;
}

/* NULL: there isn't so much credit, and the peer is told. */
static struct session_action *submit(struct session *session, struct span raw, uint32_t count,
                                     struct session_update *update)
{
    struct session_action *action;

    if (count > session->setup->credit_entries - session->in_flight_entries) {
        session_fail(session, update, STATUS_OVER_CREDIT, false);
        return NULL;
    }
    session->in_flight_entries += count;
    session->in_flight_pushes++;
    action = session_act(update, SESSION_SUBMIT);
    action->submit.raw = raw;
    action->submit.inflated_size = 0;
    action->submit.status = STATUS_OK;
    action->submit.entry_count = count;
    action->submit.key = session->look.device.key;
    action->submit.delivery = (struct batch_delivery){
        .device = session->look.device.device,
        .boot = session->hello.boot,
        .hello_monotonic_ms = session->hello.monotonic_ms,
        .hello_time_us = session->hello.clock_trouble ? 0 : session->hello.time_us,
    };
    return action;
}

void session_push_receive(struct session *session, const struct session_now *now, struct span body,
                          struct session_update *update)
{
    (void)now;
    (void)submit(session, body, charge(body), update);
}

/* Nothing is inflated on the loop: the credit is charged by what the message says, and whoever opens the push compares. */
void session_push_receive_deflated(struct session *session, const struct session_now *now, struct span body,
                                   struct session_update *update)
{
    struct deflated_push push = {.entry_count = 1};
    struct session_action *action;
    enum status status;

    (void)now;
    if (!session->setup->push_deflate) {
        session_fail(session, update, STATUS_PROTOCOL_ORDER, true);
        return;
    }
    status = deflated_push_open(body, &push);
    action = submit(session, push.bytes, push.entry_count, update);
    if (action != NULL) {
        action->submit.inflated_size = push.size;
        action->submit.status = status;
    }
}

static void acknowledge(struct session *session, const struct batch_result *result, struct session_update *update)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Ack ack = DOUBLECREW__V1__ACK__INIT;
    Doublecrew__V1__HeldEntry held[16];
    Doublecrew__V1__HeldEntry *held_at[16];
    size_t held_max = sizeof(held) / sizeof(held[0]);

    ack.durable_seq = session->durable_seq;
    ack.durable_hash = (ProtobufCBinaryData){HASH_SIZE, session->durable_hash.bytes};
    ack.pos = result->pos;
    ack.credit = session->setup->credit_entries;
    ack.n_held = result->held_count < held_max ? result->held_count : held_max;
    ack.held = held_at;
    for (size_t i = 0; i < ack.n_held; i++) {
        doublecrew__v1__held_entry__init(&held[i]);
        held[i].seq = result->held[i].seq;
        held[i].reason = (char *)(uintptr_t)result->held[i].reason; /* packing only reads */
        held_at[i] = &held[i];
    }
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    session_send_message(session, update, &message);
}

void session_push_result(struct session *session, uint32_t entry_count, const struct batch_result *result,
                         struct session_update *update)
{
    session->in_flight_entries -= entry_count;
    session->in_flight_pushes--;
    if (result->durable_seq > session->durable_seq) { /* 0: the push never reached the writer */
        session->durable_seq = result->durable_seq;
        session->durable_hash = result->durable_hash;
    }
    if (result->status == STATUS_OK) {
        session_contact_pushed(session);
        acknowledge(session, result, update);
    } else {
        session_fail(session, update, result->status, false);
    }
}
