#include "server/edge/pipeline.h"

#include <stdlib.h>
#include <string.h>

enum status push_job_new(struct span raw, size_t inflated_size, struct push_job **ret_job)
{
    struct push_job *job = calloc(1, sizeof(*job));
    enum status status = STATUS_NO_MEMORY;

    if (job == NULL)
        return STATUS_NO_MEMORY;
    job->raw = malloc(raw.size + 1);
    if (job->raw != NULL)
        status = arena_new(&job->arena);
    if (status != STATUS_OK) {
        push_job_free(job);
        return status;
    }
    if (raw.size > 0)
        memcpy(job->raw, raw.data, raw.size);
    job->raw_size = raw.size;
    job->inflated_size = inflated_size;
    job->charged_size = inflated_size > raw.size ? inflated_size : raw.size;
    *ret_job = job;
    return STATUS_OK;
}

static enum status inflate_raw(struct push_job *job, struct inflater *inflater)
{
    uint8_t *whole = malloc(job->inflated_size);
    enum status status;

    if (whole == NULL)
        return STATUS_NO_MEMORY;
    status = inflater_run(inflater, span_of(job->raw, job->raw_size), whole, job->inflated_size);
    if (status != STATUS_OK) {
        free(whole);
        return status;
    }
    free(job->raw);
    job->raw = whole;
    job->raw_size = job->inflated_size;
    job->inflated_size = 0;
    return STATUS_OK;
}

enum status push_job_open(struct push_job *job, struct sha256 *sha, struct inflater *inflater)
{
    bool deflated = job->inflated_size > 0;
    enum status status = job->result.status;

    if (status == STATUS_OK && deflated)
        status = inflate_raw(job, inflater);
    if (status != STATUS_OK)
        return status;
    arena_reset(job->arena, (size_t)2 * ARENA_FACTOR * job->raw_size + (size_t)PUSH_ENTRIES_MAX * 1024);
    status = push_open(job->arena, sha, span_of(job->raw, job->raw_size), &job->push);
    if (status == STATUS_OK && deflated && job->push.entry_count != job->entry_count)
        status = STATUS_MALFORMED;
    return status;
}

void push_job_free(struct push_job *job)
{
    if (job == NULL)
        return;
    arena_free(job->arena);
    free(job->raw);
    free(job);
}

enum status push_jobs_apply(struct batch *batch, struct push_job *jobs, int64_t now_us, bool held)
{
    enum status status = held ? batch_begin_held(batch, now_us) : batch_begin(batch, now_us);

    if (status != STATUS_OK)
        return status;
    for (struct push_job *job = jobs; job != NULL && status == STATUS_OK; job = job->next) {
        if (job->result.status == STATUS_OK) /* verified */
            status = batch_push(batch, &job->push, span_of(job->raw, job->raw_size), &job->delivery, &job->result);
    }
    if (status != STATUS_OK) {
        batch_abort(batch);
        return status;
    }
    return batch_commit(batch);
}

void push_jobs_fail(struct push_job *jobs, enum status status)
{
    for (struct push_job *job = jobs; job != NULL; job = job->next) {
        job->result.durable_seq = 0; /* may count what was rolled back: the session knows what is durable */
        job->result.pos = 0;
        job->result.held_count = 0;
        if (job->result.status == STATUS_OK || job->result.status == STATUS_LOG_FORK) /* a fork is stored, too */
            job->result.status = status;
    }
}

static enum status copy_flags(const struct batch *batch, struct commit_note *note)
{
    const struct batch_flag *flags = batch_flags(batch, &note->flag_count);
    size_t size = 0;
    size_t at = 0;

    for (size_t i = 0; i < note->flag_count; i++)
        size += flags[i].row.size;
    note->flags = calloc(note->flag_count + 1, sizeof(*note->flags));
    note->flag_bytes = malloc(size + 1);
    if (note->flags == NULL || note->flag_bytes == NULL) {
        note->flag_count = 0;
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < note->flag_count; i++) {
        note->flags[i] = flags[i];
        memcpy(note->flag_bytes + at, flags[i].row.data, flags[i].row.size);
        note->flags[i].row = span_of(note->flag_bytes + at, flags[i].row.size);
        at += flags[i].row.size;
    }
    return STATUS_OK;
}

enum status commit_note_fill(struct commit_note *note, const struct batch *batch)
{
    note->head = *batch_head(batch);
    note->roster_changed = batch_roster_changed(batch);
    note->named = *batch_named(batch);
    note->changed_scopes = *batch_changed_scopes(batch);
    return copy_flags(batch, note);
}

void commit_note_free(struct commit_note *note)
{
    if (note == NULL)
        return;
    while (note->jobs != NULL) {
        struct push_job *job = note->jobs;

        note->jobs = job->next;
        push_job_free(job);
    }
    free(note->flags);
    free(note->flag_bytes);
    free(note);
}

void note_done(struct note *note)
{
    switch (note->kind) {
    case NOTE_COMMIT:
        commit_note_free(note->commit);
        break;
    case NOTE_REPLY:
        session_reply_done(note->reply);
        free(note->reply);
        break;
    case NOTE_STOP:
    case NOTE_RELOAD:
        break;
    }
}

void loop_port_send(const struct loop_port *port, struct note note)
{
    if (queue_push_wait(port->notes, &note) == STATUS_OK)
        port->wake(port->context);
    else
        note_done(&note); /* the loop has ended: what was committed is committed */
}

void loop_port_send_commit(const struct loop_port *port, struct commit_note *commit)
{
    struct note note = {.kind = NOTE_COMMIT, .commit = commit};

    loop_port_send(port, note);
}
