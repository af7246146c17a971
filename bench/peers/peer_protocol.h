/*
 * How one peer is spoken to: the same facts in, durable and acknowledged; all of them, or what changes, out to another
 * client. Everything else (connections, pace, clocks, counting) is the same for all of them.
 */
#ifndef DOUBLECREW_BENCH_PEER_PROTOCOL_H
#define DOUBLECREW_BENCH_PEER_PROTOCOL_H

#include "bench/peers/peer_facts.h"
#include "bench/peers/peer_link.h"

struct peer_push {
    uint8_t *bytes; /* as they go out; owned */
    size_t size;
    size_t facts;
    size_t answers; /* that acknowledge all of it */
};

struct peer_protocol {
    const char *name; /* as on the command line and in keys */
    const char *title;
    const char *id_key; /* what it calls a fact's id */
    bool tls;
    bool keeps_queue; /* it stores for its readers: what one has read is gone */

    /* Before anything is pushed: what a reader needs that comes later. May be NULL. */
    enum status (*make_reader)(struct peer_link *link);
    /* After TCP and TLS: until it may push. Waits. */
    enum status (*begin)(struct peer_link *link, size_t device);
    /* `facts`: each as JSON; numbered from `first` at this device. Frees nothing. */
    enum status (*make_push)(const struct span *facts, size_t count, size_t first, uint64_t *random,
                             struct peer_push *ret_push);
    /* Looks at what came; how many answers there were. STORE, after a complaint, when one isn't an acknowledgement. */
    enum status (*take_answers)(struct peer_link *link, size_t *ret_answers);

    /* The other client: everything from the start, or only what changes from now on. Waits until it is understood. */
    enum status (*read)(struct peer_link *link, bool from_start);
    enum status (*take_changes)(struct peer_link *link, struct peer_seen *seen, peer_seen_fn *fn, void *context);
};

extern const struct peer_protocol peer_websocket;
extern const struct peer_protocol peer_websocket_deflate; /* the same, with permessage-deflate (RFC 7692) */
extern const struct peer_protocol peer_mqtt;
extern const struct peer_protocol peer_postgres;
extern const struct peer_protocol peer_couch;

/* Says what the peer answered. Always STORE. */
MUST_USE enum status peer_complain(const char *peer, struct span answer);

#endif
