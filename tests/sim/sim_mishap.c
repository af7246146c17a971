/* What befalls phones and the server, drawn each morning; each kind at its own rate. */
#include <stdlib.h>
#include <string.h>

#include "doublecrew/v1/entry.pb-c.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_people.h"

/* Chances a device-day, in millionths. */
#define NO_SIGNAL_RATE 20000
#define SKEWED_RATE 3000
#define JUMP_RATE 4000
#define REBOOT_RATE 30000
#define APP_CRASH_RATE 15000
#define POWER_LOSS_RATE 8000
#define CLONE_RATE 1000
#define RESTORE_RATE 3000
#define BACK_UP_RATE 50000
#define RETRY_RATE 50000
#define NEW_APP_RATE 1500
#define LOST_RATE 700
#define SUCCEEDED_RATE 500000 /* of those that know of their fork */
#define PHONE_WRITE_RATE 8000
#define PHONE_FULL_RATE 3000
/* Chances a day of the server. */
#define SERVER_CRASH_RATE 150000
#define SERVER_RESTART_RATE 60000
#define SERVER_JUMP_RATE 12000
#define SERVER_WRITE_RATE 40000
#define SERVER_SYNC_RATE 40000
#define SERVER_FULL_RATE 15000
#define SERVER_RESTORED_RATE 15000
#define SERVER_BACK_UP_RATE 400000

#define NEW_KIND 50 /* an officer's kind that this server doesn't know */

static void no_signal_ends(struct sim *sim, void *context, uint64_t number)
{
    (void)sim;
    (void)number;
    sim_device_set_signal(context, true);
}

static void no_signal(struct sim *sim, struct sim_device *device)
{
    int64_t long_us = SIM_MINUTE * (int64_t)(5 + sim_fault_below(sim, SIM_FAULT_NO_SIGNAL, 120));

    sim_device_set_signal(device, false);
    sim_at(sim, sim->now_us + long_us, no_signal_ends, device, 0);
    sim_device_go_online(device, sim->now_us + long_us + 3 * SIM_MINUTE);
}

static void goes_down(struct sim *sim, struct sim_device *device, enum sim_fault fault, int64_t down_us)
{
    sim_trace(sim, "%s: %s", sim_device_name(device), sim_fault_name(fault));
    sim_device_crash(device, fault);
    if (fault != SIM_FAULT_APP_CRASH)
        sim_device_reboot(device);
    sim_device_open_at(device, sim->now_us + down_us);
}

void sim_mishap_reboot(struct sim *sim, struct sim_device *device)
{
    if (sim_device_use(device) != NULL)
        goes_down(sim, device, SIM_FAULT_REBOOT, SIM_MINUTE);
}

static void impatient(struct sim *sim, struct sim_device *device)
{
    sim_device_go_online(device, sim->now_us + 2 * SIM_MINUTE);
    for (unsigned i = 0; i < 4; i++) {
        if (sim_device_use(device) != NULL && dc_sync_now(sim_device_use(device)) != DC_OK)
            sim_fail(sim, "%s: can't be hurried", sim_device_name(device));
    }
    sim_device_note(device);
}

static void new_app(struct sim *sim, struct sim_device *device)
{
    static const uint8_t message[] = {0x0a, 0x03, 'n', 'e', 'w'};
    enum dc_status status = dc_append(sim_device_use(device), NEW_KIND, message, sizeof(message), NULL);

    if (status != DC_OK && status != DC_IO && status != DC_DISK_FULL)
        sim_fail(sim, "%s: an entry of a newer app isn't taken: %s", sim_device_name(device), dc_status_name(status));
    sim_device_note(device);
}

static void lose(struct sim *sim, struct sim_device *device)
{
    sim_device_crash(device, SIM_FAULT_LOST);
    sim_device_set_fate(device, SIM_DEVICE_LOST);
    if (sim_device_use(sim->devices[0]) == NULL)
        return;
    sim_office_standing(sim, device, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST, sim->now_us);
    sim_device_go_online(sim->devices[0], sim->now_us + 5 * SIM_MINUTE);
}

static void wall_jumps(struct sim *sim, struct sim_device *device)
{
    int64_t by_us = SIM_SECOND * ((int64_t)sim_fault_below(sim, SIM_FAULT_CLOCK_JUMP, 2 * 86400) - 86400);

    sim_device_jump_wall(device, by_us);
}

