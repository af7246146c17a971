#include "tests/lib/server_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/core_fixture.h"

#define HEAR_TIMEOUT_MS 10000

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

static struct id named(const char *prefix, const char *name)
{
    char text[64];

    assert_true(strlen(prefix) + strlen(name) < sizeof(text));
    strcpy(text, prefix);
    strcat(text, name);
    return fixture_id(text);
}

void server_device_init(struct server_device *device, const char *name)
{
    memset(device, 0, sizeof(*device));
    device->device = named("device ", name);
    device->log = named("log ", name);
    device->boot = named("boot ", name);
    device->officer = named("officer ", name);
    device->key = fixture_key(name);
    device->monotonic_ms = 1000000;
    assert_int_equal(sha256_new(&device->sha), STATUS_OK);
}

static void drop_pending(struct server_device *device)
{
    for (size_t i = 0; i < device->pending_count; i++)
        free((void *)(uintptr_t)device->pending[i].payload.data);
    device->pending_count = 0;
}

void server_device_done(struct server_device *device)
{
    drop_pending(device);
    sign_key_free(device->key);
    sha256_free(device->sha);
}

void server_device_add(struct server_device *device, uint16_t kind, const ProtobufCMessage *message)
{
    struct entry *entry = &device->pending[device->pending_count];
    size_t size = PAYLOAD_SALT_SIZE + protobuf_c_message_get_packed_size(message);
    uint8_t *payload = calloc(1, size);

    assert_true(device->pending_count < PUSH_ENTRIES_MAX);
    put_u64(payload, device->seq + 1);
    protobuf_c_message_pack(message, payload + PAYLOAD_SALT_SIZE);
    memset(entry, 0, sizeof(*entry));
    entry->header.log = device->log;
    entry->header.seq = device->seq + 1;
    entry->header.previous = device->head;
    if (device->anchor_size > 0) {
        entry->header.checkpoint = device->anchor_hash;
        entry->header.checkpoint_received_ms = 1000001;
    }
    entry->header.boot = device->boot;
    entry->header.monotonic_ms = device->monotonic_ms += 1000;
    entry->header.wall_ms = 1800000000000 + (int64_t)device->monotonic_ms;
    entry->header.kind = kind;
    entry->payload = span_of(payload, size);
    assert_int_equal(entry_seal(device->sha, entry), STATUS_OK);
    device->head = entry->hash;
    device->seq++;
    device->pending_count++;
}

void server_device_add_notes(struct server_device *device, size_t count)
{
    Doublecrew__V1__Note note = DOUBLECREW__V1__NOTE__INIT;
    struct id offender = fixture_id("offender");
    char text[] = "Invented words about nobody";

    note.subject = bytes_of(offender.bytes, ID_SIZE);
    note.text = text;
    for (size_t i = 0; i < count; i++)
        server_device_add(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, &note.base);
}

uint8_t *server_device_push(struct server_device *device, size_t *ret_size)
{
    struct push_anchor anchor = {.hash = device->anchor_hash, .received_ms = 1000001};
    uint8_t statement[HEAD_STATEMENT_SIZE];
    struct signature signature;
    bool anchored = false;
    uint8_t *bytes;

    for (size_t i = 0; i < device->pending_count; i++)
        anchored = anchored || !hash_is_zero(&device->pending[i].header.checkpoint);
    if (!device->anchor_is_told)
        anchor.text = span_of(device->anchor, device->anchor_size);
    head_statement_encode(&device->log, device->seq, &device->head, statement);
    assert_int_equal(sign_message(device->key, span_of(statement, sizeof(statement)), &signature), STATUS_OK);
    assert_int_equal(push_build(device->pending, device->pending_count, &anchor, anchored ? 1 : 0, &signature, 1000001,
                                &bytes, ret_size),
                     STATUS_OK);
    device->anchor_is_told = device->anchor_is_told || anchored;
    drop_pending(device);
    return bytes;
}

void server_say(struct ws_client *client, const Doublecrew__V1__ClientMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(&message->base);
    uint8_t *bytes = malloc(size + 1);

    protobuf_c_message_pack(&message->base, bytes);
    assert_int_equal(ws_client_send(client, span_of(bytes, size)), STATUS_OK);
    free(bytes);
}

Doublecrew__V1__ServerMessage *server_hear(struct ws_client *client)
{
    struct ws_message heard = {0};
    Doublecrew__V1__ServerMessage *message;

    assert_int_equal(ws_client_receive(client, HEAR_TIMEOUT_MS, &heard), STATUS_OK);
    assert_int_equal(heard.opcode, WS_BINARY);
    message = doublecrew__v1__server_message__unpack(NULL, heard.size, heard.bytes);
    free(heard.bytes);
    assert_non_null(message);
    return message;
}

