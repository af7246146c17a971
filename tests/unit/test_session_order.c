/*
 * The order of messages: what is allowed when, and the named error of everything else.
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

static void say_empty(struct session_fixture *fixture, uint32_t message)
{
    uint8_t bytes[2] = {(uint8_t)(message << 3 | 2), 0};

    session_fixture_bytes(fixture, span_of(bytes, sizeof(bytes)));
}

static void message__before_hello_is_out_of_order(void **state)
{
    static const uint32_t early[] = {2, 3, 4, 5, 6};

    (void)state;
    for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
        struct session_fixture fixture;

        session_fixture_open(&fixture);
        say_empty(&fixture, early[i]);
        session_fixture_assert_error(&fixture, CODE(PROTOCOL_ORDER), true);
        session_fixture_close(&fixture);
    }
}

static void message__between_hello_and_welcome_is_out_of_order(void **state)
{
    Doublecrew__V1__Hello hello = session_fixture_good_hello();

    session_fixture_hello(*state, &hello);
    say_empty(*state, 2);
    session_fixture_assert_error(*state, CODE(PROTOCOL_ORDER), true);
}

static void hello__twice_is_out_of_order(void **state)
{
    Doublecrew__V1__Hello hello = session_fixture_good_hello();

    session_fixture_greet(*state, 0);
    session_fixture_hello(*state, &hello);
    session_fixture_assert_error(*state, CODE(PROTOCOL_ORDER), true);
}

static void purge_receipt__without_a_purge_is_out_of_order(void **state)
{
    session_fixture_greet(*state, 0);
    say_empty(*state, 5);
    session_fixture_assert_error(*state, CODE(PROTOCOL_ORDER), true);
}

static void bytes__that_are_no_message_have_a_named_error_and_keep_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        Doublecrew__V1__ErrorCode code;
    } cases[] = {
        {"", 0, CODE(MISSING_FIELD)},
        {"\x0a", 1, CODE(MALFORMED)},                 /* cut */
        {"\x0a\x85\x00", 3, CODE(MALFORMED)},         /* a varint longer than it need be */
        {"\x08\x01", 2, CODE(MALFORMED)},             /* a number where a message belongs */
        {"\x12\x00\x12\x00", 4, CODE(MALFORMED)},     /* two messages in one */
        {"\x13", 1, CODE(MALFORMED)},                 /* a group */
        {"\x1a\x02\x08\x80", 4, CODE(MALFORMED)},     /* Applied with a cut number */
        {"\x22\x02\x0a\x00", 4, CODE(MISSING_FIELD)}, /* FlagReceived without a flag */
    };

    session_fixture_greet(*state, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        session_fixture_bytes(*state, span_of(cases[i].bytes, cases[i].size));
        session_fixture_assert_error(*state, cases[i].code, false);
    }
}

static void message__of_a_newer_client_goes_unheard(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    session_fixture_bytes(fixture, span_of("\xba\x3e\x00", 3));
    assert_int_equal(fixture->update.count, 0);
}

static void errors__beyond_the_limit_close(void **state)
{
    session_fixture_greet(*state, 0);
    for (unsigned i = 1; i < SESSION_STRIKES_MAX; i++) {
        session_fixture_bytes(*state, span_of("", 0));
        session_fixture_assert_error(*state, CODE(MISSING_FIELD), false);
    }
    session_fixture_bytes(*state, span_of("", 0));
    session_fixture_assert_error(*state, CODE(MISSING_FIELD), true);
}

static void hello__with_a_wrong_field_is_refused_by_name(void **state)
{
    enum wrong { VERSION_OLD, VERSION_NEW, NO_LOG, NO_BOOT, LOG_SHORT, HEAD_HASH, EPOCH, KEY, CHECKPOINT, WRONG_COUNT };
    static const Doublecrew__V1__ErrorCode codes[WRONG_COUNT] = {
        CODE(PROTOCOL_VERSION), CODE(PROTOCOL_VERSION), CODE(MISSING_FIELD), CODE(MISSING_FIELD), CODE(BAD_LENGTH),
        CODE(BAD_LENGTH),       CODE(BAD_LENGTH),       CODE(BAD_LENGTH),    CODE(BAD_LENGTH)};
    static uint8_t long_bytes[2000];

    (void)state;
    for (int wrong = 0; wrong < WRONG_COUNT; wrong++) {
        Doublecrew__V1__Hello hello = session_fixture_good_hello();
        struct session_fixture fixture;

        session_fixture_open(&fixture);
        hello.protocol_min = wrong == VERSION_NEW ? 2 : hello.protocol_min;
        hello.protocol_max = wrong == VERSION_NEW ? 2 : wrong == VERSION_OLD ? 0 : hello.protocol_max;
        hello.log_id.len = wrong == NO_LOG ? 0 : wrong == LOG_SHORT ? 15 : hello.log_id.len;
        hello.boot_id.len = wrong == NO_BOOT ? 0 : hello.boot_id.len;
        hello.epoch.len = wrong == EPOCH ? 3 : hello.epoch.len;
        hello.head_seq = wrong == HEAD_HASH ? 4 : 0;
        if (wrong == KEY)
            hello.feed_key = (ProtobufCBinaryData){STORE_VIEW_KEY_MAX + 1, long_bytes};
        if (wrong == CHECKPOINT)
            hello.last_checkpoint = (ProtobufCBinaryData){CHECKPOINT_TEXT_MAX + 1, long_bytes};
        session_fixture_hello(&fixture, &hello);
        session_fixture_assert_error(&fixture, codes[wrong], true);
        session_fixture_close(&fixture);
    }
}

