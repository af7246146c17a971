/*
 * The stage of client-sim/stage.h once more, in the deterministic simulator: the same scenario files, played by the same code,
 * with the server's and the phones' logic and real stores in one process, on a simulated network in virtual time. What is
 * replaced is what touches the world: processes, sockets, certificates, the clock.
 *
 * client-sim's interfaces make the force before they open the stage, and ask the time of nobody in particular; so the one
 * simulation of this program stands in one variable of this file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-sim/relay.h"
#include "client-sim/setup.h"
#include "client-sim/stage.h"
#include "tests/sim/sim_device.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/stage_store.h"

#define SETTLE_STEP_US (200 * INT64_C(1000))
#define SETTLE_LIMIT_US (10 * SIM_MINUTE) /* virtual */
/* As client-sim/stage.c: what the last rows cause is seen too. A round is long enough for the server's own tick. */
#define LEVEL_ROUNDS 3
#define ROUND_US (2500 * INT64_C(1000))

struct relay {
    struct sim_device *device;
};

static struct {
    struct sim sim;
    struct sim_result result;
    const struct scenario *scenario;
    int64_t clock_ms;
    struct relay relays[SCENARIO_PEOPLE_MAX];
    size_t relay_count;
} world;

const char *stage_name(void)
{
    return "simulator";
}

int64_t real_us(void)
{
    return world.sim.now_us;
}

/* ---- The force ---- */

static int role_of(enum scenario_role role)
{
    /* Role of entry.proto: manager, constable, staff, supervisor, leader; the duty role is a supervisor's here */
    static const int roles[] = {1, 2, 3, 4, 5, 4};

    return roles[role];
}

static int risk_of(const char *risk)
{
    static const char *const risks[] = {"", "low", "medium", "high", "very_high"}; /* RiskLevel of entry.proto */
    int found = 0;

    for (int i = 1; i < 5; i++) {
        if (strcmp(risks[i], risk) == 0)
            found = i;
    }
    return found;
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        abort();
    return memory;
}

static void make_people(struct sim *sim, const struct scenario *scenario)
{
    sim->team_count = (unsigned)scenario->team_count;
    sim->teams = allocate(scenario->team_count + 1, sizeof(*sim->teams));
    for (unsigned i = 0; i < sim->team_count; i++)
        sim->teams[i] = sim_id(sim, "team", i);
    sim->officer_count = 1 + (unsigned)scenario->person_count;
    sim->officers = allocate(sim->officer_count, sizeof(*sim->officers));
    sim->officers[0].officer = sim_id(sim, "officer", 0);
    sim->officers[0].role = 6; /* operator */
    for (unsigned i = 1; i < sim->officer_count; i++) {
        const struct scenario_person *person = &scenario->people[i - 1];

        sim->officers[i] = (struct sim_officer){.officer = sim_id(sim, "officer", i),
                                                .team = (unsigned)person->team,
                                                .role = role_of(person->role),
                                                .accredited = person->role == SCENARIO_MANAGER,
                                                .duty = person->role == SCENARIO_DUTY,
                                                .number = i,
                                                .code = person->name};
    }
}

static void make_offenders(struct sim *sim, const struct scenario *scenario)
{
    sim->offender_count = (unsigned)scenario->offender_count;
    sim->offenders = allocate(scenario->offender_count + 1, sizeof(*sim->offenders));
    for (unsigned i = 0; i < sim->offender_count; i++) {
        const struct scenario_offender *offender = &scenario->offenders[i];

        sim->offenders[i] = (struct sim_offender){.offender = sim_id(sim, "offender", i),
                                                  .team = (unsigned)offender->team,
                                                  .risk = risk_of(offender->risk),
                                                  .latitude_e7 = offender->latitude_e7,
                                                  .longitude_e7 = offender->longitude_e7,
                                                  .reference = offender->name,
                                                  .manager = 1 + (unsigned)offender->manager,
                                                  .placeless = !offender->has_place};
    }
}

