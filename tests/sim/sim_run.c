/* One seed: a force, its days, quiet, checks. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_people.h"

#define LOOK_EACH_US (4 * SIM_HOUR)

static void look(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    if (sim->quiet)
        return;
    sim_look_oracle(sim);
    sim_at(sim, sim->now_us + LOOK_EACH_US, look, NULL, number);
}

static void each_day(struct sim *sim, void *context, uint64_t day)
{
    int64_t morning_us = sim->now_us;

    (void)context;
    if (sim->quiet || day >= sim->options.days)
        return;
    sim_people_day(sim, morning_us);
    sim_office_day(sim, morning_us);
    sim_mishap_day(sim, morning_us);
    sim_count(sim, SIM_COUNT_DEVICE_DAYS, sim->device_count - 1);
    sim_at(sim, morning_us + SIM_DAY, each_day, NULL, day + 1);
}

void sim_make_server_key(struct sim *sim)
{
    struct id id = sim_id(sim, "server", 0);
    uint8_t seed[32];

    memcpy(seed, id.bytes, ID_SIZE);
    memcpy(seed + ID_SIZE, id.bytes, ID_SIZE);
    if (sign_key_from_seed(seed, &sim->server_key) != STATUS_OK)
        abort();
}

void sim_world_over(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count; i++)
        sim_device_close(sim->devices[i]);
    sim_server_free(sim);
    sim_backup_free(sim);
    sim_net_free(sim);
    sim_world_free(sim);
    for (unsigned i = 0; i < sim->device_count; i++)
        sim_device_free(sim->devices[i]);
    sim_files_free(sim);
    free(sim->devices);
    free(sim->teams);
    free(sim->officers);
    free(sim->offenders);
    sign_key_free(sim->server_key);
}

void sim_run(const struct sim_options *options, const char *folder, struct sim_result *ret_result)
{
    struct sim sim = {.options = *options, .result = ret_result, .folder = folder};

    memset(ret_result, 0, sizeof(*ret_result));
    sim_world_new(&sim);
    sim_files_new(&sim);
    sim_make_server_key(&sim);
    sim_server_new(&sim);
    sim_backup_new(&sim);
    sim_server_start(&sim);
    if (!sim_failed(&sim))
        sim_setup(&sim);
    sim.days_end_us = SIM_START + (int64_t)options->days * SIM_DAY;
    sim_at(&sim, SIM_START, each_day, NULL, 0);
    if (options->oracle)
        sim_at(&sim, SIM_START + LOOK_EACH_US, look, NULL, 0);
    sim_run_until(&sim, sim.days_end_us);
    if (!sim_failed(&sim))
        sim_check_settle(&sim);
    if (!sim_failed(&sim))
        sim_check_all(&sim);
    sim_count(&sim, SIM_COUNT_SEEDS, 1);
    sim_world_over(&sim);
}
