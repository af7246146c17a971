/*
 * The table of wrong forms: every message of a client in every form that it must not have, over real sockets. Each gets its
 * named error; what the connection or the device does next is served as if nothing had been.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/checkpoint.h"
#include "core/deflated.h"
#include "core/limits.h"
#include "server/logic/store.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define CODE(name) DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##name
#define NO_ERROR CODE(UNSPECIFIED)

static struct server_fixture fixture;
static uint8_t junk[CHECKPOINT_TEXT_MAX + 1];

static int start(void **state)
{
    (void)state;
    memset(junk, 'j', sizeof(junk));
    server_fixture_make(&fixture);
    server_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(server_fixture_stop(&fixture, SIGTERM), 0);
    server_fixture_remove(&fixture);
    return 0;
}

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

static void expect_code(const char *form, const Doublecrew__V1__ServerMessage *heard, Doublecrew__V1__ErrorCode code)
{
    bool is_error = heard->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR;

    if (!is_error)
        fail_msg("%s: expected error %d, heard message %d", form, code, heard->message_case);
    if (heard->error->code != code)
        fail_msg("%s: expected error %d, heard %d: %s", form, code, heard->error->code, heard->error->message);
    if (heard->error->message[0] == '\0' || heard->error->advice[0] == '\0' || heard->error->remedy == 0)
        fail_msg("%s: the error doesn't say what happened and what to do", form);
}

/* The officer's device, on a connection of its own, has one more fact acknowledged. */
static void expect_served(const char *form)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);
    uint64_t before = fixture.officer.seq;

    if (server_device_greet(&fixture.officer, client, 0) != before)
        fail_msg("%s: the log isn't where it was", form);
    server_device_add_notes(&fixture.officer, 1);
    server_device_sync(&fixture.officer, client);
    ws_client_free(client);
}

/* Hello ------------------------------------------------------------------------------------------------------------- */

typedef void (*spoil_hello)(Doublecrew__V1__Hello *hello);

#define SPOIL_HELLO(name, change)                                                                                      \
    static void hello_##name(Doublecrew__V1__Hello *hello)                                                             \
    {                                                                                                                  \
        change;                                                                                                        \
    }

SPOIL_HELLO(as_it_should_be, (void)hello)
SPOIL_HELLO(older_protocol, hello->protocol_min = hello->protocol_max = 0)
SPOIL_HELLO(newer_protocol, hello->protocol_min = hello->protocol_max = 2)
SPOIL_HELLO(range_upside_down, hello->protocol_min = 2; hello->protocol_max = 1)
SPOIL_HELLO(no_log, hello->log_id.len = 0)
SPOIL_HELLO(short_log, hello->log_id.len = ID_SIZE - 1)
SPOIL_HELLO(long_log, hello->log_id = bytes_of(junk, ID_SIZE + 1))
SPOIL_HELLO(no_boot, hello->boot_id.len = 0)
SPOIL_HELLO(short_boot, hello->boot_id.len = 1)
SPOIL_HELLO(head_without_hash, hello->head_seq = 5; hello->head_hash.len = 0)
SPOIL_HELLO(hash_without_head, hello->head_seq = 0; hello->head_hash = bytes_of(junk, HASH_SIZE))
SPOIL_HELLO(short_head_hash, hello->head_seq = 5; hello->head_hash = bytes_of(junk, HASH_SIZE - 1))
SPOIL_HELLO(short_epoch, hello->epoch = bytes_of(junk, 3))
SPOIL_HELLO(long_feed_key, hello->feed_key = bytes_of(junk, STORE_VIEW_KEY_MAX + 1))
SPOIL_HELLO(long_checkpoint, hello->last_checkpoint = bytes_of(junk, CHECKPOINT_TEXT_MAX + 1))
SPOIL_HELLO(checkpoint_of_junk, hello->last_checkpoint = bytes_of(junk, 300))
SPOIL_HELLO(another_devices_log, hello->log_id = bytes_of(fixture.supervisor.log.bytes, ID_SIZE))
SPOIL_HELLO(nobodys_log, hello->log_id = bytes_of(junk, ID_SIZE))
/* One character of the signature, still base64. */
static void hello_checkpoint_forged(Doublecrew__V1__Hello *hello)
{
    uint8_t *at = &hello->last_checkpoint.data[hello->last_checkpoint.len - 20];

    *at = *at == 'A' ? 'B' : 'A';
}

