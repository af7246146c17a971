/*
 * Brings sessions what the other threads answered.
 */
#include <stdlib.h>
#include <string.h>

#include "server/edge/hub_internal.h"

static void tell_flags(struct hub *hub, const struct commit_note *note)
{
    struct session_event event = {.kind = SESSION_ON_FLAG};

    event.flag.committed_real_us = note->committed_real_us;
    for (size_t i = 0; i < note->flag_count; i++) {
        event.flag.flag = &note->flags[i];
        hub_tell_flag(hub, &note->flags[i], &event);
    }
}

static void tell_results(struct hub *hub, const struct commit_note *note)
{
    struct session_event event = {.kind = SESSION_ON_PUSHED};

    for (const struct push_job *job = note->jobs; job != NULL; job = job->next) {
        struct connection *connection = hub_find(hub, job->connection);

        hub->pushes--;
        hub->push_bytes -= job->charged_size;
        event.pushed.entry_count = job->entry_count;
        event.pushed.result = &job->result;
        if (connection != NULL) {
            connection->push_bytes -= hub_push_cost(job->charged_size);
            hub_feed(hub, connection, &event);
        }
    }
}

static void tell_step(struct hub *hub, const struct commit_note *note)
{
    struct connection *connection = hub_find(hub, note->step_connection);
    struct session_event event = {.kind = SESSION_ON_STEPPED, .status = note->status};

    event.stepped.now_us = note->step_us;
    event.stepped.head_pos = note->head.pos;
    if (connection != NULL)
        hub_feed(hub, connection, &event);
}

/* The roster first, so that no flag goes by yesterday's scopes (P4); then flags before anything else (A1). */
static void tell(struct hub *hub, const struct commit_note *note)
{
    if (note->status == STATUS_OK) {
        hub_tell_commit(hub, note);
        tell_flags(hub, note);
    }
    tell_results(hub, note);
    if (note->is_step) {
        hub_tick(hub); /* what falls due by the new time is asked for before the step is answered */
        tell_step(hub, note);
    }
}

/* Once is enough: only a restore ends it, and that needs a stopped server. */
static void tell_behind(struct hub *hub, const struct session_reply *reply)
{
    struct writer_item item = {.shown = NULL};

    if (hub->told_behind || (item.shown = malloc(sizeof(*item.shown))) == NULL)
        return;
    item.shown->size = reply->shown_size;
    memcpy(item.shown->text, reply->shown, reply->shown_size);
    if (queue_push(hub->queues.writer, &item) == STATUS_OK)
        hub->told_behind = true;
    else
        free(item.shown); /* the device comes again */
}

static void resume_reading(struct hub *hub)
{
    if (!hub->reading_paused || hub->stopping)
        return;
    if (hub->pushes > HUB_PUSHES_MAX / 2 || hub->push_bytes > HUB_PUSH_BYTES_MAX / 2)
        return;
    hub->reading_paused = false;
    for (unsigned i = 0; i < hub->limits.max_connections; i++) {
        struct connection *connection = hub->slots[i];

        if (connection != NULL)
            hub_resume(hub, connection, HUB_PAUSE_WRITER);
    }
}

unsigned hub_take_notes(struct hub *hub)
{
    struct note note;
    unsigned asked = 0;

    while (queue_pop(hub->queues.notes, 0, &note) == STATUS_OK) {
        struct session_event event = {.kind = SESSION_ON_REPLY};
        struct connection *connection;

        if (note.kind == NOTE_COMMIT) {
            tell(hub, note.commit);
        } else if (note.kind == NOTE_REPLY) {
            if (note.reply->status == STATUS_STORE_BEHIND)
                tell_behind(hub, note.reply);
            else if (note.reply->kind == SESSION_GREET && note.reply->status == STATUS_STORE)
                LOG(hub->log, LOG_ERROR, "cursor_beyond_head", log_text("advice", status_advice(STATUS_STORE_BEHIND)));
            connection = hub_find(hub, note.connection);
            event.reply = note.reply;
            if (connection != NULL)
                hub_feed(hub, connection, &event);
        } else {
            asked |= note.kind == NOTE_STOP ? HUB_ASKED_STOP : HUB_ASKED_RELOAD;
        }
        note_done(&note);
    }
    resume_reading(hub);
    if (hub->stopping)
        hub_stop_step(hub);
    return asked;
}
