#include "server/edge/hub.h"

#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/edge/hub_internal.h"

enum status hub_new(const struct session_setup *setup, const struct hub_limits *limits, const struct hub_queues *queues,
                    const struct hub_transport *transport, struct clock *clock, struct log *log, struct hub **ret_hub)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (hub == NULL)
        return STATUS_NO_MEMORY;
    hub->slots = calloc(limits->max_connections, sizeof(struct connection *));
    hub->gathered = calloc(limits->max_connections, sizeof(struct connection *));
    if (hub->slots == NULL || hub->gathered == NULL || audience_new(&hub->audience) != STATUS_OK) {
        hub_free(hub);
        return STATUS_NO_MEMORY;
    }
    hub->setup = setup;
    hub->limits = *limits;
    hub->queues = *queues;
    hub->transport = *transport;
    hub->clock = clock;
    hub->log = log;
    hub->news_left = HUB_NEWS_PER_PART;
    hub_line_open(hub);
    *ret_hub = hub;
    return STATUS_OK;
}

void hub_free(struct hub *hub)
{
    if (hub == NULL)
        return;
    for (unsigned i = 0; i < hub->limits.max_connections; i++) {
        if (hub->slots[i] != NULL)
            hub_disconnect(hub, hub->slots[i]);
    }
    audience_free(hub->audience);
    free(hub->gathered);
    free(hub->slots);
    free(hub);
}

struct session_now hub_now(struct hub *hub)
{
    struct clock_reading reading = clock_read(hub->clock);

    return (struct session_now){
        .server_us = reading.server_us, .real_us = reading.real_us, .clock_trouble = reading.clock_trouble};
}

bool hub_is_full(const struct hub *hub)
{
    return hub->count >= hub->limits.max_connections;
}

unsigned hub_count(const struct hub *hub)
{
    return hub->count;
}

/* The id names the slot, and is never used again. */
static uint64_t take_slot(struct hub *hub, struct connection *connection)
{
    unsigned max = hub->limits.max_connections;

    while (hub->slots[hub->next_slot] != NULL)
        hub->next_slot = (hub->next_slot + 1) % max;
    hub->slots[hub->next_slot] = connection;
    return ++hub->generation * max + hub->next_slot;
}

struct connection *hub_find(struct hub *hub, uint64_t id)
{
    struct connection *connection = hub->slots[id % hub->limits.max_connections];

    return connection != NULL && connection->id == id ? connection : NULL;
}

enum status hub_connect(struct hub *hub, void *peer, const struct hash *certificate_key_hash, bool certificate_expired,
                        struct connection **ret_connection)
{
    struct session_now now = hub_now(hub);
    struct connection *connection;
    enum status status;

    if (hub_is_full(hub))
        return STATUS_BUSY;
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return STATUS_NO_MEMORY;
    status = session_new(hub->setup, certificate_key_hash, get_u64(certificate_key_hash->bytes) ^ (uint64_t)now.real_us,
                         &now, &connection->session);
    if (status != STATUS_OK) {
        free(connection);
        return status;
    }
    if (certificate_expired)
        session_set_certificate_expired(connection->session);
    connection->peer = peer;
    connection->heard_us = now.real_us;
    connection->certificate_key_hash = *certificate_key_hash;
    outbox_init(&connection->outbox, hub->limits.headroom, hub->limits.output_max);
    connection->id = take_slot(hub, connection);
    hub->count++;
    LOG(hub->log, LOG_DEBUG, "connected", log_number("connection", (int64_t)connection->id));
    *ret_connection = connection;
    hub_line_arrive(hub, connection, &now);
    return STATUS_OK;
}

