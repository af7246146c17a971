/* The simulated server's store, as far as a scenario's stage looks at it. 0 while the server is down. */
#ifndef DOUBLECREW_TESTS_SIM_STAGE_STORE_H
#define DOUBLECREW_TESTS_SIM_STAGE_STORE_H

#include "tests/sim/sim.h"

uint64_t stage_store_head(struct sim *sim);
/* How far a device's log is durable. */
uint64_t stage_store_entries(struct sim *sim, const struct id *device);

#endif
