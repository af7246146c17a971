/*
 * Store files of the simulation: copies as a phone's backup makes them, and what a cut of power leaves. A file is always
 * SQLite's three: path, path-wal, path-shm.
 */
#ifndef DOUBLECREW_TESTS_SIM_FILES_H
#define DOUBLECREW_TESTS_SIM_FILES_H

#include "tests/sim/sim.h"

/* The store must be closed. */
void sim_files_copy(const char *from, const char *to);
void sim_files_remove(const char *path);
/* The process dies: what it hadn't written is gone; power_lost: also what it hadn't synced. Before the store is closed. */
void sim_files_cut(struct sim *sim, const char *path, bool power_lost);
/* After it was closed. */
void sim_files_power_on(struct sim *sim, const char *path);

#endif
