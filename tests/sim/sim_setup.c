/* A force in its first minute: roster, offenders and phones, recorded by the operator and brought in by hand. */
#include <stdlib.h>
#include <string.h>

#include "doublecrew/v1/entry.pb-c.h"
#include "tests/sim/sim_office.h"

#define DEVICES_A_TEAM 7
#define OFFENDERS_A_DEVICE 4

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        abort();
    return memory;
}

/* Of each team: one supervisor, a constable, one of the staff, and the rest are accredited managers. */
static void make_officer(struct sim *sim, unsigned number)
{
    struct sim_officer *officer = &sim->officers[number];
    unsigned place = (number - 1) / sim->team_count;

    officer->officer = sim_id(sim, "officer", number);
    officer->number = number;
    officer->team = (number - 1) % sim->team_count;
    officer->role = DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER;
    officer->accredited = true;
    if (place == 0)
        officer->role = DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
    else if (place == 3)
        officer->role = DOUBLECREW__V1__ROLE__ROLE_CONSTABLE;
    else if (place == 6)
        officer->role = DOUBLECREW__V1__ROLE__ROLE_STAFF;
    if (place == 0 || place == 3 || place == 6)
        officer->accredited = false;
}

static void make_people(struct sim *sim)
{
    sim->team_count = 1 + sim->options.devices / DEVICES_A_TEAM;
    if (sim->team_count < 2)
        sim->team_count = 2;
    sim->teams = allocate(sim->team_count, sizeof(*sim->teams));
    for (unsigned i = 0; i < sim->team_count; i++)
        sim->teams[i] = sim_id(sim, "team", i);
    sim->officer_count = 1 + sim->options.devices;
    sim->officers = allocate(sim->officer_count, sizeof(*sim->officers));
    sim->officers[0].officer = sim_id(sim, "officer", 0);
    sim->officers[0].role = DOUBLECREW__V1__ROLE__ROLE_OPERATOR;
    for (unsigned i = 1; i < sim->officer_count; i++)
        make_officer(sim, i);
    sim->offender_count = OFFENDERS_A_DEVICE * sim->options.devices;
    sim->offenders = allocate(sim->offender_count, sizeof(*sim->offenders));
    for (unsigned i = 0; i < sim->offender_count; i++) {
        unsigned band = (unsigned)sim_below(sim, SIM_SETUP, 100); /* 2, 18, 30, 50 of a hundred */

        sim->offenders[i] = (struct sim_offender){
            .offender = sim_id(sim, "offender", i),
            .team = i % sim->team_count,
            .risk = band < 2    ? 4
                    : band < 20 ? 3
                    : band < 50 ? 2
                                : 1,
            .latitude_e7 = 522000000 + (int32_t)sim_below(sim, SIM_SETUP, 4000000),
            .longitude_e7 = 1200000 + (int32_t)sim_below(sim, SIM_SETUP, 4000000),
        };
    }
}

static void record(struct sim *sim)
{
    sim_office_force(sim);
    if (sim->held_ms == NULL) /* a scenario's force has the default policy */
        sim_office_policy(sim);
    for (unsigned i = 0; i < sim->team_count; i++)
        sim_office_team(sim, i);
    for (unsigned i = 1; i < sim->officer_count; i++)
        sim_office_officer(sim, i);
    for (unsigned i = 0; i < sim->offender_count; i++)
        sim_office_offender(sim, i);
    for (unsigned i = 1; i < sim->device_count; i++)
        sim_office_device(sim, sim->devices[i]);
}

static bool bring_in(void *context, enum dc_status status, const uint8_t *push, size_t size)
{
    struct sim *sim = context;
    struct public_key key;

    if (status != DC_OK) {
        sim_fail(sim, "the operator's entries can't be exported: %s", dc_status_name(status));
        return false;
    }
    sim_device_public_key(sim->devices[0], &key);
    if (push != NULL)
        sim_server_import(sim, span_of(push, size), &key);
    return !sim_failed(sim);
}

void sim_setup(struct sim *sim)
{
    sim->force = sim_id(sim, "force", 0);
    make_people(sim);
    sim_setup_record(sim);
}

void sim_setup_record(struct sim *sim)
{
    (void)sim_device_new(sim, 0, "operator", 0);
    for (unsigned i = 1; i < sim->officer_count; i++)
        (void)sim_device_new(sim, i, "phone", i);
    for (unsigned i = 0; i < sim->device_count; i++)
        sim_device_open(sim->devices[i]);
    if (sim_failed(sim))
        return;
    record(sim);
    if (!sim_failed(sim) && dc_export_pending(sim_device_use(sim->devices[0]), bring_in, sim) != DC_OK)
        sim_fail(sim, "the operator's entries can't be exported");
}
