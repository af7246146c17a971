#include "tests/lib/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/checkpoint.h"
#include "core/rule.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/bundle.h"
#include "server/logic/feed_digest.h"
#include "server/logic/flags.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/store_fixture.h"

#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define ROUND_TRIP_US (100 * INT64_C(1000))

struct id fleet_id(const char *name)
{
    return fixture_id(name);
}

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    ProtobufCBinaryData binary = {.len = size};

    memcpy(&binary.data, &data, sizeof(data));
    return binary;
}

static char *text(const char *words)
{
    char *mutable;

    memcpy(&mutable, &words, sizeof(words));
    return mutable;
}

/* name: the officer's, but for a device beside their first. */
static struct fleet_device *device_new(struct fleet *fleet, const char *officer, const char *called)
{
    struct fleet_device *device = calloc(1, sizeof(*device));
    char name[64];

    assert_non_null(device);
    assert_true(fleet->device_count < FLEET_DEVICES_MAX);
    fleet->devices[fleet->device_count++] = device;
    device->fleet = fleet;
    device->officer = fixture_id(officer);
    (void)snprintf(name, sizeof(name), "device of %s", called);
    device->device = fixture_id(name);
    device->key = fixture_key(name);
    (void)snprintf(name, sizeof(name), "log of %s", called);
    device->log = fixture_id(name);
    fleet_reboot(device, FLEET_T0 - FLEET_HOUR);
    return device;
}

struct fleet_device *fleet_device(struct fleet *fleet, const char *name)
{
    struct id officer = fixture_id(name);

    for (size_t i = 0; i < fleet->device_count; i++) {
        if (id_equal(&fleet->devices[i]->officer, &officer))
            return fleet->devices[i];
    }
    fail_msg("no device of %s", name);
    return NULL;
}

void fleet_reboot(struct fleet_device *device, int64_t at_us)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "boot %u of %02x%02x", ++device->boots, device->log.bytes[0],
                   device->log.bytes[1]);
    device->boot = fixture_id(name);
    device->boot_started_us = at_us;
    fleet_offline(device);
}

void fleet_offline(struct fleet_device *device)
{
    memset(&device->delivery, 0, sizeof(device->delivery));
    device->session_received_ms = 0;
}

static uint64_t mono_ms(const struct fleet_device *device, int64_t at_us)
{
    assert_true(at_us >= device->boot_started_us);
    return (uint64_t)(at_us - device->boot_started_us) / 1000;
}

void fleet_hello(struct fleet_device *device, int64_t at_us)
{
    fleet_hello_wrong(device, at_us, at_us);
}

void fleet_hello_wrong(struct fleet_device *device, int64_t at_us, int64_t said_us)
{
    struct fleet *fleet = device->fleet;
    const struct store_head *head = batch_head(fleet->batch);
    struct checkpoint checkpoint = {.force = fleet->force,
                                    .epoch = head->epoch,
                                    .size = head->pos,
                                    .root = head->root,
                                    .time_ms = said_us / 1000,
                                    .is_anchor = true,
                                    .log = device->log,
                                    .boot = device->boot,
                                    .monotonic_ms = mono_ms(device, at_us)};
    struct push_anchor *anchor = &device->anchors[device->anchor_count++];
    char *words = malloc(CHECKPOINT_TEXT_MAX);
    size_t size;

    assert_non_null(words);
    assert_true(device->anchor_count <= sizeof(device->anchors) / sizeof(device->anchors[0]));
    assert_int_equal(checkpoint_sign(fleet->sha, &checkpoint, fleet->server_key, words, &size), STATUS_OK);
    anchor->text = span_of(words, size);
    anchor->received_ms = mono_ms(device, at_us + ROUND_TRIP_US);
    assert_int_equal(sha256_bytes(fleet->sha, anchor->text, &anchor->hash), STATUS_OK);
    device->delivery = (struct batch_delivery){.device = device->device,
                                               .boot = device->boot,
                                               .hello_monotonic_ms = mono_ms(device, at_us),
                                               .hello_time_us = said_us};
    device->session_received_ms = anchor->received_ms;
}

