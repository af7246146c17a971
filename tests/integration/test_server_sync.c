/*
 * Devices sync with the running server: what is acknowledged is kept, whatever happens to the server; pages and flags
 * reach whom they should.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl3.h>

#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name
#define SERVER(name) DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_##name

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

static void facts__are_acknowledged_and_found_again(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);

    assert_int_equal(server_device_greet(officer, client, 0), 0);
    server_device_add_notes(officer, 3);
    server_device_sync(officer, client);
    server_device_add_notes(officer, 200);
    server_device_sync(officer, client);
    ws_client_free(client);
    client = server_fixture_connect(fixture, officer);
    assert_int_equal(server_device_greet(officer, client, 0), 203); /* with a proof from the checkpoint it holds */
    ws_client_free(client);
    assert_int_equal(server_fixture_stop(fixture, SIGTERM), 0);
    server_fixture_start(fixture);
    client = server_fixture_connect(fixture, officer);
    assert_int_equal(server_device_greet(officer, client, 0), 203);
    ws_client_free(client);
}

static void push__sent_twice_is_acknowledged_twice_and_kept_once(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *client = server_fixture_connect(fixture, &fixture->officer);
    size_t size;
    uint8_t *push;

    server_device_greet(&fixture->officer, client, 0);
    server_device_add_notes(&fixture->officer, 5);
    push = server_device_push(&fixture->officer, &size);
    for (int i = 0; i < 2; i++) {
        Doublecrew__V1__ServerMessage *message;

        server_device_send_push(client, span_of(push, size));
        message = server_hear_kind(client, SERVER(ACK));
        assert_int_equal(message->ack->durable_seq, 5);
        server_heard_free(message);
    }
    free(push);
    ws_client_free(client);
}

static void pushes__that_are_wrong_leave_the_connections_others_intact(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);
    uint8_t *pushes[3];
    size_t sizes[3];
    Doublecrew__V1__ServerMessage *message;

    server_device_greet(officer, client, 0);
    for (int i = 0; i < 3; i++) {
        server_device_add_notes(officer, 2);
        pushes[i] = server_device_push(officer, &sizes[i]);
    }
    server_device_send_push(client, span_of(pushes[0], sizes[0]));
    server_device_send_push(client, span_of(pushes[2], sizes[2])); /* a gap */
    pushes[1][sizes[1] - 10] ^= 1;                                 /* within the signature */
    server_device_send_push(client, span_of(pushes[1], sizes[1]));
    pushes[1][sizes[1] - 10] ^= 1;
    server_device_send_push(client, span_of(pushes[1], sizes[1] - 1)); /* cut */
    server_device_send_push(client, span_of(pushes[1], sizes[1]));
    message = server_hear(client);
    assert_int_equal(message->message_case, SERVER(ACK));
    server_heard_free(message);
    message = server_hear(client);
    assert_int_equal(message->message_case, SERVER(ERROR));
    assert_int_equal(message->error->code, CODE(LOG_GAP));
    assert_int_equal(message->error->remedy, DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM);
    assert_int_equal(message->error->durable_seq, 2);
    server_heard_free(message);
    server_hear_error(client, CODE(BAD_SIGNATURE), false);
    server_hear_error(client, CODE(MALFORMED), false);
    message = server_hear(client);
    assert_int_equal(message->message_case, SERVER(ACK));
    assert_int_equal(message->ack->durable_seq, 4);
    server_heard_free(message);
    for (int i = 0; i < 3; i++)
        free(pushes[i]);
    ws_client_free(client);
}

static void push__signed_with_another_devices_key_is_refused(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);
    struct sign_key *own = officer->key;
    size_t size;
    uint8_t *push;

    server_device_greet(officer, client, 0);
    server_device_add_notes(officer, 1);
    officer->key = fixture->supervisor.key;
    push = server_device_push(officer, &size);
    officer->key = own;
    server_device_send_push(client, span_of(push, size));
    server_hear_error(client, CODE(BAD_SIGNATURE), false);
    free(push);
    ws_client_free(client);
}