void hub_disconnect(struct hub *hub, struct connection *connection)
{
    if (connection->told_live)
        LOG(hub->log, LOG_INFO, "session_closed", log_number("connection", (int64_t)connection->id),
            log_id("device", session_device(connection->session)),
            log_number("memory_peak", (int64_t)connection->memory_peak));
    if (connection->greeting)
        hub->greetings--;
    hub_line_leave(hub, connection);
    hub_contact(hub, connection, true);
    hub->slots[connection->id % hub->limits.max_connections] = NULL;
    hub->count--;
    audience_leave(hub->audience, &connection->member);
    outbox_clear(&connection->outbox);
    session_free(connection->session);
    free(connection->received);
    free(connection);
}

static enum status gather(struct connection *connection, struct span part)
{
    size_t size = connection->received_size + part.size;
    size_t capacity = connection->received_capacity == 0 ? 2048 : connection->received_capacity;
    uint8_t *bytes;

    if (size > MESSAGE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    while (capacity < size)
        capacity *= 2;
    if (capacity != connection->received_capacity) {
        bytes = realloc(connection->received, capacity);
        if (bytes == NULL)
            return STATUS_NO_MEMORY;
        connection->received = bytes;
        connection->received_capacity = capacity;
    }
    if (part.size > 0)
        memcpy(connection->received + connection->received_size, part.data, part.size);
    connection->received_size = size;
    return STATUS_OK;
}

/* A message was taken: most connections have nothing more to say for a long time. */
static void release(struct connection *connection)
{
    free(connection->received);
    connection->received = NULL;
    connection->received_size = 0;
    connection->received_capacity = 0;
}

void hub_receive(struct hub *hub, struct connection *connection, struct span part, bool first, bool last, bool binary)
{
    struct session_event event = {.kind = SESSION_ON_BAD_FRAME, .status = STATUS_UNKNOWN_KIND};

    hub_heard(hub, connection);
    if (connection->closing)
        return;
    if (first)
        connection->received_size = 0;
    if (binary)
        event.status = first && last && part.size <= MESSAGE_SIZE_MAX ? STATUS_OK : gather(connection, part);
    if (event.status != STATUS_OK) {
        release(connection);
        hub_feed(hub, connection, &event);
    } else if (last) {
        event.kind = SESSION_ON_MESSAGE;
        event.message = first ? part : span_of(connection->received, connection->received_size);
        hub_feed(hub, connection, &event);
        release(connection);
    }
    hub_balance(hub, connection);
}

void hub_heard(struct hub *hub, struct connection *connection)
{
    connection->heard_us = hub_now(hub).real_us;
    connection->pinged = false;
}

/* While reading is paused a pong can't be heard either: that wait has a limit of its own. */
static void keep_alive(struct hub *hub, struct connection *connection, const struct session_now *now)
{
    int64_t silent_us = now->real_us - connection->heard_us;

    if (hub->limits.keep_alive_us == 0 || connection->paused != 0 || silent_us < hub->limits.keep_alive_us)
        return;
    if (silent_us >= hub->limits.keep_alive_us + HUB_PONG_WAIT_US) {
        hub->transport.kill(connection->peer);
    } else if (!connection->pinged) {
        connection->pinged = true;
        hub->transport.ping(connection->peer);
    }
}

struct outbox_message *hub_next(struct hub *hub, struct connection *connection)
{
    (void)hub;
    return outbox_pop(&connection->outbox);
}

void hub_written(struct hub *hub, struct connection *connection, enum session_lane lane)
{
    struct session_event event = {.kind = SESSION_ON_BACKLOG, .backlog = false};

    connection->stuck_since_us = connection->outbox.size == 0 ? 0 : hub_now(hub).real_us;
    hub_balance(hub, connection);
    if (lane == SESSION_BULK && outbox_is_empty(&connection->outbox, SESSION_BULK))
        hub_feed(hub, connection, &event);
}

void hub_dismiss(struct hub *hub, bool (*is_unwelcome)(void *context, void *peer), void *context, enum status status)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = status};

    for (unsigned i = 0; i < hub->limits.max_connections; i++) {
        if (hub->slots[i] != NULL && !hub->slots[i]->closing && is_unwelcome(context, hub->slots[i]->peer))
            hub_feed(hub, hub->slots[i], &event);
    }
}

