#include "admin/operator_online.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/command.h"
#include "admin/operator_device.h"

/* Without an acknowledgement for so long it is given up: the server takes a push within seconds. DOUBLECREWCTL_WAIT_S. */
#define ONLINE_WAIT_S 60
#define ONLINE_WAIT_MAX_S 3600

struct online {
    enum dc_status last_error;
    char last_text[256];
    char held[128];
};

static void on_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    struct online *online = context;

    (void)device;
    if (event->type == DC_EVENT_ERROR) {
        online->last_error = event->status;
        snprintf(online->last_text, sizeof(online->last_text), "%s. %s", event->text, event->advice);
    }
    if (event->type == DC_EVENT_HELD)
        snprintf(online->held, sizeof(online->held), "entry %llu is held: %s", (unsigned long long)event->seq,
                 event->text);
}

static enum dc_status append_all(struct dc_device *device, const struct operator_entries *entries, size_t *ret_count)
{
    enum dc_status status = DC_OK;
    size_t count = 0;

    while (count < entries->count && status == DC_OK) {
        const struct operator_entry *entry = &entries->items[count];
        status = dc_append(device, entry->kind, entry->message, entry->size, NULL);
        count += status == DC_OK ? 1 : 0;
    }
    *ret_count = count;
    return status;
}

static time_t wait_s(void)
{
    const char *text = getenv("DOUBLECREWCTL_WAIT_S");
    uint64_t seconds = ONLINE_WAIT_S;

    if (text != NULL && !number_read(text, ONLINE_WAIT_MAX_S, &seconds))
        complain("DOUBLECREWCTL_WAIT_S is '%s', which is no number of seconds up to %d: %d is used", text,
                 ONLINE_WAIT_MAX_S, ONLINE_WAIT_S);
    return (time_t)seconds;
}

/* Until all is acknowledged, the session is over for good, or nothing has moved for so long. */
static enum dc_status wait_for_acks(struct dc_loop *loop, struct dc_device *device, struct online *online)
{
    struct dc_sync_status sync;
    enum dc_status status = dc_sync_start(device);
    time_t moved = time(NULL);
    time_t limit_s = wait_s();
    uint64_t durable_seq = 0;

    dc_sync_status(device, &sync);
    while (status == DC_OK && sync.pending_entries > 0 && sync.state != DC_SYNC_CLOSED &&
           online->last_error != DC_NOT_PERMITTED && time(NULL) < moved + limit_s) {
        status = dc_loop_run(loop, 200);
        dc_sync_status(device, &sync);
        if (sync.durable_seq != durable_seq)
            moved = time(NULL);
        durable_seq = sync.durable_seq;
    }
    return status;
}

static enum status send_all(struct dc_loop *loop, struct dc_device *device, struct online *online)
{
    struct dc_sync_status sync;
    enum dc_status status = wait_for_acks(loop, device, online);

    dc_sync_status(device, &sync);
    if (online->held[0] != '\0') {
        complain("the server keeps what was sent, but %s", online->held);
        return STATUS_NOT_PERMITTED;
    }
    if (status == DC_OK && sync.pending_entries == 0)
        return STATUS_OK;
    complain("%llu entries are not acknowledged yet: %s. They are kept, and sent first by the next command. %s",
             (unsigned long long)sync.pending_entries,
             online->last_error != DC_OK ? online->last_text : sync.reason_text, sync.advice);
    return STATUS_TIMEOUT;
}

/* *ret_status: what came of it, unless nothing was recorded at all. */
static enum dc_status use_device(struct dc_loop *loop, const struct dc_config *config,
                                 const struct operator_entries *entries, struct online *online, enum status *ret_status)
{
    struct dc_device *device = NULL;
    size_t recorded = 0;
    enum dc_status opened = dc_device_open(loop, config, &device);

    if (opened == DC_OK)
        opened = append_all(device, entries, &recorded);
    if (opened == DC_OK)
        *ret_status = send_all(loop, device, online);
    else if (recorded > 0)
        *ret_status = STATUS_TIMEOUT;
    dc_device_close(device);
    return opened;
}

static enum status with_device(const struct dc_config *prepared, const struct operator_entries *entries)
{
    struct dc_loop *loop = NULL;
    struct online online = {.last_error = DC_OK};
    struct dc_config config = *prepared;
    enum status status = STATUS_NETWORK;

    config.event_context = &online;
    config.on_event = on_event;

    enum dc_status opened = dc_loop_new(NULL, &loop);

    if (opened == DC_OK)
        opened = use_device(loop, &config, entries, &online, &status);
    if (opened != DC_OK)
        complain("a server runs on this store, and the operator's device could not be used: %s. %s.",
                 dc_status_what(opened), dc_status_advice(opened));
    dc_loop_free(loop);
    explicit_bzero(config.storage_key, sizeof(config.storage_key));
    return status;
}

enum status operator_online_write(const struct force_folder *folder, const struct force_facts *facts,
                                  const struct operator_entries *entries)
{
    struct operator_device device;
    enum status status = operator_device_prepare(folder, facts, &device);

    if (status == STATUS_OK)
        status = operator_device_find_server(folder, facts, &device);
    if (status == STATUS_OK)
        status = with_device(&device.config, entries);
    operator_device_done(&device);
    return status;
}

/* Entries of earlier commands that the server hasn't acknowledged. */
static enum status count_waiting(const struct dc_config *config, uint64_t *ret_count)
{
    struct dc_device *device = NULL;
    struct dc_sync_status sync;
    enum dc_status opened = dc_device_open(NULL, config, &device);

    if (opened != DC_OK) {
        complain("the operator's device could not be used: %s. %s.", dc_status_what(opened), dc_status_advice(opened));
        return STATUS_STORE;
    }
    dc_sync_status(device, &sync);
    *ret_count = sync.pending_entries;
    dc_device_close(device);
    return STATUS_OK;
}

enum status operator_online_settle(const struct force_folder *folder, const struct force_facts *facts)
{
    struct operator_device device;
    const struct operator_entries none = {.count = 0};
    uint64_t count = 0;
    enum status status = operator_device_prepare(folder, facts, &device);

    /* Only a command that went over the wire has made the device's store. */
    if (status == STATUS_OK && access(device.store, F_OK) == 0)
        status = count_waiting(&device.config, &count);
    if (status == STATUS_OK && count > 0) {
        fprintf(stderr, "doublecrewctl: %llu entries of an earlier command are still to be sent to the server\n",
                (unsigned long long)count);
        status = operator_device_find_server(folder, facts, &device);
        if (status == STATUS_OK)
            status = with_device(&device.config, &none);
    }
    operator_device_done(&device);
    return status;
}
