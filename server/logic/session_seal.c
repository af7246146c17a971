/*
 * SealRequest: a visit waits for what this officer's log says, and the phone is online; its officer is asked whether they
 * were there, and if not, the phone says that its log is complete (W1). Nothing is concluded from silence (W3).
 *
 * Whether a visit waits is the reader's to say (session_seal_read.c). It is asked after the greeting, after a commit whose
 * verdicts look at this officer's logs, and when a visit that waits has ended; one question at a time.
 */
#include <string.h>

#include "server/logic/session_internal.h"

/* After a question that couldn't be answered. */
#define RETRY_US (INT64_C(10) * 1000 * 1000)

static bool is_among(const struct batch_named *named, const struct id *officer)
{
    for (size_t i = 0; i < named->count; i++) {
        if (id_equal(&named->officers[i], officer))
            return true;
    }
    return named->all;
}

void session_seal_named(struct session *session, const struct batch_named *named)
{
    if (named != NULL && is_among(named, &session->look.device.officer))
        session->seal_wanted = true;
}

void session_seal_tick(struct session *session, const struct session_now *now)
{
    if (now->server_us >= session->seal_look_us)
        session->seal_wanted = true;
}

void session_seal_ask(struct session *session, const struct session_now *now, struct session_update *update)
{
    if (!session->seal_wanted || session->seal_asked || session->looking || now->clock_trouble)
        return;
    if (session->state != SESSION_LIVE || session->look.device.standing != DEVICE_ACTIVE ||
        !session_log_is_here(session))
        return; /* evidence of this very log on its way may be what the visit waits for */
    if (session_asks(update))
        return; /* after one of the next events, of which there is always one: the clock's */
    session->seal_wanted = false;
    session->seal_asked = true;
    session->seal_asked_us = now->server_us;
    session->seal_look_us = INT64_MAX;
    session_act(update, SESSION_READ);
    update->request = (struct session_request){.kind = SESSION_SEAL};
    update->request.certificate_key_hash = session->certificate_key_hash;
    update->request.hello = session->hello;
    update->request.hello.clock_trouble = false;
    update->request.hello.time_us = now->server_us;
}

static void send(struct session *session, const struct session_seal *seal, struct session_update *update)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__SealRequest request = DOUBLECREW__V1__SEAL_REQUEST__INIT;

    request.anchor = (ProtobufCBinaryData){seal->anchor_size, (uint8_t *)(uintptr_t)seal->anchor}; /* only read */
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_SEAL_REQUEST;
    message.seal_request = &request;
    session_send_message(session, update, &message);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* The last request covers every visit that was over when it was made; only one that ended since isn't a repetition. */
static bool may_send(const struct session *session, const struct session_now *now, const struct session_seal *seal)
{
    return session->seal_sent_us == INT64_MIN || seal->to_us >= session->seal_sent_us ||
           now->server_us - session->seal_sent_us >= seal->silence_us;
}

void session_seal_ready(struct session *session, const struct session_now *now, const struct session_reply *reply,
                        struct session_update *update)
{
    const struct session_seal *seal = &reply->seal;

    session->seal_asked = false;
    if (reply->status != STATUS_OK) {
        session->seal_look_us = now->server_us + RETRY_US;
        return;
    }
    session->seal_look_us = seal->next_us;
    if (seal->anchor_size == 0)
        return;
    if (now->clock_trouble || session->looking) { /* came while it was asked: look again */
        session->seal_wanted = true;
        return;
    }
    if (may_send(session, now, seal)) {
        session->seal_sent_us = session->seal_asked_us;
        send(session, seal, update);
    }
    session->seal_look_us = earlier(seal->next_us, session->seal_sent_us + seal->silence_us);
}
