/* When all is quiet: everybody level, and what must hold then. */
#include "tests/sim/sim_check.h"

#include "server/logic/batch.h"
#include "tests/oracle/journal_oracle.h"
#include "tests/sim/sim_files.h"

#define WORLDS_AT_THE_END 150 /* sampled where times are uncertain */
#define WORLDS_ON_THE_WAY 30
#define SETTLE_MAX_US (4 * SIM_DAY)
#define ROUND_US (20 * SIM_MINUTE)
#define STILL_ROUNDS 2 /* in a row without a change */

static bool must_settle(const struct sim_device *device)
{
    return sim_device_fate(device) == SIM_DEVICE_FINE;
}

/* Phones that are only gone for a while come back; the server's clock is put right and it starts anew. */
static void make_quiet(struct sim *sim)
{
    sim->quiet = true;
    sim_trace(sim, "all is quiet from here on");
    for (unsigned i = 0; i < sim->device_count && !sim_failed(sim); i++) {
        struct sim_device *device = sim->devices[i];

        sim_device_set_signal(device, true);
        sim_machine_plan(sim_device_machine(device), NULL);
        sim_machine_limit(sim_device_machine(device), 0);
        if (sim_device_fate(device) != SIM_DEVICE_LOST && sim_device_fate(device) != SIM_DEVICE_RETIRED &&
            sim_device_use(device) == NULL)
            sim_device_open(device);
        sim_device_forget_plans(device);
    }
    sim_machine_limit(sim_server_machine(sim), 0);
    sim_machine_plan(sim_server_machine(sim), NULL);
    sim_run_until(sim, sim->now_us + SIM_HOUR); /* the server is up again */
    sim_server_wall_right(sim);
    sim_server_restart(sim, SIM_SECOND);
}

static void everybody_online(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count; i++) {
        if (sim_device_use(sim->devices[i]) != NULL)
            sim_device_go_online(sim->devices[i], sim->now_us + ROUND_US + SIM_MINUTE);
    }
}

static bool all_settled(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count; i++) {
        if (must_settle(sim->devices[i]) && !sim_device_is_settled(sim->devices[i]))
            return false;
    }
    return sim_server_is_idle(sim);
}

static void tell_stuck(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count; i++) {
        struct sim_device *device = sim->devices[i];

        if (must_settle(device) && !sim_device_is_settled(device)) {
            sim_fail(sim, "stuck: %s isn't level with the server %d h after all became quiet: %s",
                     sim_device_name(device), (int)(SETTLE_MAX_US / SIM_HOUR), sim_device_state(device));
            return;
        }
    }
    sim_fail(sim, "stuck: all phones are level, but the server doesn't come to rest");
}

static uint64_t head_pos(struct sim *sim)
{
    struct store *store = sim_server_store(sim);
    struct store_head head = {0};

    if (store == NULL || store->ops->head(store, &head) != STATUS_OK)
        return 0;
    return head.pos;
}

static enum status on_record(void *context, const struct journal_row *row)
{
    bool *moved = context;

    *moved = *moved || row->kind != JOURNAL_TICK;
    return STATUS_OK;
}

/* Time that passes is told by ticks alone (J2); anything else in the journal since pos is a movement. */
static bool moved_since(struct sim *sim, uint64_t pos)
{
    struct store *store = sim_server_store(sim);
    bool moved = false;

    return store == NULL || store->ops->journal_from(store, pos + 1, on_record, &moved) != STATUS_OK || moved;
}

void sim_check_settle(struct sim *sim)
{
    int64_t limit_us;
    uint64_t pos = 0;
    unsigned still = 0;
    bool rescued = false;

    make_quiet(sim);
    limit_us = sim->now_us + SETTLE_MAX_US;
    while (!sim_failed(sim) && still < STILL_ROUNDS) {
        everybody_online(sim);
        sim_run_until(sim, sim->now_us + ROUND_US);
        still = all_settled(sim) && !moved_since(sim, pos) ? still + 1 : 0;
        pos = head_pos(sim);
        if (sim->now_us > limit_us && still == 0)
            tell_stuck(sim);
        if (still == STILL_ROUNDS && !rescued) {
            rescued = true;
            if (sim_rescue(sim))
                still = 0;
        }
    }
    sim->settled = true;
}

static void ask_oracle(struct sim *sim, struct store *store, size_t worlds)
{
    const struct journal_oracle_settings settings = {.seed = 1, .worlds = worlds};
    struct journal_oracle_report report = {0};
    char text[1500];
    const char *difference = journal_oracle_check_with(store, &settings, &report, text, sizeof(text));

    if (difference != NULL && sim->options.trace)
        journal_oracle_print(store, stderr);
    if (difference != NULL)
        sim_fail(sim, "oracle: %s", difference);
    sim_count(sim, SIM_COUNT_JUDGED, report.presences);
}

void sim_look_oracle(struct sim *sim)
{
    struct store *store = sim_server_store(sim);
    uint64_t pos = head_pos(sim);

    if (store == NULL || !sim->options.oracle || pos == sim->judged_pos)
        return; /* at night nothing comes */
    sim->judged_pos = pos;
    ask_oracle(sim, store, WORLDS_ON_THE_WAY);
}

/* The rules, read a second time (tests/oracle). */
static void check_oracle(struct sim *sim)
{
    struct store *store = sim_server_store(sim);

    if (store != NULL && sim->options.oracle)
        ask_oracle(sim, store, WORLDS_AT_THE_END);
}

/* What was recorded counts for "the same happened", too. */
static void add_root(struct sim *sim)
{
    struct store *store = sim_server_store(sim);
    struct store_head head = {0};

    if (store != NULL && store->ops->head(store, &head) == STATUS_OK)
        sim->result->digest ^= get_u64(head.root.bytes);
}

void sim_check_all(struct sim *sim)
{
    sim_check_journal(sim);
    if (!sim_failed(sim))
        sim_check_scopes(sim);
    if (!sim_failed(sim))
        sim_check_previews(sim);
    if (!sim_failed(sim))
        sim_check_rebuild(sim);
    if (!sim_failed(sim))
        check_oracle(sim);
    sim_count(sim, SIM_COUNT_RECORDS, head_pos(sim));
    add_root(sim);
}
