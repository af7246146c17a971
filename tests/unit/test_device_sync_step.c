/* The sync step alone: which event leads from which phase to which, as a table; and that nothing is done in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device/sync_step.h"

static struct sync make_sync(enum sync_phase phase)
{
    static const struct sync_config config = {.page_credit = 4,
                                              .connect_limit_ms = 20000,
                                              .answer_limit_ms = 30000,
                                              .retry_first_ms = 1000,
                                              .retry_longest_ms = 300000,
                                              .seal_delay_ms = 30000};
    struct sync sync;

    sync_init(&sync, &config, NULL);
    sync.phase = phase;
    sync.wanted = phase != SYNC_CLOSED;
    sync.phase_until_ms = phase == SYNC_CLOSED || phase == SYNC_ONLINE ? SYNC_NEVER : 5000;
    sync.credit = 10;
    return sync;
}

struct transition {
    enum sync_phase from;
    enum sync_event_type event;
    uint64_t now_ms;
    enum sync_phase to;
    int first_action; /* -1: none */
};

static const struct transition table[] = {
    {SYNC_CLOSED, SYNC_EVENT_START, 1000, SYNC_CONNECTING, SYNC_ACTION_CONNECT},
    {SYNC_CLOSED, SYNC_EVENT_RETRY_NOW, 1000, SYNC_CONNECTING, SYNC_ACTION_CONNECT},
    {SYNC_CLOSED, SYNC_EVENT_STOP, 1000, SYNC_CLOSED, -1},
    {SYNC_CLOSED, SYNC_EVENT_CONNECTED, 1000, SYNC_CLOSED, -1},
    {SYNC_CLOSED, SYNC_EVENT_DISCONNECTED, 1000, SYNC_CLOSED, -1},
    {SYNC_CLOSED, SYNC_EVENT_APPENDED, 1000, SYNC_CLOSED, -1},
    {SYNC_CLOSED, SYNC_EVENT_FAILED, 1000, SYNC_CLOSED, -1},
    {SYNC_CLOSED, SYNC_EVENT_TICK, 99999, SYNC_CLOSED, -1},
    {SYNC_CONNECTING, SYNC_EVENT_START, 1000, SYNC_CONNECTING, -1},
    {SYNC_CONNECTING, SYNC_EVENT_RETRY_NOW, 1000, SYNC_CONNECTING, -1},
    {SYNC_CONNECTING, SYNC_EVENT_CONNECTED, 1000, SYNC_HELLO_SENT, SYNC_ACTION_SEND_HELLO},
    {SYNC_CONNECTING, SYNC_EVENT_DISCONNECTED, 1000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_STATE},
    {SYNC_CONNECTING, SYNC_EVENT_TICK, 4999, SYNC_CONNECTING, -1},
    {SYNC_CONNECTING, SYNC_EVENT_TICK, 5000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_ERROR},
    {SYNC_CONNECTING, SYNC_EVENT_APPENDED, 1000, SYNC_CONNECTING, -1},
    {SYNC_CONNECTING, SYNC_EVENT_STOP, 1000, SYNC_CLOSED, SYNC_ACTION_DISCONNECT},
    {SYNC_CONNECTING, SYNC_EVENT_FAILED, 1000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_ERROR},
    {SYNC_HELLO_SENT, SYNC_EVENT_CONNECTED, 1000, SYNC_HELLO_SENT, -1},
    {SYNC_HELLO_SENT, SYNC_EVENT_APPENDED, 1000, SYNC_HELLO_SENT, -1},
    {SYNC_HELLO_SENT, SYNC_EVENT_PUSHED, 1000, SYNC_HELLO_SENT, -1},
    {SYNC_HELLO_SENT, SYNC_EVENT_TICK, 5000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_ERROR},
    {SYNC_HELLO_SENT, SYNC_EVENT_DISCONNECTED, 1000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_STATE},
    {SYNC_HELLO_SENT, SYNC_EVENT_STOP, 1000, SYNC_CLOSED, SYNC_ACTION_DISCONNECT},
    {SYNC_ONLINE, SYNC_EVENT_APPENDED, 1000, SYNC_ONLINE, SYNC_ACTION_PUSH},
    {SYNC_ONLINE, SYNC_EVENT_PUSHED, 1000, SYNC_ONLINE, -1},
    {SYNC_ONLINE, SYNC_EVENT_TICK, 99999, SYNC_ONLINE, -1},
    {SYNC_ONLINE, SYNC_EVENT_DISCONNECTED, 1000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_STATE},
    {SYNC_ONLINE, SYNC_EVENT_FAILED, 1000, SYNC_BACKING_OFF, SYNC_ACTION_REPORT_ERROR},
    {SYNC_ONLINE, SYNC_EVENT_STOP, 1000, SYNC_CLOSED, SYNC_ACTION_DISCONNECT},
    {SYNC_BACKING_OFF, SYNC_EVENT_START, 1000, SYNC_BACKING_OFF, -1}, /* wanted already: the wait stands */
    {SYNC_BACKING_OFF, SYNC_EVENT_RETRY_NOW, 1000, SYNC_CONNECTING, SYNC_ACTION_CONNECT},
    {SYNC_BACKING_OFF, SYNC_EVENT_APPENDED, 1000, SYNC_BACKING_OFF, -1}, /* a write doesn't hurry a retry */
    {SYNC_BACKING_OFF, SYNC_EVENT_CONNECTED, 1000, SYNC_BACKING_OFF, -1},
    {SYNC_BACKING_OFF, SYNC_EVENT_DISCONNECTED, 1000, SYNC_BACKING_OFF, -1},
    {SYNC_BACKING_OFF, SYNC_EVENT_TICK, 4999, SYNC_BACKING_OFF, -1},
    {SYNC_BACKING_OFF, SYNC_EVENT_TICK, 5000, SYNC_CONNECTING, SYNC_ACTION_CONNECT},
    {SYNC_BACKING_OFF, SYNC_EVENT_STOP, 1000, SYNC_CLOSED, SYNC_ACTION_REPORT_STATE},
};