Doublecrew__V1__ServerMessage *server_hear_kind(struct ws_client *client,
                                                Doublecrew__V1__ServerMessage__MessageCase kind)
{
    for (;;) {
        Doublecrew__V1__ServerMessage *message = server_hear(client);

        if (message->message_case == kind)
            return message;
        if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR)
            fail_msg("error %d: %s", message->error->code, message->error->message);
        server_heard_free(message);
    }
}

void server_heard_free(Doublecrew__V1__ServerMessage *message)
{
    doublecrew__v1__server_message__free_unpacked(message, NULL);
}

void server_hear_error(struct ws_client *client, Doublecrew__V1__ErrorCode code, bool closes)
{
    Doublecrew__V1__ServerMessage *message = server_hear(client);

    assert_int_equal(message->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR);
    assert_int_equal(message->error->code, code);
    assert_int_equal(message->error->closes, closes);
    server_heard_free(message);
}

uint16_t server_hear_end(struct ws_client *client)
{
    struct ws_message heard;
    enum status status;

    for (;;) {
        memset(&heard, 0, sizeof(heard));
        status = ws_client_receive(client, HEAR_TIMEOUT_MS, &heard);
        if (status != STATUS_OK) {
            assert_int_equal(status, STATUS_NETWORK);
            return 0;
        }
        if (heard.opcode == WS_CLOSE)
            return heard.close_code;
        free(heard.bytes);
    }
}

void server_device_say_hello(const struct server_device *device, struct ws_client *client, uint32_t page_credit)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char version[] = "test";

    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.app_version = version;
    hello.log_id = bytes_of(device->log.bytes, ID_SIZE);
    hello.head_seq = device->seq;
    if (device->seq > 0)
        hello.head_hash = bytes_of(device->head.bytes, HASH_SIZE);
    hello.boot_id = bytes_of(device->boot.bytes, ID_SIZE);
    hello.monotonic_ms = 1000000;
    hello.page_credit = page_credit;
    if (device->feed_cursor > 0)
        hello.epoch = bytes_of(device->epoch.bytes, ID_SIZE);
    hello.feed_cursor = device->feed_cursor;
    hello.last_checkpoint = bytes_of(device->anchor, device->anchor_size);
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    server_say(client, &message);
}

uint64_t server_device_greet(struct server_device *device, struct ws_client *client, uint32_t page_credit)
{
    Doublecrew__V1__ServerMessage *message;
    uint64_t durable_seq;

    server_device_say_hello(device, client, page_credit);
    message = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME);
    durable_seq = message->welcome->durable_seq;
    assert_int_equal(id_from_span(span_of(message->welcome->epoch.data, message->welcome->epoch.len), &device->epoch),
                     STATUS_OK);
    if (device->anchor_size == 0) {
        device->anchor_size = message->welcome->anchor.len;
        assert_true(device->anchor_size > 0 && device->anchor_size < sizeof(device->anchor));
        memcpy(device->anchor, message->welcome->anchor.data, device->anchor_size);
        assert_int_equal(sha256_bytes(device->sha, span_of(device->anchor, device->anchor_size), &device->anchor_hash),
                         STATUS_OK);
    }
    server_heard_free(message);
    return durable_seq;
}

void server_device_send_push(struct ws_client *client, struct span push)
{
    uint8_t *bytes = malloc(push.size + 8);
    size_t at = 0;
    uint64_t size = push.size;

    bytes[at++] = 2 << 3 | 2; /* ClientMessage.push */
    for (; size >= 0x80; size >>= 7)
        bytes[at++] = (uint8_t)(size | 0x80);
    bytes[at++] = (uint8_t)size;
    memcpy(bytes + at, push.data, push.size);
    assert_int_equal(ws_client_send(client, span_of(bytes, at + push.size)), STATUS_OK);
    free(bytes);
}

void server_device_sync(struct server_device *device, struct ws_client *client)
{
    Doublecrew__V1__ServerMessage *message;
    size_t size;
    uint8_t *push = server_device_push(device, &size);

    server_device_send_push(client, span_of(push, size));
    free(push);
    message = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
    assert_int_equal(message->ack->durable_seq, device->seq);
    assert_memory_equal(message->ack->durable_hash.data, device->head.bytes, HASH_SIZE);
    server_heard_free(message);
}
