/* Shared by sim_disk.c (machines) and sim_vfs.c (what SQLite calls). */
#ifndef DOUBLECREW_TESTS_SIM_DISK_INTERNAL_H
#define DOUBLECREW_TESTS_SIM_DISK_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "tests/lib/sim_disk.h"
#include "tests/lib/sim_file.h"
#include "tests/lib/sim_lock.h"

struct sim_machine {
    struct sim_machine *next;
    struct sim_disk *disk;
    char *prefix;
    size_t prefix_size;
    struct sim_file *files;
    struct fault_plan plan;
    uint64_t writes;
    uint64_t syncs;
    uint64_t limit;
    bool fired;
    bool off;
};

struct sim_disk {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t mutex; /* guards all below and every machine */
    struct sim_machine *machines;
    uint64_t random;
    char name[48];
};

void sim_vfs_fill(struct sim_disk *disk);

/* All with the mutex held. */
struct sim_machine *sim_machine_of(struct sim_disk *disk, const char *path);
struct sim_file *sim_machine_find(struct sim_machine *machine, const char *path);
/* NULL: no memory. */
struct sim_file *sim_machine_make(struct sim_machine *machine, const char *path);
/* Its name is gone; its bytes when nobody has it open. */
void sim_machine_discard(struct sim_machine *machine, struct sim_file *file);
/* A database about to be opened, put in agreement with its mark: NULL when there is none. */
struct sim_file *sim_machine_settle(struct sim_machine *machine, const char *path);

#endif
