/*
 * One push: where it stands against what is stored, its anchors, its row in the journal, and its entries in order.
 * Everything that could refuse it comes before the first write.
 */
#include "server/logic/batch_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/payload.h"

/* Where a push goes. */
struct place_in_log {
    struct device_row device; /* of the log */
    struct device_row branch; /* is_branch: what it is kept under */
    bool is_branch;
    uint64_t fork_seq; /* a new branch: where it begins; 0 otherwise */
    size_t first;      /* the first new entry; entry_count: all are stored already */
    uint64_t pos;      /* of the last entry, when all are stored */
};

static uint64_t last_seq(const struct push *push)
{
    return push->first_seq + push->entry_count - 1;
}

/* The first entry that differs from what is stored under the same number. OK with *ret_at == entry_count: none does. */
static enum status first_difference(struct batch *batch, const struct id *log, const struct push *push,
                                    uint64_t stored_to, size_t *ret_at)
{
    size_t at = 0;

    for (; at < push->entry_count && push->first_seq + at <= stored_to; at++) {
        struct hash stored;
        uint64_t pos;

        RETURN_IF_BAD(log_hash_at(batch, log, push->first_seq + at, &stored, &pos));
        if (!hash_equal(&stored, &push->entries[at].hash)) {
            *ret_at = at;
            return STATUS_OK;
        }
    }
    *ret_at = push->entry_count;
    return STATUS_OK;
}

/* It isn't what the log holds: a branch that is known, a new one, or bytes that follow nothing. */
static enum status place_branch(struct batch *batch, const struct push *push, struct place_in_log *place)
{
    const struct device_row *device = &place->device;
    enum status status = fork_branch_find(batch, device, push, &place->branch);
    size_t at = 0;
    struct hash stored = {{0}};
    uint64_t pos;

    place->is_branch = true;
    if (status == STATUS_OK) {
        place->first = last_seq(push) <= place->branch.last_seq
                           ? push->entry_count
                           : (size_t)(place->branch.last_seq + 1 - push->first_seq);
        return STATUS_OK;
    }
    if (status != STATUS_NOT_FOUND)
        return status == STATUS_OVER_LIMIT ? STATUS_LOG_FORK : status;
    RETURN_IF_BAD(first_difference(batch, &device->log, push, device->last_seq, &at));
    if (at == push->entry_count)
        return STATUS_BAD_CHAIN;
    if (at == 0 && push->first_seq > 1)
        RETURN_IF_BAD(log_hash_at(batch, &device->log, push->first_seq - 1, &stored, &pos));
    if (at == 0 && !hash_equal(&stored, &push->previous))
        return STATUS_BAD_CHAIN;
    place->first = at;
    place->fork_seq = push->first_seq + at;
    status = fork_branch_new(batch, device, place->fork_seq, &push->entries[at].header.previous, &place->branch);
    return status == STATUS_OVER_LIMIT ? STATUS_LOG_FORK : status;
}

static enum status place_push(struct batch *batch, const struct push *push, struct place_in_log *place)
{
    const struct device_row *device = &place->device;
    struct hash stored = device->last_hash;
    const struct hash *shown = &push->previous; /* what the push says stands at the place of `stored` */

    if (push->first_seq > device->last_seq + 1) {
        enum status status = device->fork_seq != 0 ? place_branch(batch, push, place) : STATUS_BAD_CHAIN;

        return status == STATUS_BAD_CHAIN || status == STATUS_LOG_FORK ? STATUS_LOG_GAP : status;
    }
    if (last_seq(push) < device->last_seq) {
        RETURN_IF_BAD(log_hash_at(batch, &device->log, last_seq(push), &stored, &place->pos));
        shown = &push->entries[push->entry_count - 1].hash;
        place->first = push->entry_count;
    } else if (push->first_seq <= device->last_seq) {
        place->first = (size_t)(device->last_seq + 1 - push->first_seq);
        shown = &push->entries[place->first - 1].hash;
    } else {
        place->first = 0;
    }
    if (!hash_equal(&stored, shown))
        return push->first_seq > device->last_seq && device->fork_seq == 0 ? STATUS_BAD_CHAIN
                                                                           : place_branch(batch, push, place);
    if (place->first == push->entry_count && place->pos == 0)
        return log_hash_at(batch, &device->log, last_seq(push), &stored, &place->pos);
    return STATUS_OK;
}

static void tell_held(struct batch_result *result, uint64_t seq, const char *reason)
{
    if (result->held_count < sizeof(result->held) / sizeof(result->held[0]))
        result->held[result->held_count] = (struct batch_held){seq, reason};
    result->held_count++;
}

static enum status note_held(struct batch *batch, const struct applying *applying, struct batch_result *result)
{
    struct held_row row = {.log = applying->log, .seq = applying->entry->header.seq};

    (void)snprintf(row.reason, sizeof(row.reason), "%s", applying->held);
    tell_held(result, row.seq, applying->held);
    return batch->store->ops->held_put(batch->store, &row);
}

