/*
 * Inside the hub; for hub*.c only.
 */
#ifndef DOUBLECREW_SERVER_EDGE_HUB_INTERNAL_H
#define DOUBLECREW_SERVER_EDGE_HUB_INTERNAL_H

#include "server/edge/hub.h"

struct hub {
    const struct session_setup *setup;
    struct hub_limits limits;
    struct hub_queues queues;
    struct hub_transport transport;
    struct clock *clock;
    struct log *log;
    struct connection **slots; /* limits.max_connections of them */
    struct audience *audience;
    struct connection **gathered; /* who is being told; as many */
    size_t gathered_count;
    uint64_t gathering;
    unsigned next_slot;
    unsigned tick_part;     /* next */
    unsigned news_left;     /* until the next part of a tick */
    unsigned laggards_left; /* likewise */
    uint64_t head_pos;      /* of the last commit told */
    unsigned count;
    uint64_t generation;
    uint32_t pushes; /* under way, of all connections */
    size_t push_bytes;
    bool told_behind; /* the writer knows that the store was set back (E2) */
    bool reading_paused;
    unsigned greetings;
    struct admission admission;
    struct admission meanwhile; /* while others wait at the door */
    bool crowded;               /* they do */
    struct connection *line_first;
    struct connection *line_last;
    unsigned line_count;
    bool stopping;
    bool told_stopping;
    int64_t stop_by_us;
};

struct session_now hub_now(struct hub *hub);
/* NULL: it is gone. */
struct connection *hub_find(struct hub *hub, uint64_t id);
/* One event into a session, and everything that follows from it. */
void hub_feed(struct hub *hub, struct connection *connection, const struct session_event *event);
/* hub_line.c: who is let in at once, waits in line, or is told to come back; limits set. */
void hub_line_open(struct hub *hub);
void hub_line_arrive(struct hub *hub, struct connection *connection, const struct session_now *now);
/* With each tick. */
void hub_line_move(struct hub *hub);
void hub_line_leave(struct hub *hub, struct connection *connection);
/* hub_audience.c: the session hears of other things than before. */
void hub_hear(struct hub *hub, struct connection *connection);
unsigned hub_sessions_of(const struct hub *hub, const struct id *device);
/* Into every session that may have news by it. */
void hub_tell_commit(struct hub *hub, const struct commit_note *note);
/* With its tick: where the head is, if it hasn't heard for lack of news, or because there was too much of it. */
void hub_tell_late(struct hub *hub, struct connection *connection);
void hub_tell_flag(struct hub *hub, const struct batch_flag *flag, const struct session_event *event);
void hub_pause(struct hub *hub, struct connection *connection, enum hub_pause why);
void hub_resume(struct hub *hub, struct connection *connection, enum hub_pause why);
size_t hub_push_cost(size_t charged_size);
/* Pauses reading when there is no room for one more message, resumes it at half. */
void hub_balance(struct hub *hub, struct connection *connection);
void hub_drop_slow_reader(struct hub *hub, struct connection *connection);
void hub_stop_step(struct hub *hub);
/* Tells the writer of the device's contact, if it is time to; `now_or_never` when the session begins or ends. */
void hub_contact(struct hub *hub, struct connection *connection, bool now_or_never);

#endif
