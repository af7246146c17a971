#include "tests/lib/device_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/deflated.h"

struct dc_id device_fixture_id(unsigned number)
{
    struct dc_id id;

    memset(id.bytes, (int)(number & 0xff), sizeof id.bytes);
    id.bytes[0] = 0xd0;
    id.bytes[1] = (uint8_t)(number >> 8);
    return id;
}

static void read_boot(void *context, struct dc_id *ret_boot)
{
    *ret_boot = ((struct device_fixture *)context)->boot;
}

static uint64_t read_monotonic(void *context)
{
    return ((struct device_fixture *)context)->monotonic_ms;
}

static int64_t read_wall(void *context)
{
    return ((struct device_fixture *)context)->wall_ms;
}

static uint64_t read_timer(void *context)
{
    return ((struct device_fixture *)context)->timer_ms;
}

static bool draw(void *context, uint8_t *ret_bytes, size_t size)
{
    struct device_fixture *fixture = context;

    for (size_t i = 0; i < size; i++) {
        fixture->random ^= fixture->random << 13;
        fixture->random ^= fixture->random >> 7;
        fixture->random ^= fixture->random << 17;
        ret_bytes[i] = (uint8_t)(fixture->random >> 24);
    }
    return true;
}

static void keep_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    struct device_fixture *fixture = context;
    struct device_kept_event *kept;

    (void)device;
    assert_in_range(fixture->event_count, 0, DEVICE_EVENTS_KEPT - 1);
    kept = &fixture->events[fixture->event_count++];
    *kept = (struct device_kept_event){.type = event->type,
                                       .state = event->state,
                                       .status = event->status,
                                       .seq = event->seq,
                                       .count = event->count,
                                       .complete = event->complete,
                                       .done = event->done,
                                       .total = event->total,
                                       .records = event->records};
    snprintf(kept->text, sizeof kept->text, "%s", event->text);
}

static enum status link_connect(void *context)
{
    struct device_fixture *fixture = context;

    fixture->connects++;
    fixture->linked = fixture->connect_status == STATUS_OK;
    return fixture->connect_status;
}

static void link_disconnect(void *context)
{
    struct device_fixture *fixture = context;

    fixture->disconnects++;
    fixture->linked = false;
}

static enum status link_send(void *context, struct span message)
{
    struct device_fixture *fixture = context;

    if (!fixture->linked) {
        return STATUS_NETWORK;
    }
    assert_in_range(fixture->sent_count, 0, DEVICE_SENT_MAX - 1);
    fixture->sent[fixture->sent_count].bytes = malloc(message.size + 1);
    assert_non_null(fixture->sent[fixture->sent_count].bytes);
    memcpy(fixture->sent[fixture->sent_count].bytes, message.data, message.size);
    fixture->sent[fixture->sent_count++].size = message.size;
    return STATUS_OK;
}

static void link_set_timer(void *context, uint64_t delay_ms)
{
    ((struct device_fixture *)context)->timer_delay_ms = delay_ms;
}

static void link_free(void *context)
{
    ((struct device_fixture *)context)->linked = false;
}

static const struct link_ops ops = {.connect = link_connect,
                                    .disconnect = link_disconnect,
                                    .send = link_send,
                                    .set_timer = link_set_timer,
                                    .free = link_free};

static void make_keys(struct device_fixture *fixture, unsigned number)
{
    uint8_t seed[32];
    struct sign_key *key = NULL;
    struct public_key public_key;

    memset(seed, (int)number, sizeof seed);
    assert_int_equal(sign_key_from_seed(seed, &key), STATUS_OK);
    assert_int_equal(sign_key_to_pem(key, fixture->pem, sizeof fixture->pem), STATUS_OK);
    sign_key_free(key);
    memset(seed, 0xee, sizeof seed);
    assert_int_equal(sign_key_from_seed(seed, &fixture->server_key), STATUS_OK);
    sign_key_public(fixture->server_key, &public_key);
    memcpy(fixture->config.server_key, public_key.bytes, sizeof fixture->config.server_key);
}

