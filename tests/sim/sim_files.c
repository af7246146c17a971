#include "tests/sim/sim_files.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void sim_files_new(struct sim *sim)
{
    sim->disk = sim_disk_install();
    if (sim->disk == NULL)
        abort();
}

void sim_files_free(struct sim *sim)
{
    sim_disk_remove(sim->disk);
    sim->disk = NULL;
}

struct sim_machine *sim_files_add(struct sim *sim, const char *name, bool real, char ret_path[SIM_PATH_MAX])
{
    char prefix[SIM_PATH_MAX];
    struct sim_machine *machine;

    (void)snprintf(prefix, sizeof(prefix), "%s/%s/", sim->folder, name);
    if (real && mkdir(prefix, 0700) != 0)
        abort();
    machine = sim_disk_add(sim->disk, prefix);
    if (machine == NULL)
        abort();
    if (snprintf(ret_path, SIM_PATH_MAX, "%s/%s/store.db", sim->folder, name) >= SIM_PATH_MAX)
        abort();
    return machine;
}

void sim_files_forget_folder(struct sim *sim, const char *name)
{
    static const char *const files[] = {"store.db", "store.db.lock", "store.db-wal", "store.db-shm", ""};
    char path[300];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s/%s", sim->folder, name, files[i]);
        (void)(files[i][0] != '\0' ? unlink(path) : rmdir(path));
    }
}

void sim_files_power_on(struct sim *sim, struct sim_machine *machine, bool power_lost, enum sim_fault fault)
{
    uint64_t seed = power_lost ? sim_fault_below(sim, fault, UINT64_MAX - 1) : UINT64_MAX;

    if (!sim_machine_restore(machine, seed))
        sim_fail(sim, "a machine's power can't return: a connection is open");
}

void sim_files_copy(struct sim *sim, struct sim_machine *from, struct sim_machine *to)
{
    if (!sim_machine_copy(from, to))
        sim_fail(sim, "a machine's files can't be copied: a connection is open");
}

void sim_files_clear(struct sim *sim, struct sim_machine *machine)
{
    if (!sim_machine_clear(machine))
        sim_fail(sim, "a machine's files can't be cleared: a connection is open");
}
