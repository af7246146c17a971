/*
 * What becomes of devices' contacts over real sockets (P7), and of their standing (D1): told at once, on open connections.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/edge/store_sqlite.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name
#define SERVER(name) DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_##name
#define STANDING(name) DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_##name

static int start(void **state)
{
    struct server_fixture *fixture = calloc(1, sizeof(*fixture));

    server_fixture_make(fixture);
    server_fixture_start(fixture);
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct server_fixture *fixture = *state;

    if (fixture->pid != 0)
        assert_int_equal(server_fixture_stop(fixture, SIGTERM), 0);
    server_fixture_remove(fixture);
    free(fixture);
    return 0;
}

/* The row once `wanted` is true of it; fails the test after 5 s. */
static struct contact_row expect_contact(struct server_fixture *fixture, const struct server_device *device,
                                         bool (*wanted)(const struct contact_row *row))
{
    struct timespec pause = {.tv_nsec = 50 * 1000000};
    struct contact_row row = {.device = {{0}}};
    struct store *store;
    char path[128];
    enum status status;

    snprintf(path, sizeof(path), "%s/store.sqlite", fixture->folder);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &store), STATUS_OK);
        status = store->ops->contact_get(store, &device->device, &row);
        store->ops->close(store);
        if (status == STATUS_OK && wanted(&row))
            return row;
        nanosleep(&pause, NULL);
    }
    fail_msg("the contact never came: %u errors (%s), %u pending, hello %lld", row.errors, row.error,
             row.pending_entries, (long long)row.hello_us);
    return row;
}

static bool has_pending(const struct contact_row *row)
{
    return row->hello_us > 0 && row->pending_entries == 9;
}

static bool has_pushed(const struct contact_row *row)
{
    return row->push_us > 0 && row->pending_entries == 0;
}

static bool has_errors(const struct contact_row *row)
{
    return row->errors >= 3;
}

static void say_lagging_hello(struct server_device *device, struct ws_client *client)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char version[] = "app 7";

    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.app_version = version;
    hello.log_id = (ProtobufCBinaryData){ID_SIZE, device->log.bytes};
    hello.head_seq = device->seq;
    hello.head_hash = (ProtobufCBinaryData){device->seq > 0 ? HASH_SIZE : 0, device->head.bytes};
    hello.boot_id = (ProtobufCBinaryData){ID_SIZE, device->boot.bytes};
    hello.monotonic_ms = 1000000;
    hello.pending_entries = 9;
    hello.pending_since_wall_ms = 1799990000000;
    hello.failures = 5;
    hello.pending_reason = DOUBLECREW__V1__PENDING_REASON__PENDING_REASON_NO_CONNECTION;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    server_say(client, &message);
    server_heard_free(server_hear_kind(client, SERVER(WELCOME)));
}

static void contact__is_kept_while_the_device_is_online_and_after(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);
    struct contact_row row;

    server_device_add_notes(officer, 9);
    say_lagging_hello(officer, client);
    row = expect_contact(fixture, officer, has_pending);
    assert_string_equal(row.app_version, "app 7");
    assert_int_equal(row.failures, 5);
    assert_int_equal(row.pending_reason, DOUBLECREW__V1__PENDING_REASON__PENDING_REASON_NO_CONNECTION);
    server_device_sync(officer, client);
    ws_client_free(client);
    row = expect_contact(fixture, officer, has_pushed);
    assert_int_equal(row.failures, 0);
    assert_true(row.pending_since_ms == 0);
}

static void errors__are_counted_over_sessions_also_before_welcome(void **state)
{
    struct server_fixture *fixture = *state;

    for (int i = 0; i < 3; i++) {
        struct ws_client *client = server_fixture_connect(fixture, &fixture->officer);

        server_device_say_hello(&fixture->supervisor, client, 0); /* another device's log */
        server_hear_error(client, CODE(UNKNOWN_LOG), true);
        server_hear_end(client);
        ws_client_free(client);
    }
    assert_string_equal(expect_contact(fixture, &fixture->officer, has_errors).error, "unknown_log");
}

static void contacts__of_the_last_moment_are_written_at_the_stop(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);

    server_device_add_notes(officer, 9);
    say_lagging_hello(officer, client);
    server_device_sync(officer, client);
    assert_int_equal(server_fixture_stop(fixture, SIGTERM), 0);
    (void)expect_contact(fixture, officer, has_pushed);
    ws_client_free(client);
}

/* The operator's word, over the wire. */
static void set_standing(struct server_fixture *fixture, struct ws_client *client, const struct server_device *device,
                         Doublecrew__V1__DeviceStanding standing)
{
    Doublecrew__V1__DeviceState state = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct id id = device->device;

    state.device_id = (ProtobufCBinaryData){ID_SIZE, id.bytes};
    state.standing = standing;
    server_device_add(&fixture->operator_device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &state.base);
    server_device_sync(&fixture->operator_device, client);
}