void device_fixture_init(struct device_fixture *fixture, unsigned number)
{
    char folder[] = "/tmp/doublecrew-device-XXXXXX";

    memset(fixture, 0, sizeof *fixture);
    assert_non_null(mkdtemp(folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/store", folder);
    assert_int_equal(sha256_new(&fixture->sha), STATUS_OK);
    assert_int_equal(arena_new(&fixture->arena), STATUS_OK);
    merkle_init(&fixture->tree);
    dc_config_init(&fixture->config);
    make_keys(fixture, number);
    fixture->random = 0x9e3779b97f4a7c15u + number;
    fixture->boot = device_fixture_id(1000 + number);
    fixture->monotonic_ms = 5000;
    fixture->wall_ms = 1770000000000;
    fixture->timer_ms = 100000;
    memset(fixture->epoch.bytes, 0xe1, ID_SIZE);
    fixture->config.store_path = fixture->path;
    memset(fixture->config.storage_key, 0x5a, sizeof fixture->config.storage_key);
    fixture->config.force = device_fixture_id(1);
    fixture->config.device = device_fixture_id(2000 + number);
    fixture->config.log = device_fixture_id(3000 + number);
    fixture->config.officer = device_fixture_id(4000 + number);
    fixture->config.signing_key_pem = fixture->pem;
    fixture->config.clock = (struct dc_clock){.context = fixture,
                                              .boot_id = read_boot,
                                              .monotonic_ms = read_monotonic,
                                              .wall_ms = read_wall,
                                              .timer_ms = read_timer};
    fixture->config.random = draw;
    fixture->config.random_context = fixture;
    fixture->config.on_event = keep_event;
    fixture->config.event_context = fixture;
}

void device_fixture_open(struct device_fixture *fixture)
{
    assert_int_equal(dc_device_open(NULL, &fixture->config, &fixture->device), DC_OK);
    device_attach(fixture->device, &ops, fixture);
}

void device_fixture_reopen(struct device_fixture *fixture)
{
    dc_device_close(fixture->device);
    fixture->device = NULL;
    device_fixture_open(fixture);
}

void device_fixture_done(struct device_fixture *fixture)
{
    char guard[160];
    char *slash;

    dc_device_close(fixture->device);
    for (size_t i = 0; i < fixture->sent_count; i++) {
        free(fixture->sent[i].bytes);
    }
    sign_key_free(fixture->server_key);
    arena_free(fixture->arena);
    sha256_free(fixture->sha);
    unlink(fixture->path);
    slash = strrchr(fixture->path, '/');
    *slash = '\0';
    snprintf(guard, sizeof guard, "%s/no_backup/store.guard", fixture->path);
    unlink(guard);
    *strrchr(guard, '/') = '\0';
    rmdir(guard);
    rmdir(fixture->path);
}

static enum status ignore_tile(void *context, const struct merkle_tile *tile)
{
    (void)context;
    (void)tile;
    return STATUS_OK;
}

void device_fixture_grow(struct device_fixture *fixture, unsigned leaves)
{
    for (unsigned i = 0; i < leaves; i++) {
        uint8_t bytes[8];
        struct hash leaf;

        put_u64(bytes, fixture->tree.size);
        assert_int_equal(merkle_leaf_hash(fixture->sha, span_of(bytes, sizeof bytes), &leaf), STATUS_OK);
        assert_int_equal(merkle_append(&fixture->tree, fixture->sha, &leaf, ignore_tile, NULL), STATUS_OK);
    }
}

size_t device_fixture_anchor(struct device_fixture *fixture, const Doublecrew__V1__Hello *hello, char *ret_text)
{
    struct checkpoint checkpoint = {.epoch = fixture->epoch,
                                    .size = fixture->tree.size,
                                    .time_ms = fixture->wall_ms,
                                    .is_anchor = true,
                                    .monotonic_ms = hello->monotonic_ms};
    size_t size = 0;

    memcpy(checkpoint.force.bytes, fixture->config.force.bytes, ID_SIZE);
    memcpy(checkpoint.log.bytes, hello->log_id.data, ID_SIZE);
    memcpy(checkpoint.boot.bytes, hello->boot_id.data, ID_SIZE);
    assert_int_equal(merkle_resume(&fixture->tree, fixture->sha), STATUS_OK); /* a test may have bent it */
    assert_int_equal(merkle_root(&fixture->tree, fixture->sha, &checkpoint.root), STATUS_OK);
    assert_int_equal(checkpoint_sign(fixture->sha, &checkpoint, fixture->server_key, ret_text, &size), STATUS_OK);
    return size;
}

const Doublecrew__V1__ClientMessage *device_fixture_sent(struct device_fixture *fixture, size_t index)
{
    ProtobufCMessage *message = NULL;

    assert_in_range(index, 0, fixture->sent_count - 1);
    assert_int_equal(wire_unpack(fixture->arena, &doublecrew__v1__client_message__descriptor,
                                 span_of(fixture->sent[index].bytes, fixture->sent[index].size), &message),
                     STATUS_OK);
    return (const Doublecrew__V1__ClientMessage *)message;
}

const Doublecrew__V1__ClientMessage *device_fixture_last(struct device_fixture *fixture)
{
    assert_int_not_equal(fixture->sent_count, 0);
    return device_fixture_sent(fixture, fixture->sent_count - 1);
}

/* Of ClientMessage. */
#define PUSH_FIELD 2
#define DEFLATED_PUSH_FIELD 7

static struct span inflated(struct device_fixture *fixture, struct span message)
{
    struct deflated_push deflated;
    struct inflater *inflater;
    uint8_t *push;

    assert_int_equal(deflated_push_open(message, &deflated), STATUS_OK);
    push = arena_alloc(fixture->arena, deflated.size);
    assert_non_null(push);
    assert_int_equal(inflater_new(&inflater), STATUS_OK);
    assert_int_equal(inflater_run(inflater, deflated.bytes, push, deflated.size), STATUS_OK);
    inflater_free(inflater);
    return span_of(push, deflated.size);
}

void device_fixture_last_push(struct device_fixture *fixture, struct push *ret_push)
{
    struct span push = {0};

    for (size_t index = fixture->sent_count; index > 0 && push.size == 0; index--) {
        struct span sent = span_of(fixture->sent[index - 1].bytes, fixture->sent[index - 1].size);
        struct span deflated;

        if (wire_find(sent, PUSH_FIELD, &push) != STATUS_OK &&
            wire_find(sent, DEFLATED_PUSH_FIELD, &deflated) == STATUS_OK) {
            push = inflated(fixture, deflated);
        }
    }
    assert_int_not_equal(push.size, 0);
    assert_int_equal(push_open(fixture->arena, fixture->sha, push, ret_push), STATUS_OK);
}

void device_fixture_receive(struct device_fixture *fixture, const Doublecrew__V1__ServerMessage *message)
{
    uint8_t *bytes = NULL;
    size_t size = 0;

    assert_int_equal(wire_pack(&message->base, &bytes, &size), STATUS_OK);
    device_received(fixture->device, span_of(bytes, size));
    free(bytes);
}

void device_fixture_connect(struct device_fixture *fixture)
{
    assert_int_equal(dc_sync_now(fixture->device), DC_OK);
    assert_true(fixture->linked);
    device_connected(fixture->device);
}

static enum status no_tile(void *context, unsigned level, uint64_t index, struct hash ret_hashes[MERKLE_TILE_WIDTH])
{
    (void)context;
    (void)level;
    (void)index;
    (void)ret_hashes;
    return STATUS_NOT_FOUND; /* trees of tests stay below one tile */
}

static size_t prove(struct device_fixture *fixture, ProtobufCBinaryData from, struct hash *ret_proof)
{
    struct checkpoint last;
    size_t count = 0;

    if (from.len == 0) {
        return 0;
    }
    assert_int_equal(checkpoint_read(span_of(from.data, from.len), &last), STATUS_OK);
    if (last.size == 0 || last.size > fixture->tree.size) {
        return 0;
    }
    assert_int_equal(merkle_prove_consistency(&fixture->tree, fixture->sha, no_tile, NULL, last.size,
                                              fixture->tree.size, ret_proof, &count),
                     STATUS_OK);
    return count;
}

void device_fixture_welcome(struct device_fixture *fixture, uint64_t durable_seq, const struct hash *durable_hash,
                            uint32_t credit)
{
    const Doublecrew__V1__ClientMessage *sent = device_fixture_last(fixture);
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Welcome welcome = DOUBLECREW__V1__WELCOME__INIT;
    ProtobufCBinaryData list[MERKLE_PROOF_MAX];
    ProtobufCBinaryData statements[4];
    struct hash proof[MERKLE_PROOF_MAX];
    Doublecrew__V1__WitnessProof witnesses[SYNC_WITNESSES_MAX], *witness_list[SYNC_WITNESSES_MAX];
    ProtobufCBinaryData witness_lists[SYNC_WITNESSES_MAX][MERKLE_PROOF_MAX];
    struct hash witness_proofs[SYNC_WITNESSES_MAX][MERKLE_PROOF_MAX];
    char text[CHECKPOINT_TEXT_MAX];
    struct hash hash = {{0}};

    assert_int_equal(sent->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO);
    welcome.protocol = 1;
    welcome.anchor.len = device_fixture_anchor(fixture, sent->hello, text);
    welcome.anchor.data = (uint8_t *)text;
    welcome.n_consistency_proof = prove(fixture, sent->hello->last_checkpoint, proof);
    for (size_t i = 0; i < welcome.n_consistency_proof; i++) {
        list[i] = (ProtobufCBinaryData){.data = proof[i].bytes, .len = HASH_SIZE};
    }
    welcome.consistency_proof = list;
    for (size_t i = 0; i < sent->hello->n_witness_checkpoints; i++) {
        doublecrew__v1__witness_proof__init(&witnesses[i]);
        witnesses[i].n_hashes = prove(fixture, sent->hello->witness_checkpoints[i], witness_proofs[i]);
        for (size_t j = 0; j < witnesses[i].n_hashes; j++) {
            witness_lists[i][j] = (ProtobufCBinaryData){.data = witness_proofs[i][j].bytes, .len = HASH_SIZE};
        }
        witnesses[i].hashes = witness_lists[i];
        witness_list[i] = &witnesses[i];
    }
    welcome.witness_proofs = witness_list;
    welcome.n_witness_proofs = fixture->no_witness_proofs ? 0 : sent->hello->n_witness_checkpoints;
    welcome.durable_seq = durable_seq;
    if (durable_hash) {
        hash = *durable_hash;
    }
    welcome.durable_hash = (ProtobufCBinaryData){.data = hash.bytes, .len = durable_seq ? HASH_SIZE : 0};
    welcome.credit = credit;
    welcome.push_deflate = fixture->push_deflate ? PUSH_DEFLATE_VERSION : 0;
    welcome.epoch = (ProtobufCBinaryData){.data = fixture->epoch.bytes, .len = ID_SIZE};
    for (size_t i = 0; i < fixture->statement_count; i++) {
        statements[i] = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)fixture->statements[i].data,
                                              .len = fixture->statements[i].size};
    }
    welcome.n_epoch_statements = fixture->statement_count;
    welcome.epoch_statements = statements;
    welcome.standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME;
    message.welcome = &welcome;
    device_fixture_receive(fixture, &message);
}

