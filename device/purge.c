/*
 * What left this device's scope goes, and the log says so: an entry that the force can show (P1). Own entries stay: those that
 * aren't acknowledged until they are, the others for their retention (E2).
 */
#include <stdlib.h>
#include <string.h>

#include "device/device.h"

/* Another purge than the one before: its messages are counted from the first. */
static void begin(struct device_purging *purging, const Doublecrew__V1__Purge *purge)
{
    if (memcmp(purging->id, purge->purge_id.data, sizeof purging->id) != 0) {
        *purging = (struct device_purging){.keys = 0};
        memcpy(purging->id, purge->purge_id.data, sizeof purging->id);
    }
}

static enum status delete_keys(struct dc_device *device, const Doublecrew__V1__Purge *purge,
                               struct device_purging *purging)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < purge->n_keys && status == STATUS_OK; i++) {
        struct span key = span_of(purge->keys[i].data, purge->keys[i].len);
        uint64_t pos, generation;

        status = store_row_place(device->store, key, &pos, &generation);
        if (status == STATUS_OK) {
            purging->deleted++;
            status = device_delete_row(device, key);
        } else if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK; /* its tombstone came first, or it never did */
        }
        purging->keys++;
    }
    return status;
}

static enum status append_receipt(struct dc_device *device, struct device_purging *purging)
{
    Doublecrew__V1__Purged receipt = DOUBLECREW__V1__PURGED__INIT;
    struct hash entry;
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status status;

    receipt.purge_id = (ProtobufCBinaryData){.data = purging->id, .len = sizeof purging->id};
    receipt.keys = purging->keys;
    receipt.deleted = purging->deleted;
    status = wire_pack(&receipt.base, &bytes, &size);
    if (status == STATUS_OK) {
        status = device_append(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PURGED, span_of(bytes, size), &entry);
    }
    free(bytes);
    return status;
}

enum status device_purge(struct dc_device *device, const Doublecrew__V1__Purge *purge)
{
    struct device_purging purging = device->purging;
    struct dc_event event = device_event(DC_EVENT_PURGED);
    struct device_head before;
    enum status status = device_begin(device, &before);

    if (status != STATUS_OK) {
        return status;
    }
    begin(&purging, purge);
    status = delete_keys(device, purge, &purging);
    if (status == STATUS_OK && !purge->more) {
        status = append_receipt(device, &purging);
    }
    status = device_end(device, &before, status);
    if (status != STATUS_OK) {
        rows_digest_forget(device);
        return status;
    }
    device->purging = purge->more ? purging : (struct device_purging){.keys = 0};
    event.count = purging.deleted;
    event.complete = !purge->more;
    device_emit(device, &event);
    return STATUS_OK;
}