/* ---- Disks: a fault counts when it has struck ---- */

struct bad_disk {
    struct sim_machine *machine;
    enum sim_fault fault;
};

static void disk_works(struct sim *sim, void *context, uint64_t number)
{
    struct bad_disk *bad = context;

    (void)number;
    if (sim_machine_fired(bad->machine))
        sim->result->faults[bad->fault]++;
    if (sim->options.trace)
        sim_trace(sim, "the disk works again%s", sim_machine_fired(bad->machine) ? "" : "; nobody noticed");
    sim_machine_limit(bad->machine, 0);
    sim_machine_plan(bad->machine, NULL);
}

static void disk_fails(struct sim *sim, struct sim_machine *machine, enum sim_fault fault)
{
    struct bad_disk *bad = malloc(sizeof(*bad));
    uint64_t nth = 1 + sim_fault_below(sim, fault, 24);
    struct fault_plan plan = {0};

    if (bad == NULL)
        abort();
    *bad = (struct bad_disk){machine, fault};
    if (fault == SIM_FAULT_SERVER_SYNC || (fault == SIM_FAULT_PHONE_WRITE && nth % 3 == 0))
        plan.fail_sync = 1 + nth / 4;
    else
        plan.fail_write = nth;
    plan.torn = sim_fault_below(sim, fault, 2) == 0;
    if (fault == SIM_FAULT_SERVER_FULL || fault == SIM_FAULT_PHONE_FULL)
        sim_machine_limit(machine, sim_machine_size(machine) + 1 + 1024 * sim_fault_below(sim, fault, 64));
    else
        sim_machine_plan(machine, &plan);
    sim_trace(sim, "disk: %s", sim_fault_name(fault));
    sim_at_owned(sim, sim->now_us + SIM_MINUTE * (int64_t)(10 + sim_fault_below(sim, fault, 600)), disk_works, bad, 0,
                 bad);
}

/* Both copies of a phone are used: only so does anybody learn that there are two. */
static void use_copy(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;
    enum dc_status status;

    (void)number;
    if (sim->quiet || sim_device_use(device) == NULL)
        return;
    status = dc_seal(sim_device_use(device), NULL);
    sim_device_note(device);
    if (status != DC_OK && status != DC_IO && status != DC_DISK_FULL)
        sim_fail(sim, "%s: its seal isn't taken: %s", sim_device_name(device), dc_status_name(status));
    sim_device_go_online(device, sim->now_us + 10 * SIM_MINUTE);
}

static void clone(struct sim *sim, struct sim_device *device)
{
    struct sim_device *copy = sim_device_clone(sim, device);

    for (unsigned i = 0; i < 2; i++)
        sim_at(sim, sim->now_us + SIM_MINUTE * (int64_t)(10 + sim_fault_below(sim, SIM_FAULT_CLONE, 2000)), use_copy,
               i == 0 ? device : copy, 0);
    sim_device_go_online(copy, sim->now_us + 10 * SIM_MINUTE);
}

static void befall(struct sim *sim, struct sim_device *device, enum sim_fault fault)
{
    int64_t down_us = SIM_SECOND * (int64_t)(2 + sim_fault_below(sim, fault, 600));

    switch (fault) {
    case SIM_FAULT_NO_SIGNAL:
        no_signal(sim, device);
        break;
    case SIM_FAULT_SKEWED_CLOCK:
        sim_device_skew_wall(device, SIM_MINUTE * ((int64_t)sim_fault_below(sim, fault, 2881) - 1440));
        break;
    case SIM_FAULT_CLOCK_JUMP:
        wall_jumps(sim, device);
        break;
    case SIM_FAULT_REBOOT:
    case SIM_FAULT_APP_CRASH:
    case SIM_FAULT_POWER_LOSS:
        goes_down(sim, device, fault, down_us);
        break;
    case SIM_FAULT_CLONE:
        clone(sim, device);
        break;
    case SIM_FAULT_RETRY:
        impatient(sim, device);
        break;
    case SIM_FAULT_NEW_APP:
        new_app(sim, device);
        break;
    case SIM_FAULT_LOST:
        lose(sim, device);
        break;
    default:
        break;
    }
}

