/*
 * When a session asks whether a visit waits for its device's log, and when it asks the device for a seal (W1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/session_fixture.h"

#define SECOND_US INT64_C(1000000)
#define SILENCE_US (120 * SECOND_US)

static const struct id officer = {{5}};

static int setup(void **state)
{
    static struct session_fixture fixture;

    session_fixture_open(&fixture);
    fixture.asks_for_seals = true;
    fixture.greeting.look.device.officer = officer;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    session_fixture_close(*state);
    return 0;
}

static bool asks(const struct session_fixture *fixture)
{
    return session_fixture_action(fixture, SESSION_READ, 0) != NULL && fixture->update.request.kind == SESSION_SEAL;
}

static void tick(struct session_fixture *fixture)
{
    struct session_event event = {.kind = SESSION_ON_TICK};

    session_fixture_step(fixture, &event);
}

static void commit_named(struct session_fixture *fixture, const struct batch_named *named)
{
    struct session_event event = {.kind = SESSION_ON_COMMIT};

    event.commit.head_pos = 11;
    event.commit.named = named;
    session_fixture_step(fixture, &event);
}

static void commit_naming(struct session_fixture *fixture, const struct id *who)
{
    struct batch_named named = {.officers = {{{99}}, *who}, .count = 2};

    commit_named(fixture, &named);
}

static struct session_seal nothing(int64_t next_us)
{
    return (struct session_seal){.next_us = next_us, .silence_us = SILENCE_US};
}

static struct session_seal wanted(int64_t to_us)
{
    return (struct session_seal){
        .anchor = "seal", .anchor_size = 4, .to_us = to_us, .next_us = RULE_FOREVER, .silence_us = SILENCE_US};
}

/* LIVE, and the question after the greeting answered: nothing waits. */
static void begin(struct session_fixture *fixture)
{
    struct session_seal seal = nothing(RULE_FOREVER);

    session_fixture_greet(fixture, 0);
    assert_true(asks(fixture));
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_int_equal(fixture->update.count, 0);
}

static bool sends_request(struct session_fixture *fixture)
{
    const struct session_action *action = session_fixture_action(fixture, SESSION_SEND, 0);
    const Doublecrew__V1__ServerMessage *message;

    if (action == NULL)
        return false;
    assert_int_equal(action->send.lane, SESSION_URGENT);
    message = session_fixture_sent(fixture, 0);
    assert_int_equal(message->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_SEAL_REQUEST);
    assert_int_equal(message->seal_request->anchor.len, 4);
    assert_memory_equal(message->seal_request->anchor.data, "seal", 4);
    return true;
}

static void question__follows_the_greeting_bound_to_its_hello(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->now.server_us += 7;
    session_fixture_greet(fixture, 0);
    assert_true(asks(fixture));
    assert_int_equal(fixture->update.request.hello.log.bytes[0], 1);
    assert_int_equal(fixture->update.request.hello.boot.bytes[0], 2);
    assert_int_equal(fixture->update.request.hello.monotonic_ms, 5000);
    assert_true(fixture->update.request.hello.time_us == fixture->now.server_us);
    assert_false(fixture->update.request.hello.clock_trouble);
}

static void question__waits_for_another_one_of_the_same_update(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 1);
    assert_int_equal(fixture->update.request.kind, SESSION_PAGE);
    assert_null(session_fixture_action(fixture, SESSION_READ, 1));
    session_fixture_page(fixture, 10, true);
    assert_true(asks(fixture));
}

static void question__follows_a_commit_that_names_the_officer(void **state)
{
    struct session_fixture *fixture = *state;
    static const struct batch_named all = {.all = true};
    static const struct id other = {{6}};
    struct session_seal seal = nothing(RULE_FOREVER);

    begin(fixture);
    commit_naming(fixture, &other);
    assert_false(asks(fixture));
    commit_named(fixture, NULL);
    assert_false(asks(fixture));
    commit_naming(fixture, &officer);
    assert_true(asks(fixture));
    session_fixture_seal(fixture, STATUS_OK, &seal);
    commit_named(fixture, &all);
    assert_true(asks(fixture));
}

static void question__comes_when_a_visit_that_waits_is_over(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_seal seal = nothing(fixture->now.server_us + 60 * SECOND_US);

    session_fixture_greet(fixture, 0);
    session_fixture_seal(fixture, STATUS_OK, &seal);
    fixture->now.server_us = seal.next_us - 1;
    tick(fixture);
    assert_false(asks(fixture));
    fixture->now.server_us = seal.next_us;
    tick(fixture);
    assert_true(asks(fixture));
    tick(fixture); /* one at a time */
    assert_false(asks(fixture));
}

static void question__is_one_at_a_time_and_repeated_for_later_news(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_seal seal = nothing(RULE_FOREVER);

    session_fixture_greet(fixture, 0);
    assert_true(asks(fixture));
    commit_naming(fixture, &officer);
    commit_naming(fixture, &officer);
    assert_false(asks(fixture));
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_true(asks(fixture)); /* the answer may be older than the commit */
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_false(asks(fixture));
}

