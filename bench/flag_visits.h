/*
 * Lone visits for the flag benchmark, as the signed pushes that an officer's phone would send: a check-in that says "alone"
 * and its check-out. Each raises "lone confirmed" in the commit that takes it in.
 */
#ifndef DOUBLECREW_BENCH_FLAG_VISITS_H
#define DOUBLECREW_BENCH_FLAG_VISITS_H

#include "bench/ingest_force.h"

struct flag_visit {
    uint8_t *frame; /* of the whole ClientMessage */
    size_t size;
    struct hash presence;
    uint64_t last_seq;
};

/*
 * So many visits of one device, in order of its log, one a minute up to Hello (load_log.h's clocks); offenders of its own,
 * so that nobody pairs with anybody. Freed by flag_visits_done. NO_MEMORY, INPUT (more than a boot's 30 days hold).
 */
MUST_USE enum status flag_visits_make(const struct ingest_force *force, size_t device, const struct id *boot,
                                      int64_t wall_ms, size_t count, uint64_t *random, struct flag_visit **ret_visits);
void flag_visits_done(struct flag_visit *visits, size_t count);

#endif
