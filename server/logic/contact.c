#include "server/logic/contact.h"

#include <stdio.h>
#include <string.h>

static void apply_hello(const struct contact_note *note, struct contact_row *row)
{
    row->hello_us = note->at_us;
    row->pending_since_ms = note->pending_since_ms;
    row->failures = note->failures;
    row->failing_code = note->failing_code;
    row->pending_reason = note->pending_reason;
    memcpy(row->app_version, note->app_version, sizeof(row->app_version));
}

void contact_apply(const struct contact_note *note, struct contact_row *row)
{
    if (note->at_us > row->seen_us)
        row->seen_us = note->at_us;
    if (note->hello)
        apply_hello(note, row);
    if (note->pending_known)
        row->pending_entries = note->pending_entries;
    if (row->pending_entries == 0)
        row->pending_since_ms = 0;
    if (note->push_us != 0)
        row->push_us = note->push_us;
    if (note->recovered) {
        row->failures = 0;
        row->errors = 0;
    }
    if (note->errors > 0) {
        row->errors += note->errors;
        row->error_us = note->error_us;
        (void)snprintf(row->error, sizeof(row->error), "%s", status_name(note->error));
    }
}

static enum status write_one(struct store *store, const struct contact_note *note)
{
    struct contact_row row = {.device = {{0}}};
    struct device_row device;
    enum status status = store->ops->device_by_certificate(store, &note->certificate_key_hash, &device);

    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = store->ops->contact_get(store, &device.device, &row);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    row.device = device.device;
    contact_apply(note, &row);
    return store->ops->contact_put(store, &row);
}

enum status contacts_write(struct store *store, const struct contact_note *notes, size_t count)
{
    enum status status = store->ops->begin(store);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = write_one(store, &notes[i]);
    if (status == STATUS_OK)
        status = store->ops->commit(store);
    if (status != STATUS_OK)
        store->ops->rollback(store);
    return status;
}
