/*
 * Applied and pages: the client's credit sets the pace. Hello grants pages, every Applied grants more.
 */
#include <stdlib.h>
#include <string.h>

#include "server/logic/session_internal.h"

static int cursor_compare(const struct feed_cursor *a, const struct feed_cursor *b)
{
    size_t common = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order;

    if (a->pos != b->pos)
        return a->pos < b->pos ? -1 : 1;
    if (a->key_size == 0 || b->key_size == 0) /* no key: all of that pos, so behind every key of it */
        return (b->key_size == 0 ? 0 : 1) - (a->key_size == 0 ? 0 : 1);
    order = memcmp(a->key, b->key, common);
    if (order != 0)
        return order;
    return a->key_size == b->key_size ? 0 : a->key_size < b->key_size ? -1 : 1;
}

/* Forgets the pages up to the cursor. A cursor behind them all is an Applied that crossed a page: only its credit counts. */
static enum status settle(struct session *session, const struct feed_cursor *applied)
{
    size_t done = 0;

    if (session->sent_count > 0 && cursor_compare(applied, &session->sent[session->sent_count - 1]) > 0)
        return STATUS_PROTOCOL_ORDER; /* a page that was never sent */
    while (done < session->sent_count && cursor_compare(&session->sent[done], applied) <= 0)
        done++;
    session->sent_count -= done;
    if (session->sent_count > 0)
        memmove(session->sent, session->sent + done, session->sent_count * sizeof(session->sent[0]));
    if (session->sent_count == 0) {
        free(session->sent);
        session->sent = NULL;
    }
    return STATUS_OK;
}

static enum status read_applied(const Doublecrew__V1__Applied *applied, struct feed_cursor *ret_cursor)
{
    if (applied->key.len > STORE_VIEW_KEY_MAX)
        return STATUS_BAD_LENGTH;
    ret_cursor->pos = applied->cursor;
    ret_cursor->key_size = applied->key.len;
    if (applied->key.len > 0)
        memcpy(ret_cursor->key, applied->key.data, applied->key.len);
    return STATUS_OK;
}

/* What is out and what may follow are bounded together, however generous the client is. */
static void grant(struct session *session, uint32_t pages)
{
    uint32_t room = SESSION_PAGES_MAX - (uint32_t)session->sent_count - session->page_credit;

    session->page_credit += pages < room ? pages : room;
}

void session_applied_receive(struct session *session, const struct session_now *now, struct span body,
                             struct session_update *update)
{
    ProtobufCMessage *unpacked = NULL;
    const Doublecrew__V1__Applied *applied = NULL;
    struct feed_cursor cursor = {0};
    enum status status = session_unpack(session, &doublecrew__v1__applied__descriptor, body, &unpacked);

    (void)now;
    if (status == STATUS_OK) {
        applied = (const Doublecrew__V1__Applied *)unpacked;
        status = read_applied(applied, &cursor);
    }
    if (status == STATUS_OK)
        status = settle(session, &cursor);
    if (status != STATUS_OK) {
        session_fail(session, update, status, false);
        return;
    }
    grant(session, applied->page_credit);
    session_page_want(session, update);
}

static bool has_news(const struct session *session)
{
    return !session->told_current || session->head_pos > session->cursor.pos;
}

void session_page_want(struct session *session, struct session_update *update)
{
    if (session->state != SESSION_LIVE || session->look.device.standing != DEVICE_ACTIVE)
        return;
    if (session->reading_page || session->looking || session->backlog)
        return;
    if (session->page_credit == 0 || !has_news(session))
        return;
    session->reading_page = true;
    session_act(update, SESSION_READ);
    update->request =
        (struct session_request){.kind = SESSION_PAGE, .after = session->cursor, .more = session->page_credit > 1};
    update->request.certificate_key_hash = session->certificate_key_hash;
}

void session_page_ready(struct session *session, const struct session_reply *reply, struct session_update *update)
{
    struct session_page *page = (struct session_page *)(uintptr_t)&reply->page; /* its bytes change hands */

    session->reading_page = false;
    if (reply->status != STATUS_OK) {
        session_fail(session, update, reply->status, false);
        return;
    }
    if (session->looking) /* read before the roster changed: its scope may be gone (P4) */
        return;
    if (session->sent == NULL)
        session->sent = calloc(SESSION_PAGES_MAX, sizeof(*session->sent));
    if (session->sent == NULL) {
        session_fail(session, update, STATUS_NO_MEMORY, true);
        return;
    }
    session->page_credit--;
    session->sent[session->sent_count++] = page->to;
    session->cursor = page->to;
    session->told_current = page->last;
    if (page->last)
        session_contact_recovered(session);
    session->backlog = true; /* until the connection says that it is written */
    session_send(update, SESSION_BULK, page->bytes, page->size);
    page->bytes = NULL;
}
