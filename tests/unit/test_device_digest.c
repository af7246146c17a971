/* The digest over the server's rows (P2): what is damaged, lost, stale or never sent is found, fetched again, and counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/row_digest.h"
#include "core/wire.h"
#include "device/view_key.h"
#include "tests/lib/device_fixture.h"

#define ROWS 4
#define NOBODY ROWS
#define HOUR_MS (UINT64_C(3600) * 1000)

/* The server's part: rows that it holds for the device, and what it forgets to send. */
struct served {
    struct device_fixture fixture;
    char reference[ROWS][16];
    uint64_t pos[ROWS]; /* 0: not there */
    uint64_t head;
    size_t left_out; /* of every page; NOBODY: none */
};

static void row_changes(struct served *served, size_t number, const char *reference)
{
    (void)snprintf(served->reference[number], sizeof served->reference[number], "%s", reference);
    served->pos[number] = ++served->head;
}

static int set_up(void **state)
{
    struct served *served = calloc(1, sizeof *served);

    assert_non_null(served);
    device_fixture_init(&served->fixture, 1);
    device_fixture_open(&served->fixture);
    served->left_out = NOBODY;
    for (size_t i = 0; i < ROWS; i++) {
        char reference[16];

        (void)snprintf(reference, sizeof reference, "R%zu", i);
        row_changes(served, i, reference);
    }
    *state = served;
    return 0;
}

static int tear_down(void **state)
{
    struct served *served = *state;

    device_fixture_done(&served->fixture);
    free(served);
    return 0;
}

struct served_row {
    Doublecrew__V1__Row row;
    Doublecrew__V1__OffenderRow offender_row;
    Doublecrew__V1__Offender offender;
    struct dc_id id;
    struct view_key key;
};

static void build_row(const struct served *served, size_t number, struct served_row *ret_row)
{
    doublecrew__v1__row__init(&ret_row->row);
    doublecrew__v1__offender_row__init(&ret_row->offender_row);
    doublecrew__v1__offender__init(&ret_row->offender);
    ret_row->id = device_fixture_id((unsigned)number + 20);
    ret_row->key = view_key_id('x', &ret_row->id);
    ret_row->offender.offender_id = (ProtobufCBinaryData){.data = ret_row->id.bytes, .len = sizeof ret_row->id};
    ret_row->offender.reference = (char *)(uintptr_t)served->reference[number];
    ret_row->offender_row.offender = &ret_row->offender;
    ret_row->row.pos = served->pos[number];
    ret_row->row.key = (ProtobufCBinaryData){.data = ret_row->key.bytes, .len = ret_row->key.size};
    ret_row->row.row_case = DOUBLECREW__V1__ROW__ROW_OFFENDER;
    ret_row->row.offender = &ret_row->offender_row;
}

static void add_to_digest(struct served *served, const struct served_row *row, struct row_digest *digest)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct hash hash;

    assert_int_equal(wire_pack(&row->row.base, &bytes, &size), STATUS_OK);
    assert_int_equal(sha256_bytes(served->fixture.sha, span_of(bytes, size), &hash), STATUS_OK);
    row_digest_add(digest, &hash);
    free(bytes);
}

/* One page with all that changed after a cursor, and the digest over all that there is. */
static void serve(struct served *served, uint64_t after)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;
    struct served_row rows[ROWS];
    Doublecrew__V1__Row *list[ROWS];
    struct row_digest digest = {{0}};

    for (size_t i = 0; i < ROWS; i++) {
        if (served->pos[i] == 0) {
            continue;
        }
        build_row(served, i, &rows[i]);
        add_to_digest(served, &rows[i], &digest);
        if (served->pos[i] > after && i != served->left_out) {
            list[delta.n_rows++] = &rows[i].row;
        }
    }
    delta.rows = list;
    delta.from_cursor = after;
    delta.to_cursor = served->head;
    delta.last = true;
    delta.digest = (ProtobufCBinaryData){.data = digest.bytes, .len = HASH_SIZE};
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA;
    message.delta = &delta;
    device_fixture_receive(&served->fixture, &message);
}

/* A session in which the server answers Hello's cursor. */
static void session(struct served *served)
{
    const Doublecrew__V1__ClientMessage *hello;
    uint64_t cursor;

    device_fixture_connect(&served->fixture);
    hello = device_fixture_last(&served->fixture);
    assert_int_equal(hello->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO);
    cursor = hello->hello->feed_cursor;
    device_fixture_welcome(&served->fixture, 0, NULL, 512);
    serve(served, cursor);
}

