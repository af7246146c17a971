/*
 * Locks and shared memory between the connections of one process to one simulated file, as SQLite's unix VFS gives them
 * between processes. The caller holds the disk's mutex.
 */
#ifndef DOUBLECREW_TESTS_SIM_LOCK_H
#define DOUBLECREW_TESTS_SIM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/sim_file.h"

struct sim_handle {
    struct sim_handle *next;
    struct sim_file *file;
    int level; /* SQLITE_LOCK_* */
    uint16_t shared;
    uint16_t exclusive;
    bool uses_shm;
};

void sim_lock_attach(struct sim_file *file, struct sim_handle *handle);
/* Lets go of everything that it holds. */
void sim_lock_detach(struct sim_handle *handle);

/* All return SQLite's codes. */
int sim_lock_raise(struct sim_handle *handle, int level);
void sim_lock_lower(struct sim_handle *handle, int level);
bool sim_lock_reserved(const struct sim_file *file);

int sim_shm_map(struct sim_handle *handle, int region, int size, bool extend, void volatile **ret_memory);
int sim_shm_lock(struct sim_handle *handle, int offset, int count, int flags);
/* The last one to leave frees it. */
void sim_shm_unmap(struct sim_handle *handle);

#endif