static void question__that_failed_is_not_repeated_at_once(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_seal seal = nothing(RULE_FOREVER);

    session_fixture_greet(fixture, 0);
    session_fixture_seal(fixture, STATUS_BUSY, &seal);
    assert_int_equal(fixture->update.count, 0);
    tick(fixture);
    assert_false(asks(fixture));
    fixture->now.server_us += 60 * SECOND_US;
    tick(fixture);
    assert_true(asks(fixture));
}

static void question__waits_until_the_devices_own_entries_are_here(void **state)
{
    struct session_fixture *fixture = *state;
    struct batch_result result = {.status = STATUS_OK, .durable_seq = 2};

    begin(fixture);
    session_fixture_push(fixture, 2);
    commit_naming(fixture, &officer);
    assert_false(asks(fixture));
    session_fixture_result(fixture, 2, &result);
    assert_true(asks(fixture));
}

static void question__waits_for_what_hello_announced(void **state)
{
    struct session_fixture *fixture = *state;
    Doublecrew__V1__Hello hello = session_fixture_good_hello();
    struct session_reply reply = {.kind = SESSION_GREET};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};
    struct batch_result result = {.status = STATUS_OK, .durable_seq = 1};
    uint8_t head[HASH_SIZE] = {8};

    hello.head_seq = 1;
    hello.head_hash = (ProtobufCBinaryData){HASH_SIZE, head};
    session_fixture_hello(fixture, &hello);
    reply.greeting = fixture->greeting;
    session_fixture_step(fixture, &event);
    assert_false(asks(fixture));
    tick(fixture);
    assert_false(asks(fixture));
    session_fixture_push(fixture, 1);
    session_fixture_result(fixture, 1, &result);
    assert_true(asks(fixture));
}

static void clock_trouble__asks_nothing_until_it_is_over(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_seal seal = wanted(fixture->now.server_us - 1);

    fixture->now.clock_trouble = true;
    session_fixture_greet(fixture, 0);
    assert_false(asks(fixture));
    commit_naming(fixture, &officer);
    assert_false(asks(fixture));
    fixture->now.clock_trouble = false;
    tick(fixture);
    assert_true(asks(fixture));
    fixture->now.clock_trouble = true; /* came while the reader was at it */
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_int_equal(fixture->update.count, 0);
    fixture->now.clock_trouble = false;
    tick(fixture);
    assert_true(asks(fixture));
}

static void suspended_device__is_not_asked(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->greeting.look.device.standing = DEVICE_SUSPENDED;
    session_fixture_greet(fixture, 0);
    assert_false(asks(fixture));
}

static void request__is_sent_once_within_the_silence(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_seal seal = wanted(fixture->now.server_us - 5 * SECOND_US);
    int64_t sent_us = fixture->now.server_us;

    session_fixture_greet(fixture, 0);
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_true(sends_request(fixture));
    fixture->now.server_us = sent_us + SECOND_US;
    commit_naming(fixture, &officer);
    assert_true(asks(fixture));
    session_fixture_seal(fixture, STATUS_OK, &seal); /* the same visit still waits: the phone was asked */
    assert_false(sends_request(fixture));
    fixture->now.server_us = sent_us + SILENCE_US - 1;
    tick(fixture);
    assert_false(asks(fixture));
    fixture->now.server_us = sent_us + SILENCE_US;
    tick(fixture);
    assert_true(asks(fixture));
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_true(sends_request(fixture));
}

static void request__for_a_visit_that_ended_since_is_sent_at_once(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_seal seal = wanted(fixture->now.server_us - SECOND_US);
    int64_t asked_us = fixture->now.server_us;

    session_fixture_greet(fixture, 0);
    fixture->now.server_us += SECOND_US; /* the reader took its time: the anchor says when it was asked */
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_true(sends_request(fixture));
    commit_naming(fixture, &officer);
    seal = wanted(asked_us);
    session_fixture_seal(fixture, STATUS_OK, &seal);
    assert_true(sends_request(fixture));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(question__follows_the_greeting_bound_to_its_hello, setup, teardown),
        cmocka_unit_test_setup_teardown(question__waits_for_another_one_of_the_same_update, setup, teardown),
        cmocka_unit_test_setup_teardown(question__follows_a_commit_that_names_the_officer, setup, teardown),
        cmocka_unit_test_setup_teardown(question__comes_when_a_visit_that_waits_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(question__is_one_at_a_time_and_repeated_for_later_news, setup, teardown),
        cmocka_unit_test_setup_teardown(question__that_failed_is_not_repeated_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(question__waits_until_the_devices_own_entries_are_here, setup, teardown),
        cmocka_unit_test_setup_teardown(question__waits_for_what_hello_announced, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_trouble__asks_nothing_until_it_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(suspended_device__is_not_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(request__is_sent_once_within_the_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(request__for_a_visit_that_ended_since_is_sent_at_once, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
