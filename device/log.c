/* The device's own log: how a fact becomes an entry (S1), and how entries become a signed push (S2). */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/payload.h"
#include "device/device.h"
#include "device/guard.h"
#include "device/upkeep.h"

/* What an entry takes in a push beside its payload, rounded up: tags, kind, numbers. */
#define ENTRY_OVERHEAD 64
/* Log, hash, signature and the rest of the push's own fields. */
#define PUSH_OVERHEAD 512

enum status device_begin(struct dc_device *device, struct device_head *ret_before)
{
    enum status status = device->log_lost ? STATUS_LOG_LOST : store_begin(device->store);

    if (status == STATUS_OK) {
        *ret_before = device->head;
    }
    return status;
}

static void fill_header(struct dc_device *device, uint16_t kind, struct entry_header *ret_header)
{
    struct sync_now now = device_now(device);

    *ret_header = (struct entry_header){.log = device->identity.log,
                                        .seq = device->head.seq + 1,
                                        .previous = device->head.hash,
                                        .boot = now.boot,
                                        .monotonic_ms = now.monotonic_ms,
                                        .wall_ms = device->clock.wall_ms(device->clock.context),
                                        .kind = kind};
    if (device->has_anchor) {
        ret_header->checkpoint = device->anchor;
        ret_header->checkpoint_received_ms = device->anchor_received_ms;
    }
}

enum status device_append(struct dc_device *device, uint16_t kind, struct span message, struct hash *ret_entry)
{
    struct entry entry = {0};
    uint8_t *payload;
    enum status status;

    if (message.size > PAYLOAD_SIZE_MAX - PAYLOAD_SALT_SIZE ||
        (message.size > FACT_SIZE_MAX && kind != DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED)) {
        return STATUS_OVER_LIMIT;
    }
    payload = malloc(PAYLOAD_SALT_SIZE + message.size);
    if (!payload) {
        return STATUS_NO_MEMORY;
    }
    if (message.size > 0) {
        memcpy(payload + PAYLOAD_SALT_SIZE, message.data, message.size);
    }
    fill_header(device, kind, &entry.header);
    entry.payload = span_of(payload, PAYLOAD_SALT_SIZE + message.size);
    status = device_random(device, payload, PAYLOAD_SALT_SIZE) ? entry_seal(device->sha, &entry) : STATUS_INTERNAL;
    if (status == STATUS_OK) {
        status = store_append(device->store, &entry);
    }
    free(payload);
    if (status != STATUS_OK) {
        return status;
    }
    device->head = (struct device_head){.seq = entry.header.seq,
                                        .hash = entry.hash,
                                        .boot = entry.header.boot,
                                        .monotonic_ms = entry.header.monotonic_ms};
    *ret_entry = entry.hash;
    return STATUS_OK;
}

enum status device_end(struct dc_device *device, const struct device_head *before, enum status status)
{
    struct sync_event event = {.type = SYNC_EVENT_APPENDED};

    if (status == STATUS_OK) {
        status = upkeep_save(device); /* so that a reboot later loses little of the time that has passed */
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
        device->head = *before;
        return status;
    }
    guard_save(device); /* before anybody can hear of the entry */
    event.seq = device->head.seq;
    device_drive(device, &event);
    return STATUS_OK;
}

enum status device_append_message(struct dc_device *device, uint16_t kind, const ProtobufCMessage *message,
                                  struct hash *ret_entry)
{
    struct device_head before;
    struct hash entry;
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status status = payload_check(kind, message);

    if (status != STATUS_OK) {
        return status == STATUS_OVER_LIMIT || status == STATUS_NO_MEMORY ? status : STATUS_INPUT;
    }
    status = wire_pack(message, &bytes, &size);
    if (status != STATUS_OK) {
        return status;
    }
    status = device_begin(device, &before);
    if (status == STATUS_OK) {
        status = device_append(device, kind, span_of(bytes, size), &entry);
        status = device_end(device, &before, status);
    }
    free(bytes);
    if (status == STATUS_OK && ret_entry) {
        *ret_entry = entry;
    }
    return status;
}

