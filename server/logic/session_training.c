/*
 * TrainingStep: the simulator owns the clock of a training server. Only an operator's device may move it, never back.
 *
 * The answer leaves after the reader has answered everything that fell due by the step, so that a play in steps is told
 * of nothing that is still under way: the reader's questions queue, and a fence goes last.
 */
#include "server/logic/session_internal.h"

static enum status admit(const struct session *session, const struct session_now *now, int64_t now_ms)
{
    if (!session->setup->training || !session->look.is_operator || session->look.device.standing != DEVICE_ACTIVE)
        return STATUS_NOT_PERMITTED;
    if (session->stepping)
        return STATUS_BUSY;
    if (now_ms < 0 || now_ms > INT64_MAX / 1000)
        return STATUS_INPUT;
    return now_ms * 1000 < now->server_us ? STATUS_CLOCK_TROUBLE : STATUS_OK;
}

void session_training_step_receive(struct session *session, const struct session_now *now, struct span body,
                                   struct session_update *update)
{
    ProtobufCMessage *unpacked = NULL;
    const Doublecrew__V1__TrainingStep *step;
    struct session_action *action;
    enum status status = session_unpack(session, &doublecrew__v1__training_step__descriptor, body, &unpacked);

    step = (const Doublecrew__V1__TrainingStep *)unpacked;
    if (status == STATUS_OK)
        status = admit(session, now, step->now_ms);
    if (status != STATUS_OK) {
        session_fail(session, update, status, false);
        return;
    }
    session->stepping = true;
    action = session_act(update, SESSION_STEP);
    action->step_us = step->now_ms * 1000;
}

void session_training_stepped(struct session *session, enum status status, int64_t now_us, uint64_t head_pos,
                              struct session_update *update)
{
    if (status != STATUS_OK) {
        session->stepping = false;
        session_fail(session, update, status, false);
        return;
    }
    session->stepped_us = now_us;
    session->stepped_pos = head_pos;
    session_act(update, SESSION_READ);
    update->request = (struct session_request){.kind = SESSION_FENCE};
}

/* The clock is set in any case: a fence that the reader has no room for only answers early. */
void session_training_settled(struct session *session, struct session_update *update)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__TrainingStepped stepped = DOUBLECREW__V1__TRAINING_STEPPED__INIT;

    session->stepping = false;
    stepped.now_ms = session->stepped_us / 1000;
    stepped.head_pos = session->stepped_pos;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_TRAINING_STEPPED;
    message.training_stepped = &stepped;
    session_send_message(session, update, &message);
}