struct hash fleet_add(struct fleet_device *device, int64_t at_us, uint16_t kind, const ProtobufCMessage *message)
{
    struct entry *entry = &device->entries[device->count];
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *payload = calloc(1, PAYLOAD_SALT_SIZE + size);

    assert_true(device->count < FLEET_ENTRIES_MAX);
    assert_non_null(payload);
    put_u64(payload, device->count + 1);
    protobuf_c_message_pack(message, payload + PAYLOAD_SALT_SIZE);
    *entry = (struct entry){.payload = span_of(payload, PAYLOAD_SALT_SIZE + size)};
    entry->header = (struct entry_header){.log = device->log,
                                          .seq = device->count + 1,
                                          .boot = device->boot,
                                          .monotonic_ms = mono_ms(device, at_us),
                                          .wall_ms = at_us / 1000,
                                          .kind = kind};
    if (device->count > 0)
        entry->header.previous = device->entries[device->count - 1].hash;
    if (device->anchor_count > 0) {
        entry->header.checkpoint = device->anchors[device->anchor_count - 1].hash;
        entry->header.checkpoint_received_ms = device->anchors[device->anchor_count - 1].received_ms;
    }
    assert_int_equal(entry_seal(device->fleet->sha, entry), STATUS_OK);
    device->count++;
    return entry->hash;
}

struct hash fleet_check_in(struct fleet_device *device, int64_t at_us, const char *offender, const char *company)
{
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;
    struct id offender_id = fixture_id(offender);
    struct id named = fixture_id(company != NULL ? company : "");
    ProtobufCBinaryData names[] = {bytes(named.bytes, ID_SIZE)};

    place.latitude_e7 = 522000000;
    place.longitude_e7 = 1200000;
    place.accuracy_m = 10;
    message.offender_id = bytes(offender_id.bytes, ID_SIZE);
    message.officer_id = bytes(device->officer.bytes, ID_SIZE);
    message.place = &place;
    if (company != NULL && company[0] == '\0') {
        message.company = DOUBLECREW__V1__COMPANY__COMPANY_ALONE;
    } else if (company != NULL) {
        message.company = DOUBLECREW__V1__COMPANY__COMPANY_NAMED;
        message.named_officer_ids = names;
        message.n_named_officer_ids = 1;
    }
    return fleet_add(device, at_us, KIND(CHECK_IN), &message.base);
}

struct hash fleet_check_out(struct fleet_device *device, int64_t at_us, const struct hash *presence)
{
    Doublecrew__V1__CheckOut message = DOUBLECREW__V1__CHECK_OUT__INIT;

    message.presence = bytes(presence->bytes, HASH_SIZE);
    return fleet_add(device, at_us, KIND(CHECK_OUT), &message.base);
}

struct hash fleet_outcome(struct fleet_device *device, int64_t at_us, const struct hash *presence,
                          Doublecrew__V1__VisitOutcome outcome)
{
    Doublecrew__V1__Outcome message = DOUBLECREW__V1__OUTCOME__INIT;

    message.presence = bytes(presence->bytes, HASH_SIZE);
    message.outcome = outcome;
    return fleet_add(device, at_us, KIND(OUTCOME), &message.base);
}

struct hash fleet_decide(struct fleet_device *device, int64_t at_us, const struct hash *presence, bool appropriate)
{
    Doublecrew__V1__Decision message = DOUBLECREW__V1__DECISION__INIT;

    message.presence = bytes(presence->bytes, HASH_SIZE);
    message.appropriate = appropriate;
    message.reason_code = text("reviewed");
    message.words = text("Spoken to both officers.");
    return fleet_add(device, at_us, KIND(DECISION), &message.base);
}

