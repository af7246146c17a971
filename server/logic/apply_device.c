/* Operators' entries about devices: enrolment, assignment, standing (S3, F4, D1). */
#include "server/logic/batch_internal.h"
#include "server/logic/standing.h"

#include <string.h>

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return a->algorithm == b->algorithm && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* A log's key never changes: a new key is a new device with a new log. */
static enum status enrolment_clash(struct batch *batch, const struct device_row *row, const char **ret_held)
{
    struct device_row other;
    struct officer_row officer;
    enum status status = batch->store->ops->device_by_log(batch->store, &row->log, &other);

    if (status == STATUS_OK && !id_equal(&other.device, &row->device))
        *ret_held = "log_in_use";
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    status = batch->store->ops->device_by_id(batch->store, &row->device, &other);
    if (status == STATUS_OK && (!id_equal(&other.log, &row->log) || !same_key(&other.key, &row->key)))
        *ret_held = "device_in_use";
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (!hash_is_zero(&row->certificate_key_hash)) {
        status = batch->store->ops->device_by_certificate(batch->store, &row->certificate_key_hash, &other);
        if (status == STATUS_OK && !id_equal(&other.device, &row->device))
            *ret_held = "certificate_in_use";
        else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    if (id_is_zero(&row->officer)) /* a pool device that nobody holds */
        return STATUS_OK;
    status = batch->store->ops->officer_get(batch->store, &row->officer, &officer);
    if (status == STATUS_NOT_FOUND)
        *ret_held = "unknown_officer";
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status touch_presence(void *context, const struct presence_row *row)
{
    return batch_touch(context, &row->presence);
}

/* What was done on the device, and who may wait for its word, from a time on. */
static enum status touch_from(struct batch *batch, const struct device_row *device, int64_t from_us)
{
    RETURN_IF_BAD(
        batch->store->ops->presences_on_device(batch->store, &device->device, from_us, touch_presence, batch));
    return watermark_touch(batch, device, from_us);
}

/* The device's row, in its author's own case the one that the caller keeps. */
static enum status device_store(struct batch *batch, struct applying *applying, const struct device_row *row)
{
    if (id_equal(&row->device, &applying->device->device))
        *applying->device = *row;
    batch->roster_changed = true;
    return batch->store->ops->device_put(batch->store, row);
}

static enum status current_row(struct batch *batch, const struct applying *applying, const struct id *device,
                               struct device_row *ret_row)
{
    if (id_equal(device, &applying->device->device)) {
        *ret_row = *applying->device;
        return STATUS_OK;
    }
    return batch->store->ops->device_by_id(batch->store, device, ret_row);
}

enum status apply_device(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Device *message = (const Doublecrew__V1__Device *)base;
    struct device_row stored, row = {.device = pb_id(message->device_id),
                                     .log = pb_id(message->log_id),
                                     .officer = pb_id(message->officer_id),
                                     .certificate_key_hash = pb_hash(message->certificate_key_hash),
                                     .standing = DEVICE_ACTIVE,
                                     .revoked_as_of_us = RULE_FOREVER,
                                     .revocation_recorded_us = RULE_FOREVER,
                                     .assigned_from_us = batch->time_us,
                                     .watermark_us = INT64_MIN};
    enum status status;

    if (public_key_from_wire(message->key_algorithm, span_of(message->public_key.data, message->public_key.len),
                             &row.key) != STATUS_OK) {
        applying->held = "malformed_payload";
        return STATUS_OK;
    }
    RETURN_IF_BAD(enrolment_clash(batch, &row, &applying->held));
    if (applying->held != NULL)
        return STATUS_OK;
    status = current_row(batch, applying, &row.device, &stored);
    if (status == STATUS_OK) {
        if (!id_equal(&stored.officer, &row.officer))
            stored.assigned_from_us = batch->time_us;
        stored.officer = row.officer;
        stored.certificate_key_hash = row.certificate_key_hash;
        row = stored;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    RETURN_IF_BAD(device_store(batch, applying, &row));
    RETURN_IF_BAD(touch_from(batch, &row, batch->time_us)); /* the holder until now among them */
    RETURN_IF_BAD(holder_change(batch, &row.device, &row.officer));
    RETURN_IF_BAD(touch_from(batch, &row, batch->time_us));
    return feed_member_refresh(batch, &row, applying->pos);
}

/* It ends when the device is taken back into use, or by a decision on the flag. */
static enum status flag_standing(struct batch *batch, const struct device_row *row)
{
    struct flag_about about = {.kind = FLAG_LOST_DEVICE,
                               .subject = flag_subject_of_id(&row->device),
                               .officer = row->officer,
                               .severity = flag_info(FLAG_LOST_DEVICE)->severity,
                               .lane = DOUBLECREW__V1__FLAG_LANE__FLAG_LANE_ASSURANCE};

    return flag_settle(batch, &about, row->standing == DEVICE_SUSPENDED || row->standing == DEVICE_LOST, NULL);
}

enum status apply_device_state(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__DeviceState *message = (const Doublecrew__V1__DeviceState *)base;
    struct id device = pb_id(message->device_id);
    int64_t as_of_us = message->as_of_ms == 0 ? batch->time_us : message->as_of_ms * 1000;
    struct device_row row;
    enum status status = current_row(batch, applying, &device, &row);
    int64_t from_us;

    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_device";
        return STATUS_OK;
    }
    RETURN_IF_BAD(status);
    from_us = row.revoked_as_of_us < as_of_us ? row.revoked_as_of_us : as_of_us;
    row.standing = (enum device_standing)message->standing; /* the same numbers: DEVICE_ACTIVE is 1 on the wire, too */
    row.revoked_as_of_us = RULE_FOREVER;
    row.revocation_recorded_us = RULE_FOREVER;
    if (row.standing == DEVICE_SUSPENDED || row.standing == DEVICE_LOST) {
        row.revoked_as_of_us = as_of_us;
        row.revocation_recorded_us = batch->time_us;
    }
    RETURN_IF_BAD(device_store(batch, applying, &row));
    RETURN_IF_BAD(flag_standing(batch, &row));
    RETURN_IF_BAD(touch_from(batch, &row, from_us));
    RETURN_IF_BAD(watermark_touch(batch, &row, row.watermark_us)); /* lost: its log can no longer report */
    return feed_member_refresh(batch, &row, applying->pos);
}

/* A device's word that what left its scopes is gone from it. A copy of the phone can't give it for the other (F2). */
enum status apply_purged(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Purged *message = (const Doublecrew__V1__Purged *)base;
    uint64_t pos = get_u64(message->purge_id.data);

    (void)batch;
    if (applying->device->fork_seq != 0)
        applying->held = "contested";
    else if (applying->carried || pos >= applying->pos)
        applying->held = "not_permitted";
    else if (applying->device->standing != DEVICE_LOST) {
        applying->held = NULL; /* a suspended device is asked for nothing else (D1) */
        if (pos > applying->device->purged_pos)
            applying->device->purged_pos = pos;
    }
    return STATUS_OK;
}
