/* Flag: the urgent lane. FlagReceived leaves only when the row is durable here. */
#include "device/step_parts.h"

void step_flag(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__Flag *flag = event->message->flag;

    if (!flag->flag || flag->flag->flag_id.len != HASH_SIZE) {
        step_fail(sync, event, flag->flag ? STATUS_BAD_LENGTH : STATUS_MISSING_FIELD, actions);
        return;
    }
    step_add(actions, SYNC_ACTION_STORE_FLAG)->flag = flag;
}
