/*
 * Fills a force's store through the server: every officer's device pushes attempts that it made up, one push after the other,
 * until the store has as many facts as wanted. What was acknowledged is counted; anything else than a plain acknowledgement
 * ends it.
 */
#ifndef DOUBLECREW_BENCH_FILL_H
#define DOUBLECREW_BENCH_FILL_H

#include "bench/crowd.h"

struct fill;

MUST_USE enum status fill_new(const struct fleet *fleet, uint64_t seed, struct fill **ret_fill);
void fill_free(struct fill *fill);

struct fill_figures {
    size_t facts; /* acknowledged */
    double took_s;
    double cpu_s; /* the server's */
};

/* Which of the fleet's devices, and what each adds to its log. */
struct fill_part {
    size_t from; /* even, as the count: partners stand beside each other */
    size_t count;
    size_t attempts;
    size_t facts_per_push;
};

/* Over a connection for each device, to a server that runs. Complains itself: NETWORK, TIMEOUT, STORE. */
MUST_USE enum status fill_add(struct fill *fill, const struct server_process *server, const struct fill_part *part,
                              struct fill_figures *ret_figures);
/* All so far. */
size_t fill_facts(const struct fill *fill);

#endif
