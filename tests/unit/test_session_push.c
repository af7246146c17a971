/*
 * Pushes: credit, answers after the commit, errors that keep the connection; and the training clock.
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

static void push__is_submitted_with_the_sessions_hello(void **state)
{
    struct session_fixture *fixture = *state;
    const struct session_action *submit;

    fixture->greeting.look.device.key.size = 32;
    session_fixture_greet(fixture, 0);
    fixture->now.server_us += 999;
    session_fixture_push(fixture, 3);
    submit = session_fixture_action(fixture, SESSION_SUBMIT, 0);
    assert_non_null(submit);
    assert_int_equal(submit->submit.entry_count, 3);
    assert_int_equal(submit->submit.key.size, 32);
    assert_int_equal(submit->submit.delivery.hello_monotonic_ms, 5000);
    assert_true(submit->submit.delivery.hello_time_us == fixture->now.server_us - 999);
    assert_int_equal(submit->submit.delivery.device.bytes[0], 4);
    assert_null(session_fixture_sent(fixture, 0)); /* nothing is said before the commit */
}

static void push__in_clock_trouble_is_stored_without_an_anchor(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->now.clock_trouble = true;
    session_fixture_greet(fixture, 0);
    session_fixture_push(fixture, 1);
    assert_true(session_fixture_action(fixture, SESSION_SUBMIT, 0)->submit.delivery.hello_time_us == 0);
}

