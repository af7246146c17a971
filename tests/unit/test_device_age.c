/* Retention on the device: bodies and anchors are forgotten on time, rows are sealed on time, and no clock can change that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/age.h"
#include "tests/lib/device_fixture.h"

#define HOUR_MS UINT64_C(3600000)

static int set_up(void **state)
{
    struct device_fixture *fixture = malloc(sizeof *fixture);

    assert_non_null(fixture);
    device_fixture_init(fixture, 1);
    device_fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    device_fixture_done(*state);
    free(*state);
    return 0;
}

static void pass_hours(struct device_fixture *fixture, uint64_t hours)
{
    fixture->timer_ms += hours * HOUR_MS;
    fixture->monotonic_ms += hours * HOUR_MS;
    fixture->wall_ms += (int64_t)(hours * HOUR_MS);
}

/* The phone is off for some hours, and starts again. */
static void restart_phone(struct device_fixture *fixture, uint64_t off_hours)
{
    fixture->wall_ms += (int64_t)(off_hours * HOUR_MS);
    fixture->timer_ms = fixture->monotonic_ms = 1000;
    fixture->boot.bytes[15]++;
    device_fixture_reopen(fixture);
}

static void note(struct device_fixture *fixture)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};

    assert_int_equal(dc_note(fixture->device, &subject, "Invented words.", NULL, NULL), DC_OK);
}

/* One session: an officer's row comes, everything pending is acknowledged. */
static void sync_once(struct device_fixture *fixture)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__Row *rows = &row;
    Doublecrew__V1__OfficerRow officer_row = DOUBLECREW__V1__OFFICER_ROW__INIT;
    Doublecrew__V1__Officer officer = DOUBLECREW__V1__OFFICER__INIT;
    uint8_t key[17] = {'o'};

    device_fixture_grow(fixture, 1);
    device_fixture_online(fixture);
    if (fixture->device->sync.sent_seq > fixture->device->sync.durable_seq) {
        device_fixture_ack(fixture, 3);
    }
    memset(key + 1, 9, 16);
    officer.officer_id = (ProtobufCBinaryData){.data = key + 1, .len = 16};
    officer_row.officer = &officer;
    row.pos = 1;
    row.key = (ProtobufCBinaryData){.data = key, .len = sizeof key};
    row.row_case = DOUBLECREW__V1__ROW__ROW_OFFICER;
    row.officer = &officer_row;
    delta.from_cursor = fixture->device->sync.feed.cursor;
    delta.to_cursor = delta.from_cursor + 1;
    delta.last = true;
    delta.n_rows = 1;
    delta.rows = &rows;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA;
    message.delta = &delta;
    device_fixture_receive(fixture, &message);
    device_disconnected(fixture->device, STATUS_NETWORK);
    dc_sync_stop(fixture->device);
}

static bool count_officer(void *context, const struct dc_officer *officer)
{
    (void)officer;
    (*(unsigned *)context)++;
    return true;
}

static enum dc_status read_officers(struct device_fixture *fixture, unsigned *ret_count)
{
    *ret_count = 0;
    return dc_each_officer(fixture->device, NULL, count_officer, ret_count);
}

static enum dc_records records_of(struct device_fixture *fixture)
{
    struct dc_sync_status status;

    dc_sync_status(fixture->device, &status);
    return status.records;
}

static bool count_note(void *context, const struct dc_note_read *read)
{
    (void)read;
    (*(unsigned *)context)++;
    return true;
}

static bool body_is_kept(struct device_fixture *fixture, uint64_t seq)
{
    struct store_entry entry = {0};
    enum status status = store_read_entry(fixture->device->store, seq, &entry);

    store_entry_done(&entry);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

static void rows__warn_after_a_day_and_are_sealed_after_five(void **state)
{
    struct device_fixture *fixture = *state;
    unsigned count = 0;
    unsigned notes = 0;

    assert_int_equal(records_of(fixture), DC_RECORDS_NONE);
    note(fixture);
    sync_once(fixture);
    assert_int_equal(records_of(fixture), DC_RECORDS_FRESH);
    pass_hours(fixture, 23);
    device_timer(fixture->device);
    assert_int_equal(device_fixture_count(fixture, DC_EVENT_RECORDS), 1); /* that they came */
    pass_hours(fixture, 1);
    device_timer(fixture->device);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_RECORDS)->records, DC_RECORDS_OLD);
    assert_int_equal(read_officers(fixture, &count), DC_OK);
    assert_int_equal(count, 1);
    pass_hours(fixture, 95);
    assert_int_equal(read_officers(fixture, &count), DC_OK);
    pass_hours(fixture, 1);
    device_timer(fixture->device);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_RECORDS)->records, DC_RECORDS_SEALED);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
    assert_int_equal(count, 0);
    note(fixture); /* work goes on, and what this phone recorded can be read */
    assert_int_equal(dc_each_note(fixture->device, NULL, count_note, &notes), DC_SEALED);
    assert_int_equal(notes, 2);
    sync_once(fixture);
    assert_int_equal(records_of(fixture), DC_RECORDS_FRESH);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_RECORDS)->records, DC_RECORDS_FRESH);
    assert_int_equal(read_officers(fixture, &count), DC_OK);
    assert_int_equal(count, 1);
}

