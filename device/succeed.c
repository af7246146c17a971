/* After enrolling again: the new log carries what the old one holds unpushed, then declares it lost (F2, F3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/messages.h"
#include "device/rescue.h"

#define NAME_SIZE 64
#define PROGRESS_SIZE 9 /* carried up to 8 | declared lost 1 */

struct succeed_job {
    struct dc_device *device;
    struct id old_log;
    uint64_t known_seq;
    uint64_t carried;   /* entries, by this call */
    enum status status; /* of the first chunk that couldn't be carried */
    dc_on_succeeded on_done;
    void *context;
};

/* One state for each log that this one has taken over from: a call that was cut short goes on where it was. */
static void name_state(const struct id *log, char ret_name[NAME_SIZE])
{
    int at = snprintf(ret_name, NAME_SIZE, "succeeds ");

    for (size_t i = 0; i < ID_SIZE; i++) {
        at += snprintf(ret_name + at, NAME_SIZE - (size_t)at, "%02x", log->bytes[i]);
    }
}

static enum status load_progress(struct dc_device *device, const struct id *log, uint64_t *ret_to_seq, bool *ret_done)
{
    uint8_t bytes[STORE_STATE_SIZE_MAX];
    char name[NAME_SIZE];
    size_t size = 0;
    enum status status;

    name_state(log, name);
    status = store_state_get(device->store, name, bytes, &size);
    if (status == STATUS_NOT_FOUND) {
        *ret_to_seq = 0;
        *ret_done = false;
        return STATUS_OK;
    }
    if (status == STATUS_OK && size != PROGRESS_SIZE) {
        return STATUS_STORE;
    }
    if (status == STATUS_OK) {
        *ret_to_seq = get_u64(bytes);
        *ret_done = bytes[8] != 0;
    }
    return status;
}

static enum status save_progress(struct dc_device *device, const struct id *log, uint64_t to_seq, bool done)
{
    uint8_t bytes[PROGRESS_SIZE];
    char name[NAME_SIZE];

    name_state(log, name);
    put_u64(bytes, to_seq);
    bytes[8] = done;
    return store_state_put(device->store, name, span_of(bytes, sizeof bytes));
}

/* An entry, and how far the old log is taken over with it, in one transaction. */
static enum status append(struct succeed_job *job, uint16_t kind, const ProtobufCMessage *message, uint64_t to_seq,
                          bool done)
{
    struct device_head before;
    uint8_t *bytes = NULL;
    struct hash entry;
    size_t size = 0;
    enum status status = wire_pack(message, &bytes, &size);

    if (status != STATUS_OK) {
        return status;
    }
    status = device_begin(job->device, &before);
    if (status == STATUS_OK) {
        status = device_append(job->device, kind, span_of(bytes, size), &entry);
        if (status == STATUS_OK) {
            status = save_progress(job->device, &job->old_log, to_seq, done);
        }
        status = device_end(job->device, &before, status);
    }
    free(bytes);
    return status;
}

static enum status declare_lost(struct succeed_job *job)
{
    Doublecrew__V1__LogLost lost = DOUBLECREW__V1__LOG_LOST__INIT;

    lost.lost_log_id = message_bytes(job->old_log.bytes, ID_SIZE);
    lost.last_known_seq = job->known_seq;
    return append(job, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_LOG_LOST, &lost.base, job->known_seq, true);
}

static bool carry(struct succeed_job *job, const struct rescue_chunk *chunk)
{
    Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;

    carried.push = message_bytes(chunk->push.data, chunk->push.size);
    job->status = append(job, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED, &carried.base, chunk->to_seq, false);
    if (job->status == STATUS_OK) {
        job->carried += chunk->to_seq - chunk->from_seq + 1;
    }
    return job->status == STATUS_OK;
}

static bool on_chunk(void *context, enum status status, const struct rescue_chunk *chunk)
{
    struct succeed_job *job = context;

    if (chunk) {
        return carry(job, chunk);
    }
    if (job->status != STATUS_OK) {
        status = job->status;
    }
    if (status == STATUS_OK) {
        status = declare_lost(job); /* last: what it holds is carried, so nobody need wait for it any more (W3) */
    }
    if (job->on_done) {
        job->on_done(job->context, public_status(status), job->carried);
    }
    free(job);
    return false;
}

static bool may_succeed(const struct dc_device *device, const struct dc_device *old)
{
    return !device->log_lost && id_equal(&device->identity.force, &old->identity.force) &&
           id_equal(&device->officer, &old->officer) && !id_equal(&device->identity.log, &old->identity.log);
}

enum dc_status dc_succeed(struct dc_device *device, struct dc_device *old, dc_on_succeeded on_done, void *context)
{
    struct succeed_job *job;
    uint64_t to_seq = 0;
    bool done = false;
    enum status status;

    if (!may_succeed(device, old)) {
        return DC_INPUT;
    }
    status = load_progress(device, &old->identity.log, &to_seq, &done);
    if (status != STATUS_OK) {
        return public_status(status);
    }
    if (done) {
        if (on_done) {
            on_done(context, DC_OK, 0);
        }
        return DC_OK;
    }
    job = calloc(1, sizeof *job);
    if (!job) {
        return DC_NO_MEMORY;
    }
    dc_sync_stop(old);
    *job = (struct succeed_job){.device = device,
                                .old_log = old->identity.log,
                                .known_seq = old->known_seq > old->head.seq ? old->known_seq : old->head.seq,
                                .on_done = on_done,
                                .context = context};
    status = rescue_each(old, to_seq > old->sync.durable_seq ? to_seq + 1 : old->sync.durable_seq + 1, on_chunk, job);
    if (status != STATUS_OK) {
        free(job);
    }
    return public_status(status);
}
