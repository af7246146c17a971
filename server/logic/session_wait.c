/*
 * No silent stall (P7): everything that a session waits for from this server has a limit and a name. Looked at with each
 * tick, so a wait is measured from the tick after it began. What the client may keep us waiting with has its limits
 * elsewhere: Hello (session.c), reading (hub.c), pings (the transport).
 */
#include "server/logic/session_internal.h"

struct wait_row {
    const char *name;
    enum status status; /* what the peer is told */
    int64_t times;      /* the limit, times the setup's */
};

/* A training step lets fall due what falls due in a day, or a month: it takes its time. */
static const struct wait_row rows[SESSION_WAIT_COUNT] = {
    [SESSION_WAIT_GREETING] = {"greeting", STATUS_BUSY, 1}, [SESSION_WAIT_PUSH] = {"push", STATUS_STORE_SLOW, 1},
    [SESSION_WAIT_PAGE] = {"page", STATUS_BUSY, 1},         [SESSION_WAIT_LOOK] = {"look", STATUS_BUSY, 1},
    [SESSION_WAIT_SEAL] = {"seal", STATUS_BUSY, 1},         [SESSION_WAIT_STEP] = {"step", STATUS_BUSY, 10},
};

static bool is_under_way(const struct session *session, enum session_wait wait)
{
    switch (wait) {
    case SESSION_WAIT_GREETING:
        return session->state == SESSION_GREETING;
    case SESSION_WAIT_PUSH:
        return session->in_flight_pushes > 0;
    case SESSION_WAIT_PAGE:
        return session->reading_page;
    case SESSION_WAIT_LOOK:
        return session->looking;
    case SESSION_WAIT_SEAL:
        return session->seal_asked;
    case SESSION_WAIT_STEP:
        return session->stepping;
    case SESSION_WAIT_COUNT:
        break;
    }
    return false;
}

void session_wait_answered(struct session *session, enum session_wait wait)
{
    session->wait_since_us[wait] = 0;
}

void session_wait_tick(struct session *session, const struct session_now *now, struct session_update *update)
{
    int64_t limit_us = session->setup->answer_timeout_us;

    for (unsigned i = 0; i < SESSION_WAIT_COUNT && limit_us > 0; i++) {
        int64_t *since_us = &session->wait_since_us[i];

        if (!is_under_way(session, (enum session_wait)i)) {
            *since_us = 0;
        } else if (*since_us == 0) {
            *since_us = now->real_us;
        } else if (now->real_us - *since_us >= limit_us * rows[i].times) {
            session->waited_for = rows[i].name;
            session_fail(session, update, rows[i].status, true);
            return;
        }
    }
}

const char *session_waited_for(const struct session *session)
{
    return session->waited_for;
}
