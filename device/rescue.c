/* Rescue: what this log holds unpushed, as original signed bytes for another log to carry (F2). */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "device/device.h"
#include "device/messages.h"
#include "device/rescue.h"

struct export_job {
    uint64_t from_seq;
    uint64_t to_seq;
    size_t count; /* tried at once; halved until it fits */
    struct device_batch batch;
    rescue_on_chunk on_chunk;
    void *context;
};

static void export_next(struct dc_device *device, struct export_job *job);

static void finish(struct export_job *job, enum status status)
{
    job->on_chunk(job->context, status, NULL);
    device_batch_done(&job->batch);
    free(job);
}

static void on_signed(struct dc_device *device, void *data, enum status status, const struct signature *signature)
{
    struct export_job *job = data;
    size_t done = job->batch.count;
    uint8_t *push = NULL;
    size_t size = 0;
    bool more = true;

    if (status == STATUS_OK) {
        status = device_batch_pack(&job->batch, signature, 0, &push, &size);
    }
    if (status != STATUS_OK) {
        finish(job, status);
        return;
    }
    if (size > CARRIED_CHUNK_MAX && done > 1) {
        job->count = done / 2;
    } else {
        struct rescue_chunk chunk = {
            .push = span_of(push, size), .from_seq = job->from_seq, .to_seq = job->from_seq + done - 1};

        more = job->on_chunk(job->context, STATUS_OK, &chunk);
        job->from_seq += done;
    }
    free(push);
    device_batch_done(&job->batch);
    if (more && job->from_seq <= job->to_seq) {
        export_next(device, job);
    } else {
        finish(job, STATUS_OK);
    }
}

static void export_next(struct dc_device *device, struct export_job *job)
{
    uint64_t left = job->to_seq - job->from_seq + 1;
    size_t count = left < job->count ? (size_t)left : job->count;
    uint8_t statement[HEAD_STATEMENT_SIZE];
    uint64_t request;
    enum status status = device_batch_read(device, job->from_seq, count, true, &job->batch);

    if (status == STATUS_OK) {
        device_batch_statement(&job->batch, statement);
        status = device_sign(device, span_of(statement, sizeof statement), on_signed, job, &request);
    }
    if (status != STATUS_OK) {
        finish(job, status);
    }
}

enum status rescue_each(struct dc_device *device, uint64_t from_seq, rescue_on_chunk on_chunk, void *context)
{
    struct export_job *job;
    enum status status = store_first_kept(device->store, from_seq, &from_seq);

    if (status == STATUS_NOT_FOUND) {
        on_chunk(context, STATUS_OK, NULL);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    job = calloc(1, sizeof *job);
    if (!job) {
        return STATUS_NO_MEMORY;
    }
    *job = (struct export_job){.from_seq = from_seq,
                               .to_seq = device->head.seq,
                               .count = PUSH_ENTRIES_MAX,
                               .on_chunk = on_chunk,
                               .context = context};
    export_next(device, job);
    return STATUS_OK;
}

struct public_export {
    dc_on_push on_push;
    void *context;
};

static bool hand_out(void *context, enum status status, const struct rescue_chunk *chunk)
{
    struct public_export *export = context;
    bool more = export->on_push(export->context, public_status(status), chunk ? chunk->push.data : NULL,
                                chunk ? chunk->push.size : 0);

    if (!chunk) {
        free(export);
    }
    return more;
}

enum dc_status dc_export_pending(struct dc_device *device, dc_on_push on_push, void *context)
{
    struct public_export *export = calloc(1, sizeof *export);
    enum status status;

    if (!export) {
        return DC_NO_MEMORY;
    }
    *export = (struct public_export){.on_push = on_push, .context = context};
    status = rescue_each(device, device->sync.durable_seq + 1, hand_out, export);
    if (status != STATUS_OK) {
        free(export);
    }
    return public_status(status);
}

enum dc_status dc_carry(struct dc_device *device, const uint8_t *push_bytes, size_t size, struct dc_hash *ret_entry)
{
    Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;
    struct arena *arena = NULL;
    struct hash entry;
    struct push push;
    enum status status = arena_new(&arena);

    if (status == STATUS_OK) {
        status = push_open(arena, device->sha, span_of(push_bytes, size), &push);
    }
    arena_free(arena);
    if (status == STATUS_OK) {
        carried.push = message_bytes(push_bytes, size);
        status = device_append_message(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED, &carried.base, &entry);
    } else if (status != STATUS_NO_MEMORY) {
        status = STATUS_MALFORMED;
    }
    if (status == STATUS_OK && ret_entry) {
        memcpy(ret_entry->bytes, entry.bytes, HASH_SIZE);
    }
    return public_status(status);
}