static const struct {
    const char *name;
    spoil_hello spoil;
    Doublecrew__V1__ErrorCode code;
} hellos[] = {
    {"Hello as it should be", hello_as_it_should_be, NO_ERROR},
    {"Hello of an older protocol", hello_older_protocol, CODE(PROTOCOL_VERSION)},
    {"Hello of a newer protocol", hello_newer_protocol, CODE(PROTOCOL_VERSION)},
    {"Hello with the range upside down", hello_range_upside_down, CODE(PROTOCOL_VERSION)},
    {"Hello without log", hello_no_log, CODE(MISSING_FIELD)},
    {"Hello with a short log", hello_short_log, CODE(BAD_LENGTH)},
    {"Hello with a long log", hello_long_log, CODE(BAD_LENGTH)},
    {"Hello without boot", hello_no_boot, CODE(MISSING_FIELD)},
    {"Hello with a short boot", hello_short_boot, CODE(BAD_LENGTH)},
    {"Hello with a head and no hash", hello_head_without_hash, CODE(BAD_LENGTH)},
    {"Hello with a hash and no head", hello_hash_without_head, CODE(BAD_LENGTH)},
    {"Hello with a short hash", hello_short_head_hash, CODE(BAD_LENGTH)},
    {"Hello with a short epoch", hello_short_epoch, CODE(BAD_LENGTH)},
    {"Hello with a long feed key", hello_long_feed_key, CODE(BAD_LENGTH)},
    {"Hello with a long checkpoint", hello_long_checkpoint, CODE(BAD_LENGTH)},
    {"Hello with a checkpoint that is none", hello_checkpoint_of_junk, CODE(MALFORMED)},
    {"Hello of another device's log", hello_another_devices_log, CODE(UNKNOWN_LOG)},
    {"Hello of nobody's log", hello_nobodys_log, CODE(UNKNOWN_LOG)},
    {"Hello with a forged checkpoint", hello_checkpoint_forged, CODE(BAD_SIGNATURE)},
};

/* The officer's next Hello, in memory of its own. */
static Doublecrew__V1__Hello officers_hello(uint8_t ret_anchor[CHECKPOINT_TEXT_MAX])
{
    const struct server_device *officer = &fixture.officer;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;

    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.log_id = bytes_of(officer->log.bytes, ID_SIZE);
    hello.head_seq = officer->seq;
    hello.head_hash = bytes_of(officer->head.bytes, officer->seq > 0 ? HASH_SIZE : 0);
    hello.boot_id = bytes_of(officer->boot.bytes, ID_SIZE);
    hello.monotonic_ms = 1000000;
    memcpy(ret_anchor, officer->anchor, officer->anchor_size);
    hello.last_checkpoint = bytes_of(ret_anchor, officer->anchor_size);
    return hello;
}

static void say_hello(struct ws_client *client, Doublecrew__V1__Hello *hello)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;

    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = hello;
    server_say(client, &message);
}

static void hello__in_every_wrong_form_is_named_and_ends_the_session(void **state)
{
    (void)state;
    expect_served("before");
    for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
        struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);
        uint8_t anchor[CHECKPOINT_TEXT_MAX];
        Doublecrew__V1__Hello hello = officers_hello(anchor);
        Doublecrew__V1__ServerMessage *heard;

        hellos[i].spoil(&hello);
        say_hello(client, &hello);
        heard = server_hear(client);
        if (hellos[i].code == NO_ERROR) {
            assert_int_equal(heard->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME);
        } else {
            expect_code(hellos[i].name, heard, hellos[i].code);
            assert_true(heard->error->closes);
            (void)server_hear_end(client);
        }
        server_heard_free(heard);
        ws_client_free(client);
        expect_served(hellos[i].name);
    }
}

