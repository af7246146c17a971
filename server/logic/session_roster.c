/*
 * The roster changed under an open session: look again before anything more is told (D1, P4).
 */
#include "server/logic/session_internal.h"

static void look(struct session *session, struct session_update *update)
{
    session->looking = true;
    session->hearing++;
    session_act(update, SESSION_READ);
    update->request = (struct session_request){.kind = SESSION_LOOK};
    update->request.certificate_key_hash = session->certificate_key_hash;
}

void session_roster_changed(struct session *session, struct session_update *update)
{
    if (session->looking)
        session->look_again = true; /* the look under way may have read the roster of before */
    else
        look(session, update);
}

/* What the device may do shrank: it is told by a new Welcome. */
static bool must_greet_again(const struct session *session, const struct session_look *found)
{
    return !id_equal(&found->device.log, &session->look.device.log) ||
           (session->look.device.standing == DEVICE_ACTIVE && found->device.standing != DEVICE_ACTIVE);
}

void session_roster_looked(struct session *session, const struct session_reply *reply, struct session_update *update)
{
    enum status status = reply->status;

    if (status == STATUS_OK && must_greet_again(session, &reply->look))
        status = STATUS_DEVICE_SUSPENDED;
    if (status == STATUS_OK)
        status = session_keep_look(session, &reply->look);
    if (status != STATUS_OK) {
        session_fail(session, update, status, true);
        session->looking = false;
        session->look_again = false;
        return;
    }
    if (session->look_again) {
        session->look_again = false;
        look(session, update);
        return;
    }
    session->looking = false;
    session->hearing++;
    if (session->look.purge.last_pos != session->purge_pos)
        session->purge_pos = 0;  /* more has left since: one purge for all of it */
    session->seal_wanted = true; /* the phone may be another officer's now */
    session_flags_release(session, update);
    session_page_want(session, update);
}
