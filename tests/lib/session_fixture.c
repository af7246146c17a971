#include "tests/lib/session_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t log_id[ID_SIZE] = {1};
static const uint8_t boot_id[ID_SIZE] = {2};
static const uint8_t epoch_id[ID_SIZE] = {3};

static struct id id_of(const uint8_t bytes[ID_SIZE])
{
    struct id id;

    memcpy(id.bytes, bytes, ID_SIZE);
    return id;
}

static void free_sent(struct session_fixture *fixture)
{
    for (size_t i = 0; i < fixture->update.count; i++) {
        if (fixture->update.actions[i].kind == SESSION_SEND)
            free(fixture->update.actions[i].send.bytes);
    }
    fixture->update.count = 0;
}

void session_fixture_open(struct session_fixture *fixture)
{
    struct hash certificate = {{9}};
    struct session_greeting *greeting = &fixture->greeting;

    memset(fixture, 0, sizeof(*fixture));
    fixture->setup.credit_entries = 600;
    fixture->setup.keep_alive_s = 25;
    fixture->setup.hello_timeout_us = 10 * 1000000;
    assert_int_equal(arena_new(&fixture->setup.arena), STATUS_OK);
    assert_int_equal(arena_new(&fixture->arena), STATUS_OK);
    fixture->now.server_us = (int64_t)1800000000 * 1000000;
    fixture->now.real_us = 1000000;
    greeting->look.device.device.bytes[0] = 4;
    greeting->look.device.log = id_of(log_id);
    greeting->look.device.standing = DEVICE_ACTIVE;
    greeting->look.members[0].scope.kind = SCOPE_SUPERVISORS;
    greeting->look.members[0].scope.id.bytes[0] = 7;
    greeting->look.member_count = 1;
    greeting->head.pos = 10;
    greeting->head.epoch = id_of(epoch_id);
    memcpy(greeting->anchor, "anchor", 6);
    greeting->anchor_size = 6;
    assert_int_equal(session_new(&fixture->setup, &certificate, 42, &fixture->now, &fixture->session), STATUS_OK);
}

void session_fixture_close(struct session_fixture *fixture)
{
    free_sent(fixture);
    session_free(fixture->session);
    arena_free(fixture->arena);
    arena_free(fixture->setup.arena);
}

/* Taken out of the update, so that tests of other things needn't know. */
static void answer_seal(struct session_fixture *fixture)
{
    static const struct session_reply none = {.kind = SESSION_SEAL, .seal.next_us = RULE_FOREVER};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &none};
    struct session_update update;
    size_t kept = 0;
    bool asked = false;

    for (size_t i = 0; i < fixture->update.count; i++) {
        bool seal = fixture->update.actions[i].kind == SESSION_READ && fixture->update.request.kind == SESSION_SEAL;

        asked = asked || seal;
        if (!seal || fixture->asks_for_seals)
            fixture->update.actions[kept++] = fixture->update.actions[i];
    }
    fixture->update.count = kept;
    fixture->seal_questions += asked;
    if (!asked || fixture->asks_for_seals)
        return;
    session_step(fixture->session, &fixture->now, &event, &update);
    assert_int_equal(update.count, 0);
}

void session_fixture_step(struct session_fixture *fixture, const struct session_event *event)
{
    free_sent(fixture);
    session_step(fixture->session, &fixture->now, event, &fixture->update);
    answer_seal(fixture);
    arena_reset(fixture->arena, 1 << 24);
}

void session_fixture_bytes(struct session_fixture *fixture, struct span bytes)
{
    struct session_event event = {.kind = SESSION_ON_MESSAGE};

    event.message = bytes;
    session_fixture_step(fixture, &event);
}

void session_fixture_say(struct session_fixture *fixture, Doublecrew__V1__ClientMessage *message)
{
    uint8_t *bytes;
    size_t size;

    assert_int_equal(wire_pack(&message->base, &bytes, &size), STATUS_OK);
    session_fixture_bytes(fixture, span_of(bytes, size));
    free(bytes);
}

Doublecrew__V1__Hello session_fixture_good_hello(void)
{
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;

    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.log_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)log_id};
    hello.boot_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)boot_id};
    hello.epoch = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)epoch_id};
    hello.monotonic_ms = 5000;
    return hello;
}

void session_fixture_hello(struct session_fixture *fixture, const Doublecrew__V1__Hello *hello)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello copy = *hello;

    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &copy;
    session_fixture_say(fixture, &message);
}