static void hello__of_a_device_that_is_not_enrolled_is_named(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.stranger);

    (void)state;
    server_device_say_hello(&fixture.stranger, client, 0);
    server_hear_error(client, CODE(UNKNOWN_DEVICE), true);
    (void)server_hear_end(client);
    ws_client_free(client);
}

/* What was overheard and is sent again comes over another connection, whose certificate is another device's. */
static void hello__of_another_devices_session_is_named(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.supervisor);
    uint8_t anchor[CHECKPOINT_TEXT_MAX];
    Doublecrew__V1__Hello hello = officers_hello(anchor);

    (void)state;
    say_hello(client, &hello);
    server_hear_error(client, CODE(UNKNOWN_LOG), true);
    (void)server_hear_end(client);
    ws_client_free(client);
}

/* Push -------------------------------------------------------------------------------------------------------------- */

typedef void (*spoil_push)(Doublecrew__V1__Push *push);

#define SPOIL_PUSH(name, change)                                                                                       \
    static void push_##name(Doublecrew__V1__Push *push)                                                                \
    {                                                                                                                  \
        change;                                                                                                        \
    }

SPOIL_PUSH(no_log, push->log_id.len = 0)
SPOIL_PUSH(short_log, push->log_id.len = ID_SIZE - 1)
SPOIL_PUSH(no_seq, push->first_seq = 0)
SPOIL_PUSH(no_previous, push->previous_hash.len = 0)
SPOIL_PUSH(short_previous, push->previous_hash.len = HASH_SIZE - 1)
SPOIL_PUSH(no_entries, push->n_entries = 0)
SPOIL_PUSH(no_boots, push->n_boot_ids = 0)
SPOIL_PUSH(short_boot, push->boot_ids[0].len = ID_SIZE - 1)
SPOIL_PUSH(boot_beyond, push->entries[0]->boot = 1)
SPOIL_PUSH(anchor_beyond, push->entries[0]->anchor = 9)
SPOIL_PUSH(short_anchor, push->anchors[0]->checkpoint.len = HASH_SIZE - 1)
SPOIL_PUSH(unknown_anchor, memset(push->anchors[0]->checkpoint.data, 'x', push->anchors[0]->checkpoint.len);
           push->anchors[0]->checkpoint.len = HASH_SIZE)
SPOIL_PUSH(no_kind, push->entries[0]->kind = 0)
SPOIL_PUSH(kind_beyond, push->entries[0]->kind = 65536)
SPOIL_PUSH(no_payload, push->entries[0]->payload.len = 0)
SPOIL_PUSH(payload_without_salt, push->entries[0]->payload.len = PAYLOAD_SALT_SIZE - 1)
SPOIL_PUSH(clock_below_0, push->entries[0]->monotonic_delta_ms = -1)
SPOIL_PUSH(clock_beyond, push->entries[0]->monotonic_delta_ms = INT64_MAX)
SPOIL_PUSH(wall_beyond, push->entries[0]->wall_delta_ms = INT64_MAX)
SPOIL_PUSH(session_time_beyond, push->session_received_ms = UINT64_MAX)
SPOIL_PUSH(no_algorithm, push->signature_algorithm = 0)
SPOIL_PUSH(algorithm_unknown, push->signature_algorithm = 77)
SPOIL_PUSH(other_algorithm, push->signature_algorithm = 2)
SPOIL_PUSH(no_signature, push->signature.len = 0)
SPOIL_PUSH(short_signature, push->signature.len = SIGNATURE_SIZE - 1)
SPOIL_PUSH(signature_forged, push->signature.data[7] ^= 1)
SPOIL_PUSH(payload_changed, push->entries[0]->payload.data[20] ^= 1)
SPOIL_PUSH(kind_changed, push->entries[0]->kind = 5)
SPOIL_PUSH(from_the_future, push->entries[0]->monotonic_delta_ms += 1000)
SPOIL_PUSH(seq_skipped, push->first_seq += 1)
SPOIL_PUSH(another_previous, push->previous_hash.data[3] ^= 1)
SPOIL_PUSH(another_devices_log, memcpy(push->log_id.data, fixture.supervisor.log.bytes, ID_SIZE))
SPOIL_PUSH(refs_beyond, push->entries[0]->n_refs = 2; push->entries[0]->refs = malloc(8);
           memset(push->entries[0]->refs, 1, 8))

