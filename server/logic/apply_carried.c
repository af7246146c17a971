/* What stands in one log about another: a partner's entries (C1, F1), a log declared lost (F3), and the seal (W1). */
#include "server/logic/batch_internal.h"

#include "core/checkpoint.h"

enum status apply_seal(struct batch *batch, struct applying *applying, const ProtobufCMessage *message)
{
    (void)batch;
    (void)applying;
    (void)message;
    return STATUS_OK; /* the checkpoint in its header is what counts */
}

static enum status verify_carried(const struct push *push, const struct device_row *device)
{
    struct verify_key *key;
    enum status status;

    RETURN_IF_BAD(verify_key_new(&device->key, &key));
    status = push_verify(push, key);
    verify_key_free(key);
    return status;
}

/*
 * A phone checks what it carries before it takes it, so this one's app, or what it was given by hand, isn't what it should be. An
 * operator's device brings in what a broken phone wrote to a file: that says nothing of the device.
 */
static enum status flag_altered(struct batch *batch, const struct applying *applying)
{
    struct flag_about about = {.kind = FLAG_ALTERED_EVIDENCE,
                               .subject = flag_subject_of_id(&applying->device->device),
                               .officer = applying->device->officer,
                               .severity = flag_info(FLAG_ALTERED_EVIDENCE)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE};
    struct officer_row officer;
    enum status status = batch->store->ops->officer_get(batch->store, &applying->device->officer, &officer);

    if (status == STATUS_OK && officer.is_operator)
        return STATUS_OK;
    return status == STATUS_OK || status == STATUS_NOT_FOUND ? flag_settle(batch, &about, true, NULL) : status;
}

/* Whether something else is known to stand at a place of the log: in what it pushed, or in what others carried. */
static enum status known_otherwise(struct batch *batch, const struct device_row *device, uint64_t seq,
                                   const struct hash *hash, bool *ret_otherwise)
{
    struct hash stored;
    uint64_t pos;
    enum status status;

    RETURN_IF_BAD(batch->store->ops->carried_put(batch->store, &device->log, seq, hash));
    RETURN_IF_BAD(batch->store->ops->carried_differs(batch->store, &device->log, seq, hash, ret_otherwise));
    if (*ret_otherwise || seq > device->last_seq)
        return STATUS_OK;
    status = log_hash_at(batch, &device->log, seq, &stored, &pos);
    if (status == STATUS_OK)
        *ret_otherwise = !hash_equal(&stored, hash);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Another entry than what is known of its place, or following another: the carried one is of another branch. */
static enum status mark_fork(struct batch *batch, struct device_row *device, const struct push *push)
{
    uint64_t fork_seq = 0;
    bool otherwise = false;

    if (push->first_seq > 1)
        RETURN_IF_BAD(known_otherwise(batch, device, push->first_seq - 1, &push->previous, &otherwise));
    if (otherwise)
        fork_seq = push->first_seq - 1;
    for (size_t i = 0; i < push->entry_count; i++) {
        RETURN_IF_BAD(known_otherwise(batch, device, push->entries[i].header.seq, &push->entries[i].hash, &otherwise));
        if (otherwise && fork_seq == 0)
            fork_seq = push->entries[i].header.seq;
    }
    if (fork_seq == 0)
        return STATUS_OK;
    RETURN_IF_BAD(fork_mark(batch, device, fork_seq));
    RETURN_IF_BAD(batch->store->ops->device_put(batch->store, device));
    batch->log_memo.known = false;
    return STATUS_OK;
}

static enum status apply_all(struct batch *batch, const struct push *push, struct device_row *device, uint64_t pos)
{
    struct applying inner = {.device = device,
                             .log = device->log,
                             .pos = pos,
                             .entry_pos = pos,
                             .received_us = batch->time_us,
                             .carried = true};

    for (size_t i = 0; i < push->entry_count; i++) {
        struct anchor_row anchor;
        enum status status = batch->store->ops->anchor_get(batch->store, &push->entries[i].header.checkpoint, &anchor);

        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        inner.entry = &push->entries[i];
        inner.held = NULL;
        inner.checkpoint_us = status == STATUS_OK ? anchor.time_us : INT64_MIN;
        RETURN_IF_BAD(carried_time_add(batch, device, inner.entry, inner.checkpoint_us));
        if (inner.entry->header.kind == DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED)
            continue; /* one level: what a partner carried reaches us from its own log */
        RETURN_IF_BAD(apply_entry(batch, &inner));
    }
    return STATUS_OK;
}

enum status apply_carried(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Carried *message = (const Doublecrew__V1__Carried *)base;
    struct device_row device;
    struct anchor_row *anchors;
    struct push push;
    enum status status = push_open(batch->arena, batch->sha, span_of(message->push.data, message->push.len), &push);

    if (status == STATUS_NO_MEMORY)
        return status;
    if (status != STATUS_OK) {
        applying->held = "malformed_payload";
        return STATUS_OK;
    }
    status = batch->store->ops->device_by_log(batch->store, &push.log, &device);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && id_equal(&device.log, &applying->device->log))) {
        applying->held = "unknown_log";
        return STATUS_OK;
    }
    RETURN_IF_BAD(status);
    if (verify_carried(&push, &device) != STATUS_OK) {
        applying->held = "bad_signature";
        return flag_altered(batch, applying);
    }
    anchors = arena_alloc(batch->arena, (push.anchor_count + 1) * sizeof(*anchors));
    if (anchors == NULL)
        return STATUS_NO_MEMORY;
    status = anchors_check(batch, &push, anchors);
    if (status == STATUS_OK)
        status = anchors_store(batch, &push, anchors, &push.log);
    if (status != STATUS_OK && status != STATUS_UNKNOWN_ANCHOR)
        return status; /* an anchor that can't be verified leaves the times loose */
    RETURN_IF_BAD(boots_clock_changed(batch));
    RETURN_IF_BAD(mark_fork(batch, &device, &push));
    return apply_all(batch, &push, &device, applying->pos);
}

