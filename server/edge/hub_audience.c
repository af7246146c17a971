/*
 * Tells those sessions of a commit that may have news by it, and no others: ten thousand that are idle cost a commit
 * nothing.
 */
#include <stdlib.h>

#include "server/edge/hub_internal.h"

void hub_hear(struct hub *hub, struct connection *connection)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_NO_MEMORY};
    struct audience_key keys[SESSION_SCOPES_MAX + 3];
    struct scope scopes[SESSION_SCOPES_MAX + 1];
    size_t count = 0;
    size_t key_count = 0;

    connection->hearing = session_hearing_changes(connection->session);
    if (session_hears(connection->session, scopes, &count) == SESSION_HEARS_ALL)
        keys[key_count++] = (struct audience_key){.kind = AUDIENCE_EVERYTHING};
    for (size_t i = 0; i < count; i++)
        keys[key_count++] = (struct audience_key){.kind = scopes[i].kind, .id = scopes[i].id};
    if (!id_is_zero(session_device(connection->session)))
        keys[key_count++] = (struct audience_key){.kind = AUDIENCE_DEVICE, .id = *session_device(connection->session)};
    if (audience_join(hub->audience, &connection->member, connection, keys, key_count) != STATUS_OK &&
        !connection->closing)
        hub_feed(hub, connection, &event);
}

unsigned hub_sessions_of(const struct hub *hub, const struct id *device)
{
    const struct audience_key key = {.kind = AUDIENCE_DEVICE, .id = *device};

    return (unsigned)audience_count(hub->audience, &key);
}

/* Once each: a connection may hear of several of the scopes. Gathered first, as telling may change who hears what. */
static void gather(void *context, void *who)
{
    struct hub *hub = context;
    struct connection *connection = who;

    if (connection->gathered == hub->gathering)
        return;
    connection->gathered = hub->gathering;
    hub->gathered[hub->gathered_count++] = connection;
}

static void gather_group(struct hub *hub, unsigned kind, const struct id *id)
{
    struct audience_key key = {.kind = kind};

    if (id != NULL)
        key.id = *id;
    audience_each(hub->audience, &key, gather, hub);
}

static void begin(struct hub *hub)
{
    hub->gathering++;
    hub->gathered_count = 0;
    gather_group(hub, AUDIENCE_EVERYTHING, NULL);
}

static void gather_all(struct hub *hub)
{
    for (unsigned i = 0; i < hub->limits.max_connections; i++) {
        if (hub->slots[i] != NULL)
            gather(hub, hub->slots[i]);
    }
}

static void tell_gathered(struct hub *hub, const struct session_event *event)
{
    for (size_t i = 0; i < hub->gathered_count; i++)
        hub_feed(hub, hub->gathered[i], event);
}

/* At once to whom nothing was told since its last tick, as long as there are few of them; the others wait for theirs. */
static void tell_news(struct hub *hub, size_t from, const struct session_event *event)
{
    for (size_t i = from; i < hub->gathered_count; i++) {
        struct connection *connection = hub->gathered[i];

        connection->has_news = connection->told_news || hub->news_left == 0;
        if (connection->has_news)
            continue;
        connection->told_news = true;
        hub->news_left--;
        hub_feed(hub, connection, event);
    }
}

static void tell_concerned(struct hub *hub, const struct commit_note *note, struct session_event *event)
{
    size_t heard;

    for (size_t i = 0; i < note->named.count; i++)
        gather_group(hub, SCOPE_OFFICER, &note->named.officers[i]);
    tell_gathered(hub, event);
    heard = hub->gathered_count;
    event->commit.named = NULL;
    for (size_t i = 0; i < note->changed_scopes.count; i++)
        gather_group(hub, note->changed_scopes.scopes[i].kind, &note->changed_scopes.scopes[i].id);
    tell_news(hub, heard, event);
}

void hub_tell_commit(struct hub *hub, const struct commit_note *note)
{
    struct session_event event = {.kind = SESSION_ON_COMMIT};

    event.commit.head_pos = note->head.pos;
    event.commit.roster_changed = note->roster_changed;
    event.commit.named = &note->named;
    begin(hub);
    hub->head_pos = note->head.pos;
    if (hub->count > hub->limits.told_all_max && !note->roster_changed && !note->named.all &&
        !note->changed_scopes.all) {
        tell_concerned(hub, note, &event);
    } else {
        gather_all(hub);
        tell_gathered(hub, &event);
    }
}

void hub_tell_flag(struct hub *hub, const struct batch_flag *flag, const struct session_event *event)
{
    begin(hub);
    for (size_t i = 0; i < flag->scope_count; i++)
        gather_group(hub, flag->scopes[i].kind, &flag->scopes[i].id);
    tell_gathered(hub, event);
}

static bool may_be_told(struct hub *hub, bool has_news)
{
    unsigned *left = has_news ? &hub->news_left : &hub->laggards_left;

    if (*left == 0)
        return false;
    --*left;
    return true;
}

void hub_tell_late(struct hub *hub, struct connection *connection)
{
    struct session_event event = {.kind = SESSION_ON_COMMIT, .commit.head_pos = hub->head_pos};

    connection->told_news = false;
    if (!session_lags(connection->session, hub->head_pos) || !may_be_told(hub, connection->has_news))
        return;
    connection->has_news = false;
    hub_feed(hub, connection, &event);
}