static const struct {
    const char *name;
    spoil_push spoil;
    Doublecrew__V1__ErrorCode code;
} pushes[] = {
    {"Push without log", push_no_log, CODE(MISSING_FIELD)},
    {"Push with a short log", push_short_log, CODE(BAD_LENGTH)},
    {"Push without seq", push_no_seq, CODE(MISSING_FIELD)},
    {"Push without the previous hash", push_no_previous, CODE(MISSING_FIELD)},
    {"Push with a short previous hash", push_short_previous, CODE(BAD_LENGTH)},
    {"Push without entries", push_no_entries, CODE(MISSING_FIELD)},
    {"Push without boots", push_no_boots, CODE(MISSING_FIELD)},
    {"Push with a short boot", push_short_boot, CODE(BAD_LENGTH)},
    {"Push with a boot beyond its list", push_boot_beyond, CODE(MALFORMED)},
    {"Push with an anchor beyond its list", push_anchor_beyond, CODE(MALFORMED)},
    {"Push with a short anchor", push_short_anchor, CODE(BAD_LENGTH)},
    {"Push with a hash of no anchor that is known", push_unknown_anchor, CODE(BAD_SIGNATURE)},
    {"Push of an entry without kind", push_no_kind, CODE(MISSING_FIELD)},
    {"Push of a kind beyond 16 bits", push_kind_beyond, CODE(MALFORMED)},
    {"Push of an entry without payload", push_no_payload, CODE(MISSING_FIELD)},
    {"Push of a payload without its salt", push_payload_without_salt, CODE(BAD_LENGTH)},
    {"Push with a clock below 0", push_clock_below_0, CODE(MALFORMED)},
    {"Push with a clock beyond all", push_clock_beyond, CODE(MALFORMED)},
    {"Push with a wall clock beyond all", push_wall_beyond, CODE(MALFORMED)},
    {"Push with a session's time beyond all", push_session_time_beyond, CODE(MALFORMED)},
    {"Push without algorithm", push_no_algorithm, CODE(MISSING_FIELD)},
    {"Push with an unknown algorithm", push_algorithm_unknown, CODE(MALFORMED)},
    {"Push with another key's algorithm", push_other_algorithm, CODE(BAD_SIGNATURE)},
    {"Push without signature", push_no_signature, CODE(MISSING_FIELD)},
    {"Push with a short signature", push_short_signature, CODE(BAD_LENGTH)},
    {"Push with a forged signature", push_signature_forged, CODE(BAD_SIGNATURE)},
    {"Push with a changed payload", push_payload_changed, CODE(BAD_SIGNATURE)},
    {"Push with a changed kind", push_kind_changed, CODE(BAD_SIGNATURE)},
    {"Push with a clock that was moved on", push_from_the_future, CODE(BAD_SIGNATURE)},
    {"Push with a seq skipped", push_seq_skipped, CODE(BAD_SIGNATURE)},
    {"Push with another previous hash", push_another_previous, CODE(BAD_SIGNATURE)},
    {"Push that names another device's log", push_another_devices_log, CODE(BAD_SIGNATURE)},
    {"Push with refs beyond the push", push_refs_beyond, CODE(MALFORMED)},
};

