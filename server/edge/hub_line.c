/*
 * Who is let in, and when (P6). Whoever has shaken hands and is too many waits in line, unread: the Hello that it has sent
 * lies in the kernel, and costs nothing until its turn. Only where the line is longer than a device waits for its Welcome is
 * it told BUSY, with a turn to come back: another handshake costs more than everything that was saved.
 */
#include "server/edge/hub_internal.h"

void hub_line_open(struct hub *hub)
{
    const struct hub_limits *limits = &hub->limits;
    unsigned of_a_tick = limits->admit_per_s / HUB_TICKS_PER_S + 1; /* the line moves by ticks */
    unsigned meanwhile =
        limits->admit_per_s < HUB_LINE_MEANWHILE_PER_S ? limits->admit_per_s : HUB_LINE_MEANWHILE_PER_S;

    admission_init(&hub->admission, limits->admit_per_s,
                   limits->admit_burst > of_a_tick ? limits->admit_burst : of_a_tick, (uint64_t)hub_now(hub).real_us);
    admission_init(&hub->meanwhile, meanwhile, 1, 1);
}

static void join(struct hub *hub, struct connection *connection, int64_t now_us)
{
    connection->in_line = true;
    connection->line_since_us = now_us;
    connection->line_before = hub->line_last;
    connection->line_behind = NULL;
    if (hub->line_last == NULL)
        hub->line_first = connection;
    else
        hub->line_last->line_behind = connection;
    hub->line_last = connection;
    hub->line_count++;
    hub_pause(hub, connection, HUB_PAUSE_LINE);
}

void hub_line_leave(struct hub *hub, struct connection *connection)
{
    if (!connection->in_line)
        return;
    connection->in_line = false;
    if (connection->line_before == NULL)
        hub->line_first = connection->line_behind;
    else
        connection->line_before->line_behind = connection->line_behind;
    if (connection->line_behind == NULL)
        hub->line_last = connection->line_before;
    else
        connection->line_behind->line_before = connection->line_before;
    hub->line_count--;
}

static void turn_away(struct hub *hub, struct connection *connection, int64_t now_us)
{
    struct session_event event = {.kind = SESSION_ON_REFUSED, .status = STATUS_BUSY};

    event.retry_after_ms = admission_turn_ms(&hub->admission, now_us);
    hub_feed(hub, connection, &event);
}

/* While others wait at the door their handshakes come first, but for a few who are let in all the same. */
static bool may_let_in(struct hub *hub, int64_t now_us)
{
    return hub->greetings < HUB_GREETINGS_MAX &&
           admission_ask(hub->crowded ? &hub->meanwhile : &hub->admission, now_us);
}

static bool is_too_long(const struct hub *hub)
{
    return (int64_t)hub->line_count * hub->admission.interval_us >= hub->limits.line_us;
}

void hub_line_arrive(struct hub *hub, struct connection *connection, const struct session_now *now)
{
    if (hub->line_count == 0 && may_let_in(hub, now->real_us))
        return;
    if (is_too_long(hub))
        turn_away(hub, connection, now->real_us);
    else
        join(hub, connection, now->real_us);
}

void hub_line_move(struct hub *hub)
{
    struct session_now now = hub_now(hub);
    struct connection *first;

    while (!hub->stopping && (first = hub->line_first) != NULL) {
        bool waited = now.real_us - first->line_since_us >= hub->limits.line_us;

        if (!waited && !first->closing && !may_let_in(hub, now.real_us))
            return;
        hub_line_leave(hub, first);
        if (waited && !first->closing)
            turn_away(hub, first, now.real_us);
        session_let_in(first->session, &now);
        hub_resume(hub, first, HUB_PAUSE_LINE);
    }
}

void hub_crowd(struct hub *hub, bool crowded)
{
    hub->crowded = crowded;
}
