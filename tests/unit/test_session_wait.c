/* No silent stall (P7): each of a session's waits on the server's other threads has a limit, a name and a word to the peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/session_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name
#define LIMIT_US ((int64_t)20 * 1000000)

static void open_session(struct session_fixture *fixture)
{
    session_fixture_open(fixture);
    fixture->setup.answer_timeout_us = LIMIT_US;
    fixture->setup.training = true;
}

static void tick(struct session_fixture *fixture, int64_t later_us)
{
    struct session_event event = {.kind = SESSION_ON_TICK};

    fixture->now.real_us += later_us;
    session_fixture_step(fixture, &event);
}

/* From here on nobody answers: just within the limit nothing happens, beyond it the peer is told, and why is known. */
static void expect_limit(struct session_fixture *fixture, const char *name, int64_t times,
                         Doublecrew__V1__ErrorCode code)
{
    tick(fixture, 0);
    tick(fixture, LIMIT_US * times - 1);
    assert_int_equal(session_fixture_action(fixture, SESSION_CLOSE, 0) == NULL, 1);
    assert_null(session_waited_for(fixture->session));
    tick(fixture, 1);
    session_fixture_assert_error(fixture, code, true);
    assert_string_equal(session_waited_for(fixture->session), name);
    session_fixture_close(fixture);
}

static void greeting__that_never_comes(void **state)
{
    struct session_fixture fixture;
    Doublecrew__V1__Hello hello = session_fixture_good_hello();

    (void)state;
    open_session(&fixture);
    session_fixture_hello(&fixture, &hello);
    expect_limit(&fixture, "greeting", 1, CODE(BUSY));
}

static void push__that_is_never_answered(void **state)
{
    struct session_fixture fixture;

    (void)state;
    open_session(&fixture);
    session_fixture_greet(&fixture, 0);
    session_fixture_push(&fixture, 3);
    expect_limit(&fixture, "push", 1, CODE(STORE));
}

/* What is answered one after the other is no stall, however long the line. */
static void pushes__that_are_answered_in_turn_may_take_long(void **state)
{
    struct session_fixture fixture;
    struct batch_result result = {.status = STATUS_OK, .pos = 15};

    (void)state;
    open_session(&fixture);
    session_fixture_greet(&fixture, 0);
    for (int i = 0; i < 5; i++)
        session_fixture_push(&fixture, 1);
    for (int i = 0; i < 4; i++) {
        tick(&fixture, 0);
        tick(&fixture, LIMIT_US - 1);
        assert_int_equal(session_state(fixture.session), SESSION_LIVE);
        result.durable_seq++;
        session_fixture_result(&fixture, 1, &result);
    }
    expect_limit(&fixture, "push", 1, CODE(STORE));
}

static void page__that_never_comes(void **state)
{
    struct session_fixture fixture;

    (void)state;
    open_session(&fixture);
    session_fixture_greet(&fixture, 2);
    expect_limit(&fixture, "page", 1, CODE(BUSY));
}

static void look__that_never_comes(void **state)
{
    struct session_fixture fixture;

    (void)state;
    open_session(&fixture);
    session_fixture_greet(&fixture, 0);
    session_fixture_commit(&fixture, 11, true);
    expect_limit(&fixture, "look", 1, CODE(BUSY));
}

static void seal_question__that_is_never_answered(void **state)
{
    struct session_fixture fixture;

    (void)state;
    open_session(&fixture);
    fixture.asks_for_seals = true;
    session_fixture_greet(&fixture, 0);
    expect_limit(&fixture, "seal", 1, CODE(BUSY));
}

static void step__that_is_never_answered(void **state)
{
    struct session_fixture fixture;
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__TrainingStep step = DOUBLECREW__V1__TRAINING_STEP__INIT;

    (void)state;
    open_session(&fixture);
    fixture.greeting.look.is_operator = true;
    session_fixture_greet(&fixture, 0);
    step.now_ms = fixture.now.server_us / 1000 + 1;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_TRAINING_STEP;
    message.training_step = &step;
    session_fixture_say(&fixture, &message);
    assert_non_null(session_fixture_action(&fixture, SESSION_STEP, 0));
    expect_limit(&fixture, "step", 10, CODE(BUSY));
}

static void refusal__says_the_time_that_its_owner_chose(void **state)
{
    struct session_fixture fixture;
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_BUSY, .retry_after_ms = 4321};

    (void)state;
    open_session(&fixture);
    session_fixture_step(&fixture, &event);
    assert_int_equal(session_fixture_sent(&fixture, 0)->error->retry_after_ms, 4321);
    assert_false(session_contact_changed(fixture.session)); /* a line is no failure of the device's */
    session_fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greeting__that_never_comes),
        cmocka_unit_test(push__that_is_never_answered),
        cmocka_unit_test(pushes__that_are_answered_in_turn_may_take_long),
        cmocka_unit_test(page__that_never_comes),
        cmocka_unit_test(look__that_never_comes),
        cmocka_unit_test(seal_question__that_is_never_answered),
        cmocka_unit_test(step__that_is_never_answered),
        cmocka_unit_test(refusal__says_the_time_that_its_owner_chose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