bool setup_force(const struct scenario *scenario, const char *folder, int64_t start_ms, uint16_t port)
{
    struct sim *sim = &world.sim;

    (void)port;
    if (scenario->policy_count > 0) {
        fprintf(stderr, "doublecrew-stage: a scenario with a policy of its own isn't played in the simulator\n");
        return false;
    }
    memset(&world, 0, sizeof(world));
    world.scenario = scenario;
    world.clock_ms = start_ms;
    sim->options = (struct sim_options){.seed = 1, .trace = getenv("STAGE_TRACE") != NULL};
    sim->result = &world.result;
    sim->folder = folder;
    sim->quiet = true; /* no faults but the scenario's */
    sim->held_ms = &world.clock_ms;
    sim->server_held_us = start_ms * 1000;
    sim_world_new(sim);
    sim_files_new(sim);
    sim_make_server_key(sim);
    sim_server_new(sim);
    sim_server_start(sim);
    sim->force = sim_id(sim, "force", 0);
    make_people(sim, scenario);
    make_offenders(sim, scenario);
    if (!sim_failed(sim))
        sim_setup_record(sim);
    if (sim_failed(sim))
        fprintf(stderr, "doublecrew-stage: %s\n", world.result.failure);
    return !sim_failed(sim);
}

/* A "package" is a person's number: there are no files. */
void setup_package(const struct scenario *scenario, size_t person, const char *folder, char ret_path[PROCESS_PATH_MAX])
{
    (void)scenario;
    (void)folder;
    snprintf(ret_path, PROCESS_PATH_MAX, "%zu", person);
}

/* ---- People ---- */

static struct sim_device *device_of(const struct person *person)
{
    return world.sim.devices[1 + strtoul(person->package.folder, NULL, 10)];
}

static void on_event(void *context, const struct dc_event *event)
{
    person_sees(context, event);
}

bool person_open(struct person *person, struct dc_loop *loop, struct sim_clock *clock, const char *folder,
                 uint16_t port)
{
    static const char *const roles[] = {"offender_manager", "constable", "staff", "supervisor", "leader", "supervisor"};
    size_t number = strtoul(folder, NULL, 10);
    struct package *package = &person->package;
    struct sim_device *device = world.sim.devices[1 + number];

    (void)loop;
    person->clock = clock;
    snprintf(package->folder, sizeof(package->folder), "%s", folder);
    snprintf(package->officer_code, sizeof(package->officer_code), "%s", world.scenario->people[number].name);
    snprintf(package->role, sizeof(package->role), "%s", roles[world.scenario->people[number].role]);
    memcpy(package->device.bytes, sim_device_id(device)->bytes, ID_SIZE);
    memcpy(package->log.bytes, sim_device_log(device)->bytes, ID_SIZE);
    memcpy(package->officer.bytes, world.sim.officers[1 + number].officer.bytes, ID_SIZE);
    if (port > 0)
        world.relays[port - 1].device = device;
    sim_device_skew_wall(device, person->wall_offset_ms * 1000);
    sim_device_on_stage(device, on_event, person);
    person->device = sim_device_use(device);
    return person->device != NULL;
}

void person_close(struct person *person)
{
    if (person->device != NULL)
        sim_device_close(device_of(person));
    person->device = NULL;
}

bool person_reboot(struct person *person, struct dc_loop *loop)
{
    struct sim_device *device = device_of(person);

    (void)loop;
    person_close(person);
    sim_device_reboot(device);
    sim_device_open(device);
    person->device = sim_device_use(device);
    return person->device != NULL && (!person->wants_online || dc_sync_start(person->device) == DC_OK);
}

/* ---- The stage ---- */

bool stage_open(struct stage *stage, const char *folder, int64_t now_ms, struct person *people, size_t person_count)
{
    snprintf(stage->folder, sizeof(stage->folder), "%s", folder);
    stage->clock.now_ms = world.clock_ms = now_ms;
    stage->people = people;
    stage->person_count = person_count;
    world.sim.held_ms = &stage->clock.now_ms;
    sim_server_step(&world.sim);
    return !sim_failed(&world.sim);
}

void stage_close(struct stage *stage)
{
    for (size_t i = 0; i < stage->person_count; i++)
        person_close(&stage->people[i]);
    world.clock_ms = stage->clock.now_ms;
    world.sim.held_ms = &world.clock_ms;
    if (world.sim.server != NULL)
        sim_world_over(&world.sim);
}

bool stage_serve(struct stage *stage, unsigned timeout_ms)
{
    (void)stage;
    sim_run_until(&world.sim, world.sim.now_us + (int64_t)timeout_ms * 1000);
    if (sim_failed(&world.sim))
        fprintf(stderr, "doublecrew-stage: %s\n", world.result.failure);
    return !sim_failed(&world.sim);
}

bool stage_online(struct person *person, bool online)
{
    person->wants_online = online;
    if (person->device == NULL)
        return true;
    if (online)
        return dc_sync_now(person->device) == DC_OK;
    dc_sync_stop(person->device);
    return true;
}

