/* When a session asks what has left the device's scopes, and sends it (P1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/session_fixture.h"

static int setup(void **state)
{
    static struct session_fixture fixture;

    session_fixture_open(&fixture);
    fixture.greeting.look.device.purged_pos = 3;
    fixture.greeting.look.purge = (struct purge_due){.first_pos = 5, .last_pos = 8};
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
    return session_fixture_action(fixture, SESSION_READ, 0) != NULL && fixture->update.request.kind == SESSION_PURGE;
}

/* The reader's answer: one message, or none. */
static void answer(struct session_fixture *fixture, bool with_keys, bool more)
{
    struct session_reply reply = {.kind = SESSION_PURGE, .status = STATUS_OK, .purge.more = more};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    reply.purge.to = (struct feed_cursor){.pos = 6};
    if (with_keys) {
        reply.purge.size = 2;
        reply.purge.bytes = malloc(2);
        assert_non_null(reply.purge.bytes);
        memcpy(reply.purge.bytes, "\x2a", 2); /* an empty Purge */
    }
    /* The session sends the bytes, the fixture frees what is sent. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    session_fixture_step(fixture, &event);
    /* Sent is the fixture's. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    assert_null(reply.purge.bytes);
}

static void look(struct session_fixture *fixture, uint64_t last_pos)
{
    struct session_reply reply = {.kind = SESSION_LOOK, .status = STATUS_OK, .look = fixture->greeting.look};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    reply.look.purge.last_pos = last_pos;
    session_fixture_step(fixture, &event);
}

static void purge__is_sent_after_the_greeting_from_the_last_receipt(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    assert_true(asks(fixture));
    assert_int_equal(fixture->update.request.after.pos, 3);
    assert_int_equal(fixture->update.request.purge_pos, 8);
    answer(fixture, true, true);
    assert_int_equal(session_fixture_action(fixture, SESSION_SEND, 0)->send.lane, SESSION_BULK);
    assert_true(asks(fixture)); /* goes on where the first ended */
    assert_int_equal(fixture->update.request.after.pos, 6);
    answer(fixture, false, true);
    assert_null(session_fixture_action(fixture, SESSION_SEND, 0));
    assert_true(asks(fixture));
    answer(fixture, true, false);
    assert_non_null(session_fixture_action(fixture, SESSION_SEND, 0));
    assert_false(asks(fixture)); /* once a session */
    session_fixture_commit(fixture, 12, false);
    assert_false(asks(fixture));
}

static void purge__waits_for_what_the_device_had_written(void **state)
{
    struct session_fixture *fixture = *state;
    Doublecrew__V1__Hello hello = session_fixture_good_hello();
    uint64_t durable = fixture->greeting.look.device.last_seq;
    struct batch_result result = {.status = STATUS_OK, .durable_seq = durable + 2};
    struct session_reply reply = {.kind = SESSION_GREET, .status = STATUS_OK, .greeting = fixture->greeting};
    struct session_event greeted = {.kind = SESSION_ON_REPLY, .reply = &reply};
    uint8_t hash[HASH_SIZE] = {1};

    hello.head_seq = durable + 2;
    hello.head_hash = (ProtobufCBinaryData){HASH_SIZE, hash};
    hello.page_credit = 0;
    session_fixture_hello(fixture, &hello);
    session_fixture_step(fixture, &greeted);
    assert_false(asks(fixture));
    session_fixture_push(fixture, 2);
    assert_false(asks(fixture));
    session_fixture_result(fixture, 2, &result);
    assert_true(asks(fixture));
    answer(fixture, true, false);
}

static void purge__of_a_suspended_device_is_sent_too(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->greeting.look.device.standing = DEVICE_SUSPENDED;
    session_fixture_greet(fixture, 1);
    assert_true(asks(fixture));
    answer(fixture, true, false);
    assert_non_null(session_fixture_action(fixture, SESSION_SEND, 0));
}

static void purge__of_an_expired_device_is_not(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->greeting.look.device.standing = DEVICE_EXPIRED;
    session_fixture_greet(fixture, 1);
    assert_false(asks(fixture));
}

static void purge__follows_when_more_leaves_during_the_session(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->greeting.look.purge = (struct purge_due){0};
    session_fixture_greet(fixture, 0);
    assert_false(asks(fixture));
    session_fixture_commit(fixture, 12, true);
    look(fixture, 12);
    assert_true(asks(fixture));
    assert_int_equal(fixture->update.request.purge_pos, 12);
    answer(fixture, true, false);
    session_fixture_commit(fixture, 13, true);
    look(fixture, 12); /* its receipt isn't here yet: no reason to say it again */
    assert_false(asks(fixture));
}

static void purge__begins_again_when_more_left_meanwhile(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    assert_true(asks(fixture));
    session_fixture_commit(fixture, 12, true);
    look(fixture, 12);
    answer(fixture, false, true); /* of the purge before */
    assert_true(asks(fixture));
    assert_int_equal(fixture->update.request.after.pos, 3);
    assert_int_equal(fixture->update.request.purge_pos, 12);
}

static void purge__that_cannot_be_read_is_left_to_the_next_session(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_reply reply = {.kind = SESSION_PURGE, .status = STATUS_STORE};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    session_fixture_greet(fixture, 0);
    session_fixture_step(fixture, &event);
    assert_int_equal(fixture->update.count, 0);
    session_fixture_commit(fixture, 12, false);
    assert_false(asks(fixture));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(purge__is_sent_after_the_greeting_from_the_last_receipt),
        CASE(purge__waits_for_what_the_device_had_written),
        CASE(purge__of_a_suspended_device_is_sent_too),
        CASE(purge__of_an_expired_device_is_not),
        CASE(purge__follows_when_more_leaves_during_the_session),
        CASE(purge__begins_again_when_more_left_meanwhile),
        CASE(purge__that_cannot_be_read_is_left_to_the_next_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
