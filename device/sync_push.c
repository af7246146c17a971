/* A push: read, signed (which may take its time), packed, sent. */
#include <stdlib.h>

#include "core/deflated.h"
#include "core/wire.h"
#include "device/device.h"

struct push_job {
    struct device_batch batch;
    uint64_t request;
};

/* ClientMessage.push, around the push's own bytes, which are kept as they are (S2). */
#define PUSH_FIELD 2

/* Deflated where the server takes it so and it makes the message smaller. */
static enum status send_push(struct dc_device *device, struct span push, size_t entry_count)
{
    uint8_t *message = NULL;
    size_t size = 0;
    enum status status = STATUS_OK;

    if (device->sync.push_deflate) {
        status = deflated_push_build(push, entry_count, &message, &size);
    }
    if (status == STATUS_OK && !message) {
        status = wire_wrap(PUSH_FIELD, push, &message, &size);
    }
    if (status == STATUS_OK) {
        status = device->link_ops->send(device->link, span_of(message, size));
    }
    free(message);
    return status;
}

static enum status pack_and_send(struct dc_device *device, const struct device_batch *batch,
                                 const struct signature *signature)
{
    uint8_t *push = NULL;
    size_t size = 0;
    enum status status = device_batch_pack(batch, signature, device->sync.welcome_received_ms, &push, &size);

    if (status == STATUS_OK) {
        status = send_push(device, span_of(push, size), batch->count);
    }
    free(push);
    return status;
}

static void on_signed(struct dc_device *device, void *data, enum status status, const struct signature *signature)
{
    struct push_job *job = data;
    struct sync_event event = {.type = SYNC_EVENT_PUSHED};
    bool current = device->push_request != 0 && device->push_request == job->request && !device->sync.push_stopped;

    if (current) {
        device->push_request = 0;
        if (status == STATUS_OK) {
            status = pack_and_send(device, &job->batch, signature);
        }
        event.seq = job->batch.entries[job->batch.count - 1].header.seq;
        if (status != STATUS_OK) {
            event = (struct sync_event){.type = SYNC_EVENT_FAILED, .status = status};
        }
        device_drive(device, &event);
    }
    device_batch_done(&job->batch);
    free(job);
}

static enum status start(struct dc_device *device, uint64_t from_seq, size_t count)
{
    struct push_job *job = calloc(1, sizeof *job);
    uint8_t statement[HEAD_STATEMENT_SIZE];
    enum status status;

    if (!job) {
        return STATUS_NO_MEMORY;
    }
    status = device_batch_read(device, from_seq, count, device->sync.full_anchors, &job->batch);
    if (status != STATUS_OK) {
        free(job);
        return status;
    }
    device_batch_statement(&job->batch, statement);
    /* The request's number is foretold, since the answer may come at once and asks for it. */
    job->request = device->last_request + 1;
    device->push_request = job->request;
    {
        uint64_t request;

        status = device_sign(device, span_of(statement, sizeof statement), on_signed, job, &request);
    }
    if (status != STATUS_OK) {
        device->push_request = 0;
        device_batch_done(&job->batch);
        free(job);
    }
    return status;
}

void device_start_push(struct dc_device *device, uint64_t from_seq, size_t count)
{
    enum status status = start(device, from_seq, count);

    if (status != STATUS_OK) {
        struct sync_event event = {.type = SYNC_EVENT_FAILED, .status = status};

        device_drive(device, &event);
    }
}