struct hash fleet_cover(struct fleet_device *device, int64_t at_us, const char *officer, const char *by,
                        int64_t from_us, int64_t to_us)
{
    Doublecrew__V1__Cover message = DOUBLECREW__V1__COVER__INIT;
    struct id away = fleet_id(officer), stand_in = {{0}};

    message.officer_id = bytes(away.bytes, ID_SIZE);
    if (by != NULL) {
        stand_in = fleet_id(by);
        message.by_officer_id = bytes(stand_in.bytes, ID_SIZE);
    }
    message.from_ms = from_us / 1000;
    message.to_ms = to_us / 1000;
    return fleet_add(device, at_us, KIND(COVER), &message.base);
}

struct hash fleet_acknowledge(struct fleet_device *device, int64_t at_us, const struct hash *flag)
{
    Doublecrew__V1__FlagAcknowledgement message = DOUBLECREW__V1__FLAG_ACKNOWLEDGEMENT__INIT;

    message.flag_id = bytes(flag->bytes, HASH_SIZE);
    return fleet_add(device, at_us, KIND(FLAG_ACKNOWLEDGEMENT), &message.base);
}

struct hash fleet_answer(struct fleet_device *device, int64_t at_us, const struct hash *flag)
{
    Doublecrew__V1__FlagAnswer message = DOUBLECREW__V1__FLAG_ANSWER__INIT;

    message.flag_id = bytes(flag->bytes, HASH_SIZE);
    message.words = text("My partner was called away.");
    return fleet_add(device, at_us, KIND(FLAG_ANSWER), &message.base);
}

struct hash fleet_authorise(struct fleet_device *device, int64_t at_us, const char *officer, const char *offender,
                            bool granted, int64_t from_us, int64_t to_us)
{
    Doublecrew__V1__AuthorityWord message = DOUBLECREW__V1__AUTHORITY_WORD__INIT;
    struct id officer_id = fixture_id(officer);
    struct id offender_id = fixture_id(offender);

    message.officer_id = bytes(officer_id.bytes, ID_SIZE);
    message.offender_id = bytes(offender_id.bytes, ID_SIZE);
    message.granted = granted;
    message.from_ms = from_us / 1000;
    message.to_ms = to_us / 1000;
    message.words = text("Risk assessed.");
    return fleet_add(device, at_us, KIND(AUTHORITY_WORD), &message.base);
}

void fleet_team(struct fleet *fleet, int64_t at_us, const char *name)
{
    Doublecrew__V1__Team message = DOUBLECREW__V1__TEAM__INIT;
    struct id team = fixture_id(name);

    message.team_id = bytes(team.bytes, ID_SIZE);
    message.code = text(name);
    message.name = text(name);
    (void)fleet_add(fleet->operator_device, at_us, KIND(TEAM), &message.base);
}

static void put_officer(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Officer *message,
                        const char *team)
{
    struct id officer = fixture_id(name);
    struct id team_id = fixture_id(team != NULL ? team : "");
    ProtobufCBinaryData teams[] = {bytes(team_id.bytes, ID_SIZE)};

    message->officer_id = bytes(officer.bytes, ID_SIZE);
    message->code = text(name);
    message->name = text(name);
    message->team_ids = teams;
    message->n_team_ids = team != NULL ? 1 : 0;
    (void)fleet_add(fleet->operator_device, at_us, KIND(OFFICER), &message->base);
    message->team_ids = NULL; /* they were this function's */
    message->n_team_ids = 0;
}

void fleet_officer(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Role role, bool accredited,
                   const char *team)
{
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;

    message.role = role;
    message.accredited = accredited;
    put_officer(fleet, at_us, name, &message, team);
}

void fleet_duty(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Role role, const char *team)
{
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;

    message.role = role;
    message.duty = true;
    put_officer(fleet, at_us, name, &message, team);
}

void fleet_entitle(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Role role, bool accredited,
                   int64_t from_us, int64_t to_us)
{
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;

    message.role = role;
    message.accredited = accredited;
    message.entitled_from_ms = from_us / 1000;
    message.entitled_to_ms = to_us / 1000;
    put_officer(fleet, at_us, name, &message, "north");
}

