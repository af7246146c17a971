/*
 * Carries out what a session decided.
 */
#include <stdlib.h>

#include "server/edge/hub_internal.h"

void hub_pause(struct hub *hub, struct connection *connection, enum hub_pause why)
{
    if (connection->paused == 0) {
        connection->paused_since_us = hub_now(hub).real_us;
        hub->transport.pause(connection->peer, true);
    }
    connection->paused |= (unsigned)why;
}

void hub_resume(struct hub *hub, struct connection *connection, enum hub_pause why)
{
    if ((connection->paused & (unsigned)why) == 0)
        return;
    connection->paused &= ~(unsigned)why;
    if (connection->paused != 0)
        return;
    hub_heard(hub, connection); /* what came meanwhile waits to be read */
    hub->transport.pause(connection->peer, false);
}

size_t hub_memory(const struct connection *connection)
{
    return sizeof(*connection) + connection->received_capacity + connection->outbox.size + connection->push_bytes;
}

void hub_balance(struct hub *hub, struct connection *connection)
{
    size_t used = hub_memory(connection);
    size_t room = hub->limits.memory_max - HUB_MESSAGE_ROOM; /* that may be used before the next message */

    if (used > connection->memory_peak)
        connection->memory_peak = used;
    if (used > room)
        hub_pause(hub, connection, HUB_PAUSE_MEMORY);
    else if (used <= room / 2)
        hub_resume(hub, connection, HUB_PAUSE_MEMORY);
}

/* A push is kept as it came, or inflated, and unpacked once. */
size_t hub_push_cost(size_t charged_size)
{
    return HUB_PUSH_COST + 2 * charged_size;
}

static void send(struct hub *hub, struct connection *connection, const struct session_action *action, bool *ret_slow)
{
    enum status status =
        outbox_push(&connection->outbox, action->send.lane, span_of(action->send.bytes, action->send.size));

    free(action->send.bytes);
    if (status != STATUS_OK) {
        *ret_slow = true;
        return;
    }
    if (connection->stuck_since_us == 0)
        connection->stuck_since_us = hub_now(hub).real_us;
    hub->transport.want_write(connection->peer);
}

/* A push that can't even be queued is answered at once; nothing of it is stored. */
static void refuse_push(struct hub *hub, struct connection *connection, uint32_t entry_count, enum status status)
{
    struct batch_result result = {.status = status};
    struct session_event event = {.kind = SESSION_ON_PUSHED};

    event.pushed.entry_count = entry_count;
    event.pushed.result = &result;
    hub_feed(hub, connection, &event);
}

static void submit(struct hub *hub, struct connection *connection, const struct session_action *action)
{
    struct push_job *job;
    enum status status = push_job_new(action->submit.raw, action->submit.inflated_size, &job);

    if (status == STATUS_OK) {
        job->connection = connection->id;
        job->entry_count = action->submit.entry_count;
        job->key = action->submit.key;
        job->delivery = action->submit.delivery;
        job->result.status = action->submit.status;
        status = queue_push(hub->queues.verifiers[connection->id % HUB_VERIFIERS], &job);
        if (status != STATUS_OK)
            push_job_free(job);
    }
    if (status != STATUS_OK) {
        refuse_push(hub, connection, action->submit.entry_count, status);
        return;
    }
    hub->pushes++;
    hub->push_bytes += job->charged_size;
    connection->push_bytes += hub_push_cost(job->charged_size);
    if (hub->pushes >= HUB_PUSHES_MAX || hub->push_bytes >= HUB_PUSH_BYTES_MAX) {
        hub->reading_paused = true;
        hub_pause(hub, connection, HUB_PAUSE_WRITER);
    }
}

static void ask(struct hub *hub, struct connection *connection, const struct session_request *request)
{
    struct read_job *job = malloc(sizeof(*job));
    struct session_reply reply = {.kind = request->kind, .status = STATUS_BUSY};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    if (job != NULL) {
        job->connection = connection->id;
        job->request = *request;
        if (queue_push(hub->queues.reader, &job) == STATUS_OK)
            return;
    }
    free(job);
    hub_feed(hub, connection, &event);
}

static void step_clock(struct hub *hub, struct connection *connection, int64_t step_us)
{
    struct writer_item item = {.connection = connection->id, .step_us = step_us};
    struct session_event event = {.kind = SESSION_ON_STEPPED};

    event.status = queue_push(hub->queues.writer, &item);
    if (event.status != STATUS_OK)
        hub_feed(hub, connection, &event);
}

static void close_soon(struct hub *hub, struct connection *connection, const struct session_action *action)
{
    connection->closing = true;
    connection->close_code = action->close.code;
    connection->close_by_us = hub_now(hub).real_us + hub->limits.close_grace_us;
    outbox_clear_lane(&connection->outbox, SESSION_BULK);
    hub->transport.want_write(connection->peer);
}

