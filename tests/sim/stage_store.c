/* What a scenario's stage asks the simulated server's store; apart, since its header and the device's don't go together. */
#include "tests/sim/stage_store.h"

#include "server/logic/store.h"

uint64_t stage_store_head(struct sim *sim)
{
    struct store *store = sim_server_store(sim);
    struct store_head head = {0};

    return store != NULL && store->ops->head(store, &head) == STATUS_OK ? head.pos : 0;
}

uint64_t stage_store_entries(struct sim *sim, const struct id *device)
{
    struct store *store = sim_server_store(sim);
    struct device_row row;

    return store != NULL && store->ops->device_by_id(store, device, &row) == STATUS_OK ? row.last_seq : 0;
}