/* Whether the officer has ever had the device in hand, a phone since handed on among them (F4). */
static enum status was_holder(struct batch *batch, const struct id *device, const struct id *officer, bool *ret_was)
{
    struct holder_row rows[LOGIC_HOLDERS_MAX];
    size_t count;

    RETURN_IF_BAD(batch->store->ops->holders_of_device(batch->store, device, INT64_MIN, RULE_FOREVER, rows,
                                                       LOGIC_HOLDERS_MAX, &count));
    *ret_was = false;
    for (size_t i = 0; i < count; i++)
        *ret_was = *ret_was || id_equal(&rows[i].officer, officer);
    return STATUS_OK;
}

enum status apply_log_lost(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__LogLost *message = (const Doublecrew__V1__LogLost *)base;
    struct id log = pb_id(message->lost_log_id);
    struct device_row lost;
    bool held_it = false;
    enum status status = batch->store->ops->device_by_log(batch->store, &log, &lost);

    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_log";
        return STATUS_OK;
    }
    RETURN_IF_BAD(status);
    RETURN_IF_BAD(was_holder(batch, &lost.device, &applying->device->officer, &held_it));
    held_it = held_it || id_equal(&lost.officer, &applying->device->officer);
    if (!held_it || id_equal(&lost.log, &applying->device->log)) {
        applying->held = "not_permitted";
        return STATUS_OK;
    }
    lost.standing = DEVICE_LOST;
    batch->roster_changed = true;
    RETURN_IF_BAD(watermark_move(batch, &lost, lost.watermark_us)); /* who waits for it looks again */
    RETURN_IF_BAD(batch->store->ops->device_put(batch->store, &lost));
    return feed_member_refresh(batch, &lost, applying->pos);
}
