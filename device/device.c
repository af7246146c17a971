/* Opening and closing: from a config to a device whose log, feed and newest anchor are where the store left them. */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "device/device.h"
#include "device/guard.h"
#include "device/link_lws.h"
#include "device/upkeep.h"
#include "device/world.h"

void dc_config_init(struct dc_config *config)
{
    memset(config, 0, sizeof *config);
    config->page_credit = 4;
    config->seal_delay_ms = 30 * 1000;
    config->connect_limit_ms = 20 * 1000;
    config->answer_limit_ms = 30 * 1000;
    config->retry_first_ms = 1000;
    config->retry_longest_ms = 300 * 1000;
    config->retention_hours = 14 * 24;
    config->warn_hours = 24;
    config->seal_hours = 120;
}

static void take_world(struct dc_device *device, const struct dc_config *config)
{
    device->clock = config->clock;
    if (!device->clock.boot_id) {
        device->clock.boot_id = world_boot_id;
    }
    if (!device->clock.monotonic_ms) {
        device->clock.monotonic_ms = world_monotonic_ms;
    }
    if (!device->clock.wall_ms) {
        device->clock.wall_ms = world_wall_ms;
    }
    if (!device->clock.timer_ms) {
        device->clock.timer_ms = world_monotonic_ms;
    }
    device->random_context = config->random_context;
    device->random = config->random ? config->random : world_random;
    device->event_context = config->event_context;
    device->on_event = config->on_event;
}

static void take_ids(struct dc_device *device, const struct dc_config *config)
{
    const char *version = config->app_version ? config->app_version : "libdoublecrew " DOUBLECREW_VERSION;

    memcpy(device->identity.force.bytes, config->force.bytes, ID_SIZE);
    memcpy(device->identity.device.bytes, config->device.bytes, ID_SIZE);
    memcpy(device->identity.log.bytes, config->log.bytes, ID_SIZE);
    memcpy(device->officer.bytes, config->officer.bytes, ID_SIZE);
    strncpy(device->app_version, version, sizeof device->app_version - 1);
    device->retention_hours = config->retention_hours;
    device->warn_hours = config->warn_hours;
    device->seal_hours = config->seal_hours;
}

/* The key that signs this log: the platform's, or a PEM text's. */
static enum status take_signer(struct dc_device *device, const struct dc_config *config)
{
    enum status status;

    if (config->signer.sign) {
        device->signer = config->signer;
        return public_key_from_wire((uint32_t)config->signer.algorithm,
                                    span_of(config->signer.public_key, config->signer.public_key_size),
                                    &device->public_key);
    }
    if (!config->signing_key_pem) {
        return STATUS_CONFIG;
    }
    status = sign_key_from_pem(span_of(config->signing_key_pem, strlen(config->signing_key_pem)), &device->signing_key);
    if (status == STATUS_OK) {
        sign_key_public(device->signing_key, &device->public_key);
    }
    return status == STATUS_MALFORMED ? STATUS_CONFIG : status;
}

static enum status take_verifier(struct dc_device *device, const struct dc_config *config)
{
    enum status status = public_key_from_wire(SIGN_ED25519, span_of(config->server_key, sizeof config->server_key),
                                              &device->verifier.public_key);

    if (status == STATUS_OK) {
        status = verify_key_new(&device->verifier.public_key, &device->verifier.key);
    }
    if (status == STATUS_OK && config->operator_key_size > 0) {
        struct public_key key;

        status = public_key_from_wire((uint32_t)config->operator_algorithm,
                                      span_of(config->operator_key, config->operator_key_size), &key);
        if (status == STATUS_OK) {
            status = verify_key_new(&key, &device->verifier.operator_key);
        }
        if (status == STATUS_BAD_LENGTH || status == STATUS_UNKNOWN_KIND) {
            status = STATUS_CONFIG;
        }
    }
    device->verifier.sha = device->sha;
    device->verifier.force = device->identity.force;
    return status == STATUS_MALFORMED ? STATUS_CONFIG : status;
}

static void init_sync(struct dc_device *device, const struct dc_config *config)
{
    struct sync_config sync = {.log = device->identity.log,
                               .page_credit = config->page_credit,
                               .connect_limit_ms = config->connect_limit_ms,
                               .answer_limit_ms = config->answer_limit_ms,
                               .retry_first_ms = config->retry_first_ms,
                               .retry_longest_ms = config->retry_longest_ms,
                               .seal_delay_ms = config->seal_delay_ms,
                               .seal_never = config->seal_never};

    sync_init(&device->sync, &sync, &device->verifier);
}

static bool complete(const struct dc_config *config)
{
    static const struct dc_id zero;

    return config->store_path && memcmp(&config->force, &zero, sizeof zero) != 0 &&
           memcmp(&config->device, &zero, sizeof zero) != 0 && memcmp(&config->log, &zero, sizeof zero) != 0 &&
           memcmp(&config->officer, &zero, sizeof zero) != 0 && config->connect_limit_ms > 0 &&
           config->answer_limit_ms > 0 && config->retry_first_ms > 0 && config->retry_longest_ms > 0;
}