static enum status add_anchor(struct dc_device *device, struct device_batch *batch, const struct entry_header *header,
                              size_t *size)
{
    struct store_anchor *anchors;
    enum status status;

    if (hash_is_zero(&header->checkpoint)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < batch->anchor_count; i++) {
        if (hash_equal(&batch->anchors[i].hash, &header->checkpoint)) {
            return STATUS_OK;
        }
    }
    anchors = reallocarray(batch->anchors, batch->anchor_count + 1, sizeof *anchors);
    if (!anchors) {
        return STATUS_NO_MEMORY;
    }
    batch->anchors = anchors;
    status = store_get_anchor(device->store, &header->checkpoint, &anchors[batch->anchor_count]);
    if (status == STATUS_OK) {
        *size += anchors[batch->anchor_count++].size + ENTRY_OVERHEAD;
    }
    return status == STATUS_NOT_FOUND ? STATUS_STORE : status;
}

/* Adds one entry if it fits; full tells that it didn't. */
static enum status add_entry(struct dc_device *device, struct device_batch *batch, uint64_t seq, size_t *size,
                             bool *ret_full)
{
    struct store_entry stored = {0};
    enum status status = store_read_entry(device->store, seq, &stored);
    size_t more;

    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_LOG_GAP : status;
    }
    more = stored.entry.payload.size + ENTRY_OVERHEAD + CHECKPOINT_TEXT_MAX;
    if (batch->count > 0 && *size + more > MESSAGE_SIZE_MAX - PUSH_OVERHEAD) {
        store_entry_done(&stored);
        *ret_full = true;
        return STATUS_OK;
    }
    *size += stored.entry.payload.size + ENTRY_OVERHEAD;
    batch->stored[batch->count] = stored;
    batch->entries[batch->count++] = stored.entry;
    return add_anchor(device, batch, &stored.entry.header, size);
}

enum status device_batch_read(struct dc_device *device, uint64_t from_seq, size_t count, bool full_anchors,
                              struct device_batch *ret_batch)
{
    struct device_batch batch = {.full_anchors = full_anchors};
    size_t size = 0;
    bool full = false;
    enum status status = STATUS_OK;

    if (count == 0 || count > PUSH_ENTRIES_MAX) {
        return STATUS_INPUT;
    }
    batch.stored = calloc(count, sizeof *batch.stored);
    batch.entries = calloc(count, sizeof *batch.entries);
    if (!batch.stored || !batch.entries) {
        status = STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count && !full && status == STATUS_OK; i++) {
        status = add_entry(device, &batch, from_seq + i, &size, &full);
    }
    if (status != STATUS_OK) {
        device_batch_done(&batch);
        return status;
    }
    *ret_batch = batch;
    return STATUS_OK;
}

void device_batch_done(struct device_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        store_entry_done(&batch->stored[i]);
    }
    free(batch->stored);
    free(batch->entries);
    free(batch->anchors);
    memset(batch, 0, sizeof *batch);
}

void device_batch_statement(const struct device_batch *batch, uint8_t ret_statement[HEAD_STATEMENT_SIZE])
{
    const struct entry *last = &batch->entries[batch->count - 1];

    head_statement_encode(&last->header.log, last->header.seq, &last->hash, ret_statement);
}

enum status device_batch_pack(const struct device_batch *batch, const struct signature *signature,
                              uint64_t session_received_ms, uint8_t **ret_push, size_t *ret_size)
{
    struct push_anchor *anchors = NULL;
    enum status status;

    if (batch->anchor_count > 0) {
        anchors = calloc(batch->anchor_count, sizeof *anchors);
        if (!anchors) {
            return STATUS_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < batch->anchor_count; i++) {
        const struct store_anchor *stored = &batch->anchors[i];

        anchors[i].hash = stored->hash;
        anchors[i].received_ms = stored->received_ms;
        if (batch->full_anchors || !stored->acknowledged) {
            anchors[i].text = span_of(stored->text, stored->size);
        }
    }
    status = push_build(batch->entries, batch->count, anchors, batch->anchor_count, signature, session_received_ms,
                        ret_push, ret_size);
    free(anchors);
    return status;
}