/* More pushes at once than the server takes in: it stops reading for a while, and then goes on. */
static void pushes__by_the_hundred_are_all_answered_in_order(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);

    server_device_greet(officer, client, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 900; i++) {
            size_t size;
            uint8_t *push;

            server_device_add_notes(officer, 1);
            push = server_device_push(officer, &size);
            server_device_send_push(client, span_of(push, size));
            free(push);
        }
        for (int i = 0; i < 900; i++) {
            Doublecrew__V1__ServerMessage *message = server_hear_kind(client, SERVER(ACK));

            assert_int_equal(message->ack->durable_seq, round * 900 + i + 1);
            server_heard_free(message);
        }
    }
    ws_client_free(client);
}

/* Random bits of a push turned over, in the middle of good ones: named errors, and nothing is lost or let in. */
static void pushes__with_flipped_bits_never_hurt(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    uint64_t seed = 20261122;

    for (int round = 0; round < 30; round++) {
        struct ws_client *client = server_fixture_connect(fixture, officer);
        Doublecrew__V1__ServerMessage *message;
        size_t size;
        uint8_t *push;
        size_t bit;

        server_device_greet(officer, client, 0);
        server_device_add_notes(officer, 2);
        push = server_device_push(officer, &size);
        bit = (size_t)fixture_below(&seed, size * 8);
        push[bit / 8] ^= (uint8_t)(1 << bit % 8);
        server_device_send_push(client, span_of(push, size));
        message = server_hear(client);
        if (message->message_case == SERVER(ACK)) /* an unknown field, or a bit that nothing hashes */
            assert_int_equal(message->ack->durable_seq, officer->seq);
        else
            assert_int_equal(message->message_case, SERVER(ERROR));
        server_heard_free(message);
        push[bit / 8] ^= (uint8_t)(1 << bit % 8);
        server_device_send_push(client, span_of(push, size));
        message = server_hear_kind(client, SERVER(ACK));
        assert_int_equal(message->ack->durable_seq, officer->seq);
        server_heard_free(message);
        free(push);
        ws_client_free(client);
    }
}

/* What is acknowledged is found after SIGKILL in mid-push; what isn't can be sent again. */
static void facts__acknowledged_before_a_kill_are_found_after_it(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *officer = &fixture->officer;
    struct ws_client *client = server_fixture_connect(fixture, officer);
    uint64_t acknowledged = 0;
    uint64_t durable;
    size_t sizes[60];
    uint8_t *pushes[60];

    server_device_greet(officer, client, 0);
    for (int i = 0; i < 60; i++) {
        server_device_add_notes(officer, 10);
        pushes[i] = server_device_push(officer, &sizes[i]);
        server_device_send_push(client, span_of(pushes[i], sizes[i]));
        if (i >= 20) {
            Doublecrew__V1__ServerMessage *message = server_hear_kind(client, SERVER(ACK));

            acknowledged = message->ack->durable_seq;
            server_heard_free(message);
        }
    }
    assert_int_equal(server_fixture_stop(fixture, SIGKILL), -SIGKILL);
    ws_client_free(client);
    server_fixture_start(fixture);
    client = server_fixture_connect(fixture, officer);
    durable = server_device_greet(officer, client, 0);
    assert_true(acknowledged > 0);
    assert_true(durable >= acknowledged);
    for (uint64_t i = durable / 10; i < 60; i++) {
        server_device_send_push(client, span_of(pushes[i], sizes[i]));
        server_heard_free(server_hear_kind(client, SERVER(ACK)));
    }
    ws_client_free(client);
    client = server_fixture_connect(fixture, officer);
    assert_int_equal(server_device_greet(officer, client, 0), 600);
    ws_client_free(client);
    for (int i = 0; i < 60; i++)
        free(pushes[i]);
}

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

