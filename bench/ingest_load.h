/*
 * One round of a load: devices connect, say Hello, and make and sign everything ahead; then the clock runs from the first
 * push sent to the last acknowledgement. Each device has one push under way and sends the next when it is acknowledged.
 */
#ifndef DOUBLECREW_BENCH_INGEST_LOAD_H
#define DOUBLECREW_BENCH_INGEST_LOAD_H

#include "bench/ingest_force.h"
#include "bench/load_log.h"

struct ingest_load {
    const char *name;
    const char *key;              /* in results: ingest.KEY.… */
    size_t facts_per_transaction; /* of the bare loop whose transactions don't follow the server's */
    double aim;                   /* of that loop's rate, at least */
    size_t devices;
    size_t attempts;     /* of each device */
    const char *attempt; /* as load_log_spec's */
    size_t facts_per_push;
    struct load_times times;
};

struct ingest_round {
    size_t facts; /* sent, acknowledged */
    size_t pushes;
    size_t wire_bytes; /* of the frames sent, before TLS */
    double took_s;
    double load_share;  /* of its core that the load used in that time: near 1, and the load is what was measured */
    double push_ms_p50; /* from sending to its acknowledgement */
    double push_ms_p99;
};

/*
 * ret_acknowledged: entries of each of the force's devices. Complains itself: anything but a plain acknowledgement of the
 * whole push with its hash, nothing held, is an error, and so no figure comes of it. NETWORK, TLS, TIMEOUT, STORE.
 */
MUST_USE enum status ingest_load_run(const struct ingest_load *load, const struct ingest_force *force, uint16_t port,
                                     uint64_t *random, struct ingest_round *ret_round, uint64_t *ret_acknowledged);

#endif