static void phases__follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct transition *row = &table[i];
        struct sync sync = make_sync(row->from);
        struct sync_event event = {.type = row->event, .now = {.timer_ms = row->now_ms}, .status = STATUS_NETWORK};
        struct sync_actions actions;

        event.seq = row->event == SYNC_EVENT_APPENDED ? 1 : 0;
        sync_step(&sync, &event, &actions);
        if (sync.phase != row->to || (actions.count == 0) != (row->first_action < 0) ||
            (actions.count > 0 && (int)actions.items[0].type != row->first_action)) {
            fail_msg("row %zu: phase %d, %zu actions, first %d", i, (int)sync.phase, actions.count,
                     actions.count ? (int)actions.items[0].type : -1);
        }
    }
}

/* Whatever happens, the step asks for a tick while it waits for something, and never piles up actions. */
static void waits__always_have_a_limit(void **state)
{
    static const enum sync_event_type types[] = {SYNC_EVENT_START,    SYNC_EVENT_RETRY_NOW,   SYNC_EVENT_CONNECTED,
                                                 SYNC_EVENT_APPENDED, SYNC_EVENT_PUSHED,      SYNC_EVENT_FAILED,
                                                 SYNC_EVENT_TICK,     SYNC_EVENT_DISCONNECTED};
    struct sync sync = make_sync(SYNC_CLOSED);
    uint32_t seed = 12345;
    uint64_t now = 0;
    uint64_t head = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct sync_event event = {.status = STATUS_NETWORK};
        struct sync_actions actions;

        seed = seed * 1664525u + 1013904223u;
        event.type = types[(seed >> 24) % (sizeof types / sizeof *types)];
        now += (seed >> 8) % 3000;
        event.now.timer_ms = now;
        event.now.random = seed;
        head += event.type == SYNC_EVENT_APPENDED;
        event.seq = event.type == SYNC_EVENT_APPENDED ? head : sync.head_seq;
        sync_step(&sync, &event, &actions);
        if (sync.phase == SYNC_HELLO_SENT && i % 3 == 0) {
            sync.phase = SYNC_ONLINE; /* as Welcome would */
            sync.phase_until_ms = SYNC_NEVER;
            sync.credit = 4;
            sync.sent_seq = sync.durable_seq;
            sync.ack_until_ms = head > sync.durable_seq ? now + 30000 : SYNC_NEVER;
        }
        if (sync.phase == SYNC_CONNECTING || sync.phase == SYNC_HELLO_SENT || sync.phase == SYNC_BACKING_OFF ||
            sync_push_waits_for(&sync) != SYNC_WAIT_NOTHING) {
            assert_int_not_equal(sync_next_tick_ms(&sync), SYNC_NEVER);
            assert_in_range(sync_next_tick_ms(&sync), 0, now + 300000);
        }
    }
}

/* Credit counts entries, which may be long: what is under way must fit the link's queue all the same. */
static void pushes_under_way__are_bounded(void **state)
{
    struct sync sync = make_sync(SYNC_ONLINE);
    struct sync_event event = {.type = SYNC_EVENT_APPENDED, .seq = 1000};
    struct sync_actions actions;
    unsigned pushes = 0;

    (void)state;
    sync.credit = 1000;
    sync_step(&sync, &event, &actions);
    while (actions.count > 0 && actions.items[0].type == SYNC_ACTION_PUSH) {
        assert_in_range(++pushes, 1, SYNC_PUSHES_MAX);
        event = (struct sync_event){.type = SYNC_EVENT_PUSHED, .seq = 10 * pushes}; /* ten at a time: they were long */
        sync_step(&sync, &event, &actions);
    }
    assert_int_equal(pushes, SYNC_PUSHES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases__follow_the_table),
        cmocka_unit_test(waits__always_have_a_limit),
        cmocka_unit_test(pushes_under_way__are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