/* A Push, unpacked and packed again after the change: as a client would build it that is wrong in this one thing. */
static void send_spoilt(struct ws_client *client, struct span good, spoil_push spoil)
{
    Doublecrew__V1__Push *push = doublecrew__v1__push__unpack(NULL, good.size, good.data);
    Doublecrew__V1__Push before;
    size_t size;
    uint8_t *bytes;

    assert_non_null(push);
    before = *push;
    spoil(push);
    size = protobuf_c_message_get_packed_size(&push->base);
    bytes = malloc(size + 1);
    protobuf_c_message_pack(&push->base, bytes);
    server_device_send_push(client, span_of(bytes, size));
    free(bytes);
    push->n_entries = before.n_entries;
    push->n_boot_ids = before.n_boot_ids;
    doublecrew__v1__push__free_unpacked(push, NULL);
}

static void push__in_every_wrong_form_is_named_and_the_right_one_is_taken_after_it(void **state)
{
    struct server_device *officer = &fixture.officer;

    (void)state;
    for (size_t i = 0; i < sizeof(pushes) / sizeof(pushes[0]); i++) {
        struct ws_client *client = server_fixture_connect(&fixture, officer);
        Doublecrew__V1__ServerMessage *heard;
        uint8_t *good;
        size_t size;

        (void)server_device_greet(officer, client, 0);
        server_device_add_notes(officer, 2);
        good = server_device_push(officer, &size);
        send_spoilt(client, span_of(good, size), pushes[i].spoil);
        heard = server_hear(client);
        expect_code(pushes[i].name, heard, pushes[i].code);
        assert_false(heard->error->closes);
        server_heard_free(heard);
        server_device_send_push(client, span_of(good, size));
        heard = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
        assert_int_equal(heard->ack->durable_seq, officer->seq);
        server_heard_free(heard);
        free(good);
        ws_client_free(client);
    }
}

static void push__replayed_is_acknowledged_again_and_kept_once(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);
    Doublecrew__V1__ServerMessage *heard;
    uint64_t pos;
    uint8_t *push;
    size_t size;

    (void)state;
    (void)server_device_greet(&fixture.officer, client, 0);
    server_device_add_notes(&fixture.officer, 3);
    push = server_device_push(&fixture.officer, &size);
    server_device_send_push(client, span_of(push, size));
    heard = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
    pos = heard->ack->pos;
    server_heard_free(heard);
    for (int again = 0; again < 3; again++) {
        server_device_send_push(client, span_of(push, size));
        heard = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
        assert_int_equal(heard->ack->pos, pos);
        assert_int_equal(heard->ack->durable_seq, fixture.officer.seq);
        server_heard_free(heard);
    }
    ws_client_free(client);
    expect_served("a push replayed");
    free(push);
}

/* Deflated ---------------------------------------------------------------------------------------------------------- */

typedef void (*spoil_deflated)(Doublecrew__V1__DeflatedPush *push);

#define SPOIL_DEFLATED(name, change)                                                                                   \
    static void deflated_##name(Doublecrew__V1__DeflatedPush *push)                                                    \
    {                                                                                                                  \
        change;                                                                                                        \
    }

SPOIL_DEFLATED(no_size, push->size = 0)
SPOIL_DEFLATED(no_count, push->entry_count = 0)
SPOIL_DEFLATED(nothing, push->deflated.len = 0)
SPOIL_DEFLATED(size_beyond, push->size = PUSH_SIZE_MAX + 1)
SPOIL_DEFLATED(ratio_beyond, push->size = (uint32_t)(DEFLATE_RATIO_MAX * push->deflated.len + 1))
SPOIL_DEFLATED(too_many_entries, push->entry_count = PUSH_ENTRIES_MAX + 1)
SPOIL_DEFLATED(smaller_than_it_is, push->size -= 1)
SPOIL_DEFLATED(larger_than_it_is, push->size += 1)
SPOIL_DEFLATED(fewer_entries, push->entry_count -= 1)
SPOIL_DEFLATED(more_entries, push->entry_count += 1)
SPOIL_DEFLATED(cut_off, push->deflated.len -= 1)
SPOIL_DEFLATED(no_stream, memset(push->deflated.data, 0xff, 8))

