/* What follows from the comparison of the rows here with the server's digest (P2): repair, or patience. */
#include "device/step_parts.h"

static uint64_t repair_wait_ms(const struct sync *sync)
{
    uint64_t wait = SYNC_REPAIR_FIRST_MS;

    for (unsigned i = 1; i < sync->feed.unproved && wait < SYNC_REPAIR_LONGEST_MS; i++) {
        wait *= 2;
    }
    return wait < SYNC_REPAIR_LONGEST_MS ? wait : SYNC_REPAIR_LONGEST_MS;
}

static void agreed(struct sync *sync, struct sync_actions *actions)
{
    sync->repair_at_ms = 0;
    if (sync->feed.unproved > 0) {
        sync->feed.unproved = 0;
        step_add(actions, SYNC_ACTION_SAVE_FEED);
    }
    if (sync->phase == SYNC_ONLINE && sync->reason == STATUS_ROWS_DIFFER) {
        step_enter(sync, SYNC_ONLINE, STATUS_OK, actions);
    }
}

/* As for another epoch: everything from the beginning, what is here stays readable, what doesn't come is swept. */
static void repair(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    struct sync_feed *feed = &sync->feed;

    feed->cursor = 0;
    feed->key_size = 0;
    feed->generation++;
    feed->resync = true;
    feed->repairs++;
    feed->unproved = (uint8_t)(feed->unproved < UINT8_MAX ? feed->unproved + 1 : UINT8_MAX);
    sync->repair_at_ms = event->now.timer_ms + repair_wait_ms(sync);
    step_add(actions, SYNC_ACTION_SAVE_FEED);
    step_fail(sync, event, STATUS_ROWS_DIFFER, actions);
}

/* The rows are as the server sent them, and still differ: it isn't this device's to heal. Pushing goes on. */
static void wait_for_repair(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    if (sync->repair_at_ms == 0) {
        sync->repair_at_ms = event->now.timer_ms + repair_wait_ms(sync); /* opened anew since the last one */
    }
    if (sync->reason != STATUS_ROWS_DIFFER) {
        step_add(actions, SYNC_ACTION_REPORT_ERROR)->status = STATUS_ROWS_DIFFER;
        step_enter(sync, SYNC_ONLINE, STATUS_ROWS_DIFFER, actions);
    }
}

void step_rows_checked(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    if (event->same) {
        agreed(sync, actions);
    } else if (sync->phase == SYNC_ONLINE &&
               (sync->feed.unproved == 0 || (sync->repair_at_ms != 0 && event->now.timer_ms >= sync->repair_at_ms))) {
        repair(sync, event, actions);
    } else if (sync->phase == SYNC_ONLINE) {
        wait_for_repair(sync, event, actions);
    }
}