void fleet_offender(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__RiskLevel risk,
                    const char *team)
{
    Doublecrew__V1__Offender message = DOUBLECREW__V1__OFFENDER__INIT;
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;
    struct id offender = fixture_id(name);
    struct id team_id = fixture_id(team);

    place.latitude_e7 = 522000000;
    place.longitude_e7 = 1200000;
    message.offender_id = bytes(offender.bytes, ID_SIZE);
    message.reference = text(name);
    message.risk = risk;
    message.team_id = bytes(team_id.bytes, ID_SIZE);
    message.place = &place;
    (void)fleet_add(fleet->operator_device, at_us, KIND(OFFENDER), &message.base);
}

void fleet_anchor_void(struct fleet *fleet, int64_t at_us, int64_t from_us, int64_t to_us)
{
    Doublecrew__V1__AnchorVoid message = DOUBLECREW__V1__ANCHOR_VOID__INIT;

    message.from_ms = from_us / 1000;
    message.to_ms = to_us / 1000;
    message.reason = text("The clock was a day ahead.");
    (void)fleet_add(fleet->operator_device, at_us, KIND(ANCHOR_VOID), &message.base);
}

static void put_device(struct fleet_device *device, int64_t at_us, const char *certificate_of)
{
    Doublecrew__V1__Device message = DOUBLECREW__V1__DEVICE__INIT;
    struct public_key key;
    struct hash certificate = fixture_hash(certificate_of);

    sign_key_public(device->key, &key);
    message.device_id = bytes(device->device.bytes, ID_SIZE);
    message.log_id = bytes(device->log.bytes, ID_SIZE);
    message.officer_id = bytes(device->officer.bytes, ID_SIZE);
    message.key_algorithm = SIGN_ED25519;
    message.public_key = bytes(key.bytes, key.size);
    message.certificate_key_hash = bytes(certificate.bytes, HASH_SIZE);
    (void)fleet_add(device->fleet->operator_device, at_us, KIND(DEVICE), &message.base);
}

static struct fleet_device *enrol(struct fleet *fleet, int64_t at_us, const char *officer, const char *called)
{
    struct fleet_device *device = device_new(fleet, officer, called);

    put_device(device, at_us, called);
    return device;
}

struct fleet_device *fleet_enrol(struct fleet *fleet, int64_t at_us, const char *officer)
{
    return enrol(fleet, at_us, officer, officer);
}

struct fleet_device *fleet_enrol_second(struct fleet *fleet, int64_t at_us, const char *officer)
{
    char called[64];

    (void)snprintf(called, sizeof(called), "second of %s", officer);
    return enrol(fleet, at_us, officer, called);
}

void fleet_assign(struct fleet_device *device, int64_t at_us, const char *officer)
{
    char certificate[2 * ID_SIZE + 1];

    for (size_t i = 0; i < ID_SIZE; i++)
        (void)snprintf(certificate + 2 * i, 3, "%02x", device->device.bytes[i]);
    device->officer = fixture_id(officer);
    put_device(device, at_us, certificate);
}

void fleet_standing(struct fleet_device *device, int64_t at_us, Doublecrew__V1__DeviceStanding standing,
                    int64_t as_of_us)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;

    message.device_id = bytes(device->device.bytes, ID_SIZE);
    message.standing = standing;
    message.as_of_ms = as_of_us / 1000;
    message.reason = text("Left in a car.");
    (void)fleet_add(device->fleet->operator_device, at_us, KIND(DEVICE_STATE), &message.base);
}

static const struct push_anchor *anchor_named(const struct fleet_device *device, const struct entry *entry)
{
    for (size_t i = 0; i < device->anchor_count; i++) {
        if (hash_equal(&device->anchors[i].hash, &entry->header.checkpoint))
            return &device->anchors[i];
    }
    return NULL;
}

