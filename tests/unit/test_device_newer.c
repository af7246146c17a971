/*
 * An app older than its server (P5): a synthetic newer schema puts unknown fields, rows, messages, codes and names wherever
 * they can stand. They are passed over without harm, and what is known takes effect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "doublecrew/v1/entry.pb-c.h"
#include "tests/lib/device_fixture.h"

#define SIZE_MAX_HERE 8192

/* Bytes of a message, grown by hand: what protobuf-c of this version couldn't write. */
struct bytes {
    uint8_t data[SIZE_MAX_HERE];
    size_t size;
};

static void put_varint(struct bytes *bytes, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        bytes->data[bytes->size++] = (uint8_t)(value | 0x80);
    }
    bytes->data[bytes->size++] = (uint8_t)value;
}

static void put_bytes(struct bytes *bytes, unsigned field, const void *data, size_t size)
{
    put_varint(bytes, (uint64_t)field << 3 | 2);
    put_varint(bytes, size);
    assert_in_range(bytes->size + size, 0, SIZE_MAX_HERE - 64);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_number(struct bytes *bytes, unsigned field, uint64_t value)
{
    put_varint(bytes, (uint64_t)field << 3);
    put_varint(bytes, value);
}

/* Fields of a later version, of each wire type. */
static void put_unknown(struct bytes *bytes)
{
    static const uint8_t fixed[] = {0xbd, 0x3e, 1, 2, 3, 4}; /* field 999, 32 bits */

    put_bytes(bytes, 900, "from a later version", 20);
    put_number(bytes, 901, 123456789);
    memcpy(bytes->data + bytes->size, fixed, sizeof fixed);
    bytes->size += sizeof fixed;
    put_bytes(bytes, 902, "", 0);
}

static struct bytes packed(const ProtobufCMessage *message)
{
    struct bytes bytes = {.size = protobuf_c_message_get_packed_size(message)};

    assert_in_range(bytes.size, 0, SIZE_MAX_HERE);
    protobuf_c_message_pack(message, bytes.data);
    return bytes;
}

/* As one member of ServerMessage, with unknown fields beside it. */
static void receive(struct device_fixture *fixture, unsigned member, const struct bytes *inner)
{
    struct bytes message = {.size = 0};

    put_bytes(&message, member, inner->data, inner->size);
    put_unknown(&message);
    device_received(fixture->device, span_of(message.data, message.size));
}

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

static void note(struct device_fixture *fixture)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};

    assert_int_equal(dc_note(fixture->device, &subject, "Invented words.", NULL, NULL), DC_OK);
}

static struct dc_sync_status status_of(struct device_fixture *fixture)
{
    struct dc_sync_status status;

    dc_sync_status(fixture->device, &status);
    return status;
}

static void expect_online(struct device_fixture *fixture)
{
    assert_int_equal(status_of(fixture).state, DC_SYNC_ONLINE);
    assert_int_equal(status_of(fixture).reason, DC_OK);
}

static void welcome__of_a_later_version_is_taken(void **state)
{
    struct device_fixture *fixture = *state;
    Doublecrew__V1__Welcome welcome = DOUBLECREW__V1__WELCOME__INIT;
    char text[CHECKPOINT_TEXT_MAX];
    struct bytes inner;

    device_fixture_connect(fixture);
    welcome.protocol = 1;
    welcome.anchor.len = device_fixture_anchor(fixture, device_fixture_last(fixture)->hello, text);
    welcome.anchor.data = (uint8_t *)text;
    welcome.credit = 512;
    welcome.epoch = (ProtobufCBinaryData){.data = fixture->epoch.bytes, .len = ID_SIZE};
    welcome.standing = 77; /* a standing of its own: no pages are counted on */
    inner = packed(&welcome.base);
    put_unknown(&inner);
    receive(fixture, 1, &inner);
    expect_online(fixture);
    assert_true(fixture->device->has_anchor);
    assert_int_equal(fixture->timer_delay_ms, LINK_NO_TIMER);
}

static void ack__of_a_later_version_is_taken(void **state)
{
    struct device_fixture *fixture = *state;
    Doublecrew__V1__Ack ack = DOUBLECREW__V1__ACK__INIT;
    struct hash hash;
    struct bytes inner;

    note(fixture);
    device_fixture_online(fixture);
    hash = fixture->device->head.hash;
    ack.durable_seq = 1;
    ack.durable_hash = (ProtobufCBinaryData){.data = hash.bytes, .len = HASH_SIZE};
    ack.credit = 512;
    inner = packed(&ack.base);
    put_unknown(&inner);
    receive(fixture, 2, &inner);
    expect_online(fixture);
    assert_int_equal(status_of(fixture).pending_entries, 0);
}

/* An officer's row with more fields, and a kind of row that nobody here has heard of. */
static struct bytes newer_page(bool last)
{
    Doublecrew__V1__Officer officer = DOUBLECREW__V1__OFFICER__INIT;
    struct bytes page = {.size = 0};
    struct bytes inner;
    struct bytes row = {.size = 0};
    struct bytes officer_row = {.size = 0};
    struct bytes unknown_row = {.size = 0};
    uint8_t key[17] = {'o'};
    uint8_t unknown_key[17] = {'?'};