static void hello__missing_for_too_long_closes(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_event tick = {.kind = SESSION_ON_TICK};

    fixture->now.real_us += fixture->setup.hello_timeout_us - 1;
    session_fixture_step(fixture, &tick);
    assert_int_equal(fixture->update.count, 0);
    fixture->now.real_us += 1;
    session_fixture_step(fixture, &tick);
    session_fixture_assert_error(fixture, CODE(PROTOCOL_ORDER), true);
}

static void device__that_may_not_connect_is_refused_by_name(void **state)
{
    static const struct {
        enum status status;
        Doublecrew__V1__ErrorCode code;
    } cases[] = {{STATUS_UNKNOWN_DEVICE, CODE(UNKNOWN_DEVICE)},
                 {STATUS_DEVICE_REVOKED, CODE(DEVICE_REVOKED)},
                 {STATUS_UNKNOWN_LOG, CODE(UNKNOWN_LOG)},
                 {STATUS_BAD_SIGNATURE, CODE(BAD_SIGNATURE)},
                 {STATUS_STORE, CODE(STORE)},
                 {STATUS_BUSY, CODE(BUSY)}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Doublecrew__V1__Hello hello = session_fixture_good_hello();
        struct session_reply reply = {.kind = SESSION_GREET, .status = cases[i].status};
        struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};
        struct session_fixture fixture;

        session_fixture_open(&fixture);
        session_fixture_hello(&fixture, &hello);
        session_fixture_step(&fixture, &event);
        session_fixture_assert_error(&fixture, cases[i].code, true);
        session_fixture_close(&fixture);
    }
}

static void welcome__says_where_the_log_stands(void **state)
{
    struct session_fixture *fixture = *state;
    const Doublecrew__V1__Welcome *welcome;

    fixture->greeting.look.device.last_seq = 12;
    fixture->greeting.look.device.last_hash.bytes[0] = 77;
    fixture->greeting.policy_version = 3;
    session_fixture_greet(fixture, 0);
    assert_int_equal(session_fixture_sent(fixture, 0)->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME);
    welcome = session_fixture_sent(fixture, 0)->welcome;
    assert_int_equal(welcome->protocol, 1);
    assert_int_equal(welcome->durable_seq, 12);
    assert_int_equal(welcome->durable_hash.len, HASH_SIZE);
    assert_int_equal(welcome->durable_hash.data[0], 77);
    assert_int_equal(welcome->credit, 600);
    assert_int_equal(welcome->policy_version, 3);
    assert_int_equal(welcome->head_pos, 10);
    assert_int_equal(welcome->standing, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE);
    assert_memory_equal(welcome->anchor.data, "anchor", 6);
    assert_null(session_fixture_action(fixture, SESSION_READ, 0)); /* no page credit, no page */
}

static void hello__takes_the_servers_time_along(void **state)
{
    struct session_fixture *fixture = *state;
    Doublecrew__V1__Hello hello = session_fixture_good_hello();

    session_fixture_hello(fixture, &hello);
    assert_non_null(session_fixture_action(fixture, SESSION_READ, 0));
    assert_int_equal(fixture->update.request.kind, SESSION_GREET);
    assert_true(fixture->update.request.hello.time_us == fixture->now.server_us);
    assert_int_equal(fixture->update.request.hello.monotonic_ms, 5000);
}

static void session__that_is_refused_says_why_and_then_nothing_more(void **state)
{
    static const struct {
        enum status status;
        Doublecrew__V1__ErrorCode code;
        Doublecrew__V1__Remedy remedy;
    } cases[] = {
        {STATUS_STOPPING, CODE(STOPPING), DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER},
        {STATUS_SLOW_READER, CODE(SLOW_READER), DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER},
        {STATUS_BUSY, CODE(BUSY), DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session_event event = {.kind = SESSION_ON_REFUSED, .status = cases[i].status};
        struct session_fixture fixture;

        session_fixture_open(&fixture);
        session_fixture_greet(&fixture, 0);
        session_fixture_step(&fixture, &event);
        session_fixture_assert_error(&fixture, cases[i].code, true);
        assert_int_equal(session_fixture_sent(&fixture, 0)->error->remedy, cases[i].remedy);
        assert_true(session_fixture_sent(&fixture, 0)->error->retry_after_ms >= 1000);
        session_fixture_push(&fixture, 1);
        assert_int_equal(fixture.update.count, 0);
        session_fixture_close(&fixture);
    }
}

static void frame__that_is_no_message_closes(void **state)
{
    struct session_event event = {.kind = SESSION_ON_BAD_FRAME, .status = STATUS_OVER_LIMIT};

    session_fixture_greet(*state, 0);
    session_fixture_step(*state, &event);
    session_fixture_assert_error(*state, CODE(TOO_LARGE), true);
    assert_int_equal(session_fixture_action(*state, SESSION_CLOSE, 0)->close.code, 1009);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message__before_hello_is_out_of_order),
        cmocka_unit_test_setup_teardown(message__between_hello_and_welcome_is_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(hello__twice_is_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(purge_receipt__without_a_purge_is_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes__that_are_no_message_have_a_named_error_and_keep_the_connection, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(message__of_a_newer_client_goes_unheard, setup, teardown),
        cmocka_unit_test_setup_teardown(errors__beyond_the_limit_close, setup, teardown),
        cmocka_unit_test(hello__with_a_wrong_field_is_refused_by_name),
        cmocka_unit_test_setup_teardown(hello__missing_for_too_long_closes, setup, teardown),
        cmocka_unit_test(device__that_may_not_connect_is_refused_by_name),
        cmocka_unit_test_setup_teardown(welcome__says_where_the_log_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(hello__takes_the_servers_time_along, setup, teardown),
        cmocka_unit_test(session__that_is_refused_says_why_and_then_nothing_more),
        cmocka_unit_test_setup_teardown(frame__that_is_no_message_closes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