/* The head must be what its own bytes hash to, and the log without a gap up to it. */
static enum status load_head(struct dc_device *device)
{
    struct store_entry stored = {0};
    uint64_t seq = 0;
    struct hash hash;
    enum status status = store_head(device->store, &seq, &hash);

    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    device->head = (struct device_head){.seq = seq, .hash = hash};
    device->sync.head_seq = seq;
    status = store_read_entry(device->store, seq, &stored);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK; /* acknowledged long ago, its body dropped */
    }
    if (status == STATUS_OK) {
        struct entry entry = stored.entry;

        status = entry_seal(device->sha, &entry);
        if (status == STATUS_OK && (!hash_equal(&entry.hash, &hash) || entry.header.seq != seq)) {
            status = STATUS_STORE;
        }
        device->head.boot = stored.entry.header.boot;
        device->head.monotonic_ms = stored.entry.header.monotonic_ms;
    }
    store_entry_done(&stored);
    return status;
}

static enum status load_durable(struct dc_device *device)
{
    uint8_t value[STORE_STATE_SIZE_MAX];
    size_t size = 0;
    enum status status = store_state_get(device->store, "durable", value, &size);

    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (size != 32 || get_u64(value) > device->head.seq) {
        return STATUS_STORE;
    }
    device->reflected_seq = get_u64(value + 8);
    device->ack_seq = get_u64(value + 16);
    device->ack_pos = get_u64(value + 24);
    device->sync.durable_seq = get_u64(value);
    device->sync.sent_seq = device->sync.durable_seq;
    return device->sync.durable_seq == 0
               ? STATUS_OK
               : store_entry_hash(device->store, device->sync.durable_seq, &device->sync.durable_hash);
}

static enum status load_anchor(struct dc_device *device)
{
    uint8_t value[STORE_STATE_SIZE_MAX];
    struct store_anchor anchor;
    struct checkpoint checkpoint;
    struct hash hash;
    size_t size = 0;
    enum status status = store_state_get(device->store, "anchor", value, &size);

    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = hash_from_span(span_of(value, size), &hash);
    }
    if (status == STATUS_OK) {
        status = store_get_anchor(device->store, &hash, &anchor);
    }
    if (status == STATUS_OK) {
        status = checkpoint_read(span_of(anchor.text, anchor.size), &checkpoint);
    }
    if (status != STATUS_OK) {
        return status;
    }
    device->has_anchor = true;
    device->anchor = hash;
    device->anchor_received_ms = anchor.received_ms;
    device->anchor_time_ms = checkpoint.time_ms;
    return STATUS_OK;
}

enum status device_load_checkpoint(struct dc_device *device)
{
    uint8_t value[STORE_STATE_SIZE_MAX];
    size_t size = 0;
    enum status status = store_state_get(device->store, "checkpoint", value, &size);

    device->sync.has_checkpoint = false;
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = checkpoint_read(span_of(value, size), &device->sync.checkpoint);
    }
    device->sync.has_checkpoint = status == STATUS_OK;
    return status;
}

static enum status load(struct dc_device *device)
{
    enum status status = load_head(device);

    if (status == STATUS_OK) {
        status = load_durable(device);
    }
    if (status == STATUS_OK) {
        status = load_anchor(device);
    }
    if (status == STATUS_OK) {
        status = device_load_checkpoint(device);
    }
    if (status == STATUS_OK) {
        status = device_load_feed(device);
    }
    if (status == STATUS_OK) {
        status = upkeep_open(device);
    }
    return status == STATUS_OK ? guard_check(device) : status;
}

static enum status open_parts(struct dc_device *device, const struct dc_config *config)
{
    enum status status = complete(config) ? sha256_new(&device->sha) : STATUS_CONFIG;

    take_world(device, config);
    take_ids(device, config);
    if (status == STATUS_OK) {
        status = arena_new(&device->arena);
    }
    if (status == STATUS_OK) {
        status = take_signer(device, config);
    }
    if (status == STATUS_OK) {
        status = take_verifier(device, config);
    }
    if (status == STATUS_OK) {
        status = seal_new(config->storage_key, device->random, device->random_context, &device->seal);
    }
    if (status == STATUS_OK) {
        status = store_open(config->store_path, device->seal, &device->identity, &device->store);
    }
    if (status == STATUS_OK) {
        status = guard_init(device, config);
    }
    init_sync(device, config);
    return status == STATUS_OK ? load(device) : status;
}

enum dc_status dc_device_open(struct dc_loop *loop, const struct dc_config *config, struct dc_device **ret_device)
{
    struct dc_device *device = calloc(1, sizeof *device);
    enum status status;

    if (!device) {
        return DC_NO_MEMORY;
    }
    status = open_parts(device, config);
    if (status == STATUS_OK && loop) {
        device->loop = loop;
        status = link_lws_new(loop, config, device);
    }
    if (status != STATUS_OK) {
        dc_device_close(device);
        return public_status(status);
    }
    *ret_device = device;
    return DC_OK;
}

void device_attach(struct dc_device *device, const struct link_ops *ops, void *link)
{
    device->link_ops = ops;
    device->link = link;
}

void dc_device_close(struct dc_device *device)
{
    if (!device) {
        return;
    }
    device->closing = true;
    device_cancel_signatures(device);
    if (device->link_ops) {
        device->link_ops->free(device->link);
    }
    store_close(device->store);
    guard_done(device);
    seal_free(device->seal);
    verify_key_free(device->verifier.key);
    verify_key_free(device->verifier.operator_key);
    sign_key_free(device->signing_key);
    arena_free(device->arena);
    sha256_free(device->sha);
    free(device);
}