static struct dc_sync_status status_of(struct served *served)
{
    struct dc_sync_status status;

    dc_sync_status(served->fixture.device, &status);
    return status;
}

static bool collect(void *context, const struct dc_offender *offender)
{
    strcat(context, offender->reference);
    strcat(context, " ");
    return true;
}

static void assert_offenders(struct served *served, const char *expected)
{
    char found[200] = "";

    assert_int_equal(dc_each_offender(served->fixture.device, NULL, collect, found), DC_OK);
    assert_string_equal(found, expected);
}

/* Something happens to the rows in the file while the app isn't running. */
static void damage(struct served *served, const char *sql)
{
    sqlite3 *db = NULL;

    dc_device_close(served->fixture.device);
    assert_int_equal(sqlite3_open(served->fixture.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    served->fixture.linked = false;
    device_fixture_open(&served->fixture);
}

static void assert_found(struct served *served)
{
    assert_int_equal(status_of(served).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(served).reason, DC_ROWS_DIFFER);
    assert_int_equal(status_of(served).repairs, 1);
    assert_int_equal(device_fixture_event(&served->fixture, DC_EVENT_ERROR)->status, DC_ROWS_DIFFER);
}

static void assert_repaired(struct served *served)
{
    assert_int_equal(status_of(served).state, DC_SYNC_ONLINE);
    assert_int_equal(status_of(served).reason, DC_OK);
    assert_int_equal(status_of(served).repairs, 1);
    assert_int_equal(served->fixture.device->sync.feed.unproved, 0);
    assert_offenders(served, "R0 R1 R2 R3 ");
}

static void rows__that_agree_are_left_alone(void **state)
{
    struct served *served = *state;

    session(served);
    row_changes(served, 1, "R1");
    serve(served, served->head - 1);
    device_fixture_reopen(&served->fixture);
    session(served);
    assert_int_equal(status_of(served).state, DC_SYNC_ONLINE);
    assert_int_equal(status_of(served).repairs, 0);
    assert_int_equal(device_fixture_count(&served->fixture, DC_EVENT_ERROR), 0);
}

static void row__corrupted_on_the_disk_is_found_and_fetched_again(void **state)
{
    struct served *served = *state;

    session(served);
    damage(served, "UPDATE view SET sealed = zeroblob(length(sealed)) WHERE key = (SELECT min(key) FROM view)");
    session(served);
    assert_found(served);
    session(served);
    assert_repaired(served);
}

static void row__lost_from_the_disk_is_found_and_fetched_again(void **state)
{
    struct served *served = *state;

    session(served);
    damage(served, "DELETE FROM view WHERE key = (SELECT max(key) FROM view)");
    assert_offenders(served, "R0 R1 R2 ");
    session(served);
    assert_found(served);
    assert_offenders(served, "R0 R1 R2 "); /* what is there stays readable */
    session(served);
    assert_repaired(served);
}

/* A row's change never came: the server's fault, or the network's. */
static void row__left_out_of_a_page_is_found_and_fetched_again(void **state)
{
    struct served *served = *state;

    session(served);
    row_changes(served, 2, "changed");
    served->left_out = 2;
    serve(served, served->head - 1);
    assert_found(served);
    assert_offenders(served, "R0 R1 R2 R3 ");
    row_changes(served, 2, "R2");
    served->left_out = NOBODY;
    session(served);
    assert_repaired(served);
}

/* A row that should have gone, and whose tombstone never came. */
static void row__kept_by_mistake_is_found_and_swept(void **state)
{
    struct served *served = *state;

    session(served);
    served->pos[3] = 0;
    served->head++;
    serve(served, served->head - 1);
    assert_found(served);
    session(served);
    assert_offenders(served, "R0 R1 R2 ");
    assert_int_equal(status_of(served).repairs, 1);
    assert_int_equal(status_of(served).reason, DC_OK);
}

/* The pages never hold a row that the digest counts: one repair, then patience, with the session going on. */
static void server__that_always_differs_is_not_asked_in_a_loop(void **state)
{
    struct served *served = *state;

    served->left_out = 1;
    session(served);
    assert_found(served);
    session(served);
    assert_int_equal(status_of(served).state, DC_SYNC_ONLINE);
    assert_int_equal(status_of(served).reason, DC_ROWS_DIFFER);
    assert_int_equal(status_of(served).repairs, 1);
    assert_int_equal(device_fixture_count(&served->fixture, DC_EVENT_ERROR), 2);
    assert_offenders(served, "R0 R2 R3 ");
    for (unsigned i = 0; i < 5; i++) {
        row_changes(served, 0, "R0");
        serve(served, served->head - 1);
    }
    assert_int_equal(status_of(served).repairs, 1);
    assert_int_equal(device_fixture_count(&served->fixture, DC_EVENT_ERROR), 2);
    device_fixture_reopen(&served->fixture); /* nor by starting the app again */
    session(served);
    assert_int_equal(status_of(served).repairs, 1);
    served->fixture.timer_ms += HOUR_MS;
    row_changes(served, 0, "R0");
    serve(served, served->head - 1);
    assert_int_equal(status_of(served).repairs, 2);
    assert_int_equal(status_of(served).state, DC_SYNC_BACKING_OFF);
    served->left_out = NOBODY; /* and once it is mended, all is well */
    session(served);
    assert_int_equal(status_of(served).reason, DC_OK);
    assert_offenders(served, "R0 R1 R2 R3 ");
}

/* A flag overtakes the page: until the feed has caught up with it the digests can't agree. */
static void flag__ahead_of_its_page_is_no_difference(void **state)
{
    struct served *served = *state;
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Flag flag = DOUBLECREW__V1__FLAG__INIT;
    Doublecrew__V1__FlagRow row = DOUBLECREW__V1__FLAG_ROW__INIT;
    uint8_t id[HASH_SIZE] = {5};

    session(served);
    row.flag_id = (ProtobufCBinaryData){.data = id, .len = sizeof id};
    row.kind = (char *)(uintptr_t) "lone_live";
    row.subject = row.flag_id;
    flag.pos = served->head + 2;
    flag.flag = &row;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG;
    message.flag = &flag;
    device_fixture_receive(&served->fixture, &message);
    row_changes(served, 0, "R0");
    serve(served, served->head - 1);
    assert_int_equal(status_of(served).repairs, 0);
    served->head += 2; /* the server's rows have no such flag: now it shows */
    serve(served, served->head - 2);
    assert_int_equal(status_of(served).repairs, 1);
}

/* A newer server's kind of row: kept as it came, counted, shown after an update (P5). */
static void row__of_an_unknown_kind_is_kept_and_counted(void **state)
{
    struct served *served = *state;
    static const uint8_t row[] = {0x08, 0x05, 0x12, 0x02, 'z', 0x07, 0xfa, 0x07, 0x01, 0x2a}; /* field 127: "*" */
    uint8_t bytes[128] = {0x1a, 0}, *kept = NULL;
    struct hash hash;
    struct row_digest digest = {{0}};
    size_t at = 2, size = 0;

    session(served);
    assert_int_equal(sha256_bytes(served->fixture.sha, span_of(row, sizeof row), &hash), STATUS_OK);
    for (size_t i = 0; i < ROWS; i++) {
        struct served_row known;

        build_row(served, i, &known);
        add_to_digest(served, &known, &digest);
    }
    row_digest_add(&digest, &hash);
    bytes[at++] = 0x08; /* from_cursor 4, to_cursor 5, last */
    bytes[at++] = 4;
    bytes[at++] = 0x10;
    bytes[at++] = 5;
    bytes[at++] = 0x18;
    bytes[at++] = 1;
    bytes[at++] = 0x22;
    bytes[at++] = sizeof row;
    memcpy(bytes + at, row, sizeof row);
    at += sizeof row;
    bytes[at++] = 0x2a;
    bytes[at++] = HASH_SIZE;
    memcpy(bytes + at, digest.bytes, HASH_SIZE);
    at += HASH_SIZE;
    bytes[1] = (uint8_t)(at - 2);
    device_received(served->fixture.device, span_of(bytes, at));
    assert_int_equal(status_of(served).repairs, 0);
    assert_int_equal(status_of(served).feed_cursor, 5);
    assert_int_equal(store_read_row(served->fixture.device->store, span_of("z\x07", 2), &kept, &size), STATUS_OK);
    assert_int_equal(size, sizeof row);
    assert_memory_equal(kept, row, sizeof row);
    free(kept);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(rows__that_agree_are_left_alone),
        CASE(row__corrupted_on_the_disk_is_found_and_fetched_again),
        CASE(row__lost_from_the_disk_is_found_and_fetched_again),
        CASE(row__left_out_of_a_page_is_found_and_fetched_again),
        CASE(row__kept_by_mistake_is_found_and_swept),
        CASE(server__that_always_differs_is_not_asked_in_a_loop),
        CASE(flag__ahead_of_its_page_is_no_difference),
        CASE(row__of_an_unknown_kind_is_kept_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
