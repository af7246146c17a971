/*
 * Purge: what left the device's scopes, once the server holds all that the device had written when it came, so that nothing
 * goes from the phone that exists nowhere else (P1). The receipt is an entry of the device's log; until the journal has it,
 * the purge is sent again in each session.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/logic/session_internal.h"
#include "server/logic/session_page.h"

#define SERVER_MESSAGE_PURGE 5u
#define PURGE_KEYS_TAG (2u << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
/* Rows of the feed that one question looks at, and bytes of keys in one Purge: bounds what a reader's thread is kept. */
#define WALK_ROWS_MAX 4096
#define PURGE_BYTES_MAX (64u * 1024u)

/* The keys of one Purge, in wire form. */
struct walk {
    uint64_t purge_pos;
    uint8_t *bytes;
    size_t size;
    size_t rows;
    struct feed_cursor at;
    bool beyond; /* the feed goes on after purge_pos: this walk is complete */
};

static void put_key(struct walk *walk, struct span key)
{
    walk->bytes[walk->size++] = PURGE_KEYS_TAG;
    walk->size += session_frame_put_varint(walk->bytes + walk->size, key.size);
    memcpy(walk->bytes + walk->size, key.data, key.size);
    walk->size += key.size;
}

/* CANCELLED ends the walk: all keys are there, or the message is full. */
static enum status each_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct walk *walk = context;

    walk->beyond = effective_pos > walk->purge_pos;
    if (walk->beyond || walk->size + STORE_VIEW_KEY_MAX + 3 > PURGE_BYTES_MAX)
        return STATUS_CANCELLED;
    if (row->key.size == 0 || row->key.size > STORE_VIEW_KEY_MAX)
        return STATUS_STORE;
    if (row->gone)
        put_key(walk, row->key);
    walk->rows++;
    walk->at.pos = effective_pos;
    walk->at.key_size = row->place.size;
    memcpy(walk->at.key, row->place.data, row->place.size);
    return STATUS_OK;
}

static enum status pack(const struct walk *walk, struct session_purge *purge)
{
    Doublecrew__V1__Purge message = DOUBLECREW__V1__PURGE__INIT;
    uint8_t id[8], head[32];
    size_t size;

    put_u64(id, walk->purge_pos);
    message.purge_id = (ProtobufCBinaryData){sizeof(id), id};
    message.more = purge->more;
    size = doublecrew__v1__purge__pack(&message, head);
    purge->bytes =
        session_frame_wrap(SERVER_MESSAGE_PURGE, span_of(head, size), span_of(walk->bytes, walk->size), &purge->size);
    return purge->bytes == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status session_purge_read(struct store *store, const struct session_look *look, const struct feed_cursor *after,
                               uint64_t purge_pos, struct session_purge *ret_purge)
{
    struct walk walk = {.purge_pos = purge_pos, .at = *after, .bytes = malloc(PURGE_BYTES_MAX)};
    struct session_purge purge = {0};
    enum status status = STATUS_NO_MEMORY;
    bool stopped = false;

    if (walk.bytes != NULL)
        status = store->ops->feed_page(store, look->members, look->member_count, after, WALK_ROWS_MAX, each_row, &walk);
    if (status == STATUS_CANCELLED) {
        stopped = !walk.beyond;
        status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        purge.to = walk.at;
        purge.more = stopped || (!walk.beyond && walk.rows == WALK_ROWS_MAX);
        if (walk.size > 0 || !purge.more)
            status = pack(&walk, &purge);
    }
    free(walk.bytes);
    if (status == STATUS_OK)
        *ret_purge = purge;
    return status;
}

static bool may_purge(const struct session *session)
{
    enum device_standing standing = session->look.device.standing;

    return session->state == SESSION_LIVE && (standing == DEVICE_ACTIVE || standing == DEVICE_SUSPENDED) &&
           !session->looking && !session->backlog && session_log_is_here(session);
}

void session_purge_ask(struct session *session, struct session_update *update)
{
    if (session->purge_asked || !may_purge(session) || session_asks(update))
        return;
    if (session->purge_pos == 0) {
        if (session->look.purge.last_pos <= session->purge_sent_pos)
            return;
        session->purge_pos = session->look.purge.last_pos;
        session->purge_after = (struct feed_cursor){.pos = session->look.device.purged_pos};
    }
    session->purge_asked = true;
    session_act(update, SESSION_READ);
    update->request = (struct session_request){.kind = SESSION_PURGE, .after = session->purge_after};
    update->request.certificate_key_hash = session->certificate_key_hash;
    update->request.purge_pos = session->purge_pos;
}

void session_purge_ready(struct session *session, const struct session_reply *reply, struct session_update *update)
{
    /* the session takes the bytes over */
    struct session_purge *purge = (struct session_purge *)(uintptr_t)&reply->purge;

    session->purge_asked = false;
    if (reply->status != STATUS_OK)
        session->purge_sent_pos = session->look.purge.last_pos; /* the next session tries again */
    if (reply->status != STATUS_OK || session->looking || session->purge_pos == 0) {
        session->purge_pos = 0; /* the scopes changed meanwhile: from the beginning, after the look */
        return;
    }
    if (purge->bytes != NULL) {
        session_send(update, SESSION_BULK, purge->bytes, purge->size);
        purge->bytes = NULL;
    }
    session->purge_after = purge->to;
    if (!purge->more) {
        session->purge_sent_pos = session->purge_pos;
        session->purge_pos = 0;
    }
}