static const char *what_hangs(const struct person *person, uint64_t head)
{
    struct dc_sync_status status;

    if (person->device == NULL || !person->wants_online || person->dead)
        return NULL;
    dc_sync_status(person->device, &status);
    if (status.state == DC_SYNC_CLOSED && status.reason != DC_OK)
        return NULL; /* stopped for good; what it says is for an expectation to check */
    if (status.state != DC_SYNC_ONLINE)
        return status.reason_text;
    if (status.pending_entries > 0)
        return "entries are not acknowledged";
    return status.feed_cursor < head || !status.feed_complete ? "rows have not arrived" : NULL;
}

static const char *first_that_hangs(const struct stage *stage)
{
    uint64_t head = stage_store_head(&world.sim);

    for (size_t i = 0; i < stage->person_count; i++) {
        const char *why = what_hangs(&stage->people[i], head);

        if (why != NULL)
            return why;
    }
    return NULL;
}

static bool wait_level(struct stage *stage, int64_t until_us)
{
    const char *why = first_that_hangs(stage);

    while (why != NULL && world.sim.now_us < until_us) {
        if (!stage_serve(stage, SETTLE_STEP_US / 1000))
            return false;
        why = first_that_hangs(stage);
    }
    if (why != NULL)
        fprintf(stderr, "doublecrew-stage: a device does not settle: %s\n", why);
    return why == NULL;
}

bool stage_settle(struct stage *stage, int64_t now_ms)
{
    struct sim *sim = &world.sim;
    int64_t until_us;
    uint64_t head = 0;
    unsigned level = 0;

    stage->clock.now_ms = now_ms;
    if (!sim_server_is_up(sim))
        return true;
    if (sim->now_us < now_ms * 1000)
        sim_run_until(sim, now_ms * 1000);
    until_us = sim->now_us + SETTLE_LIMIT_US;
    while (level < LEVEL_ROUNDS) {
        sim_server_step(sim);
        if (!stage_serve(stage, ROUND_US / 1000) || !wait_level(stage, until_us))
            return false;
        level = stage_store_head(sim) == head ? level + 1 : 0;
        head = stage_store_head(sim);
    }
    return true;
}

void stage_kill_server(struct stage *stage)
{
    (void)stage;
    sim_server_crash(&world.sim, false, 1000 * SIM_DAY); /* stage_restart_server() comes before */
}

bool stage_restart_server(struct stage *stage)
{
    sim_server_start(&world.sim);
    sim_server_step(&world.sim);
    for (size_t i = 0; i < stage->person_count; i++) {
        if (stage->people[i].device != NULL && stage->people[i].wants_online &&
            dc_sync_now(stage->people[i].device) != DC_OK)
            return false;
    }
    return !sim_failed(&world.sim);
}

/* ---- What stands for relays and processes ---- */

struct relay *relay_new(uint16_t server_port)
{
    (void)server_port;
    return &world.relays[world.relay_count++];
}

void relay_free(struct relay *relay)
{
    (void)relay;
}

uint16_t relay_port(const struct relay *relay)
{
    return (uint16_t)(1 + (relay - world.relays));
}

void relay_lose_next_answer(struct relay *relay)
{
    sim_device_lose_next_answer(relay->device);
}

uint16_t process_free_port(void)
{
    return 0;
}

bool process_scratch(char ret_path[PROCESS_PATH_MAX], const char *purpose)
{
    const char *folder = getenv("TMPDIR");

    snprintf(ret_path, PROCESS_PATH_MAX, "%.900s/doublecrew-stage-%s-XXXXXX", folder != NULL ? folder : "/tmp",
             purpose);
    return mkdtemp(ret_path) != NULL;
}

void process_remove_tree(const char *path)
{
    (void)rmdir(path); /* the simulated disk has emptied it */
}

/* `list devices`, as far as play_act.c reads it: by the store, not by what the devices believe. */
char *process_read_ctl(const char *const *arguments)
{
    size_t size = world.sim.device_count * 64 + 1, used = 0;
    char *text = malloc(size);

    (void)arguments;
    if (text == NULL)
        return NULL;
    for (unsigned i = 0; i < world.sim.device_count; i++) {
        const struct id *id = sim_device_id(world.sim.devices[i]);

        for (size_t j = 0; j < ID_SIZE; j++)
            used += (size_t)snprintf(text + used, size - used, "%02x", id->bytes[j]);
        used += (size_t)snprintf(text + used, size - used, "\t-\t-\t%llu\n",
                                 (unsigned long long)stage_store_entries(&world.sim, id));
    }
    return text;
}

bool server_stop(struct server_process *server)
{
    (void)server;
    return true;
}
