/*
 * Clients that misbehave on the wire, and the server's own start and stop: named errors, bounded waits, nobody else hurt.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/limits.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name

static struct server_fixture fixture;

static int start(void **state)
{
    (void)state;
    server_fixture_make(&fixture);
    strcpy(fixture.extra_config,
           "[limits]\nslow_reader_s = 2\nstop_grace_s = 2\nhello_timeout_s = 2\noutput_kib = 1024\n");
    server_fixture_write_config(&fixture, NULL, NULL);
    server_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (fixture.pid != 0)
        assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
    server_fixture_remove(&fixture);
    return 0;
}

/* Others are served as before. */
static void assert_alive(void)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);

    server_device_greet(&fixture.officer, client, 0);
    server_device_add_notes(&fixture.officer, 1);
    server_device_sync(&fixture.officer, client);
    ws_client_free(client);
}

static struct ws_client *greeted(void)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);

    server_device_greet(&fixture.officer, client, 0);
    return client;
}

/* The server may have hung up by now: that is for what follows to judge. */
static void try_frame(struct ws_client *client, const struct ws_frame *frame, struct span payload)
{
    enum status status = ws_client_send_frame(client, frame, payload);

    assert_true(status == STATUS_OK || status == STATUS_NETWORK);
}

static void message__above_the_limit_is_named_and_closed_1009(void **state)
{
    struct ws_client *client = greeted();
    uint8_t *bytes = calloc(1, MESSAGE_SIZE_MAX + 1);

    (void)state;
    try_frame(client, &(struct ws_frame){.opcode = WS_BINARY}, span_of(bytes, MESSAGE_SIZE_MAX + 1));
    server_hear_error(client, CODE(TOO_LARGE), true);
    assert_int_equal(server_hear_end(client), 1009);
    free(bytes);
    ws_client_free(client);
    assert_alive();
}

static void fragments__without_end_are_named_and_closed_1009(void **state)
{
    struct ws_client *client = greeted();
    struct ws_frame frame = {.opcode = WS_BINARY, .not_final = true};
    static uint8_t bytes[60000];

    (void)state;
    for (int i = 0; i < 10; i++) {
        try_frame(client, &frame, span_of(bytes, sizeof(bytes)));
        frame.opcode = WS_CONTINUATION;
    }
    server_hear_error(client, CODE(TOO_LARGE), true);
    assert_int_equal(server_hear_end(client), 1009);
    ws_client_free(client);
    assert_alive();
}

static void text__is_named_and_closed(void **state)
{
    struct ws_client *client = greeted();
    struct ws_frame frame = {.opcode = WS_TEXT};

    (void)state;
    assert_int_equal(ws_client_send_frame(client, &frame, span_of("{}", 2)), STATUS_OK);
    server_hear_error(client, CODE(MALFORMED), true);
    assert_int_equal(server_hear_end(client), 1003);
    ws_client_free(client);
    assert_alive();
}

static void frames__that_break_the_protocol_end_the_connection(void **state)
{
    static const struct ws_frame frames[] = {
        {.opcode = (enum ws_opcode)3},             /* reserved */
        {.opcode = (enum ws_opcode)11},            /* reserved control */
        {.opcode = WS_BINARY, .reserved_bits = 4}, /* compressed, though nobody agreed to */
        {.opcode = WS_BINARY, .reserved_bits = 1},
        {.opcode = WS_CONTINUATION}, /* of nothing */
        {.opcode = WS_PING, .not_final = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct ws_client *client = greeted();

        try_frame(client, &frames[i], span_of("\x12\x00", 2));
        try_frame(client, &(struct ws_frame){.opcode = WS_CLOSE}, span_of("\x03\xe8", 2));
        server_hear_end(client);
        ws_client_free(client);
    }
    assert_alive();
}

static void frame__unmasked_does_no_harm(void **state)
{
    struct ws_client *client = greeted();
    struct ws_frame frame = {.opcode = WS_BINARY, .unmasked = true};
    struct ws_frame bye = {.opcode = WS_CLOSE};

    (void)state; /* libwebsockets 4.1 takes it (LIBRARIES.md): what it says is judged like any message */
    try_frame(client, &frame, span_of("\xff\xff\xff", 3));
    try_frame(client, &bye, span_of("\x03\xe8", 2));
    server_hear_end(client);
    ws_client_free(client);
    assert_alive();
}

static void message__of_no_sense_is_named_and_the_rest_is_taken(void **state)
{
    struct ws_client *client = greeted();
    struct ws_frame frame = {.opcode = WS_BINARY};

    (void)state;
    assert_int_equal(ws_client_send(client, span_of("\xff\xff\xff", 3)), STATUS_OK);
    server_hear_error(client, CODE(MALFORMED), false);
    assert_int_equal(ws_client_send_frame(client, &frame, span_of(NULL, 0)), STATUS_OK);
    server_hear_error(client, CODE(MISSING_FIELD), false);
    server_device_add_notes(&fixture.officer, 2);
    server_device_sync(&fixture.officer, client);
    ws_client_free(client);
}

static void message__a_byte_at_a_time_or_in_fragments_is_one_message(void **state)
{
    struct ws_client *client = greeted();
    struct ws_frame slow = {.opcode = WS_BINARY, .chunk = 1};
    struct ws_frame first = {.opcode = WS_BINARY, .not_final = true};
    struct ws_frame last = {.opcode = WS_CONTINUATION};
    Doublecrew__V1__ServerMessage *message;

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t head[2];
        size_t size;
        uint8_t *push;
        uint8_t *whole;

        server_device_add_notes(&fixture.officer, 1);
        push = server_device_push(&fixture.officer, &size);
        whole = malloc(size + 4);
        head[0] = 2 << 3 | 2;
        whole[0] = head[0];
        whole[1] = (uint8_t)(size | 0x80);
        whole[2] = (uint8_t)(size >> 7);
        memcpy(whole + 3, push, size);
        assert_true(size > 127 && size < 16384);
        if (i == 0) {
            assert_int_equal(ws_client_send_frame(client, &slow, span_of(whole, size + 3)), STATUS_OK);
        } else {
            assert_int_equal(ws_client_send_frame(client, &first, span_of(whole, 100)), STATUS_OK);
            assert_int_equal(ws_client_send_frame(client, &last, span_of(whole + 100, size + 3 - 100)), STATUS_OK);
        }
        message = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
        assert_int_equal(message->ack->durable_seq, fixture.officer.seq);
        server_heard_free(message);
        free(whole);
        free(push);
    }
    ws_client_free(client);
}

