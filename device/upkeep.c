#include "device/upkeep.h"

#include <string.h>

#include "device/report.h"

#define HOUR_MS UINT64_C(3600000)
/* Between two looks: timers and monotonic clocks aren't the same, and the latter may stand still in a simulation. */
#define SHORTEST_MS 1000
#define LONGEST_MS (24 * HOUR_MS)

void upkeep_read_clocks(struct dc_device *device)
{
    struct id boot;
    uint64_t monotonic_ms = device_monotonic(device, &boot);

    age_read(&device->age, &boot, monotonic_ms, device->clock.wall_ms(device->clock.context));
}

enum status upkeep_save(struct dc_device *device)
{
    uint8_t bytes[AGE_SIZE];

    upkeep_read_clocks(device);
    age_encode(&device->age, bytes);
    return store_state_put(device->store, "age", span_of(bytes, sizeof bytes));
}

static int64_t retention_ms(const struct dc_device *device)
{
    return (int64_t)(device->retention_hours * HOUR_MS);
}

/* Looks up when the next body is due; 0: nothing will be. */
static enum status set_due(struct dc_device *device)
{
    int64_t oldest = 0;
    enum status status = store_oldest_acknowledged(device->store, &oldest);

    if (status == STATUS_OK) {
        device->forget_due_ms = oldest + retention_ms(device);
    } else if (status == STATUS_NOT_FOUND) {
        device->forget_due_ms = 0;
        status = STATUS_OK;
    }
    return status;
}

enum status upkeep_forget(struct dc_device *device)
{
    int64_t now_ms = age_server_ms(&device->age);
    enum status status = STATUS_OK;

    if (device->retention_hours > 0 && now_ms > 0) {
        status = store_date_acknowledged(device->store, now_ms);
        if (status == STATUS_OK) {
            status = store_forget(device->store, now_ms - retention_ms(device));
        }
        if (status == STATUS_OK) {
            status = set_due(device);
        }
    }
    return status == STATUS_OK ? store_prune_anchors(device->store) : status;
}

static enum status forget_now(struct dc_device *device)
{
    enum status status = store_begin(device->store);

    if (status != STATUS_OK) {
        return status;
    }
    status = upkeep_forget(device);
    if (status == STATUS_OK) {
        status = upkeep_save(device);
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
    }
    return status;
}

enum status upkeep_open(struct dc_device *device)
{
    uint8_t bytes[STORE_STATE_SIZE_MAX];
    size_t size = 0;
    enum status status = store_state_get(device->store, "age", bytes, &size);

    if (status == STATUS_OK) {
        status = age_decode(span_of(bytes, size), &device->age);
    } else if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    device->last_online_ms = device->age.online_wall_ms;
    upkeep_read_clocks(device);
    status = forget_now(device); /* also makes this reading durable: a reboot counts once */
    device->records_told = upkeep_records(device);
    return status;
}

enum dc_records upkeep_records(struct dc_device *device)
{
    uint64_t age_ms;

    upkeep_read_clocks(device);
    age_ms = age_of_rows_ms(&device->age);
    if (!device->age.synced && device->sync.feed.cursor == 0) {
        return DC_RECORDS_NONE;
    }
    if (device->seal_hours > 0 && age_ms >= device->seal_hours * HOUR_MS) {
        return DC_RECORDS_SEALED;
    }
    return device->warn_hours > 0 && age_ms >= device->warn_hours * HOUR_MS ? DC_RECORDS_OLD : DC_RECORDS_FRESH;
}

enum status upkeep_check_readable(struct dc_device *device)
{
    return upkeep_records(device) == DC_RECORDS_SEALED ? STATUS_SEALED : STATUS_OK;
}

static void tell(struct dc_device *device, enum dc_records records)
{
    struct dc_event event = device_event(DC_EVENT_RECORDS);

    event.records = records;
    event.age_ms = age_of_rows_ms(&device->age);
    if (records == DC_RECORDS_SEALED) {
        event.status = DC_SEALED;
        event.text = status_what(STATUS_SEALED);
        event.advice = status_advice(STATUS_SEALED);
    } else if (records == DC_RECORDS_OLD) {
        event.text = "The server's records on this phone are more than a day old, and may be out of date";
        event.advice = "Connect so that the phone syncs; after some days without a sync they are sealed";
    } else {
        event.text = "The server's records on this phone are up to date";
    }
    device_emit(device, &event);
}

static bool is_due(struct dc_device *device)
{
    return device->forget_due_ms > 0 && age_server_ms(&device->age) > device->forget_due_ms;
}

void upkeep_watch(struct dc_device *device)
{
    enum dc_records records = upkeep_records(device);

    if (is_due(device)) {
        enum status status = forget_now(device);

        if (status != STATUS_OK) {
            struct sync_action action = {.type = SYNC_ACTION_REPORT_ERROR, .status = status};

            device->forget_due_ms = 0; /* told once; the next Ack or opening tries again */
            device_report_error(device, &action);
        }
    }
    if (records != device->records_told) {
        device->records_told = records;
        tell(device, records);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t upkeep_next_ms(struct dc_device *device)
{
    enum dc_records records = upkeep_records(device);
    uint64_t age_ms = age_of_rows_ms(&device->age);
    uint64_t next = LINK_NO_TIMER;

    if (records == DC_RECORDS_FRESH && device->warn_hours > 0) {
        next = device->warn_hours * HOUR_MS - age_ms;
    }
    if ((records == DC_RECORDS_FRESH || records == DC_RECORDS_OLD) && device->seal_hours > 0) {
        next = least(next, device->seal_hours * HOUR_MS - age_ms);
    }
    if (device->forget_due_ms > 0) {
        int64_t left = device->forget_due_ms - age_server_ms(&device->age);

        next = least(next, left > 0 ? (uint64_t)left + 1 : 1);
    }
    if (next == LINK_NO_TIMER) {
        return next;
    }
    return next < SHORTEST_MS ? SHORTEST_MS : least(next, LONGEST_MS);
}