/* A session that doesn't complete the feed doesn't make old rows fresh. */
static void rows__stay_sealed_until_all_have_come(void **state)
{
    struct device_fixture *fixture = *state;
    unsigned count = 0;

    sync_once(fixture);
    pass_hours(fixture, 120);
    device_fixture_online(fixture);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
    device_fixture_page(fixture, fixture->device->sync.feed.cursor + 1, false);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
    device_fixture_page(fixture, fixture->device->sync.feed.cursor + 1, true);
    assert_int_equal(read_officers(fixture, &count), DC_OK);
}

static void rows__are_sealed_whatever_the_wall_clock_says(void **state)
{
    struct device_fixture *fixture = *state;
    unsigned count = 0;

    sync_once(fixture);
    pass_hours(fixture, 60);
    fixture->wall_ms -= (int64_t)(1000 * HOUR_MS); /* turned back */
    note(fixture);                                 /* makes the time that has passed durable */
    restart_phone(fixture, 0);
    assert_int_equal(read_officers(fixture, &count), DC_OK);
    pass_hours(fixture, 59);
    assert_int_equal(read_officers(fixture, &count), DC_OK);
    pass_hours(fixture, 1);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
    fixture->wall_ms -= (int64_t)(1000 * HOUR_MS);
    device_fixture_reopen(fixture);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
    restart_phone(fixture, 0);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
}

static void rows__grow_old_while_the_phone_is_off(void **state)
{
    struct device_fixture *fixture = *state;
    unsigned count = 0;

    sync_once(fixture);
    restart_phone(fixture, 120);
    assert_int_equal(read_officers(fixture, &count), DC_SEALED);
    sync_once(fixture);
    fixture->wall_ms += (int64_t)(1000 * HOUR_MS); /* within a boot the wall clock means nothing */
    assert_int_equal(read_officers(fixture, &count), DC_OK);
}

static void bodies__go_after_retention_and_never_unacknowledged(void **state)
{
    struct device_fixture *fixture = *state;
    struct hash before;
    struct hash after;

    note(fixture);
    assert_int_equal(store_entry_hash(fixture->device->store, 1, &before), STATUS_OK);
    sync_once(fixture);
    note(fixture); /* never acknowledged */
    pass_hours(fixture, 14 * 24);
    device_timer(fixture->device);
    assert_true(body_is_kept(fixture, 1));
    pass_hours(fixture, 2); /* a phone's clock may be 200 ppm fast: 4 minutes in 14 days */
    device_timer(fixture->device);
    assert_false(body_is_kept(fixture, 1));
    assert_true(body_is_kept(fixture, 2));
    assert_int_equal(store_entry_hash(fixture->device->store, 1, &after), STATUS_OK);
    assert_true(hash_equal(&before, &after));
    pass_hours(fixture, 10000);
    device_fixture_reopen(fixture);
    assert_true(body_is_kept(fixture, 2));
}

/* A wall clock that jumps ahead must not cost what a restored server would ask for (E2). */
static void bodies__stay_when_only_the_wall_clock_says_so(void **state)
{
    struct device_fixture *fixture = *state;

    note(fixture);
    sync_once(fixture);
    fixture->wall_ms += (int64_t)(10000 * HOUR_MS);
    device_timer(fixture->device);
    device_fixture_reopen(fixture);
    assert_true(body_is_kept(fixture, 1));
    restart_phone(fixture, 10000); /* the same over a restart: only the server's time proves it */
    assert_true(body_is_kept(fixture, 1));
    fixture->wall_ms = 1770000000000 + (int64_t)(15 * 24 * HOUR_MS);
    sync_once(fixture); /* the played server's clock is the wall's */
    assert_false(body_is_kept(fixture, 1));
}

static void bodies__that_the_server_lost_are_kept_anew(void **state)
{
    struct device_fixture *fixture = *state;

    note(fixture);
    sync_once(fixture);
    pass_hours(fixture, 10 * 24);
    device_fixture_connect(fixture);
    memset(fixture->epoch.bytes, 0xe2, ID_SIZE); /* restored from an older backup: asks for it again */
    device_fixture_welcome(fixture, 0, NULL, 512);
    device_fixture_ack(fixture, 5);
    pass_hours(fixture, 10 * 24);
    device_timer(fixture->device);
    assert_true(body_is_kept(fixture, 1)); /* twenty days old, but acknowledged ten days ago */
}