static const struct {
    const char *name;
    spoil_deflated spoil;
    Doublecrew__V1__ErrorCode code;
} deflated_pushes[] = {
    {"DeflatedPush without size", deflated_no_size, CODE(MISSING_FIELD)},
    {"DeflatedPush without the number of entries", deflated_no_count, CODE(MISSING_FIELD)},
    {"DeflatedPush of nothing", deflated_nothing, CODE(MISSING_FIELD)},
    {"DeflatedPush that says it is too large", deflated_size_beyond, CODE(TOO_LARGE)},
    {"DeflatedPush that says it grows too much", deflated_ratio_beyond, CODE(TOO_LARGE)},
    {"DeflatedPush of too many entries", deflated_too_many_entries, CODE(TOO_LARGE)},
    {"DeflatedPush larger than it says", deflated_smaller_than_it_is, CODE(BAD_LENGTH)},
    {"DeflatedPush smaller than it says", deflated_larger_than_it_is, CODE(BAD_LENGTH)},
    {"DeflatedPush of more entries than it says", deflated_fewer_entries, CODE(MALFORMED)},
    {"DeflatedPush of fewer entries than it says", deflated_more_entries, CODE(MALFORMED)},
    {"DeflatedPush cut off", deflated_cut_off, CODE(MALFORMED)},
    {"DeflatedPush of something else", deflated_no_stream, CODE(MALFORMED)},
};

/* spoil: NULL, or what is done to it before it is sent. */
static void send_deflated(struct ws_client *client, struct span push, size_t entry_count, spoil_deflated spoil)
{
    Doublecrew__V1__ClientMessage *message;
    uint8_t *bytes;
    size_t size;

    assert_int_equal(deflated_push_build(push, entry_count, &bytes, &size), STATUS_OK);
    assert_non_null(bytes);
    message = doublecrew__v1__client_message__unpack(NULL, size, bytes);
    assert_non_null(message);
    if (spoil != NULL)
        spoil(message->deflated_push);
    server_say(client, message);
    doublecrew__v1__client_message__free_unpacked(message, NULL);
    free(bytes);
}

/* Behind each wrong one goes a good one, deflated as well: answers keep the order. */
static void deflated__in_every_wrong_form_is_named_and_the_right_one_is_taken_after_it(void **state)
{
    struct server_device *officer = &fixture.officer;

    (void)state;
    for (size_t i = 0; i < sizeof(deflated_pushes) / sizeof(deflated_pushes[0]); i++) {
        struct ws_client *client = server_fixture_connect(&fixture, officer);
        Doublecrew__V1__ServerMessage *heard;
        uint8_t *good;
        size_t size;

        (void)server_device_greet(officer, client, 0);
        server_device_add_notes(officer, 20);
        good = server_device_push(officer, &size);
        send_deflated(client, span_of(good, size), 20, deflated_pushes[i].spoil);
        send_deflated(client, span_of(good, size), 20, NULL);
        heard = server_hear(client);
        expect_code(deflated_pushes[i].name, heard, deflated_pushes[i].code);
        assert_false(heard->error->closes);
        server_heard_free(heard);
        heard = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK);
        assert_int_equal(heard->ack->durable_seq, officer->seq);
        server_heard_free(heard);
        free(good);
        ws_client_free(client);
    }
    expect_served("pushes deflated");
}

