/*
 * The door: listens, and keeps whoever comes, in the order in which they came, until there is room to shake hands with them.
 * A handshake costs more than anything else before the first fact, and one that comes too late is lost whole: so no more of
 * them begin than can be ended, and who has waited for too long is let go before it costs anything.
 *
 * All of it on the loop's thread. A socket that waits holds one of the places that its connection will take.
 */
#ifndef DOUBLECREW_SERVER_EDGE_DOOR_H
#define DOUBLECREW_SERVER_EDGE_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/status.h"
#include "server/edge/log.h"

/*
 * Let through in one turn of the loop, which serves everybody who is connected in each turn: about 5 ms of handshakes, so
 * that is what a storm adds to their waits.
 */
#define DOOR_TURN_MAX 8u
/* A device gives up 20 s after it set out (PROTOCOL.md, section 8): this leaves 5 s for TLS and the upgrade. */
#define DOOR_WAIT_MAX_MS 15000u

struct door_calls {
    /* Places that are free, those that wait at the door not counted. */
    unsigned (*places)(void *context);
    bool (*may_enter)(void *context);
    /* Takes the socket (non-blocking, close-on-exec, TCP_NODELAY) over. */
    void (*enter)(void *context, int socket);
};

struct door_spec {
    uv_loop_t *loop;
    const char *address; /* numeric */
    uint16_t port;       /* 0: any free one */
    unsigned capacity;   /* the most that may ever wait */
    struct door_calls calls;
    void *context;
    struct log *log;
};

struct door;

/* Listens; everything in the spec is borrowed. NETWORK: the address or port can't be used. NO_MEMORY. */
MUST_USE enum status door_open(const struct door_spec *spec, struct door **ret_door);
uint16_t door_port(const struct door *door);
/* How many wait. */
unsigned door_count(const struct door *door);
/* There may be room again. */
void door_go_on(struct door *door);
/* Some times a second, with uv_now: lets those go who have waited for too long. */
void door_tick(struct door *door, uint64_t now_ms);
/* Nobody comes any more, and who waits is let go. The loop has to run once more before door_free. */
void door_shut(struct door *door);
void door_free(struct door *door);

#endif