/* The server is set back further than the phone keeps: it can't go on, says so, and a new log carries what is left. */
static void bodies__gone_that_the_server_wants_need_a_new_log(void **state)
{
    struct device_fixture *fixture = *state;
    struct device_fixture fresh;
    struct dc_sync_status status;
    size_t sent;

    note(fixture);
    sync_once(fixture);
    pass_hours(fixture, 20 * 24);
    sync_once(fixture);
    assert_false(body_is_kept(fixture, 1));
    note(fixture);
    memset(fixture->epoch.bytes, 0xe2, ID_SIZE);
    device_fixture_connect(fixture);
    sent = fixture->sent_count;
    device_fixture_welcome(fixture, 0, NULL, 512);
    assert_int_equal(fixture->sent_count, sent);
    dc_sync_status(fixture->device, &status);
    assert_int_equal(status.state, DC_SYNC_ONLINE); /* no try after try: rows come */
    assert_int_equal(status.reason, DC_LOG_GAP);
    assert_int_equal(status.pending_reason, DC_PENDING_ENROL);
    assert_non_null(strstr(status.pending_text, "older than what this phone keeps"));
    assert_non_null(strstr(status.advice, "evidence is safe"));
    device_fixture_init(&fresh, 2);
    fresh.config.officer = fixture->config.officer;
    device_fixture_open(&fresh);
    assert_int_equal(dc_succeed(fresh.device, fixture->device, NULL, NULL), DC_OK);
    assert_int_equal(fresh.device->head.seq, 2); /* one carried push, and the old log declared lost */
    device_fixture_done(&fresh);
}

static bool count_anchor(void *context, const struct store_anchor *anchor)
{
    (void)anchor;
    (*(unsigned *)context)++;
    return true;
}

static void anchors__are_kept_as_far_as_they_are_needed(void **state)
{
    struct device_fixture *fixture = *state;
    struct store_anchor named;
    struct hash first;
    unsigned count = 0;

    sync_once(fixture);
    first = fixture->device->anchor;
    note(fixture); /* names it, and is the only entry */
    for (int i = 0; i < 40; i++) {
        fixture->wall_ms += 1000;
        fixture->monotonic_ms += 1000;
        device_fixture_connect(fixture);
        device_fixture_welcome(fixture, 0, NULL, 0); /* nothing may be pushed */
        device_disconnected(fixture->device, STATUS_NETWORK);
    }
    assert_int_equal(store_each_anchor(fixture->device->store, count_anchor, &count), STATUS_OK);
    assert_int_equal(count, STORE_ANCHORS_NEWEST + 2); /* the named one, and the first after the entry */
    assert_int_equal(store_get_anchor(fixture->device->store, &first, &named), STATUS_OK);
    device_fixture_online(fixture); /* and it can be pushed */
    device_fixture_ack(fixture, 4);
    assert_int_equal(fixture->device->sync.durable_seq, 1);
}

/* Whatever lay in the buffer before: what is stored is all of it, and is read back. */
static void age__is_read_as_it_was_written(void **state)
{
    const struct age written = {.boot = {{1, 2}},
                                .monotonic_ms = 3,
                                .wall_ms = -4,
                                .proven_ms = 5,
                                .assumed_ms = 6,
                                .anchor_time_ms = 7,
                                .anchor_proven_ms = 8,
                                .synced_assumed_ms = 9,
                                .online_wall_ms = 10};

    (void)state;
    for (int synced = 0; synced < 2; synced++) {
        struct age age = written;
        struct age read = {.synced = !synced};
        uint8_t bytes[AGE_SIZE];
        uint8_t again[AGE_SIZE];

        age.synced = synced;
        memset(bytes, 0xa5, sizeof bytes);
        memset(again, 0, sizeof again);
        age_encode(&age, bytes);
        age_encode(&age, again);
        assert_memory_equal(bytes, again, sizeof bytes);
        assert_int_equal(age_decode(span_of(bytes, sizeof bytes), &read), STATUS_OK);
        assert_int_equal(read.synced, synced);
        assert_int_equal(read.online_wall_ms, 10);
        assert_int_equal(read.wall_ms, -4);
        assert_int_equal(read.monotonic_ms, 3);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age__is_read_as_it_was_written),
        CASE(rows__warn_after_a_day_and_are_sealed_after_five),
        CASE(rows__stay_sealed_until_all_have_come),
        CASE(rows__are_sealed_whatever_the_wall_clock_says),
        CASE(rows__grow_old_while_the_phone_is_off),
        CASE(bodies__go_after_retention_and_never_unacknowledged),
        CASE(bodies__stay_when_only_the_wall_clock_says_so),
        CASE(bodies__that_the_server_lost_are_kept_anew),
        CASE(bodies__gone_that_the_server_wants_need_a_new_log),
        CASE(anchors__are_kept_as_far_as_they_are_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