/* Alone by the officer's own statement, and gone again: a lone visit, confirmed at once. */
static void add_lone_visit(struct server_device *officer)
{
    Doublecrew__V1__CheckIn check_in = DOUBLECREW__V1__CHECK_IN__INIT;
    Doublecrew__V1__CheckOut check_out = DOUBLECREW__V1__CHECK_OUT__INIT;
    Doublecrew__V1__Outcome outcome = DOUBLECREW__V1__OUTCOME__INIT;
    struct id offender = fixture_id("offender");
    struct hash presence;

    check_in.offender_id = bytes_of(offender.bytes, ID_SIZE);
    check_in.officer_id = bytes_of(officer->officer.bytes, ID_SIZE);
    check_in.company = DOUBLECREW__V1__COMPANY__COMPANY_ALONE;
    server_device_add(officer, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &check_in.base);
    presence = officer->head;
    officer->monotonic_ms += (uint64_t)30 * 60 * 1000;
    outcome.presence = bytes_of(presence.bytes, HASH_SIZE);
    outcome.outcome = DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN;
    server_device_add(officer, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME, &outcome.base);
    check_out.presence = bytes_of(presence.bytes, HASH_SIZE);
    server_device_add(officer, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT, &check_out.base);
}

static void step_clock(struct ws_client *client, int64_t now_ms)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__TrainingStep step = DOUBLECREW__V1__TRAINING_STEP__INIT;
    Doublecrew__V1__ServerMessage *answer;

    step.now_ms = now_ms;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_TRAINING_STEP;
    message.training_step = &step;
    server_say(client, &message);
    answer = server_hear_kind(client, SERVER(TRAINING_STEPPED));
    assert_true(answer->training_stepped->now_ms == now_ms);
    server_heard_free(answer);
}

static void confirm_flag(struct ws_client *client, const Doublecrew__V1__Flag *flag)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__FlagReceived received = DOUBLECREW__V1__FLAG_RECEIVED__INIT;

    received.flag_id = flag->flag->flag_id;
    received.pos = flag->pos;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_FLAG_RECEIVED;
    message.flag_received = &received;
    server_say(client, &message);
}

static void lone_visit__reaches_the_connected_supervisor_at_once(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *operator_client = server_fixture_connect(fixture, &fixture->operator_device);
    struct ws_client *supervisor = server_fixture_connect(fixture, &fixture->supervisor);
    struct ws_client *officer = server_fixture_connect(fixture, &fixture->officer);
    Doublecrew__V1__ServerMessage *message;
    uint64_t pos;

    server_device_greet(&fixture->operator_device, operator_client, 0);
    server_device_greet(&fixture->supervisor, supervisor, 0); /* no page credit: only the urgent lane is open */
    server_device_greet(&fixture->officer, officer, 0);
    step_clock(operator_client, (int64_t)1800000000 * 1000 + 3600 * 1000);
    add_lone_visit(&fixture->officer);
    server_device_sync(&fixture->officer, officer);
    message = server_hear_kind(supervisor, SERVER(FLAG));
    assert_string_equal(message->flag->flag->kind, "lone_confirmed");
    assert_memory_equal(message->flag->flag->officer_id.data, fixture->officer.officer.bytes, ID_SIZE);
    pos = message->flag->pos;
    assert_true(pos > 0);
    confirm_flag(supervisor, message->flag);
    server_heard_free(message);
    server_fixture_expect_log(fixture, "flag_received", "\"latency_us\":", 1);
    ws_client_free(supervisor);

    /* One who connects later finds it among the rows. */
    supervisor = server_fixture_connect(fixture, &fixture->supervisor);
    server_device_greet(&fixture->supervisor, supervisor, 4);
    for (bool found = false; !found;) {
        message = server_hear_kind(supervisor, SERVER(DELTA));
        for (size_t i = 0; i < message->delta->n_rows; i++)
            found = found || (message->delta->rows[i]->row_case == DOUBLECREW__V1__ROW__ROW_FLAG &&
                              strcmp(message->delta->rows[i]->flag->kind, "lone_confirmed") == 0);
        assert_true(found || !message->delta->last);
        server_heard_free(message);
    }
    ws_client_free(supervisor);
    ws_client_free(officer);
    ws_client_free(operator_client);
}