static struct ws_client *connect_operator(struct server_fixture *fixture)
{
    struct ws_client *client = server_fixture_connect(fixture, &fixture->operator_device);

    server_device_greet(&fixture->operator_device, client, 0);
    return client;
}

static void lost__ends_the_open_session_and_lets_none_in(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *operator_client = connect_operator(fixture);
    struct ws_client *client = server_fixture_connect(fixture, &fixture->officer);

    server_device_greet(&fixture->officer, client, 0);
    set_standing(fixture, operator_client, &fixture->officer, STANDING(LOST));
    server_hear_error(client, CODE(DEVICE_REVOKED), true);
    assert_int_equal(server_hear_end(client), 1008);
    ws_client_free(client);
    client = server_fixture_connect(fixture, &fixture->officer);
    server_device_say_hello(&fixture->officer, client, 0);
    server_hear_error(client, CODE(DEVICE_REVOKED), true);
    ws_client_free(client);
    ws_client_free(operator_client);
}

/* Whether pages come: an active device with page credit gets at least the first one. */
static bool gets_pages(struct ws_client *client)
{
    struct ws_message heard = {0};
    bool page = false;

    while (!page && ws_client_receive(client, 700, &heard) == STATUS_OK && heard.opcode == WS_BINARY) {
        Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, heard.size, heard.bytes);

        page = message->message_case == SERVER(DELTA);
        server_heard_free(message);
        free(heard.bytes);
        memset(&heard, 0, sizeof(heard));
    }
    free(heard.bytes);
    return page;
}

static Doublecrew__V1__DeviceStanding standing_at_welcome(const struct server_device *device, struct ws_client *client)
{
    Doublecrew__V1__ServerMessage *message;
    Doublecrew__V1__DeviceStanding standing;

    server_device_say_hello(device, client, 4);
    message = server_hear_kind(client, SERVER(WELCOME));
    standing = message->welcome->standing;
    server_heard_free(message);
    return standing;
}

static void suspended__is_told_on_the_open_session_then_may_push_and_is_held(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *operator_client = connect_operator(fixture);
    struct ws_client *client = server_fixture_connect(fixture, &fixture->officer);
    Doublecrew__V1__ServerMessage *message;
    size_t size;
    uint8_t *push;

    server_device_greet(&fixture->officer, client, 0);
    set_standing(fixture, operator_client, &fixture->officer, STANDING(SUSPENDED));
    server_hear_error(client, CODE(DEVICE_SUSPENDED), true);
    ws_client_free(client);
    client = server_fixture_connect(fixture, &fixture->officer);
    assert_int_equal(standing_at_welcome(&fixture->officer, client), STANDING(SUSPENDED));
    assert_false(gets_pages(client));
    server_device_add_notes(&fixture->officer, 2);
    push = server_device_push(&fixture->officer, &size);
    for (int i = 0; i < 2; i++) { /* the second Ack repeats the reasons: the first may have been lost */
        server_device_send_push(client, span_of(push, size));
        message = server_hear_kind(client, SERVER(ACK));
        assert_int_equal(message->ack->n_held, 2);
        assert_string_equal(message->ack->held[1]->reason, "device_suspended");
        server_heard_free(message);
    }
    free(push);
    ws_client_free(client);
    ws_client_free(operator_client);
}

static void expired__by_the_operators_word_may_push_what_counts_and_gets_nothing(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *operator_client = connect_operator(fixture);
    struct ws_client *client;

    set_standing(fixture, operator_client, &fixture->officer, STANDING(EXPIRED));
    client = server_fixture_connect(fixture, &fixture->officer);
    assert_int_equal(standing_at_welcome(&fixture->officer, client), STANDING(EXPIRED));
    assert_false(gets_pages(client));
    server_device_add_notes(&fixture->officer, 2);
    server_device_sync(&fixture->officer, client);
    ws_client_free(client);
    set_standing(fixture, operator_client, &fixture->officer, STANDING(ACTIVE));
    client = server_fixture_connect(fixture, &fixture->officer);
    assert_int_equal(standing_at_welcome(&fixture->officer, client), STANDING(ACTIVE));
    assert_true(gets_pages(client));
    ws_client_free(client);
    ws_client_free(operator_client);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(contact__is_kept_while_the_device_is_online_and_after),
        CASE(errors__are_counted_over_sessions_also_before_welcome),
        CASE(contacts__of_the_last_moment_are_written_at_the_stop),
        CASE(lost__ends_the_open_session_and_lets_none_in),
        CASE(suspended__is_told_on_the_open_session_then_may_push_and_is_held),
        CASE(expired__by_the_operators_word_may_push_what_counts_and_gets_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
