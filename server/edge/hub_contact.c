/*
 * Tells the writer what devices' sessions tell of themselves (P7). Seldom, and never waiting: while the queue is half
 * full, open sessions keep their news for later.
 */
#include "server/edge/hub_internal.h"

/* News of an open session is told at most this often. */
#define NEWS_EVERY_US ((int64_t)10 * 1000 * 1000)
/* An open session is told of at least this often: so exact is "last seen". */
#define SEEN_EVERY_US ((int64_t)300 * 1000 * 1000)

static bool is_due(const struct connection *connection, const struct session_now *now)
{
    if (session_contact_changed(connection->session) && now->real_us - connection->contact_us >= NEWS_EVERY_US)
        return true;
    return connection->told_live && (now->real_us - connection->contact_us >= SEEN_EVERY_US ||
                                     now->server_us - connection->contact_server_us >= SEEN_EVERY_US);
}

void hub_contact(struct hub *hub, struct connection *connection, bool now_or_never)
{
    struct session_now now = hub_now(hub);
    struct contact_note note;

    /* One that never said a word that could be read has had no contact. */
    if (now_or_never ? !connection->told_live && !session_contact_changed(connection->session)
                     : !is_due(connection, &now))
        return;
    if (queue_count(hub->queues.contacts) >= hub->limits.max_connections && !now_or_never)
        return;
    connection->contact_us = now.real_us;
    connection->contact_server_us = now.server_us;
    session_contact_take(connection->session, now.server_us, &note);
    if (queue_push(hub->queues.contacts, &note) != STATUS_OK)
        LOG_EVENT(hub->log, LOG_WARNING, "contact_not_kept");
}
