/*
 * Entries that came before what they are about: a supervisor's decision on a visit that a colleague's log brings later, an
 * answer to a proposal that is still on its way. The order of arrival must not matter (J3), so they wait, and are applied as of
 * their own receipt.
 */
#include "server/logic/batch_internal.h"

#include <stdlib.h>
#include <string.h>

struct hash awaited_offender(const struct id *offender)
{
    struct hash awaited = {{0}};

    memcpy(awaited.bytes, offender->bytes, ID_SIZE);
    return awaited;
}

enum status wait_for(struct batch *batch, const struct applying *applying, const struct hash *awaited)
{
    uint8_t header[ENTRY_HEADER_SIZE] = {0};
    struct waiting_row row = {.awaited = *awaited,
                              .received_us = applying->received_us,
                              .log = applying->log,
                              .seq = applying->entry->header.seq,
                              .entry = applying->entry->hash,
                              .pos = applying->entry_pos,
                              .device = applying->device->device,
                              .officer = applying->device->officer,
                              .checkpoint_us = applying->checkpoint_us,
                              .carried = applying->carried,
                              .header = span_of(header, sizeof(header)),
                              .payload = applying->entry->payload};

    if (applying->waited_for != NULL && hash_equal(applying->waited_for, awaited))
        return STATUS_OK;
    entry_header_encode(&applying->entry->header, header);
    return batch->store->ops->waiting_put(batch->store, &row);
}

/* With memory of its own: the store's bytes are gone at its next call. */
static enum status take_first(struct batch *batch, const struct hash *awaited, struct waiting_row *ret_row,
                              struct entry *ret_entry, uint8_t **ret_payload)
{
    uint8_t *payload;

    RETURN_IF_BAD(batch->store->ops->waiting_first(batch->store, awaited, ret_row));
    if (ret_row->header.size != ENTRY_HEADER_SIZE)
        return STATUS_STORE;
    RETURN_IF_BAD(entry_header_decode(ret_row->header.data, &ret_entry->header));
    payload = malloc(ret_row->payload.size + 1);
    if (payload == NULL)
        return STATUS_NO_MEMORY;
    if (ret_row->payload.size > 0)
        memcpy(payload, ret_row->payload.data, ret_row->payload.size);
    ret_entry->hash = ret_row->entry;
    ret_entry->payload = span_of(payload, ret_row->payload.size);
    *ret_payload = payload;
    return STATUS_OK;
}

static enum status apply_row(struct batch *batch, const struct waiting_row *row, const struct entry *entry,
                             const struct hash *waited_for, uint64_t pos, waiting_after after)
{
    struct arena *outer = batch->arena; /* what came still needs its message */
    uint64_t outer_then_pos = batch->then_pos;
    struct device_row device;
    enum status status;
    struct applying applying = {.entry = entry,
                                .pos = pos,
                                .entry_pos = row->pos,
                                .received_us = row->received_us,
                                .waited_for = waited_for,
                                .device = &device,
                                .log = row->log,
                                .checkpoint_us = row->checkpoint_us,
                                .carried = row->carried};

    RETURN_IF_BAD(batch->store->ops->device_by_id(batch->store, &row->device, &device));
    device.officer = row->officer; /* whose word it was */
    status = arena_new(&batch->arena);
    if (status == STATUS_OK) {
        batch->then_pos = row->pos;
        status = apply_entry(batch, &applying);
        batch->then_pos = outer_then_pos;
        if (status == STATUS_OK && after != NULL)
            status = after(batch, &applying);
        arena_free(batch->arena);
    }
    batch->arena = outer;
    return status;
}

enum status apply_waiting(struct batch *batch, const struct hash *came, uint64_t pos)
{
    for (;;) {
        struct waiting_row row;
        struct entry entry;
        uint8_t *payload = NULL;
        enum status status = take_first(batch, came, &row, &entry, &payload);

        if (status == STATUS_NOT_FOUND)
            return STATUS_OK;
        if (status == STATUS_OK)
            status = batch->store->ops->waiting_forget(batch->store, &row);
        if (status == STATUS_OK)
            status = apply_row(batch, &row, &entry, &row.awaited, pos, NULL);
        free(payload);
        RETURN_IF_BAD(status);
    }
}

struct waiter {
    struct waiting_row row;
    struct entry entry;
    uint8_t *payload;
};

struct waiters {
    struct waiter *items;
    size_t count, capacity;
};

/* All at once: those that can't be done yet come back under the same key. */
static enum status take_all(struct batch *batch, const struct hash *awaited, size_t max, struct waiters *waiters)
{
    enum status status = STATUS_OK;

    while (status == STATUS_OK && waiters->count < max) {
        struct waiter *waiter;

        RETURN_IF_BAD(
            batch_list_room((void **)&waiters->items, &waiters->capacity, waiters->count, sizeof(waiters->items[0])));
        waiter = &waiters->items[waiters->count];
        status = take_first(batch, awaited, &waiter->row, &waiter->entry, &waiter->payload);
        if (status != STATUS_OK)
            break;
        waiters->count++;
        status = batch->store->ops->waiting_forget(batch->store, &waiter->row);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status apply_waiting_again(struct batch *batch, const struct hash *awaited, size_t max, uint64_t pos,
                                waiting_after after)
{
    struct waiters waiters = {.count = 0};
    static const struct hash again = {{0}}; /* it isn't the first time, and it may wait for the same once more */
    enum status status = take_all(batch, awaited, max, &waiters);

    for (size_t i = 0; i < waiters.count; i++) {
        struct waiter *waiter = &waiters.items[i];

        if (status == STATUS_OK)
            status = apply_row(batch, &waiter->row, &waiter->entry, &again, pos, after);
        free(waiter->payload);
    }
    free(waiters.items);
    return status;
}
