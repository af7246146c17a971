/*
 * Pages at the client's pace, flags ahead of them, and the roster changing under an open session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/session_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name

static int setup(void **state)
{
    static struct session_fixture fixture;

    session_fixture_open(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    session_fixture_close(*state);
    return 0;
}

static bool asks_for_page(const struct session_fixture *fixture)
{
    return session_fixture_action(fixture, SESSION_READ, 0) != NULL && fixture->update.request.kind == SESSION_PAGE;
}

static void written(struct session_fixture *fixture)
{
    struct session_event event = {.kind = SESSION_ON_BACKLOG, .backlog = false};

    session_fixture_step(fixture, &event);
}

static void page__is_asked_for_only_while_credit_lasts(void **state)
{
    session_fixture_greet(*state, 2);
    assert_true(asks_for_page(*state));
    session_fixture_page(*state, 3, false);
    assert_int_equal(session_fixture_action(*state, SESSION_SEND, 0)->send.lane, SESSION_BULK);
    assert_false(asks_for_page(*state)); /* not before the page is written */
    written(*state);
    assert_true(asks_for_page(*state));
    session_fixture_page(*state, 6, false);
    written(*state);
    assert_false(asks_for_page(*state)); /* two are out */
    session_fixture_applied(*state, 3, 1);
    assert_true(asks_for_page(*state));
    session_fixture_page(*state, 10, true);
    written(*state);
    assert_false(asks_for_page(*state));
    session_fixture_applied(*state, 10, 2);
    assert_false(asks_for_page(*state)); /* current: nothing to tell */
}

static void page__follows_a_commit_when_the_client_is_current(void **state)
{
    session_fixture_greet(*state, 2);
    session_fixture_page(*state, 10, true);
    written(*state);
    session_fixture_applied(*state, 10, 2);
    session_fixture_commit(*state, 11, false);
    assert_true(asks_for_page(*state));
    assert_int_equal(((struct session_fixture *)*state)->update.request.after.pos, 10);
    session_fixture_commit(*state, 12, false);
    assert_false(asks_for_page(*state)); /* one at a time; the snapshot will be as new as it is */
}

static void page__without_credit_waits_for_applied(void **state)
{
    session_fixture_greet(*state, 0);
    assert_false(asks_for_page(*state));
    session_fixture_commit(*state, 11, false);
    assert_false(asks_for_page(*state));
    session_fixture_applied(*state, 0, 1);
    assert_true(asks_for_page(*state));
}

static void credit__is_bounded_however_generous_the_client_is(void **state)
{
    unsigned pages = 0;

    session_fixture_greet(*state, 1000);
    session_fixture_applied(*state, 0, 4000000000u);
    session_fixture_page(*state, ++pages, false);
    for (written(*state); asks_for_page(*state); written(*state))
        session_fixture_page(*state, ++pages, false);
    assert_int_equal(pages, SESSION_PAGES_MAX);
}

static void applied__of_a_page_that_was_never_sent_is_refused(void **state)
{
    session_fixture_greet(*state, 2);
    session_fixture_page(*state, 3, false);
    session_fixture_applied(*state, 9, 2);
    session_fixture_assert_error(*state, CODE(PROTOCOL_ORDER), true);
}

static void device__that_may_only_push_gets_no_pages_and_no_flags(void **state)
{
    struct session_fixture *fixture = *state;
    static const enum device_standing standings[] = {DEVICE_SUSPENDED, DEVICE_EXPIRED};
    struct scope scope;

    for (size_t i = 0; i < 2; i++) {
        fixture->greeting.look.device.standing = standings[i];
        scope = fixture->greeting.look.members[0].scope;
        session_fixture_greet(fixture, 4);
        assert_false(asks_for_page(fixture));
        assert_false(session_sees(fixture->session, &scope, 1));
        session_fixture_push(fixture, 1);
        assert_non_null(session_fixture_action(fixture, SESSION_SUBMIT, 0));
        session_fixture_close(fixture);
        session_fixture_open(fixture);
    }
}

static void raise_flag(struct session_fixture *fixture, uint8_t team, bool alarm)
{
    static uint8_t row_bytes[4] = {0x12, 0x02, 'h', 'i'}; /* FlagRow {kind: "hi"} */
    struct batch_flag flag = {.pos = 99, .scope_count = 1, .alarm = alarm};
    struct session_event event = {.kind = SESSION_ON_FLAG};

    flag.flag.bytes[0] = team;
    flag.scopes[0].kind = SCOPE_SUPERVISORS;
    flag.scopes[0].id.bytes[0] = team;
    flag.row = span_of(row_bytes, sizeof(row_bytes));
    event.flag.flag = &flag;
    event.flag.committed_real_us = fixture->now.real_us - 40;
    session_fixture_step(fixture, &event);
}

