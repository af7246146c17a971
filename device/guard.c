#include "device/guard.h"

#include <stdlib.h>
#include <string.h>

#include "device/guard_file.h"
#include "device/report.h"

#define MAGIC_SIZE 4
#define RECORD_SIZE (MAGIC_SIZE + ID_SIZE + 8 + HASH_SIZE)

static const uint8_t magic[MAGIC_SIZE] = {'D', 'C', 'G', '1'};

struct record {
    struct id log;
    uint64_t seq;
    struct hash hash;
};

enum status guard_init(struct dc_device *device, const struct dc_config *config)
{
    if (config->guard_never) {
        return STATUS_OK;
    }
    if (config->guard.load && config->guard.save) {
        device->guard = config->guard;
        return STATUS_OK;
    }
    if (config->guard.load || config->guard.save) {
        return STATUS_CONFIG;
    }
    return guard_file_new(config->guard_path, config->store_path, &device->guard);
}

void guard_done(struct dc_device *device)
{
    if (device->guard.load == guard_file_load) {
        free(device->guard.context);
    }
}

static void encode(const struct dc_device *device, uint8_t ret_bytes[RECORD_SIZE])
{
    memcpy(ret_bytes, magic, MAGIC_SIZE);
    memcpy(ret_bytes + MAGIC_SIZE, device->identity.log.bytes, ID_SIZE);
    put_u64(ret_bytes + MAGIC_SIZE + ID_SIZE, device->head.seq);
    memcpy(ret_bytes + MAGIC_SIZE + ID_SIZE + 8, device->head.hash.bytes, HASH_SIZE);
}

/* false: not a record, or of another version, which says nothing about this store. */
static bool decode(const uint8_t *bytes, size_t size, struct record *ret_record)
{
    if (size != RECORD_SIZE || memcmp(bytes, magic, MAGIC_SIZE) != 0) {
        return false;
    }
    memcpy(ret_record->log.bytes, bytes + MAGIC_SIZE, ID_SIZE);
    ret_record->seq = get_u64(bytes + MAGIC_SIZE + ID_SIZE);
    memcpy(ret_record->hash.bytes, bytes + MAGIC_SIZE + ID_SIZE + 8, HASH_SIZE);
    return true;
}

/* The guard may lag behind the store (the phone died between commit and save), but its entry must be in it. */
static enum status compare(struct dc_device *device, const struct record *record, bool *ret_lost)
{
    struct hash hash;
    enum status status;

    if (!id_equal(&record->log, &device->identity.log)) {
        *ret_lost = device->head.seq > 0; /* this phone has moved on to another log since */
        return STATUS_OK;
    }
    if (record->seq == 0 || record->seq > device->head.seq) {
        *ret_lost = record->seq > device->head.seq;
        return STATUS_OK;
    }
    status = store_entry_hash(device->store, record->seq, &hash);
    *ret_lost = status == STATUS_OK && !hash_equal(&hash, &record->hash);
    return status;
}

enum status guard_check(struct dc_device *device)
{
    uint8_t bytes[DC_GUARD_SIZE_MAX];
    struct record record = {.seq = 0};
    size_t size = 0;
    enum dc_status loaded;
    enum status status;

    if (!device->guard.load) {
        return STATUS_OK;
    }
    loaded = device->guard.load(device->guard.context, bytes, sizeof bytes, &size);
    if (loaded != DC_OK && loaded != DC_NOT_FOUND) {
        return status_from_public(loaded);
    }
    if (loaded == DC_NOT_FOUND || !decode(bytes, size, &record)) {
        guard_save(device);
        return STATUS_OK;
    }
    status = compare(device, &record, &device->log_lost);
    if (status != STATUS_OK) {
        return status;
    }
    if (device->log_lost) {
        device->known_seq = id_equal(&record.log, &device->identity.log) ? record.seq : device->head.seq;
        device->sync.stop = SYNC_STOP_LOST;
        device->sync.reason = STATUS_LOG_LOST;
    } else if (record.seq != device->head.seq || !id_equal(&record.log, &device->identity.log)) {
        guard_save(device);
    }
    return STATUS_OK;
}

void guard_save(struct dc_device *device)
{
    struct sync_action failed = {.type = SYNC_ACTION_REPORT_ERROR};
    uint8_t bytes[RECORD_SIZE];
    enum dc_status status;

    if (!device->guard.save) {
        return;
    }
    encode(device, bytes);
    status = device->guard.save(device->guard.context, bytes, sizeof bytes);
    if (status != DC_OK && !device->guard_failed) {
        failed.status = status_from_public(status);
        device_report_error(device, &failed);
    }
    device->guard_failed = status != DC_OK;
}

enum dc_status dc_log_lost(struct dc_device *device, struct dc_lost_log *ret_lost)
{
    if (!device->log_lost) {
        return DC_NOT_FOUND;
    }
    *ret_lost = (struct dc_lost_log){.known_seq = device->known_seq,
                                     .store_seq = device->head.seq,
                                     .pending_entries = device->head.seq - device->sync.durable_seq};
    memcpy(ret_lost->log.bytes, device->identity.log.bytes, ID_SIZE);
    return DC_OK;
}