/* Signed by its own device, in the session of another. */
static void push__of_another_device_is_named(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);
    struct ws_client *own = server_fixture_connect(&fixture, &fixture.supervisor);
    uint8_t *push;
    size_t size;

    (void)state;
    (void)server_device_greet(&fixture.supervisor, own, 0);
    (void)server_device_greet(&fixture.officer, client, 0);
    server_device_add_notes(&fixture.supervisor, 1);
    push = server_device_push(&fixture.supervisor, &size);
    server_device_send_push(client, span_of(push, size));
    server_hear_error(client, CODE(BAD_SIGNATURE), false);
    server_device_send_push(own, span_of(push, size));
    server_heard_free(server_hear_kind(own, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK));
    ws_client_free(own);
    ws_client_free(client);
    free(push);
    expect_served("a push of another device");
}

static void push__out_of_order_is_a_gap_and_the_earlier_one_closes_it(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);
    Doublecrew__V1__ServerMessage *heard;
    uint64_t durable = fixture.officer.seq;
    uint8_t *first;
    uint8_t *second;
    size_t first_size;
    size_t second_size;

    (void)state;
    (void)server_device_greet(&fixture.officer, client, 0);
    server_device_add_notes(&fixture.officer, 1);
    first = server_device_push(&fixture.officer, &first_size);
    server_device_add_notes(&fixture.officer, 1);
    second = server_device_push(&fixture.officer, &second_size);
    server_device_send_push(client, span_of(second, second_size));
    heard = server_hear(client);
    expect_code("Push out of order", heard, CODE(LOG_GAP));
    assert_int_equal(heard->error->remedy, DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM);
    assert_int_equal(heard->error->durable_seq, durable);
    server_heard_free(heard);
    server_device_send_push(client, span_of(first, first_size));
    server_device_send_push(client, span_of(second, second_size));
    for (int i = 0; i < 2; i++)
        server_heard_free(server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK));
    ws_client_free(client);
    free(first);
    free(second);
    expect_served("a push out of order");
}

/* The rest ---------------------------------------------------------------------------------------------------------- */

struct form {
    const char *name;
    const char *bytes; /* a whole ClientMessage */
    size_t size;
    Doublecrew__V1__ErrorCode code; /* NO_ERROR: the server says nothing, and goes on */
    bool closes;
};

#define FORM(name, bytes, code, closes)                                                                                \
    {                                                                                                                  \
        name, bytes, sizeof(bytes) - 1, code, closes                                                                   \
    }
#define HASH_OF_X "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* After Welcome, from an officer's phone. Field numbers: 1 Hello, 3 Applied, 4 FlagReceived, 6 TrainingStep. */
static const struct form forms[] = {
    FORM("nothing at all", "", CODE(MISSING_FIELD), false),
    FORM("a message cut short", "\x12\x05\x0a", CODE(MALFORMED), false),
    FORM("two messages in one", "\x1a\x00\x1a\x00", CODE(MALFORMED), false),
    FORM("a number that is longer than need be", "\x1a\x80\x00", CODE(MALFORMED), false),
    FORM("a group", "\x13", CODE(MALFORMED), false),
    FORM("a newer client's message", "\xba\x3e\x00", NO_ERROR, false),
    FORM("Hello a second time", "\x0a\x00", CODE(PROTOCOL_ORDER), true),
    FORM("a Push that is none", "\x12\x02\x08\x01", CODE(MALFORMED), false),
    FORM("an empty Push", "\x12\x00", CODE(MISSING_FIELD), false),
    FORM("an empty DeflatedPush", "\x3a\x00", CODE(MISSING_FIELD), false),
    FORM("a DeflatedPush that is none", "\x3a\x02\x0a\x00", CODE(MALFORMED), false),
    FORM("Applied cut short", "\x1a\x02\x08\x80", CODE(MALFORMED), false),
    FORM("Applied with text for a number", "\x1a\x03\x0a\x01x", CODE(MALFORMED), false),
    FORM("Applied of a page that was never sent", "\x1a\x05\x08\xff\xff\xff\x7f", NO_ERROR, false),
    FORM("Applied again", "\x1a\x02\x08\x01", NO_ERROR, false),
    FORM("FlagReceived without a flag", "\x22\x00", CODE(MISSING_FIELD), false),
    FORM("FlagReceived with a short flag", "\x22\x05\x0a\x03xxx", CODE(BAD_LENGTH), false),
    FORM("FlagReceived of a flag that nobody raised", "\x22\x22\x0a\x20" HASH_OF_X, NO_ERROR, false),
    FORM("TrainingStep by an officer's phone", "\x32\x07\x08\x80\x80\x80\x80\x80\x40", CODE(NOT_PERMITTED), false),
    FORM("TrainingStep without a time", "\x32\x00", CODE(NOT_PERMITTED), false),
};