void session_fixture_greet(struct session_fixture *fixture, uint32_t page_credit)
{
    Doublecrew__V1__Hello hello = session_fixture_good_hello();
    struct session_reply reply = {.kind = SESSION_GREET, .status = STATUS_OK};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    hello.page_credit = page_credit;
    session_fixture_hello(fixture, &hello);
    assert_int_equal(session_state(fixture->session), SESSION_GREETING);
    reply.greeting = fixture->greeting;
    session_fixture_step(fixture, &event);
    assert_int_equal(session_state(fixture->session), SESSION_LIVE);
}

void session_fixture_push(struct session_fixture *fixture, size_t entry_count)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Push push = DOUBLECREW__V1__PUSH__INIT;
    Doublecrew__V1__PushedEntry entry = DOUBLECREW__V1__PUSHED_ENTRY__INIT;
    Doublecrew__V1__PushedEntry *entries[1024];

    for (size_t i = 0; i < entry_count; i++)
        entries[i] = &entry;
    push.log_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)log_id};
    push.n_entries = entry_count;
    push.entries = entries;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_PUSH;
    message.push = &push;
    session_fixture_say(fixture, &message);
}

void session_fixture_result(struct session_fixture *fixture, uint32_t entry_count, const struct batch_result *result)
{
    struct session_event event = {.kind = SESSION_ON_PUSHED};

    event.pushed.entry_count = entry_count;
    event.pushed.result = result;
    session_fixture_step(fixture, &event);
}

void session_fixture_applied(struct session_fixture *fixture, uint64_t cursor, uint32_t page_credit)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Applied applied = DOUBLECREW__V1__APPLIED__INIT;

    applied.cursor = cursor;
    applied.page_credit = page_credit;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_APPLIED;
    message.applied = &applied;
    session_fixture_say(fixture, &message);
}

void session_fixture_commit(struct session_fixture *fixture, uint64_t head_pos, bool roster_changed)
{
    struct session_event event = {.kind = SESSION_ON_COMMIT};

    event.commit.head_pos = head_pos;
    event.commit.roster_changed = roster_changed;
    session_fixture_step(fixture, &event);
}

void session_fixture_seal(struct session_fixture *fixture, enum status status, const struct session_seal *seal)
{
    struct session_reply reply = {.kind = SESSION_SEAL, .status = status, .seal = *seal};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    session_fixture_step(fixture, &event);
}

void session_fixture_page(struct session_fixture *fixture, uint64_t to, bool last)
{
    struct session_reply reply = {.kind = SESSION_PAGE, .status = STATUS_OK};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    reply.page.bytes = calloc(1, 1); /* an empty message */
    reply.page.to.pos = to;
    reply.page.last = last;
    session_fixture_step(fixture, &event);
    session_reply_done(&reply);
}

const struct session_action *session_fixture_action(const struct session_fixture *fixture,
                                                    enum session_action_kind kind, size_t index)
{
    for (size_t i = 0; i < fixture->update.count; i++) {
        if (fixture->update.actions[i].kind == kind && index-- == 0)
            return &fixture->update.actions[i];
    }
    return NULL;
}

const Doublecrew__V1__ServerMessage *session_fixture_sent(struct session_fixture *fixture, size_t index)
{
    const struct session_action *action = session_fixture_action(fixture, SESSION_SEND, index);
    ProtobufCMessage *message;

    if (action == NULL)
        return NULL;
    assert_int_equal(wire_unpack(fixture->arena, &doublecrew__v1__server_message__descriptor,
                                 span_of(action->send.bytes, action->send.size), &message),
                     STATUS_OK);
    return (const Doublecrew__V1__ServerMessage *)message;
}

void session_fixture_assert_error(struct session_fixture *fixture, Doublecrew__V1__ErrorCode code, bool closes)
{
    const Doublecrew__V1__ServerMessage *message = session_fixture_sent(fixture, 0);

    assert_non_null(message);
    assert_int_equal(message->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR);
    assert_int_equal(message->error->code, code);
    assert_int_equal(message->error->closes, closes);
    assert_true(strlen(message->error->message) > 0);
    assert_true(strlen(message->error->advice) > 0);
    assert_int_not_equal(message->error->remedy, DOUBLECREW__V1__REMEDY__REMEDY_UNSPECIFIED);
    assert_int_equal(session_fixture_action(fixture, SESSION_CLOSE, 0) != NULL, closes);
    assert_int_equal(session_state(fixture->session) == SESSION_CLOSING, closes);
}