static void restore(struct sim *sim, struct sim_device *device)
{
    const struct hash *hashes;
    size_t acknowledged;
    size_t before = sim_device_entries(device, &hashes, &acknowledged);

    if (!sim_device_restore(device))
        return;
    sim->result->faults[SIM_FAULT_RESTORE]++;
    sim_trace(sim, "%s: restored from an older copy, %zu entries instead of %zu", sim_device_name(device),
              sim_device_entries(device, &hashes, &acknowledged), before);
    sim_device_set_fate(device, SIM_DEVICE_COPY);
}

/* number: the fault. The phone may have changed since the morning. */
static void strike(struct sim *sim, void *context, uint64_t fault)
{
    struct sim_device *device = context;

    if (sim->quiet || sim_device_use(device) == NULL || sim_device_fate(device) == SIM_DEVICE_LOST)
        return;
    if (fault == SIM_FAULT_COUNT) {
        sim_device_back_up(device);
        return;
    }
    if (fault == SIM_FAULT_RESTORE) {
        restore(sim, device);
        return;
    }
    if (fault == SIM_FAULT_PHONE_WRITE || fault == SIM_FAULT_PHONE_FULL) {
        disk_fails(sim, sim_device_machine(device), (enum sim_fault)fault);
        return;
    }
    if (sim_device_fate(device) != SIM_DEVICE_FINE && (fault == SIM_FAULT_CLONE || fault == SIM_FAULT_LOST))
        return;
    if (sim_fault(sim, (enum sim_fault)fault, 1000000))
        befall(sim, device, (enum sim_fault)fault);
}

static void draw_phone(struct sim *sim, struct sim_device *device, int64_t morning_us)
{
    static const struct {
        enum sim_fault fault;
        unsigned rate;
    } mishaps[] = {{SIM_FAULT_NO_SIGNAL, NO_SIGNAL_RATE},
                   {SIM_FAULT_SKEWED_CLOCK, SKEWED_RATE},
                   {SIM_FAULT_CLOCK_JUMP, JUMP_RATE},
                   {SIM_FAULT_REBOOT, REBOOT_RATE},
                   {SIM_FAULT_APP_CRASH, APP_CRASH_RATE},
                   {SIM_FAULT_POWER_LOSS, POWER_LOSS_RATE},
                   {SIM_FAULT_CLONE, CLONE_RATE},
                   {SIM_FAULT_RESTORE, RESTORE_RATE},
                   {SIM_FAULT_COUNT, BACK_UP_RATE},
                   {SIM_FAULT_RETRY, RETRY_RATE},
                   {SIM_FAULT_NEW_APP, NEW_APP_RATE},
                   {SIM_FAULT_LOST, LOST_RATE},
                   {SIM_FAULT_PHONE_WRITE, PHONE_WRITE_RATE},
                   {SIM_FAULT_PHONE_FULL, PHONE_FULL_RATE}};

    for (size_t i = 0; i < sizeof(mishaps) / sizeof(mishaps[0]); i++) {
        enum sim_fault stream = mishaps[i].fault == SIM_FAULT_COUNT ? SIM_FAULT_RESTORE : mishaps[i].fault;
        int64_t at_us = morning_us + 7 * SIM_HOUR + (int64_t)sim_fault_below(sim, stream, 14 * 3600) * SIM_SECOND;

        if (device == sim->devices[0] &&
            (mishaps[i].fault == SIM_FAULT_PHONE_WRITE || mishaps[i].fault == SIM_FAULT_PHONE_FULL ||
             (mishaps[i].fault >= SIM_FAULT_CLONE && mishaps[i].fault != SIM_FAULT_RETRY)))
            continue; /* the operator's device is looked after */
        if (sim_fault_below(sim, stream, 1000000) < sim_rate(sim, mishaps[i].rate))
            sim_at(sim, at_us, strike, device, mishaps[i].fault);
    }
}

static void wall_back(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    sim_server_wall_right(sim);
}

