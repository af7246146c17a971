/*
 * The load on a peer: devices connect, everything that they will push is made ahead, then the clock runs from the first push
 * sent to the last acknowledgement. Without a rate each device has one push under way; with one, pushes go out when they
 * are due, whatever is under way. Afterwards another client reads everything: what was acknowledged must be there.
 */
#ifndef DOUBLECREW_BENCH_PEER_LOAD_H
#define DOUBLECREW_BENCH_PEER_LOAD_H

#include <sys/types.h>

#include "bench/peers/peer_protocol.h"

struct peer_plan {
    const struct peer_protocol *protocol;
    uint16_t port;
    const char *certs; /* as certs/make-*.sh leave it; device certificates: devices/%032x */
    size_t devices;
    size_t pushes_each;
    size_t facts_per_push;
    bool lone;         /* facts of visits that nobody else was at, two a push */
    bool listens;      /* another client is told of each, and its time is taken */
    double rate_per_s; /* pushes of all devices; 0: see above */
    bool until_cut;    /* ends well when the peer is killed */
    pid_t server;      /* whose CPU is counted; 0: nobody's */
    uint64_t seed;
};

struct peer_figures {
    size_t facts; /* acknowledged */
    size_t pushes;
    double took_s;
    double load_share;   /* of its core that the load used */
    double server_cpu_s; /* the peer's, in that time */
    double push_ms[2];   /* p50, p99: from sending to its acknowledgement */
    double screen_ms[2]; /* from sending to the other client, when it listens */
    size_t screen_count;
    uint64_t wire_bytes;                   /* sent, TLS included; 0 when plain */
    size_t acknowledged[PEER_DEVICES_MAX]; /* facts of each device, in order */
};

/* Complains itself. */
MUST_USE enum status peer_load_run(const struct peer_plan *plan, struct peer_figures *ret_figures);

/*
 * A fresh client reads everything. ret_lost: of those acknowledged, how many it didn't get. Ends when it has as many as
 * were expected, or when nothing came for a while.
 */
struct peer_collected {
    size_t facts;
    size_t lost;
    double took_s; /* from asking to the last fact */
};
MUST_USE enum status peer_load_collect(const struct peer_plan *plan, const size_t *acknowledged,
                                       struct peer_collected *ret_collected);

/* For a reader that must be known before facts come. */
MUST_USE enum status peer_load_make_reader(const struct peer_plan *plan);

#endif