static void flag__goes_by_the_urgent_lane_to_its_scopes_only(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 1);
    session_fixture_page(fixture, 10, true); /* a page waits in the bulk lane */
    raise_flag(fixture, 7, true);
    assert_int_equal(session_fixture_action(fixture, SESSION_SEND, 0)->send.lane, SESSION_URGENT);
    assert_int_equal(session_fixture_sent(fixture, 0)->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG);
    assert_int_equal(session_fixture_sent(fixture, 0)->flag->pos, 99);
    assert_string_equal(session_fixture_sent(fixture, 0)->flag->flag->kind, "hi");
    raise_flag(fixture, 8, true);
    assert_int_equal(fixture->update.count, 0);
    raise_flag(fixture, 7, false); /* an update comes by the feed */
    assert_int_equal(fixture->update.count, 0);
}

static void flag__of_a_scope_that_was_left_is_not_told(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->greeting.look.members[0].left_pos = 9;
    session_fixture_greet(fixture, 1);
    raise_flag(fixture, 7, true);
    assert_int_equal(fixture->update.count, 0);
}

static void flag_received__is_reported_with_its_latency_once(void **state)
{
    struct session_fixture *fixture = *state;
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__FlagReceived received = DOUBLECREW__V1__FLAG_RECEIVED__INIT;
    struct hash flag = {{7}};

    received.flag_id = (ProtobufCBinaryData){HASH_SIZE, flag.bytes};
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_FLAG_RECEIVED;
    message.flag_received = &received;
    session_fixture_greet(fixture, 0);
    raise_flag(fixture, 7, true);
    fixture->now.real_us += 60;
    session_fixture_say(fixture, &message);
    assert_true(session_fixture_action(fixture, SESSION_REPORT, 0)->report.latency_us == 100);
    session_fixture_say(fixture, &message);
    assert_true(session_fixture_action(fixture, SESSION_REPORT, 0)->report.latency_us == -1);
}

static void looked(struct session_fixture *fixture, enum status status)
{
    struct session_reply reply = {.kind = SESSION_LOOK, .status = status};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    reply.look = fixture->greeting.look;
    session_fixture_step(fixture, &event);
}

static void roster__that_changed_is_looked_at_before_anything_is_told(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 2);
    session_fixture_commit(fixture, 11, true);
    assert_int_equal(fixture->update.request.kind, SESSION_LOOK);
    raise_flag(fixture, 8, true);
    assert_int_equal(fixture->update.count, 0); /* waits */
    raise_flag(fixture, 7, true);
    assert_int_equal(fixture->update.count, 0);
    session_fixture_page(fixture, 10, true); /* read before the change: not sent */
    assert_null(session_fixture_sent(fixture, 0));
    fixture->greeting.look.members[0].scope.id.bytes[0] = 8; /* moved to team 8 */
    looked(fixture, STATUS_OK);
    assert_int_equal(session_fixture_sent(fixture, 0)->flag->flag->kind[0], 'h');
    assert_null(session_fixture_sent(fixture, 1)); /* team 7's isn't for this device any more */
    assert_true(asks_for_page(fixture));
}

static void roster__that_changed_twice_is_looked_at_twice(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    session_fixture_commit(fixture, 11, true);
    session_fixture_commit(fixture, 12, true);
    assert_int_equal(fixture->update.count, 0);
    looked(fixture, STATUS_OK);
    assert_int_equal(fixture->update.request.kind, SESSION_LOOK);
    assert_non_null(session_fixture_action(fixture, SESSION_READ, 0));
    looked(fixture, STATUS_OK);
    assert_int_equal(fixture->update.count, 0);
}

static void roster__revocation_closes_at_once(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    session_fixture_commit(fixture, 11, true);
    raise_flag(fixture, 7, true); /* held, then dropped */
    looked(fixture, STATUS_DEVICE_REVOKED);
    session_fixture_assert_error(fixture, CODE(DEVICE_REVOKED), true);
}

static void roster__suspension_ends_the_session_so_that_the_next_one_says_it(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    session_fixture_commit(fixture, 11, true);
    fixture->greeting.look.device.standing = DEVICE_SUSPENDED;
    looked(fixture, STATUS_OK);
    session_fixture_assert_error(fixture, CODE(DEVICE_SUSPENDED), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(page__is_asked_for_only_while_credit_lasts, setup, teardown),
        cmocka_unit_test_setup_teardown(page__follows_a_commit_when_the_client_is_current, setup, teardown),
        cmocka_unit_test_setup_teardown(page__without_credit_waits_for_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(credit__is_bounded_however_generous_the_client_is, setup, teardown),
        cmocka_unit_test_setup_teardown(applied__of_a_page_that_was_never_sent_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(device__that_may_only_push_gets_no_pages_and_no_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(flag__goes_by_the_urgent_lane_to_its_scopes_only, setup, teardown),
        cmocka_unit_test_setup_teardown(flag__of_a_scope_that_was_left_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(flag_received__is_reported_with_its_latency_once, setup, teardown),
        cmocka_unit_test_setup_teardown(roster__that_changed_is_looked_at_before_anything_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(roster__that_changed_twice_is_looked_at_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(roster__revocation_closes_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(roster__suspension_ends_the_session_so_that_the_next_one_says_it, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
