/*
 * One file of a simulated disk: what is durable, and what was written since the last sync. 4 KiB blocks of eight sectors;
 * a block keeps its durable bytes aside only for the sectors that differ.
 */
#ifndef DOUBLECREW_TESTS_SIM_FILE_H
#define DOUBLECREW_TESTS_SIM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SECTOR_SIZE 512
#define SIM_BLOCK_SIZE 4096
#define SIM_SHM_LOCKS 8 /* SQLITE_SHM_NLOCK */

struct sim_block {
    uint8_t *bytes;   /* NULL: zeros */
    uint8_t *durable; /* NULL while any sector is unsynced: zeros there */
    uint8_t unsynced; /* a bit a sector */
};

struct sim_handle;

struct sim_file {
    struct sim_file *next;
    char *path;
    struct sim_block *blocks;
    size_t block_count;
    int64_t size;
    int64_t durable_size;
    int64_t least_size; /* since the last sync */
    size_t *changed;    /* indices of blocks with unsynced sectors, in order of their first write */
    size_t changed_count;
    size_t changed_room;
    bool marked; /* the real file of that name bears our mark */
    bool deleted;
    unsigned open_count;
    /* locks between connections, and shared memory (sim_lock.c) */
    struct sim_handle *handles;
    void **regions;
    size_t region_count;
    unsigned shm_users;
};

struct sim_file *sim_file_new(const char *path);
void sim_file_free(struct sim_file *file);
void sim_file_drop_regions(struct sim_file *file);

/* False: no memory. */
bool sim_file_write(struct sim_file *file, const void *data, size_t size, int64_t offset);
/* The number of bytes read; the rest is zeros. */
size_t sim_file_read(const struct sim_file *file, void *ret_data, size_t size, int64_t offset);
bool sim_file_truncate(struct sim_file *file, int64_t size);
void sim_file_sync(struct sim_file *file);
bool sim_file_copy(const struct sim_file *from, struct sim_file *to);

/* How much of what wasn't synced survives: chances of 256, for a sector and for a whole block. */
struct sim_survival {
    uint32_t sector_chance;
    bool whole_blocks;
    uint64_t random; /* xorshift state, not 0 */
};
void sim_file_cut(struct sim_file *file, struct sim_survival *survival);

#endif