void device_fixture_online(struct device_fixture *fixture)
{
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, fixture->device->sync.durable_seq, &fixture->device->sync.durable_hash, 512);
    assert_int_equal(fixture->device->sync.phase, SYNC_ONLINE);
}

void device_fixture_page(struct device_fixture *fixture, uint64_t to_cursor, bool last)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;

    delta.from_cursor = fixture->device->sync.feed.cursor;
    delta.to_cursor = to_cursor;
    delta.last = last;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA;
    message.delta = &delta;
    device_fixture_receive(fixture, &message);
}

void device_fixture_ack(struct device_fixture *fixture, uint64_t pos)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Ack ack = DOUBLECREW__V1__ACK__INIT;
    struct hash hash;
    struct push push;

    device_fixture_last_push(fixture, &push);
    hash = push.entries[push.entry_count - 1].hash;
    ack.durable_seq = push.first_seq + push.entry_count - 1;
    ack.durable_hash = (ProtobufCBinaryData){.data = hash.bytes, .len = HASH_SIZE};
    ack.pos = pos;
    ack.credit = 512;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    device_fixture_receive(fixture, &message);
}

unsigned device_fixture_count(const struct device_fixture *fixture, enum dc_event_type type)
{
    unsigned count = 0;

    for (size_t i = 0; i < fixture->event_count; i++) {
        count += fixture->events[i].type == type;
    }
    return count;
}

const struct device_kept_event *device_fixture_event(const struct device_fixture *fixture, enum dc_event_type type)
{
    for (size_t i = fixture->event_count; i > 0; i--) {
        if (fixture->events[i - 1].type == type) {
            return &fixture->events[i - 1];
        }
    }
    return NULL;
}