static void report(struct hub *hub, struct connection *connection, const struct session_action *action)
{
    const struct id *device = session_device(connection->session);
    const char *wait = session_waited_for(connection->session);
    int64_t number = (int64_t)connection->id;

    if (wait != NULL)
        LOG(hub->log, LOG_ERROR, "wait_over", log_text("wait", wait), log_number("connection", number),
            log_id("device", device));
    if (action->report.status == STATUS_OK)
        LOG(hub->log, LOG_INFO, "flag_received", log_number("connection", number), log_id("device", device),
            log_hash("flag", &action->report.flag), log_number("pos", (int64_t)action->report.pos),
            log_number("latency_us", action->report.latency_us));
    else if (action->report.status == STATUS_DIVERGED) /* nothing was sent: the peer sees it for itself (K1) */
        LOG(hub->log, LOG_ERROR, "witness_differs", log_number("connection", number), log_id("device", device));
    else if (id_is_zero(device)) /* before Welcome only the certificate says who it is */
        LOG(hub->log, LOG_WARNING, "client_refused", log_status("reason", action->report.status),
            log_number("connection", number), log_hash("certificate_key", &connection->certificate_key_hash));
    else
        LOG(hub->log, action->report.status == STATUS_STOPPING ? LOG_DEBUG : LOG_WARNING, "error_sent",
            log_status("error", action->report.status), log_number("connection", number), log_id("device", device));
}

static void drop_rest(const struct session_update *update, size_t from)
{
    for (size_t i = from; i < update->count; i++) {
        if (update->actions[i].kind == SESSION_SEND)
            free(update->actions[i].send.bytes);
    }
}

static void act(struct hub *hub, struct connection *connection, const struct session_update *update,
                const struct session_action *action, bool *ret_slow)
{
    switch (action->kind) {
    case SESSION_SEND:
        send(hub, connection, action, ret_slow);
        break;
    case SESSION_SUBMIT:
        submit(hub, connection, action);
        break;
    case SESSION_READ:
        ask(hub, connection, &update->request);
        break;
    case SESSION_STEP:
        step_clock(hub, connection, action->step_us);
        break;
    case SESSION_CLOSE:
        close_soon(hub, connection, action);
        break;
    case SESSION_REPORT:
        report(hub, connection, action);
        break;
    }
}

void hub_drop_slow_reader(struct hub *hub, struct connection *connection)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_SLOW_READER};

    outbox_clear(&connection->outbox); /* makes room for the one sentence that says why */
    hub_feed(hub, connection, &event);
}

static const char *standing_name(enum device_standing standing)
{
    static const char *const names[] = {[DEVICE_ACTIVE] = "active",
                                        [DEVICE_EXPIRED] = "expired",
                                        [DEVICE_SUSPENDED] = "suspended",
                                        [DEVICE_LOST] = "lost"};

    return names[standing];
}

/* A device may have a few half-open sessions, not all the places there are. */
static void greet_in_log(struct hub *hub, struct connection *connection)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_BUSY};
    const struct id *device = session_device(connection->session);

    connection->told_live = true;
    hub_contact(hub, connection, true);
    LOG(hub->log, LOG_INFO, "session_open", log_number("connection", (int64_t)connection->id), log_id("device", device),
        log_text("standing", standing_name(session_standing(connection->session))));
    if (hub_sessions_of(hub, device) > HUB_CONNECTIONS_PER_DEVICE_MAX)
        hub_feed(hub, connection, &event);
}

static void count_greeting(struct hub *hub, struct connection *connection)
{
    bool greeting = session_state(connection->session) == SESSION_GREETING;

    if (greeting && !connection->greeting)
        hub->greetings++;
    else if (!greeting && connection->greeting)
        hub->greetings--;
    connection->greeting = greeting;
}

void hub_feed(struct hub *hub, struct connection *connection, const struct session_event *event)
{
    struct session_now now = hub_now(hub);
    struct session_update update;
    bool slow = false;
    size_t done = 0;

    session_step(connection->session, &now, event, &update);
    count_greeting(hub, connection);
    if (connection->hearing != session_hearing_changes(connection->session))
        hub_hear(hub, connection);
    while (done < update.count && !slow)
        act(hub, connection, &update, &update.actions[done++], &slow);
    drop_rest(&update, done);
    hub_balance(hub, connection);
    if (slow && !connection->closing)
        hub_drop_slow_reader(hub, connection);
    else if (!connection->told_live && session_state(connection->session) == SESSION_LIVE)
        greet_in_log(hub, connection);
}
