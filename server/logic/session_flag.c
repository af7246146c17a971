/*
 * Flags: at once to everybody connected whose scopes hold them, ahead of any page (A1, A2). What isn't delivered here
 * is delivered by the feed's rows: the flag table is the outbox.
 */
#include <stdlib.h>
#include <string.h>

#include "server/logic/session_internal.h"

static void deliver(struct session *session, const struct session_held_flag *flag, struct session_update *update)
{
    if (session->timed == NULL)
        session->timed = calloc(SESSION_FLAGS_TIMED_MAX, sizeof(*session->timed));
    if (session->timed != NULL) { /* else it isn't timed */
        session->timed[session->timed_next] =
            (struct session_timed_flag){.flag = flag->flag, .committed_real_us = flag->committed_real_us};
        session->timed_next = (session->timed_next + 1) % SESSION_FLAGS_TIMED_MAX;
    }
    session_send(update, SESSION_URGENT, flag->bytes, flag->size);
}

static void hold(struct session *session, const struct session_held_flag *flag)
{
    if (session->held == NULL)
        session->held = calloc(SESSION_FLAGS_HELD_MAX, sizeof(*session->held));
    if (session->held != NULL && session->held_count < SESSION_FLAGS_HELD_MAX)
        session->held[session->held_count++] = *flag;
    else
        free(flag->bytes);
}

void session_flag_raised(struct session *session, const struct batch_flag *flag, int64_t committed_real_us,
                         struct session_update *update)
{
    struct session_held_flag own = {.scope_count = flag->scope_count, .flag = flag->flag, .pos = flag->pos};

    if (session->state != SESSION_LIVE || !flag->alarm)
        return;
    if (!session->looking && !session_sees(session, flag->scopes, flag->scope_count))
        return;
    own.committed_real_us = committed_real_us;
    memcpy(own.scopes, flag->scopes, sizeof(own.scopes));
    own.bytes = session_frame_flag(flag->pos, flag->row, &own.size);
    if (own.bytes == NULL)
        return; /* its row comes by the feed */
    if (session->looking)
        hold(session, &own);
    else
        deliver(session, &own, update);
}

void session_flags_pending(const struct session_greeting *greeting, struct session_update *update)
{
    for (size_t i = 0; i < greeting->flag_count; i++) {
        struct session_pending_flag *flag = (struct session_pending_flag *)(uintptr_t)&greeting->flags[i];

        session_send(update, SESSION_URGENT, flag->bytes, flag->size);
        flag->bytes = NULL; /* it has changed hands */
    }
}

static void forget_held(struct session *session)
{
    free(session->held);
    session->held = NULL;
    session->held_count = 0;
}

void session_flags_release(struct session *session, struct session_update *update)
{
    for (size_t i = 0; i < session->held_count; i++) {
        const struct session_held_flag *flag = &session->held[i];

        if (session_sees(session, flag->scopes, flag->scope_count))
            deliver(session, flag, update);
        else
            free(flag->bytes);
    }
    forget_held(session);
}

void session_flags_drop(struct session *session)
{
    for (size_t i = 0; i < session->held_count; i++)
        free(session->held[i].bytes);
    forget_held(session);
}

/* Real time since the commit, once for each delivery; -1 when this session didn't deliver it. */
static int64_t take_latency_us(struct session *session, const struct hash *flag, int64_t real_us)
{
    for (size_t i = 0; session->timed != NULL && i < SESSION_FLAGS_TIMED_MAX; i++) {
        struct session_timed_flag *timed = &session->timed[i];

        if (hash_equal(&timed->flag, flag)) {
            memset(&timed->flag, 0, sizeof(timed->flag));
            return real_us - timed->committed_real_us;
        }
    }
    return -1;
}

void session_flag_received_receive(struct session *session, const struct session_now *now, struct span body,
                                   struct session_update *update)
{
    ProtobufCMessage *unpacked = NULL;
    const Doublecrew__V1__FlagReceived *received;
    struct session_action *action;
    struct hash flag;
    enum status status = session_unpack(session, &doublecrew__v1__flag_received__descriptor, body, &unpacked);

    received = (const Doublecrew__V1__FlagReceived *)unpacked;
    if (status == STATUS_OK && received->flag_id.len == 0)
        status = STATUS_MISSING_FIELD;
    if (status == STATUS_OK)
        status = hash_from_span(span_of(received->flag_id.data, received->flag_id.len), &flag);
    if (status != STATUS_OK) {
        session_fail(session, update, status, false);
        return;
    }
    action = session_act(update, SESSION_REPORT);
    action->report.status = STATUS_OK;
    action->report.flag = flag;
    action->report.pos = received->pos;
    action->report.latency_us = take_latency_us(session, &flag, now->real_us);
}