static void page__comes_live_and_says_when_the_client_is_current(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *reader = server_fixture_connect(fixture, &fixture->supervisor);
    struct ws_client *officer = server_fixture_connect(fixture, &fixture->officer);
    Doublecrew__V1__ServerMessage *message;
    uint64_t cursor;

    server_device_greet(&fixture->supervisor, reader, 8);
    message = server_hear_kind(reader, SERVER(DELTA));
    assert_true(message->delta->n_rows > 0);
    assert_true(message->delta->last);
    cursor = message->delta->to_cursor;
    server_heard_free(message);
    server_device_greet(&fixture->officer, officer, 0);
    server_device_add_notes(&fixture->officer, 1);
    server_device_sync(&fixture->officer, officer);
    do {
        message = server_hear_kind(reader, SERVER(DELTA));
        assert_int_equal(message->delta->from_cursor, cursor);
        assert_true(message->delta->to_cursor > cursor);
        cursor = message->delta->to_cursor;
    } while (message->delta->n_rows == 0 && (server_heard_free(message), true));
    assert_int_equal(message->delta->rows[0]->row_case, DOUBLECREW__V1__ROW__ROW_NOTE);
    server_heard_free(message);
    ws_client_free(officer);
    ws_client_free(reader);
}

/* Small writes would each cost a record, a system call and a round of the server's loop. */
static void page__leaves_in_whole_tls_records(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *officer = server_fixture_connect(fixture, &fixture->officer);
    struct ws_client *reader = server_fixture_connect(fixture, &fixture->supervisor);
    size_t size_max = 0;

    server_device_greet(&fixture->officer, officer, 0);
    server_device_add_notes(&fixture->officer, 200);
    server_device_sync(&fixture->officer, officer);
    server_device_greet(&fixture->supervisor, reader, 8);
    for (bool last = false; !last;) {
        Doublecrew__V1__ServerMessage *message = server_hear_kind(reader, SERVER(DELTA));
        size_t size = doublecrew__v1__server_message__get_packed_size(message);

        size_max = size > size_max ? size : size_max;
        last = message->delta->last;
        server_heard_free(message);
    }
    assert_true(size_max > SSL3_RT_MAX_PLAIN_LENGTH);
    assert_int_equal(ws_client_largest_record(reader), SSL3_RT_MAX_PLAIN_LENGTH);
    ws_client_free(reader);
    ws_client_free(officer);
}

/* Reads pages to the last; moves the device's cursor; says how the offender's row came last: 'x' live, 'X' gone, 0 not. */
static char read_pages(struct server_device *device, struct ws_client *client)
{
    struct id offender = fixture_id("offender");
    char found = 0;

    for (bool last = false; !last;) {
        Doublecrew__V1__ServerMessage *message = server_hear_kind(client, SERVER(DELTA));

        for (size_t i = 0; i < message->delta->n_rows; i++) {
            const Doublecrew__V1__Row *row = message->delta->rows[i];
            if (row->key.len == 1 + ID_SIZE && row->key.data[0] == 'x' &&
                memcmp(row->key.data + 1, offender.bytes, ID_SIZE) == 0)
                found = row->row_case == DOUBLECREW__V1__ROW__ROW_TOMBSTONE ? 'X' : 'x';
        }
        last = message->delta->last;
        device->feed_cursor = message->delta->to_cursor;
        server_heard_free(message);
    }
    return found;
}

static void move_to(struct server_fixture *fixture, struct ws_client *operator_client,
                    const struct server_device *device, Doublecrew__V1__Role role, const char *team_name)
{
    Doublecrew__V1__Team team = DOUBLECREW__V1__TEAM__INIT;
    Doublecrew__V1__Officer officer = DOUBLECREW__V1__OFFICER__INIT;
    struct id id = fixture_id(team_name);
    ProtobufCBinaryData teams[1] = {bytes_of(id.bytes, ID_SIZE)};
    char code[] = "MOVED 1";

    team.team_id = teams[0];
    team.code = team.name = code;
    server_device_add(&fixture->operator_device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_TEAM, &team.base);
    officer.officer_id = bytes_of(device->officer.bytes, ID_SIZE);
    officer.code = officer.name = code;
    officer.role = role;
    officer.n_team_ids = 1;
    officer.team_ids = teams;
    server_device_add(&fixture->operator_device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OFFICER, &officer.base);
    server_device_sync(&fixture->operator_device, operator_client);
}