    memset(key + 1, 9, 16);
    officer.officer_id = (ProtobufCBinaryData){.data = key + 1, .len = 16};
    officer.name = (char *)(uintptr_t) "Dana Invented";
    officer.role = 99; /* a role of a later version */
    inner = packed(&officer.base);
    put_unknown(&inner);
    put_bytes(&officer_row, 1, inner.data, inner.size);
    put_unknown(&officer_row);
    put_number(&row, 1, 5);
    put_bytes(&row, 2, key, sizeof key);
    put_bytes(&row, 5, officer_row.data, officer_row.size);
    put_unknown(&row);
    put_number(&unknown_row, 1, 6);
    put_bytes(&unknown_row, 2, unknown_key, sizeof unknown_key);
    put_bytes(&unknown_row, 200, "a kind of row of a later version", 32);
    put_number(&page, 2, 7);
    put_number(&page, 3, last);
    put_bytes(&page, 4, row.data, row.size);
    put_bytes(&page, 4, unknown_row.data, unknown_row.size);
    put_unknown(&page);
    return page;
}

static bool keep_officer(void *context, const struct dc_officer *officer)
{
    assert_string_equal(officer->name, "Dana Invented");
    (*(unsigned *)context)++;
    return true;
}

static void page__of_a_later_version_shows_what_is_known(void **state)
{
    struct device_fixture *fixture = *state;
    struct bytes page = newer_page(true);
    unsigned count = 0;

    device_fixture_online(fixture);
    receive(fixture, 3, &page);
    expect_online(fixture);
    assert_int_equal(status_of(fixture).feed_cursor, 7);
    assert_true(status_of(fixture).feed_complete);
    assert_int_equal(dc_each_officer(fixture->device, NULL, keep_officer, &count), DC_OK);
    assert_int_equal(count, 1);
    device_fixture_reopen(fixture);
    count = 0;
    assert_int_equal(dc_each_officer(fixture->device, NULL, keep_officer, &count), DC_OK);
    assert_int_equal(count, 1);
}

static void message__of_a_later_version_is_passed_over(void **state)
{
    struct device_fixture *fixture = *state;
    struct bytes inner = {.size = 0};
    struct bytes empty = {.size = 0};

    device_fixture_online(fixture);
    put_unknown(&inner);
    receive(fixture, 99, &inner);
    expect_online(fixture);
    put_unknown(&empty);
    device_received(fixture->device, span_of(empty.data, empty.size)); /* no member at all */
    expect_online(fixture);
    note(fixture); /* and work goes on */
    device_fixture_ack(fixture, 3);
    assert_int_equal(status_of(fixture).pending_entries, 0);
}

static void error__of_a_later_version_does_no_harm(void **state)
{
    struct device_fixture *fixture = *state;
    Doublecrew__V1__Error error = DOUBLECREW__V1__ERROR__INIT;
    struct bytes inner;

    device_fixture_online(fixture);
    error.code = 150;
    error.remedy = 60;
    error.message = (char *)(uintptr_t) "Something that only later versions can say.";
    inner = packed(&error.base);
    put_unknown(&inner);
    receive(fixture, 6, &inner);
    assert_int_equal(status_of(fixture).state, DC_SYNC_ONLINE); /* the server keeps the session: so does the app */
    assert_string_equal(device_fixture_event(fixture, DC_EVENT_ERROR)->text,
                        "Something that only later versions can say.");
    error.closes = true;
    error.retry_after_ms = 5000;
    inner = packed(&error.base);
    receive(fixture, 6, &inner);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_in_range(status_of(fixture).retry_in_ms, 5000, 6250);
}

struct listed {
    unsigned count;
    uint16_t kind;
};

static bool keep_kind(void *context, const struct dc_pending *pending)
{
    struct listed *listed = context;

    listed->count++;
    listed->kind = pending->kind;
    return true;
}

static bool count_note(void *context, const struct dc_note_read *read)
{
    (void)read;
    (*(unsigned *)context)++;
    return true;
}

/* The app went back to an earlier version: what the later one recorded is kept, pushed, listed, and in nobody's way. */
static void own_entry__of_a_later_version_is_pushed(void **state)
{
    struct device_fixture *fixture = *state;
    struct listed listed = {.count = 0};
    struct push push;
    unsigned notes = 0;

    note(fixture);
    assert_int_equal(dc_append(fixture->device, 300, (const uint8_t *)"words", 5, NULL), DC_OK);
    assert_int_equal(dc_each_note(fixture->device, NULL, count_note, &notes), DC_OK);
    assert_int_equal(notes, 1);
    assert_int_equal(dc_each_pending(fixture->device, keep_kind, &listed), DC_OK);
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.kind, 300);
    device_fixture_online(fixture);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entry_count, 2);
    assert_int_equal(push.entries[1].header.kind, 300);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(welcome__of_a_later_version_is_taken),         CASE(ack__of_a_later_version_is_taken),
        CASE(page__of_a_later_version_shows_what_is_known), CASE(message__of_a_later_version_is_passed_over),
        CASE(error__of_a_later_version_does_no_harm),       CASE(own_entry__of_a_later_version_is_pushed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
