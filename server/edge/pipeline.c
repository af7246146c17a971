#include "server/edge/pipeline.h"

#include <stdlib.h>
#include <string.h>

enum status push_job_new(struct span raw, struct push_job **ret_job)
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
    memcpy(job->raw, raw.data, raw.size);
    job->raw_size = raw.size;
    *ret_job = job;
    return STATUS_OK;
}

void push_job_free(struct push_job *job)
{
    if (job == NULL)
        return;
    arena_free(job->arena);
    free(job->raw);
    free(job);
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
