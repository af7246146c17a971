/* Rescue: a copy of a phone that was refused still holds what its officer wrote. It is exported, and brought in by hand. */
#include "tests/sim/sim_check.h"

struct rescue {
    struct sim *sim;
    struct sim_device *device;
    bool any;
};

/* Bytes that another key is said to have signed are taken by nobody. */
static void try_forged(struct sim *sim, struct span push)
{
    struct public_key other;

    sim_device_public_key(sim->devices[0], &other);
    if (sim_server_rescue(sim, push, &other) != STATUS_BAD_SIGNATURE)
        sim_fail(sim, "the server takes a push that another key signed");
}

static bool bring_in(void *context, enum dc_status status, const uint8_t *push, size_t size)
{
    struct rescue *rescue = context;
    struct sim *sim = rescue->sim;
    struct public_key key;
    enum status taken;

    if (status != DC_OK) {
        sim_fail(sim, "%s: what it holds can't be exported: %s", sim_device_name(rescue->device),
                 dc_status_name(status));
        return false;
    }
    if (push == NULL)
        return true;
    sim_device_public_key(rescue->device, &key);
    try_forged(sim, span_of(push, size));
    taken = sim_server_rescue(sim, span_of(push, size), &key);
    if (taken != STATUS_OK && taken != STATUS_LOG_FORK)
        sim_fail(sim, "%s: what was rescued from it isn't taken: %s", sim_device_name(rescue->device),
                 status_name(taken));
    sim_trace(sim, "%s: rescued: %s", sim_device_name(rescue->device), status_name(taken));
    rescue->any = true;
    return !sim_failed(sim);
}

bool sim_rescue(struct sim *sim)
{
    bool any = false;

    for (unsigned i = 1; i < sim->device_count && !sim_failed(sim); i++) {
        struct rescue rescue = {.sim = sim, .device = sim->devices[i]};

        if (sim_device_fate(rescue.device) != SIM_DEVICE_COPY || sim_device_use(rescue.device) == NULL)
            continue;
        if (dc_export_pending(sim_device_use(rescue.device), bring_in, &rescue) != DC_OK)
            sim_fail(sim, "%s: what it holds can't be exported", sim_device_name(rescue.device));
        any = any || rescue.any;
    }
    return any;
}