static void ack__tells_what_is_durable_and_held(void **state)
{
    struct batch_result result = {.status = STATUS_OK, .durable_seq = 3, .pos = 15, .held_count = 1};
    const Doublecrew__V1__Ack *ack;

    result.durable_hash.bytes[0] = 5;
    result.held[0].seq = 2;
    result.held[0].reason = "unassigned_officer";
    session_fixture_greet(*state, 0);
    session_fixture_push(*state, 3);
    session_fixture_result(*state, 3, &result);
    assert_int_equal(session_fixture_sent(*state, 0)->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
    ack = session_fixture_sent(*state, 0)->ack;
    assert_int_equal(ack->durable_seq, 3);
    assert_int_equal(ack->durable_hash.data[0], 5);
    assert_int_equal(ack->pos, 15);
    assert_int_equal(ack->n_held, 1);
    assert_int_equal(ack->held[0]->seq, 2);
    assert_string_equal(ack->held[0]->reason, "unassigned_officer");
    assert_int_equal(session_fixture_action(*state, SESSION_SEND, 0)->send.lane, SESSION_URGENT);
}

static void pushes__may_be_pipelined_up_to_the_credit(void **state)
{
    struct batch_result result = {.status = STATUS_OK, .durable_seq = 256, .pos = 1};

    session_fixture_greet(*state, 0);
    session_fixture_push(*state, 256);
    assert_non_null(session_fixture_action(*state, SESSION_SUBMIT, 0));
    session_fixture_push(*state, 256);
    assert_non_null(session_fixture_action(*state, SESSION_SUBMIT, 0));
    session_fixture_push(*state, 89); /* 600 is the credit */
    session_fixture_assert_error(*state, CODE(OVER_CREDIT), false);
    session_fixture_push(*state, 88);
    assert_non_null(session_fixture_action(*state, SESSION_SUBMIT, 0));
    session_fixture_result(*state, 256, &result);
    session_fixture_push(*state, 256);
    assert_non_null(session_fixture_action(*state, SESSION_SUBMIT, 0));
}

/* The verifier names what is wrong with it, so that its answer doesn't overtake the ones before it. */
static void push__that_is_none_is_charged_and_answered_in_turn(void **state)
{
    const struct session_action *submit;

    session_fixture_greet(*state, 0);
    session_fixture_push(*state, 257);
    submit = session_fixture_action(*state, SESSION_SUBMIT, 0);
    assert_int_equal(submit->submit.entry_count, 256);
    session_fixture_push(*state, 0);
    submit = session_fixture_action(*state, SESSION_SUBMIT, 0);
    assert_int_equal(submit->submit.entry_count, 1);
    session_fixture_bytes(*state, span_of("\x12\x02\x32\x7f", 4)); /* an entry cut off */
    submit = session_fixture_action(*state, SESSION_SUBMIT, 0);
    assert_int_equal(submit->submit.entry_count, 1);
    assert_int_equal(submit->submit.raw.size, 2);
}

/* A DeflatedPush that says so much of itself; nobody inflates it here. */
static void say_deflated(struct session_fixture *fixture, uint32_t size, uint32_t entry_count)
{
    static uint8_t deflated[40] = {1, 2, 3};
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__DeflatedPush push = DOUBLECREW__V1__DEFLATED_PUSH__INIT;

    push.size = size;
    push.entry_count = entry_count;
    push.deflated = (ProtobufCBinaryData){sizeof(deflated), deflated};
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_DEFLATED_PUSH;
    message.deflated_push = &push;
    session_fixture_say(fixture, &message);
}

static void deflated__is_submitted_as_it_came_and_charged_by_its_word(void **state)
{
    struct session_fixture *fixture = *state;
    struct batch_result result = {.status = STATUS_OK, .durable_seq = 256, .pos = 1};
    const struct session_action *submit;

    fixture->setup.push_deflate = true;
    session_fixture_greet(fixture, 0);
    for (unsigned i = 0; i < 2; i++) {
        say_deflated(fixture, 1000, 256);
        submit = session_fixture_action(fixture, SESSION_SUBMIT, 0);
        assert_non_null(submit);
        assert_int_equal(submit->submit.entry_count, 256);
        assert_int_equal(submit->submit.inflated_size, 1000);
        assert_int_equal(submit->submit.status, STATUS_OK);
        assert_int_equal(submit->submit.raw.size, 40);
        assert_int_equal(submit->submit.delivery.hello_monotonic_ms, 5000);
    }
    say_deflated(fixture, 1000, 89); /* 600 is the credit */
    session_fixture_assert_error(fixture, CODE(OVER_CREDIT), false);
    session_fixture_result(fixture, 256, &result);
    assert_int_equal(session_fixture_sent(fixture, 0)->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
    session_fixture_push(fixture, 256); /* both kinds side by side */
    assert_int_equal(session_fixture_action(fixture, SESSION_SUBMIT, 0)->submit.inflated_size, 0);
}

/* So that its answer doesn't overtake the ones before it. */
static void deflated__that_is_wrong_is_answered_in_turn(void **state)
{
    static const struct {
        uint32_t size;
        uint32_t entry_count;
        enum status status;
    } cases[] = {
        {0, 1, STATUS_MISSING_FIELD},
        {1000, 0, STATUS_MISSING_FIELD},
        {PUSH_SIZE_MAX + 1, 1, STATUS_OVER_LIMIT},
        {1000, PUSH_ENTRIES_MAX + 1, STATUS_OVER_LIMIT},
        {40 * DEFLATE_RATIO_MAX + 1, 1, STATUS_OVER_LIMIT},
    };
    struct session_fixture *fixture = *state;

    fixture->setup.push_deflate = true;
    session_fixture_greet(fixture, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct session_action *submit;

        say_deflated(fixture, cases[i].size, cases[i].entry_count);
        submit = session_fixture_action(fixture, SESSION_SUBMIT, 0);
        assert_non_null(submit);
        assert_int_equal(submit->submit.status, cases[i].status);
        assert_int_equal(submit->submit.entry_count, 1);
        assert_int_equal(submit->submit.inflated_size, 0);
        assert_null(session_fixture_action(fixture, SESSION_SEND, 0));
    }
}

static void deflated__where_it_was_not_offered_is_out_of_order(void **state)
{
    struct session_fixture *fixture = *state;

    session_fixture_greet(fixture, 0);
    say_deflated(fixture, 1000, 3);
    session_fixture_assert_error(fixture, CODE(PROTOCOL_ORDER), true);
}

static void push__that_fails_keeps_the_connection_and_says_from_where(void **state)
{
    static const struct {
        enum status status;
        Doublecrew__V1__ErrorCode code;
        Doublecrew__V1__Remedy remedy;
    } cases[] = {
        {STATUS_LOG_GAP, CODE(LOG_GAP), DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM},
        {STATUS_BAD_CHAIN, CODE(BAD_CHAIN), DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM},
        {STATUS_BAD_SIGNATURE, CODE(BAD_SIGNATURE), DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN},
        {STATUS_LOG_FORK, CODE(LOG_FORK), DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN},
        {STATUS_UNKNOWN_ANCHOR, CODE(UNKNOWN_ANCHOR), DOUBLECREW__V1__REMEDY__REMEDY_SEND_FULL_ANCHORS},
        {STATUS_NOT_PERMITTED, CODE(NOT_PERMITTED), DOUBLECREW__V1__REMEDY__REMEDY_STOP},
        {STATUS_DISK_FULL, CODE(STORE), DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER},
        {STATUS_MALFORMED, CODE(MALFORMED), DOUBLECREW__V1__REMEDY__REMEDY_STOP},
        {STATUS_UNKNOWN_OFFICER, CODE(NOT_PERMITTED), DOUBLECREW__V1__REMEDY__REMEDY_STOP},
    };
    struct session_fixture *fixture = *state;

    fixture->greeting.look.device.last_seq = 7;
    session_fixture_greet(fixture, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct batch_result result = {.status = cases[i].status};

        session_fixture_push(fixture, 2);
        session_fixture_result(fixture, 2, &result);
        session_fixture_assert_error(fixture, cases[i].code, false);
        assert_int_equal(session_fixture_sent(fixture, 0)->error->remedy, cases[i].remedy);
        assert_int_equal(session_fixture_sent(fixture, 0)->error->durable_seq, 7);
    }
}

/* Every status has a row: an unexpected one is an internal error that closes, never a silent one. */
static void error__of_any_status_is_told(void **state)
{
    (void)state;
    for (int status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        struct batch_result result = {.status = (enum status)status};
        struct session_fixture fixture;

        session_fixture_open(&fixture);
        session_fixture_greet(&fixture, 0);
        session_fixture_push(&fixture, 1);
        session_fixture_result(&fixture, 1, &result);
        assert_int_equal(session_fixture_sent(&fixture, 0)->message_case,
                         DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR);
        assert_int_not_equal(session_fixture_sent(&fixture, 0)->error->code, CODE(UNSPECIFIED));
        session_fixture_close(&fixture);
    }
}

static void step(struct session_fixture *fixture, int64_t now_ms)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__TrainingStep training = DOUBLECREW__V1__TRAINING_STEP__INIT;

    training.now_ms = now_ms;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_TRAINING_STEP;
    message.training_step = &training;
    session_fixture_say(fixture, &message);
}

static void training_step__is_for_operators_of_a_training_server_only(void **state)
{
    struct session_fixture *fixture = *state;

    fixture->greeting.look.is_operator = true;
    session_fixture_greet(fixture, 0);
    step(fixture, fixture->now.server_us / 1000 + 1);
    session_fixture_assert_error(fixture, CODE(NOT_PERMITTED), false);
    session_fixture_close(fixture);

    session_fixture_open(fixture);
    fixture->setup.training = true;
    session_fixture_greet(fixture, 0);
    step(fixture, fixture->now.server_us / 1000 + 1);
    session_fixture_assert_error(fixture, CODE(NOT_PERMITTED), false);
}

static void training_step__sets_the_clock_and_never_back(void **state)
{
    struct session_fixture *fixture = *state;
    struct session_event stepped = {.kind = SESSION_ON_STEPPED, .status = STATUS_OK};
    const struct session_reply fence = {.kind = SESSION_FENCE};
    struct session_event settled = {.kind = SESSION_ON_REPLY, .reply = &fence};
    int64_t now_ms = fixture->now.server_us / 1000;

    fixture->setup.training = true;
    fixture->greeting.look.is_operator = true;
    session_fixture_greet(fixture, 0);
    step(fixture, now_ms - 1);
    session_fixture_assert_error(fixture, CODE(CLOCK_TROUBLE), false);
    step(fixture, now_ms + 60000);
    assert_true(session_fixture_action(fixture, SESSION_STEP, 0)->step_us == (now_ms + 60000) * 1000);
    step(fixture, now_ms + 70000);
    session_fixture_assert_error(fixture, CODE(BUSY), false);
    stepped.stepped.now_us = (now_ms + 60000) * 1000;
    stepped.stepped.head_pos = 33;
    session_fixture_step(fixture, &stepped);
    assert_null(session_fixture_action(fixture, SESSION_SEND, 0)); /* what fell due is answered first */
    assert_int_equal(fixture->update.request.kind, SESSION_FENCE);
    session_fixture_step(fixture, &settled);
    assert_int_equal(session_fixture_sent(fixture, 0)->training_stepped->head_pos, 33);
    assert_true(session_fixture_sent(fixture, 0)->training_stepped->now_ms == now_ms + 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(push__is_submitted_with_the_sessions_hello, setup, teardown),
        cmocka_unit_test_setup_teardown(push__in_clock_trouble_is_stored_without_an_anchor, setup, teardown),
        cmocka_unit_test_setup_teardown(ack__tells_what_is_durable_and_held, setup, teardown),
        cmocka_unit_test_setup_teardown(pushes__may_be_pipelined_up_to_the_credit, setup, teardown),
        cmocka_unit_test_setup_teardown(push__that_is_none_is_charged_and_answered_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(deflated__is_submitted_as_it_came_and_charged_by_its_word, setup, teardown),
        cmocka_unit_test_setup_teardown(deflated__that_is_wrong_is_answered_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(deflated__where_it_was_not_offered_is_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(push__that_fails_keeps_the_connection_and_says_from_where, setup, teardown),
        cmocka_unit_test(error__of_any_status_is_told),
        cmocka_unit_test_setup_teardown(training_step__is_for_operators_of_a_training_server_only, setup, teardown),
        cmocka_unit_test_setup_teardown(training_step__sets_the_clock_and_never_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
