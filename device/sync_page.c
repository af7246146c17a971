/* Rows of the server: a page with the feed's new place in one transaction (P1), then what the app and the server hear. */
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/report.h"
#include "device/row_read.h"
#include "device/upkeep.h"

/* Epoch, cursor, generation, resync, repairs, unproved; then the key. */
#define FEED_HEAD_SIZE (ID_SIZE + 8 + 8 + 1 + 4 + 1)
#define FEED_SIZE_MAX (FEED_HEAD_SIZE + SYNC_KEY_SIZE_MAX)
#define MESSAGE_DELTA 3u /* ServerMessage.delta */
#define DELTA_ROWS 4u

static enum status save_feed(struct dc_device *device)
{
    const struct sync_feed *feed = &device->sync.feed;
    uint8_t bytes[FEED_SIZE_MAX];
    uint8_t *at = bytes;

    memcpy(at, feed->epoch.bytes, ID_SIZE);
    put_u64(at + ID_SIZE, feed->cursor);
    put_u64(at + ID_SIZE + 8, feed->generation);
    at[ID_SIZE + 16] = feed->resync;
    put_u32(at + ID_SIZE + 17, feed->repairs);
    at[ID_SIZE + 21] = feed->unproved;
    memcpy(at + FEED_HEAD_SIZE, feed->key, feed->key_size);
    return store_state_put(device->store, "feed", span_of(bytes, FEED_HEAD_SIZE + feed->key_size));
}

enum status device_save_feed(struct dc_device *device)
{
    enum status status = store_begin(device->store);

    if (status == STATUS_OK) {
        status = save_feed(device);
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
    }
    return status;
}

enum status device_load_feed(struct dc_device *device)
{
    uint8_t bytes[STORE_STATE_SIZE_MAX];
    struct sync_feed feed = {0};
    size_t size = 0;
    enum status status = store_state_get(device->store, "feed", bytes, &size);

    if (status == STATUS_NOT_FOUND) {
        device->sync.feed = feed;
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (size < FEED_HEAD_SIZE || size > FEED_SIZE_MAX) {
        return STATUS_STORE;
    }
    memcpy(feed.epoch.bytes, bytes, ID_SIZE);
    feed.cursor = get_u64(bytes + ID_SIZE);
    feed.generation = get_u64(bytes + ID_SIZE + 8);
    feed.resync = bytes[ID_SIZE + 16] != 0;
    feed.repairs = get_u32(bytes + ID_SIZE + 17);
    feed.unproved = bytes[ID_SIZE + 21];
    feed.key_size = size - FEED_HEAD_SIZE;
    memcpy(feed.key, bytes + FEED_HEAD_SIZE, feed.key_size);
    device->sync.feed = feed;
    return STATUS_OK;
}

/* A row that a flag brought ahead of its page is newer than the page's. */
static enum status is_stale(struct dc_device *device, struct span key, uint64_t pos, bool *ret_stale)
{
    uint64_t held_pos = 0;
    uint64_t generation = 0;
    enum status status = store_row_place(device->store, key, &held_pos, &generation);

    if (status == STATUS_NOT_FOUND) {
        *ret_stale = false;
        return STATUS_OK;
    }
    *ret_stale = status == STATUS_OK && generation == device->sync.feed.generation && held_pos > pos;
    return status;
}

/* raw: the Row as it came, which is what the digest is over; also of a kind that this version can't show (P5). */
static enum status put_row(struct dc_device *device, struct span key, uint64_t pos, struct span raw)
{
    struct store_row stored = {.key = key, .pos = pos, .generation = device->sync.feed.generation, .bytes = raw};
    enum status status = rows_digest_replace(device, key, &raw);

    return status == STATUS_OK ? store_put_row(device->store, &stored) : status;
}

enum status device_delete_row(struct dc_device *device, struct span key)
{
    enum status status = rows_digest_replace(device, key, NULL);

    return status == STATUS_OK ? store_delete_row(device->store, key) : status;
}

static enum status apply_row(struct dc_device *device, const Doublecrew__V1__Row *row, struct span raw)
{
    struct span key = span_of(row->key.data, row->key.len);
    bool stale = false;
    enum status status;

    if (key.size == 0) {
        return STATUS_OK; /* no row at all */
    }
    if (row->row_case == DOUBLECREW__V1__ROW__ROW_TOMBSTONE) {
        return device_delete_row(device, key);
    }
    status = is_stale(device, key, row->pos, &stale);
    return status == STATUS_OK && !stale ? put_row(device, key, row->pos, raw) : status;
}

/* The rows as they were unpacked, each with its bytes in the message. */
static enum status apply_rows(struct dc_device *device, const struct sync_action *action)
{
    struct span rest;
    enum status status = wire_find(action->raw, MESSAGE_DELTA, &rest);

    for (size_t i = 0; i < action->delta->n_rows && status == STATUS_OK; i++) {
        struct span raw;

        status = wire_next(&rest, DELTA_ROWS, &raw);
        if (status == STATUS_OK) {
            status = apply_row(device, action->delta->rows[i], raw);
        }
    }
    return status;
}

static enum status sweep(struct dc_device *device)
{
    uint64_t swept = 0;
    enum status status = store_sweep_rows(device->store, device->sync.feed.generation, &swept);