static void push__beyond_the_credit_is_named(void **state)
{
    struct ws_client *client = greeted();
    unsigned errors = 0;
    unsigned acks = 0;
    uint8_t *pushes[12];
    size_t sizes[12];

    (void)state; /* 12 pushes of 256 entries at once, where 1024 entries are allowed */
    for (int i = 0; i < 12; i++) {
        server_device_add_notes(&fixture.officer, 256);
        pushes[i] = server_device_push(&fixture.officer, &sizes[i]);
    }
    for (int i = 0; i < 12; i++)
        server_device_send_push(client, span_of(pushes[i], sizes[i]));
    for (int i = 0; i < 12; i++) {
        Doublecrew__V1__ServerMessage *message = server_hear(client);

        acks += message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK;
        if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR) {
            assert_true(message->error->code == CODE(OVER_CREDIT) || message->error->code == CODE(LOG_GAP));
            errors++;
        }
        server_heard_free(message);
    }
    assert_int_equal(acks + errors, 12);
    assert_true(acks >= 4);
    ws_client_free(client);
    client = greeted(); /* whatever was refused is sent again */
    for (int i = 0; i < 12; i++) {
        server_device_send_push(client, span_of(pushes[i], sizes[i]));
        server_heard_free(server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK));
        free(pushes[i]);
    }
    ws_client_free(client);
    assert_alive();
}

static void client__that_never_says_hello_is_let_go(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);

    (void)state;
    server_hear_error(client, CODE(PROTOCOL_ORDER), true);
    server_hear_end(client);
    ws_client_free(client);
}

static void client__that_hangs_up_in_mid_message_does_no_harm(void **state)
{
    struct ws_client *client = greeted();
    struct ws_frame frame = {.opcode = WS_BINARY, .not_final = true};

    (void)state;
    assert_int_equal(ws_client_send_frame(client, &frame, span_of("\x12\x7f half", 7)), STATUS_OK);
    assert_int_equal(ws_client_send_raw(client, span_of("\x82", 1)), STATUS_OK);
    ws_client_free(client);
    assert_alive();
}

/* Sends pings by the thousand and pushes, and reads nothing of what comes back. */
static void reader__that_does_not_read_is_dropped_and_named(void **state)
{
    char ca[128];
    struct ws_options options = {.port = fixture.port, .receive_buffer = 4096};
    struct ws_client *client = NULL;
    int http_status;

    (void)state;
    snprintf(ca, sizeof(ca), "%s/ca-bundle.pem", fixture.ca);
    options.ca = ca;
    options.certificate = fixture.officer.certificate;
    options.key = fixture.officer.certificate_key;
    assert_int_equal(ws_client_open(&options, &client, &http_status), STATUS_OK);
    server_device_greet(&fixture.officer, client, 0);
    for (int i = 0; i < 40; i++) {
        size_t size;
        uint8_t *push;

        server_device_add_notes(&fixture.officer, 1);
        push = server_device_push(&fixture.officer, &size);
        /* the same push again and again: each is acknowledged again */
        for (int again = 0; again < 2500; again++) {
            uint8_t head[3] = {2 << 3 | 2, (uint8_t)(size | 0x80), (uint8_t)(size >> 7)};
            uint8_t *whole = malloc(size + 3);
            enum status status;

            memcpy(whole, head, 3);
            memcpy(whole + 3, push, size);
            status = ws_client_send(client, span_of(whole, size + 3));
            free(whole);
            if (status != STATUS_OK) {
                i = 40;
                break;
            }
        }
        free(push);
    }
    server_fixture_expect_log(&fixture, "error_sent", "\"error\":\"slow_reader\"", 1);
    ws_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message__above_the_limit_is_named_and_closed_1009),
        cmocka_unit_test(fragments__without_end_are_named_and_closed_1009),
        cmocka_unit_test(text__is_named_and_closed),
        cmocka_unit_test(frames__that_break_the_protocol_end_the_connection),
        cmocka_unit_test(frame__unmasked_does_no_harm),
        cmocka_unit_test(message__of_no_sense_is_named_and_the_rest_is_taken),
        cmocka_unit_test(message__a_byte_at_a_time_or_in_fragments_is_one_message),
        cmocka_unit_test(push__beyond_the_credit_is_named),
        cmocka_unit_test(client__that_never_says_hello_is_let_go),
        cmocka_unit_test(client__that_hangs_up_in_mid_message_does_no_harm),
        cmocka_unit_test(reader__that_does_not_read_is_dropped_and_named),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