struct fleet_push fleet_build(struct fleet_device *device)
{
    struct fleet_push push = {.device = device, .delivery = device->delivery};
    const struct entry *first = &device->entries[device->pushed];
    size_t count = device->count - device->pushed;
    struct push_anchor anchors[64];
    size_t anchor_count = 0;
    uint8_t statement[HEAD_STATEMENT_SIZE];
    struct signature signature;

    assert_true(count > 0 && count <= PUSH_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct push_anchor *anchor = anchor_named(device, &first[i]);

        if (anchor != NULL && (anchor_count == 0 || !hash_equal(&anchors[anchor_count - 1].hash, &anchor->hash)))
            anchors[anchor_count++] = *anchor;
    }
    head_statement_encode(&device->log, first[count - 1].header.seq, &first[count - 1].hash, statement);
    assert_int_equal(sign_message(device->key, span_of(statement, sizeof(statement)), &signature), STATUS_OK);
    assert_int_equal(push_build(first, count, anchors, anchor_count, &signature, device->session_received_ms,
                                &push.bytes, &push.size),
                     STATUS_OK);
    device->pushed = device->count;
    return push;
}

void fleet_push_free(struct fleet_push *push)
{
    free(push->bytes);
    push->bytes = NULL;
}

void fleet_begin(struct fleet *fleet, int64_t at_us)
{
    assert_int_equal(batch_begin(fleet->batch, at_us), STATUS_OK);
    fleet->batch_open = true;
}

void fleet_begin_held(struct fleet *fleet, int64_t at_us)
{
    assert_int_equal(batch_begin_held(fleet->batch, at_us), STATUS_OK);
    fleet->batch_open = true;
}

void fleet_commit(struct fleet *fleet)
{
    fleet->batch_open = false;
    assert_int_equal(batch_commit(fleet->batch), STATUS_OK);
}

void fleet_tick(struct fleet *fleet, int64_t at_us)
{
    fleet_begin(fleet, at_us);
    fleet_commit(fleet);
}

struct batch_result fleet_deliver(struct fleet *fleet, int64_t at_us, const struct fleet_push *bytes_kept)
{
    struct span raw = span_of(bytes_kept->bytes, bytes_kept->size);
    struct batch_result result;
    struct public_key public_key;
    struct verify_key *key;
    struct arena *arena;
    struct push push;
    bool own = !fleet->batch_open;

    assert_int_equal(arena_new(&arena), STATUS_OK);
    assert_int_equal(push_open(arena, fleet->sha, raw, &push), STATUS_OK);
    sign_key_public(bytes_kept->device->key, &public_key);
    assert_int_equal(verify_key_new(&public_key, &key), STATUS_OK);
    assert_int_equal(push_verify(&push, key), STATUS_OK);
    verify_key_free(key);
    if (own)
        fleet_begin(fleet, at_us);
    assert_int_equal(batch_push(fleet->batch, &push, raw, &bytes_kept->delivery, &result), STATUS_OK);
    if (own)
        fleet_commit(fleet);
    arena_free(arena);
    return result;
}

struct batch_result fleet_sync(struct fleet_device *device, int64_t at_us)
{
    struct fleet_push push;
    struct batch_result result;

    fleet_hello(device, at_us);
    push = fleet_build(device);
    result = fleet_deliver(device->fleet, at_us, &push);
    fleet_push_free(&push);
    return result;
}

void fleet_settle(struct fleet *fleet, int64_t at_us)
{
    struct fleet_push push = fleet_build(fleet->operator_device);
    struct batch_result result = fleet_deliver(fleet, at_us, &push);

    fleet_push_free(&push);
    assert_int_equal(result.status, STATUS_OK);
    if (result.held_count > 0)
        fail_msg("held: %s", result.held[0].reason);
}

