/*
 * The handshakes under way, oldest first: from a socket's acceptance to the upgrade's end. Their number is limited, since each
 * holds memory, a descriptor, and a buffer for its headers; and a peer that is slow, or silent on purpose, may hold its place
 * only while nobody else needs it. Pure: time is an argument.
 */
#ifndef DOUBLECREW_SERVER_EDGE_HANDSHAKES_H
#define DOUBLECREW_SERVER_EDGE_HANDSHAKES_H

#include <stdbool.h>
#include <stdint.h>

/* At once: fewer than the transport has buffers for headers. */
#define HANDSHAKES_MAX 384u
/* Then one that has lasted for so long makes room: four ways there and back over a bad radio. */
#define HANDSHAKE_PATIENCE_MS 4000u

struct handshake {
    struct handshake *older;
    struct handshake *newer;
    void *peer; /* the transport's */
    uint64_t since_ms;
};

/* Zeroed: none. */
struct handshakes {
    struct handshake *oldest;
    struct handshake *newest;
    unsigned count;
};

/* NULL: no memory. */
struct handshake *handshake_begin(struct handshakes *handshakes, void *peer, uint64_t now_ms);
/* However it ended; frees it. NULL is fine. */
void handshake_end(struct handshakes *handshakes, struct handshake *handshake);
bool handshakes_are_full(const struct handshakes *handshakes);
/* The peer that must make room, or NULL; the caller ends its connection, and then its handshake. */
void *handshakes_overdue(const struct handshakes *handshakes, uint64_t now_ms);

#endif