static void message__in_every_wrong_form_is_named_and_facts_are_taken_after_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct form *form = &forms[i];
        struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);

        (void)server_device_greet(&fixture.officer, client, 0);
        assert_int_equal(ws_client_send(client, span_of(form->bytes, form->size)), STATUS_OK);
        if (form->code != NO_ERROR) {
            Doublecrew__V1__ServerMessage *heard = server_hear(client);

            expect_code(form->name, heard, form->code);
            assert_int_equal(heard->error->closes, form->closes);
            server_heard_free(heard);
        }
        if (!form->closes) {
            server_device_add_notes(&fixture.officer, 1);
            server_device_sync(&fixture.officer, client);
        }
        ws_client_free(client);
        expect_served(form->name);
    }
}

static void message__before_hello_is_named(void **state)
{
    static const char *const early[] = {"\x12\x00", "\x1a\x00", "\x22\x00", "\x2a\x00", "\x32\x00", "\x3a\x00"};

    (void)state;
    for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
        struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);

        assert_int_equal(ws_client_send(client, span_of(early[i], 2)), STATUS_OK);
        server_hear_error(client, CODE(PROTOCOL_ORDER), true);
        (void)server_hear_end(client);
        ws_client_free(client);
    }
    expect_served("messages before Hello");
}

static void applied__of_a_page_that_was_never_sent_is_named(void **state)
{
    struct ws_client *client = server_fixture_connect(&fixture, &fixture.officer);
    Doublecrew__V1__ServerMessage *heard;

    (void)state;
    (void)server_device_greet(&fixture.officer, client, 4);
    server_heard_free(server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA));
    assert_int_equal(ws_client_send(client, span_of("\x1a\x05\x08\xff\xff\xff\x7f", 7)), STATUS_OK);
    /* Behind pages that are under way already. */
    heard = server_hear_kind(client, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR);
    expect_code("Applied of a page that was never sent", heard, CODE(PROTOCOL_ORDER));
    assert_true(heard->error->closes);
    server_heard_free(heard);
    (void)server_hear_end(client);
    ws_client_free(client);
    expect_served("Applied of a page never sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello__in_every_wrong_form_is_named_and_ends_the_session),
        cmocka_unit_test(hello__of_a_device_that_is_not_enrolled_is_named),
        cmocka_unit_test(hello__of_another_devices_session_is_named),
        cmocka_unit_test(push__in_every_wrong_form_is_named_and_the_right_one_is_taken_after_it),
        cmocka_unit_test(deflated__in_every_wrong_form_is_named_and_the_right_one_is_taken_after_it),
        cmocka_unit_test(push__replayed_is_acknowledged_again_and_kept_once),
        cmocka_unit_test(push__of_another_device_is_named),
        cmocka_unit_test(push__out_of_order_is_a_gap_and_the_earlier_one_closes_it),
        cmocka_unit_test(message__in_every_wrong_form_is_named_and_facts_are_taken_after_it),
        cmocka_unit_test(message__before_hello_is_named),
        cmocka_unit_test(applied__of_a_page_that_was_never_sent_is_named),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