static void add_force(struct fleet *fleet)
{
    Doublecrew__V1__Force message = DOUBLECREW__V1__FORCE__INIT;
    struct fleet_device *device = fleet->operator_device;
    struct public_key key, server_key;

    sign_key_public(device->key, &key);
    sign_key_public(fleet->server_key, &server_key);
    message.force_id = bytes(fleet->force.bytes, ID_SIZE);
    message.name = text("Invented Constabulary");
    message.training = true;
    message.operator_id = bytes(device->officer.bytes, ID_SIZE);
    message.operator_device_id = bytes(device->device.bytes, ID_SIZE);
    message.operator_log_id = bytes(device->log.bytes, ID_SIZE);
    message.key_algorithm = SIGN_ED25519;
    message.operator_key = bytes(key.bytes, key.size);
    message.server_key = bytes(server_key.bytes, server_key.size);
    (void)fleet_add(device, FLEET_T0, KIND(FORCE), &message.base);
}

static struct fleet *new_with(const struct engine *engine)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    char path[96];

    assert_non_null(fleet);
    test_folder_make(fleet->folder);
    (void)snprintf(path, sizeof(path), "%s/fleet.db", fleet->folder);
    assert_int_equal(store_sqlite_create(path, true), STATUS_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITER, &fleet->store), STATUS_OK);
    fleet->engine = engine;
    assert_int_equal(batch_open_with(fleet->store, engine, &fleet->batch), STATUS_OK);
    assert_int_equal(sha256_new(&fleet->sha), STATUS_OK);
    fleet->server_key = fixture_key("server");
    fleet->force = fixture_id("force");
    fleet->operator_device = device_new(fleet, "operator", "operator");
    add_force(fleet);
    fleet_team(fleet, FLEET_T0, "north");
    fleet_settle(fleet, FLEET_T0);
    return fleet;
}

struct fleet *fleet_new(void)
{
    return new_with(&engine_current);
}

struct fleet *fleet_typical(void)
{
    return fleet_typical_with(&engine_current);
}

enum status fleet_reopen(struct fleet *fleet, const struct engine *engine)
{
    struct batch *batch;
    enum status status = batch_open_with(fleet->store, engine, &batch);

    if (status != STATUS_OK)
        return status;
    assert_false(fleet->batch_open);
    batch_free(fleet->batch);
    fleet->batch = batch;
    fleet->engine = engine;
    return STATUS_OK;
}

struct fleet *fleet_typical_with(const struct engine *engine)
{
    struct fleet *fleet = new_with(engine);
    static const char *const names[] = {"ann", "bob", "cal", "sue"};

    fleet_officer(fleet, FLEET_T0, "ann", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "north");
    fleet_officer(fleet, FLEET_T0, "bob", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "north");
    fleet_officer(fleet, FLEET_T0, "cal", DOUBLECREW__V1__ROLE__ROLE_CONSTABLE, false, "north");
    fleet_officer(fleet, FLEET_T0, "sue", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "north");
    fleet_offender(fleet, FLEET_T0, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "north");
    fleet_offender(fleet, FLEET_T0, "yul", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH, "north");
    for (size_t i = 0; i < 4; i++)
        (void)fleet_enrol(fleet, FLEET_T0, names[i]);
    fleet_settle(fleet, FLEET_T0);
    for (size_t i = 0; i < 4; i++)
        fleet_hello(fleet_device(fleet, names[i]), FLEET_T0 + FLEET_SECOND);
    return fleet;
}

static void device_free(struct fleet_device *device)
{
    for (size_t i = 0; i < device->count; i++) {
        uint8_t *payload;

        memcpy(&payload, &device->entries[i].payload.data, sizeof(payload));
        free(payload);
    }
    for (size_t i = 0; i < device->anchor_count; i++) {
        char *words;

        memcpy(&words, &device->anchors[i].text.data, sizeof(words));
        free(words);
    }
    sign_key_free(device->key);
    free(device);
}

void fleet_free(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->device_count; i++)
        device_free(fleet->devices[i]);
    batch_free(fleet->batch);
    fleet->store->ops->close(fleet->store);
    test_folder_remove(fleet->folder);
    sign_key_free(fleet->server_key);
    sha256_free(fleet->sha);
    free(fleet);
}
