/*
 * Disks of the simulated machines (tests/lib/sim_disk.h): one for the server, one for each phone, one for each phone's
 * backup. A machine's store is always at its path.
 */
#ifndef DOUBLECREW_TESTS_SIM_FILES_H
#define DOUBLECREW_TESTS_SIM_FILES_H

#include "tests/lib/sim_disk.h"
#include "tests/sim/sim.h"

#define SIM_PATH_MAX 200

/* One disk for the run. */
void sim_files_new(struct sim *sim);
void sim_files_free(struct sim *sim);

/* real: the server's store looks at the file system itself. The path is where its store goes. */
struct sim_machine *sim_files_add(struct sim *sim, const char *name, bool real, char ret_path[SIM_PATH_MAX]);
/* The process is killed, what it wrote stays; or power goes, and what wasn't synced survives by chance. */
void sim_files_power_on(struct sim *sim, struct sim_machine *machine, bool power_lost, enum sim_fault fault);
/* Stores must be closed; fails the run otherwise. */
void sim_files_copy(struct sim *sim, struct sim_machine *from, struct sim_machine *to);
void sim_files_clear(struct sim *sim, struct sim_machine *machine);
/* A real machine's folder is taken away. */
void sim_files_forget_folder(struct sim *sim, const char *name);

#endif
