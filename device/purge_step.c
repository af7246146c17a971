/* Purge: what left the scope. The receipt is an entry of the own log, in the transaction that takes the rows away. */
#include "device/step_parts.h"

void step_purge(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Purge *purge = event->message->purge;

    if (purge->purge_id.len != 8) {
        step_fail(sync, event, STATUS_BAD_LENGTH, actions);
        return;
    }
    for (size_t i = 0; i < purge->n_keys; i++) {
        if (purge->keys[i].len == 0 || purge->keys[i].len > SYNC_KEY_SIZE_MAX) {
            step_fail(sync, event, STATUS_BAD_LENGTH, actions);
            return;
        }
    }
    step_add(actions, SYNC_ACTION_PURGE)->purge = purge;
}
