/* Delta: a page of rows. The feed's new place is durable together with the page's rows, so a cut repeats or skips nothing. */
#include <string.h>

#include "device/step_parts.h"

static enum status check(const struct sync *sync, const Doublecrew__V1__Delta *delta)
{
    if (delta->n_rows > DELTA_ROWS_MAX || delta->to_key.len > SYNC_KEY_SIZE_MAX) {
        return STATUS_OVER_LIMIT;
    }
    if (delta->from_cursor > sync->feed.cursor || delta->to_cursor < delta->from_cursor) {
        return STATUS_PROTOCOL_ORDER; /* rows between would be missing */
    }
    for (size_t i = 0; i < delta->n_rows; i++) {
        const Doublecrew__V1__Row *row = delta->rows[i];

        if (row->key.len > SYNC_KEY_SIZE_MAX) {
            return STATUS_OVER_LIMIT;
        }
    }
    return STATUS_OK;
}

void step_delta(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Delta *delta = event->message->delta;
    enum status status = check(sync, delta);
    struct sync_action *action;

    if (status != STATUS_OK) {
        step_fail(sync, event, status, actions);
        return;
    }
    if (delta->from_cursor == 0 && sync->feed.cursor > 0) {
        sync->feed.generation++; /* the server begins again from nothing */
        sync->feed.resync = true;
    }
    sync->feed.cursor = delta->to_cursor;
    sync->feed.key_size = delta->to_key.len;
    if (delta->to_key.len > 0) {
        memcpy(sync->feed.key, delta->to_key.data, delta->to_key.len);
    }
    action = step_add(actions, SYNC_ACTION_APPLY_PAGE);
    action->delta = delta;
    action->raw = event->raw;
    action->sweep = delta->last && sync->feed.resync;
    sync->session_pages++;
    sync->session_rows += delta->n_rows;
    sync->page_until_ms =
        delta->last || sync->feed_complete ? SYNC_NEVER : event->now.timer_ms + sync->config.answer_limit_ms;
    if (delta->last) {
        sync->feed_complete = true;
        sync->feed.resync = false;
        if (!sync->push_refused || sync->durable_seq == sync->head_seq)
            sync->failures = 0; /* a server that gives rows and can't store isn't one that works */
    }
}