    if (status == STATUS_OK && swept > 0) {
        rows_digest_forget(device);
    }
    return status;
}

/* All rows are here: from now on they grow old anew. */
static enum status save_age(struct dc_device *device)
{
    upkeep_read_clocks(device);
    age_synced(&device->age);
    return upkeep_save(device);
}

static enum status apply(struct dc_device *device, const struct sync_action *action)
{
    enum status status = store_begin(device->store);

    if (status == STATUS_OK) {
        status = apply_rows(device, action);
    }
    if (status == STATUS_OK && action->sweep) {
        status = sweep(device);
    }
    if (status == STATUS_OK) {
        status = save_feed(device);
    }
    if (status == STATUS_OK && action->delta->last) {
        status = save_age(device);
    }
    if (status == STATUS_OK && device->ack_seq > device->reflected_seq &&
        (action->delta->last || action->delta->to_cursor > device->ack_pos)) {
        device->reflected_seq = device->ack_seq;
        status = device_save_durable(device, device->sync.durable_seq);
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
        rows_digest_forget(device);
    }
    return status;
}

static enum status send_applied(struct dc_device *device)
{
    struct sync_feed *feed = &device->sync.feed;
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Applied applied = DOUBLECREW__V1__APPLIED__INIT;

    applied.cursor = feed->cursor;
    applied.key = (ProtobufCBinaryData){.data = feed->key, .len = feed->key_size};
    applied.page_credit = 1; /* one applied, one more may come: the window stays as Hello set it */
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_APPLIED;
    message.applied = &applied;
    return device_send(device, &message);
}

static void report_row(struct dc_device *device, const Doublecrew__V1__Row *row)
{
    struct dc_event event = device_event(DC_EVENT_ROW);

    event.key = row->key.data;
    event.key_size = row->key.len;
    event.pos = row->pos;
    event.deleted = row->row_case == DOUBLECREW__V1__ROW__ROW_TOMBSTONE;
    device_emit(device, &event);
    if (row->row_case == DOUBLECREW__V1__ROW__ROW_PRESENCE && row->presence->presence.len == HASH_SIZE) {
        struct dc_event verdict = device_event(DC_EVENT_VERDICT);

        memcpy(verdict.presence.bytes, row->presence->presence.data, HASH_SIZE);
        verdict.text = row->presence->company;
        verdict.pos = row->pos;
        device_emit(device, &verdict);
    }
}

static void report_page(struct dc_device *device, const Doublecrew__V1__Delta *delta)
{
    struct dc_event event = device_event(DC_EVENT_PAGE);

    for (size_t i = 0; i < delta->n_rows; i++) {
        report_row(device, delta->rows[i]);
    }
    event.cursor = delta->to_cursor;
    event.count = (uint32_t)delta->n_rows;
    event.complete = delta->last;
    device_emit(device, &event);
    device_report_progress(device);
}

/* Against the server's digest over the same rows, when this page tells it (P2). */
static enum status check_rows(struct dc_device *device, const Doublecrew__V1__Delta *delta)
{
    struct sync_event event = {.type = SYNC_EVENT_ROWS_CHECKED};
    bool checked = false;
    enum status status = rows_digest_check(device, delta, &checked, &event.same);

    if (status == STATUS_OK && checked) {
        device_drive(device, &event);
    }
    return status;
}

enum status device_apply_page(struct dc_device *device, const struct sync_action *action)
{
    enum status status = apply(device, action);

    if (status != STATUS_OK) {
        enum status loaded = device_load_feed(device); /* back to what is durable */

        return loaded == STATUS_OK ? status : loaded;
    }
    status = send_applied(device);
    report_page(device, action->delta);
    return status == STATUS_OK ? check_rows(device, action->delta) : status;
}

static enum status flag_row(struct dc_device *device, const Doublecrew__V1__Flag *flag)
{
    uint8_t key[1 + HASH_SIZE] = {'f'};
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool stale = false;
    enum status status;

    memcpy(key + 1, flag->flag->flag_id.data, HASH_SIZE);
    row.pos = flag->pos;
    row.key = (ProtobufCBinaryData){.data = key, .len = sizeof key};
    row.row_case = DOUBLECREW__V1__ROW__ROW_FLAG;
    row.flag = flag->flag;
    status = wire_pack(&row.base, &bytes, &size);
    if (status == STATUS_OK) {
        status = store_begin(device->store);
    }
    if (status == STATUS_OK) {
        status = is_stale(device, span_of(key, sizeof key), flag->pos, &stale);
    }
    if (status == STATUS_OK && !stale) {
        status = put_row(device, span_of(key, sizeof key), flag->pos, span_of(bytes, size));
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
        rows_digest_forget(device);
    } else if (!stale) {
        rows_digest_ahead(device, flag->pos);
    }
    free(bytes);
    return status;
}

enum status device_store_flag(struct dc_device *device, const Doublecrew__V1__Flag *flag)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__FlagReceived received = DOUBLECREW__V1__FLAG_RECEIVED__INIT;
    struct dc_event event = device_event(DC_EVENT_FLAG);
    struct row_flag row;
    enum status status = flag_row(device, flag);

    if (status != STATUS_OK) {
        return status;
    }
    received.flag_id = flag->flag->flag_id;
    received.pos = flag->pos;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_FLAG_RECEIVED;
    message.flag_received = &received;
    status = device_send(device, &message);
    row_read_flag(flag->flag, &row);
    event.row = &row.flag;
    event.pos = flag->pos;
    event.text = row.flag.kind;
    device_emit(device, &event);
    return status;
}
