/*
 * What waits to be written to one connection: an urgent lane, and a bulk lane behind it (A1). Messages are copied in with
 * the headroom that the transport wants in front of them.
 */
#ifndef DOUBLECREW_SERVER_EDGE_OUTBOX_H
#define DOUBLECREW_SERVER_EDGE_OUTBOX_H

#include "core/bytes.h"
#include "server/logic/session.h"

struct outbox_message {
    struct outbox_message *next;
    enum session_lane lane;
    size_t size;
    uint8_t *bytes; /* after the headroom */
};

struct outbox_lane {
    struct outbox_message *first;
    struct outbox_message *last;
};

/* Zeroed but for the limits. */
struct outbox {
    size_t headroom;
    size_t size_max; /* of all that waits, with what each message costs besides its bytes */
    size_t size;
    struct outbox_lane lanes[2];
};

void outbox_init(struct outbox *outbox, size_t headroom, size_t size_max);
/* Also empties it for use again. */
void outbox_clear(struct outbox *outbox);
void outbox_clear_lane(struct outbox *outbox, enum session_lane lane);
/* OVER_LIMIT: the reader is too slow. NO_MEMORY. */
MUST_USE enum status outbox_push(struct outbox *outbox, enum session_lane lane, struct span bytes);
/* The next message to write, urgent ones first; NULL: none. The caller frees it. */
struct outbox_message *outbox_pop(struct outbox *outbox);
bool outbox_is_empty(const struct outbox *outbox, enum session_lane lane);

#endif