static void strike_server(struct sim *sim, void *context, uint64_t fault)
{
    enum sim_fault stream = fault == SIM_FAULT_COUNT ? SIM_FAULT_SERVER_RESTORED : (enum sim_fault)fault;
    int64_t down_us = SIM_SECOND * (int64_t)(1 + sim_fault_below(sim, stream, 300));

    (void)context;
    if (sim->quiet || !sim_server_is_up(sim))
        return;
    if (fault == SIM_FAULT_COUNT) {
        sim_backup_take(sim);
        return;
    }
    if (fault == SIM_FAULT_SERVER_RESTORED) {
        sim->result->faults[fault] += sim_backup_restore(sim, 10 * down_us);
        return;
    }
    if (fault == SIM_FAULT_SERVER_WRITE || fault == SIM_FAULT_SERVER_SYNC || fault == SIM_FAULT_SERVER_FULL) {
        disk_fails(sim, sim_server_machine(sim), (enum sim_fault)fault);
        return;
    }
    if (!sim_fault(sim, (enum sim_fault)fault, 1000000))
        return;
    if (fault == SIM_FAULT_SERVER_CRASH) {
        sim_server_crash(sim, sim_fault_below(sim, SIM_FAULT_SERVER_CRASH, 2) == 0, down_us);
    } else if (fault == SIM_FAULT_SERVER_RESTART) {
        sim_server_restart(sim, down_us);
    } else {
        uint64_t by_s = 10 + sim_fault_below(sim, SIM_FAULT_SERVER_CLOCK_JUMP, 7200);

        sim_server_wall_jump(sim, (int64_t)by_s * SIM_SECOND);
        sim_at(sim, sim->now_us + 10 * down_us, wall_back, NULL, 0);
    }
}

/* The officer of a forked phone is enrolled anew, and the new log takes over what the old one holds (F2). */
static void succeed(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *old = context;
    struct sim_device *device;

    (void)number;
    if (sim->quiet || sim_device_use(old) == NULL || sim_device_use(sim->devices[0]) == NULL ||
        sim_device_fate(old) != SIM_DEVICE_COPY)
        return;
    device = sim_device_new(sim, sim_device_officer(old), "new phone", sim->device_count);
    sim_device_open(device);
    sim_office_device(sim, device);
    sim_device_go_online(sim->devices[0], sim->now_us + 5 * SIM_MINUTE);
    if (sim_failed(sim) || !sim_device_succeed(device, old))
        return;
    sim->result->faults[SIM_FAULT_SUCCEEDED]++;
    sim_device_set_fate(old, SIM_DEVICE_RETIRED);
    sim_device_go_online(device, sim->now_us + SIM_HOUR);
}

static void draw_succession(struct sim *sim, struct sim_device *device, int64_t morning_us)
{
    if (sim_device_fate(device) == SIM_DEVICE_COPY && sim_device_knows_fork(device) &&
        sim_fault_below(sim, SIM_FAULT_SUCCEEDED, 1000000) < SUCCEEDED_RATE)
        sim_at(sim, morning_us + 9 * SIM_HOUR + SIM_MINUTE * (int64_t)sim_fault_below(sim, SIM_FAULT_SUCCEEDED, 300),
               succeed, device, 0);
}

void sim_mishap_day(struct sim *sim, int64_t morning_us)
{
    static const struct {
        enum sim_fault fault;
        unsigned rate;
    } mishaps[] = {{SIM_FAULT_SERVER_CRASH, SERVER_CRASH_RATE},     {SIM_FAULT_SERVER_RESTART, SERVER_RESTART_RATE},
                   {SIM_FAULT_SERVER_CLOCK_JUMP, SERVER_JUMP_RATE}, {SIM_FAULT_SERVER_WRITE, SERVER_WRITE_RATE},
                   {SIM_FAULT_SERVER_SYNC, SERVER_SYNC_RATE},       {SIM_FAULT_SERVER_FULL, SERVER_FULL_RATE},
                   {SIM_FAULT_COUNT, SERVER_BACK_UP_RATE},          {SIM_FAULT_SERVER_RESTORED, SERVER_RESTORED_RATE}};

    for (unsigned i = 0; i < sim->device_count; i++) {
        draw_phone(sim, sim->devices[i], morning_us);
        draw_succession(sim, sim->devices[i], morning_us);
    }
    for (size_t i = 0; i < sizeof(mishaps) / sizeof(mishaps[0]); i++) {
        enum sim_fault stream =
            mishaps[i].fault == SIM_FAULT_COUNT ? SIM_FAULT_SERVER_RESTORED : mishaps[i].fault; /* backups */
        int64_t at_us = morning_us + 7 * SIM_HOUR + (int64_t)sim_fault_below(sim, stream, 14 * 3600) * SIM_SECOND;

        if (sim_fault_below(sim, stream, 1000000) < sim_rate(sim, mishaps[i].rate))
            sim_at(sim, at_us, strike_server, NULL, mishaps[i].fault);
    }
}