/* The same text for as long as the batch lives: results cross threads. */
static const char *kept_reason(struct batch *batch, const char *reason)
{
    for (size_t i = 0; i < batch->reason_count; i++) {
        if (strcmp(batch->reasons[i], reason) == 0)
            return batch->reasons[i];
    }
    if (batch->reason_count == BATCH_REASONS_MAX)
        return "held";
    batch->reasons[batch->reason_count] = strdup(reason);
    return batch->reasons[batch->reason_count] == NULL ? "held" : batch->reasons[batch->reason_count++];
}

/* What an earlier Ack said of the entries that come again: it may never have arrived. */
static enum status tell_held_again(struct batch *batch, const struct push *push, size_t count,
                                   struct batch_result *result)
{
    struct held_row rows[sizeof(result->held) / sizeof(result->held[0])];
    size_t found = 0;

    if (count == 0)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->held_of_log(batch->store, &push->log, push->first_seq, push->first_seq + count - 1,
                                                 rows, sizeof(rows) / sizeof(rows[0]), &found));
    for (size_t i = 0; i < found; i++)
        tell_held(result, rows[i].seq, kept_reason(batch, rows[i].reason));
    return STATUS_OK;
}

/* Entries of suspended and lost devices are kept, and held (D1). */
static const char *held_by_standing(const struct device_row *device)
{
    if (device->standing == DEVICE_SUSPENDED)
        return "device_suspended";
    return device->standing == DEVICE_LOST ? "device_lost" : NULL;
}

static enum status apply_entries(struct batch *batch, const struct push *push, const struct anchor_row *anchors,
                                 struct place_in_log *place, uint64_t first_pos, struct batch_result *result)
{
    struct device_row *log_row = place->is_branch ? &place->branch : &place->device;
    struct applying applying = {.device = &place->device, .log = log_row->log, .received_us = batch->time_us};
    int64_t newest_us = place->device.watermark_us;
    bool stopped = place->is_branch || place->device.watermark_stopped;
    bool is_void;

    for (size_t i = place->first; i < push->entry_count; i++) {
        const struct anchor_row *anchor = anchor_of(push, anchors, &push->entries[i].header.checkpoint);

        applying.entry = &push->entries[i];
        applying.pos = first_pos + (i - place->first);
        applying.entry_pos = applying.pos;
        applying.checkpoint_us = anchor != NULL ? anchor->time_us : INT64_MIN;
        applying.held = place->is_branch ? "contested" : held_by_standing(&place->device);
        RETURN_IF_BAD(apply_entry(batch, &applying));
        if (applying.held != NULL)
            RETURN_IF_BAD(note_held(batch, &applying, result));
        if (payload_descriptor(applying.entry->header.kind) == NULL && !stopped) {
            stopped = true;
            place->device.watermark_stopped = true;
        }
        if (anchor == NULL || stopped || !watermark_takes(&place->device, anchor, newest_us))
            continue;
        RETURN_IF_BAD(anchor_is_void(batch, anchor->time_us, &is_void));
        if (!is_void)
            newest_us = anchor->time_us;
    }
    RETURN_IF_BAD(anchor_is_void(batch, newest_us, &is_void)); /* by an entry of this very push */
    if (is_void)
        RETURN_IF_BAD(watermark_up_to(batch, &place->device, &newest_us));
    if (newest_us > place->device.watermark_us)
        RETURN_IF_BAD(watermark_move(batch, &place->device, newest_us));
    return STATUS_OK;
}

/* What is kept of a log's head once its entries are in the journal. */
static void advance(struct device_row *log_row, const struct push *push, int64_t time_us)
{
    log_row->last_seq = last_seq(push);
    log_row->last_hash = push->entries[push->entry_count - 1].hash;
    log_row->last_receipt_us = time_us;
}

/* Where another log says that another entry stands than this push brings (F1); 0: nowhere. */
static enum status fork_by_carried(struct batch *batch, const struct push *push, size_t first, uint64_t *ret_seq)
{
    uint64_t seq = push->first_seq + first;
    bool differs = false;
    enum status status;