static void officer_moved__rows_of_the_old_team_are_taken_back(void **state)
{
    struct server_fixture *fixture = *state;
    struct server_device *online = &fixture->supervisor, *offline = &fixture->officer;
    struct ws_client *operator_client = server_fixture_connect(fixture, &fixture->operator_device);
    struct ws_client *connected = server_fixture_connect(fixture, online);
    struct ws_client *client = server_fixture_connect(fixture, offline);
    char heard = 0;

    server_device_greet(&fixture->operator_device, operator_client, 0);
    server_device_greet(online, connected, 8);
    server_device_greet(offline, client, 8);
    assert_int_equal(read_pages(online, connected), 'x');
    assert_int_equal(read_pages(offline, client), 'x');
    ws_client_free(client);
    move_to(fixture, operator_client, online, DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, "south");
    move_to(fixture, operator_client, offline, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, "south");
    while (heard == 0)
        heard = read_pages(online, connected);
    assert_int_equal(heard, 'X');
    client = server_fixture_connect(fixture, offline);
    server_device_greet(offline, client, 8);
    assert_int_equal(read_pages(offline, client), 'X');
    move_to(fixture, operator_client, offline, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, "team");
    for (heard = 0; heard == 0;)
        heard = read_pages(offline, client);
    assert_int_equal(heard, 'x');
    ws_client_free(client);
    ws_client_free(connected);
    ws_client_free(operator_client);
}

static void training_step__is_for_the_operator_alone(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *client = server_fixture_connect(fixture, &fixture->supervisor);
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__TrainingStep step = DOUBLECREW__V1__TRAINING_STEP__INIT;

    step.now_ms = (int64_t)1900000000 * 1000;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_TRAINING_STEP;
    message.training_step = &step;
    server_device_greet(&fixture->supervisor, client, 0);
    server_say(client, &message);
    server_hear_error(client, CODE(NOT_PERMITTED), false);
    ws_client_free(client);
}

static void device__that_is_declared_lost_is_cut_off_at_once(void **state)
{
    struct server_fixture *fixture = *state;
    struct ws_client *operator_client = server_fixture_connect(fixture, &fixture->operator_device);
    struct ws_client *officer = server_fixture_connect(fixture, &fixture->officer);
    Doublecrew__V1__DeviceState lost = DOUBLECREW__V1__DEVICE_STATE__INIT;

    server_device_greet(&fixture->operator_device, operator_client, 0);
    server_device_greet(&fixture->officer, officer, 0);
    lost.device_id = bytes_of(fixture->officer.device.bytes, ID_SIZE);
    lost.standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST;
    lost.as_of_ms = (int64_t)1800000000 * 1000;
    server_device_add(&fixture->operator_device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &lost.base);
    server_device_sync(&fixture->operator_device, operator_client);
    server_hear_error(officer, CODE(DEVICE_REVOKED), true);
    server_hear_end(officer);
    ws_client_free(officer);
    officer = server_fixture_connect(fixture, &fixture->officer);
    server_device_say_hello(&fixture->officer, officer, 0);
    server_hear_error(officer, CODE(DEVICE_REVOKED), true);
    ws_client_free(officer);
    ws_client_free(operator_client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts__are_acknowledged_and_found_again, start, stop),
        cmocka_unit_test_setup_teardown(push__sent_twice_is_acknowledged_twice_and_kept_once, start, stop),
        cmocka_unit_test_setup_teardown(pushes__that_are_wrong_leave_the_connections_others_intact, start, stop),
        cmocka_unit_test_setup_teardown(push__signed_with_another_devices_key_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(pushes__by_the_hundred_are_all_answered_in_order, start, stop),
        cmocka_unit_test_setup_teardown(pushes__with_flipped_bits_never_hurt, start, stop),
        cmocka_unit_test_setup_teardown(facts__acknowledged_before_a_kill_are_found_after_it, start, stop),
        cmocka_unit_test_setup_teardown(lone_visit__reaches_the_connected_supervisor_at_once, start, stop),
        cmocka_unit_test_setup_teardown(page__comes_live_and_says_when_the_client_is_current, start, stop),
        cmocka_unit_test_setup_teardown(page__leaves_in_whole_tls_records, start, stop),
        cmocka_unit_test_setup_teardown(officer_moved__rows_of_the_old_team_are_taken_back, start, stop),
        cmocka_unit_test_setup_teardown(training_step__is_for_the_operator_alone, start, stop),
        cmocka_unit_test_setup_teardown(device__that_is_declared_lost_is_cut_off_at_once, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