bool hub_may_close(const struct connection *connection)
{
    return connection->closing && outbox_is_empty(&connection->outbox, SESSION_URGENT);
}

/* A device that isn't read from would wait without a word (P7): it is told, and comes back later. */
static void end_pause(struct hub *hub, struct connection *connection)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_BUSY};

    LOG(hub->log, LOG_ERROR, "wait_over",
        log_text("wait", connection->paused == HUB_PAUSE_MEMORY ? "memory" : "writer"),
        log_number("connection", (int64_t)connection->id), log_id("device", session_device(connection->session)));
    hub_feed(hub, connection, &event);
}

static void tick_connection(struct hub *hub, struct connection *connection, const struct session_now *now)
{
    struct session_event event = {.kind = SESSION_ON_TICK};

    if (connection->closing) {
        if (now->real_us >= connection->close_by_us)
            hub->transport.kill(connection->peer);
        return;
    }
    if (connection->in_line) /* which has limits of its own */
        return;
    hub_feed(hub, connection, &event);
    hub_contact(hub, connection, false);
    keep_alive(hub, connection, now);
    hub_tell_late(hub, connection);
    if (!connection->closing && connection->paused != 0 && !hub->stopping &&
        now->real_us - connection->paused_since_us >= hub->limits.answer_us)
        end_pause(hub, connection);
    if (!connection->closing && connection->stuck_since_us != 0 &&
        now->real_us - connection->stuck_since_us >= hub->limits.slow_reader_us)
        hub_drop_slow_reader(hub, connection);
}

static void tick_slots(struct hub *hub, unsigned from, unsigned to)
{
    struct session_now now = hub_now(hub);

    for (unsigned i = from; i < to; i++) {
        if (hub->slots[i] != NULL)
            tick_connection(hub, hub->slots[i], &now);
    }
    if (hub->stopping)
        hub_stop_step(hub);
}

void hub_tick(struct hub *hub)
{
    hub->laggards_left = HUB_LAGGARDS_PER_PART * HUB_TICK_PARTS;
    hub->news_left = HUB_NEWS_PER_PART * HUB_TICK_PARTS;
    tick_slots(hub, 0, hub->limits.max_connections);
    hub_line_move(hub);
}

void hub_tick_part(struct hub *hub)
{
    uint64_t max = hub->limits.max_connections;
    unsigned part = hub->tick_part;

    hub->tick_part = (part + 1) % HUB_TICK_PARTS;
    hub->laggards_left = HUB_LAGGARDS_PER_PART;
    hub->news_left = HUB_NEWS_PER_PART;
    tick_slots(hub, (unsigned)(max * part / HUB_TICK_PARTS), (unsigned)(max * (part + 1) / HUB_TICK_PARTS));
    hub_line_move(hub);
}

void hub_stop(struct hub *hub)
{
    if (hub->stopping)
        return;
    hub->stopping = true;
    hub->stop_by_us = hub_now(hub).real_us + hub->limits.close_grace_us;
    LOG(hub->log, LOG_INFO, "stopping", log_number("connections", hub->count),
        log_number("pushes_under_way", hub->pushes));
    for (unsigned i = 0; i < hub->limits.max_connections; i++) {
        if (hub->slots[i] != NULL)
            hub_pause(hub, hub->slots[i], HUB_PAUSE_STOP);
    }
    hub_stop_step(hub);
}

void hub_stop_step(struct hub *hub)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_STOPPING};

    if (hub->told_stopping || (hub->pushes > 0 && hub_now(hub).real_us < hub->stop_by_us))
        return;
    hub->told_stopping = true;
    for (unsigned i = 0; i < hub->limits.max_connections; i++) {
        if (hub->slots[i] != NULL && !hub->slots[i]->closing)
            hub_feed(hub, hub->slots[i], &event);
    }
}

bool hub_is_stopped(const struct hub *hub)
{
    return hub->told_stopping && hub->count == 0;
}