    *ret_seq = 0;
    for (; (status = batch->store->ops->carried_next(batch->store, &push->log, seq, last_seq(push), &seq)) == STATUS_OK;
         seq++) {
        RETURN_IF_BAD(batch->store->ops->carried_differs(batch->store, &push->log, seq,
                                                         &push->entries[seq - push->first_seq].hash, &differs));
        if (differs) {
            *ret_seq = seq;
            return STATUS_OK;
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status store_push(struct batch *batch, const struct push *push, struct span raw,
                              const struct batch_delivery *delivery, const struct anchor_row *anchors,
                              struct place_in_log *place, struct batch_result *result)
{
    struct device_row *log_row = place->is_branch ? &place->branch : &place->device;
    uint64_t fork_seq = place->fork_seq;
    uint64_t first_pos;

    RETURN_IF_BAD(journal_push(batch, push, place->first, raw, &log_row->log, delivery, &first_pos));
    RETURN_IF_BAD(anchors_store(batch, push, anchors, &log_row->log));
    if (id_equal(&delivery->device, &place->device.device))
        RETURN_IF_BAD(anchors_of_delivery(batch, push, &log_row->log, delivery));
    RETURN_IF_BAD(boots_apply(batch, push, place->first, &log_row->log, anchors));
    advance(log_row, push, batch->time_us);
    if (place->is_branch)
        RETURN_IF_BAD(batch->store->ops->device_put(batch->store, log_row));
    if (!place->is_branch)
        RETURN_IF_BAD(fork_by_carried(batch, push, place->first, &fork_seq));
    if (fork_seq != 0)
        RETURN_IF_BAD(fork_mark(batch, &place->device, fork_seq));
    RETURN_IF_BAD(apply_entries(batch, push, anchors, place, first_pos, result));
    RETURN_IF_BAD(batch->store->ops->device_put(batch->store, &place->device));
    if (fork_seq != 0)
        batch->log_memo.known = false;
    result->pos = batch->next.pos;
    return STATUS_OK;
}

/* The first record: a Force, whose own key verifies the push that brings it. */
static enum status check_force(struct batch *batch, const struct push *push, struct device_row *ret_device)
{
    struct verify_key *key = NULL;
    ProtobufCMessage *message;
    enum status status;

    if (push->first_seq != 1 || push->entries[0].header.kind != DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FORCE)
        return STATUS_UNKNOWN_LOG;
    if (push->anchor_count > 0)
        return STATUS_UNKNOWN_ANCHOR;
    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(payload_open(batch->arena, push->entries[0].header.kind, entry_message(&push->entries[0]), &message));
    const Doublecrew__V1__Force *force = (const Doublecrew__V1__Force *)message;
    if (force->training != batch->head.training)
        return STATUS_STORE_MODE;
    *ret_device = (struct device_row){.device = pb_id(force->operator_device_id),
                                      .log = push->log,
                                      .officer = pb_id(force->operator_id),
                                      .standing = DEVICE_ACTIVE,
                                      .revoked_as_of_us = RULE_FOREVER,
                                      .revocation_recorded_us = RULE_FOREVER,
                                      .assigned_from_us = batch->time_us,
                                      .watermark_us = INT64_MIN,
                                      .certificate_key_hash = pb_hash(force->operator_certificate_key_hash)};
    struct id log = pb_id(force->operator_log_id);
    if (!id_equal(&log, &push->log))
        return STATUS_UNKNOWN_LOG;
    RETURN_IF_BAD(public_key_from_wire(force->key_algorithm, span_of(force->operator_key.data, force->operator_key.len),
                                       &ret_device->key));
    RETURN_IF_BAD(verify_key_new(&ret_device->key, &key));
    status = push_verify(push, key);
    verify_key_free(key);
    if (status == STATUS_OK)
        status = force_keys_take(batch, force);
    return status;
}

static bool store_broke(enum status status)
{
    switch (status) {
    case STATUS_NO_MEMORY:
    case STATUS_IO:
    case STATUS_DISK_FULL:
    case STATUS_STORE:
    case STATUS_STORE_BUSY:
    case STATUS_STORE_VERSION:
    case STATUS_STORE_BEHIND:
    case STATUS_INTERNAL:
    case STATUS_NOT_FOUND: /* what must be there isn't */
        return true;
    default:
        return false;
    }
}

static enum status find_place(struct batch *batch, const struct push *push, struct place_in_log *place)
{
    enum status status;

    if (batch->next.pos == 0)
        return check_force(batch, push, &place->device);
    status = batch->store->ops->device_by_log(batch->store, &push->log, &place->device);
    if (status == STATUS_NOT_FOUND)
        return STATUS_UNKNOWN_LOG;
    return status == STATUS_OK ? place_push(batch, push, place) : status;
}

enum status batch_push(struct batch *batch, const struct push *push, struct span raw,
                       const struct batch_delivery *delivery, struct batch_result *ret_result)
{
    struct place_in_log place = {0};
    struct batch_result result = {0};
    struct anchor_row *anchors = calloc(push->anchor_count + 1, sizeof(*anchors));
    enum status status;

    assert(batch->open);
    if (anchors == NULL)
        return STATUS_NO_MEMORY;
    status = find_place(batch, push, &place);
    if (status == STATUS_OK && place.first < push->entry_count)
        status = anchors_check(batch, push, anchors);
    if (status != STATUS_OK) {
        result.status = status;
        status = store_broke(status) ? status : STATUS_OK;
    } else {
        if (!place.is_branch)
            status = tell_held_again(batch, push, place.first, &result);
        if (status == STATUS_OK && place.first < push->entry_count)
            status = store_push(batch, push, raw, delivery, anchors, &place, &result);
        else if (status == STATUS_OK)
            result.pos = place.is_branch ? 0 : place.pos;
        result.status = place.is_branch ? STATUS_LOG_FORK : STATUS_OK;
    }
    result.durable_seq = place.device.last_seq;
    result.durable_hash = place.device.last_hash;
    free(anchors);
    if (status == STATUS_OK)
        *ret_result = result;
    return status;
}
