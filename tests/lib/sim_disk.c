#include "tests/lib/sim_disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/sim_disk_internal.h"

struct sim_disk *sim_disk_install(void)
{
    struct sim_disk *disk = calloc(1, sizeof(*disk));

    if (!disk)
        return NULL;
    disk->real = sqlite3_vfs_find(NULL);
    sim_vfs_fill(disk);
    (void)snprintf(disk->name, sizeof(disk->name), "sim-disk-%p", (void *)disk);
    if (pthread_mutex_init(&disk->mutex, NULL) != 0 || sqlite3_vfs_register(&disk->vfs, 1) != SQLITE_OK) {
        free(disk);
        return NULL;
    }
    sqlite3_randomness(0, NULL); /* seeded anew, by this VFS */
    return disk;
}

static void drop_files(struct sim_machine *machine)
{
    while (machine->files) {
        struct sim_file *file = machine->files;
        machine->files = file->next;
        sim_file_free(file);
    }
}

void sim_disk_remove(struct sim_disk *disk)
{
    if (!disk)
        return;
    (void)sqlite3_vfs_unregister(&disk->vfs);
    (void)sqlite3_vfs_register(disk->real, 1);
    sqlite3_randomness(0, NULL);
    while (disk->machines) {
        struct sim_machine *machine = disk->machines;
        disk->machines = machine->next;
        drop_files(machine);
        free(machine->prefix);
        free(machine);
    }
    (void)pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

struct sim_machine *sim_disk_add(struct sim_disk *disk, const char *prefix)
{
    struct sim_machine *machine = calloc(1, sizeof(*machine));

    if (machine)
        machine->prefix = strdup(prefix);
    if (!machine || !machine->prefix) {
        free(machine);
        return NULL;
    }
    machine->disk = disk;
    machine->prefix_size = strlen(prefix);
    (void)pthread_mutex_lock(&disk->mutex);
    machine->next = disk->machines;
    disk->machines = machine;
    (void)pthread_mutex_unlock(&disk->mutex);
    return machine;
}

struct sim_machine *sim_machine_of(struct sim_disk *disk, const char *path)
{
    for (struct sim_machine *machine = disk->machines; machine; machine = machine->next) {
        if (strncmp(path, machine->prefix, machine->prefix_size) == 0)
            return machine;
    }
    return NULL;
}

struct sim_file *sim_machine_find(struct sim_machine *machine, const char *path)
{
    for (struct sim_file *file = machine->files; file; file = file->next) {
        if (!file->deleted && strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

/* At the end, so that the order in which chance goes through files is that of their making. */
struct sim_file *sim_machine_make(struct sim_machine *machine, const char *path)
{
    struct sim_file **at = &machine->files;
    struct sim_file *file = sim_file_new(path);

    while (*at)
        at = &(*at)->next;
    *at = file;
    return file;
}

void sim_machine_discard(struct sim_machine *machine, struct sim_file *file)
{
    struct sim_file **at = &machine->files;

    file->deleted = true;
    if (file->open_count > 0)
        return; /* the last to close it frees it */
    while (*at != NULL && *at != file)
        at = &(*at)->next;
    if (*at != NULL)
        *at = file->next;
    sim_file_free(file);
}

/* ---- Marks: the real, empty file by which the server's store claims a name ---- */

static void discard_store(struct sim_machine *machine, struct sim_file *file)
{
    static const char *const suffixes[] = {"-wal", "-journal"};
    char name[512];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", file->path, suffixes[i]);
        struct sim_file *beside = sim_machine_find(machine, name);
        if (beside)
            sim_machine_discard(machine, beside);
    }
    sim_machine_discard(machine, file);
}

static bool put_mark(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    bool right = write(fd, "m", 1) == 1;
    return close(fd) == 0 && right;
}

/* A fresh mark is empty: the name was claimed anew since we last saw it. */
struct sim_file *sim_machine_settle(struct sim_machine *machine, const char *path)
{
    struct sim_file *file = sim_machine_find(machine, path);
    struct stat facts;
    bool claimed = stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
    bool anew = claimed && facts.st_size == 0;

    if (file && (anew || (file->marked && !claimed))) {
        discard_store(machine, file);
        file = NULL;
    }
    if (anew && put_mark(path)) {
        file = sim_machine_make(machine, path);
        if (file)
            file->marked = true;
    }
    return file;
}

/* ---- Faults ---- */

void sim_machine_plan(struct sim_machine *machine, const struct fault_plan *plan)
{
    static const struct fault_plan none;

    (void)pthread_mutex_lock(&machine->disk->mutex);
    machine->plan = plan ? *plan : none;
    machine->writes = 0;
    machine->syncs = 0;
    machine->fired = false;
    (void)pthread_mutex_unlock(&machine->disk->mutex);
}

bool sim_machine_fired(struct sim_machine *machine)
{
    return machine->fired;
}

uint64_t sim_machine_writes(const struct sim_machine *machine)
{
    return machine->writes;
}

uint64_t sim_machine_syncs(const struct sim_machine *machine)
{
    return machine->syncs;
}

void sim_machine_limit(struct sim_machine *machine, uint64_t bytes)
{
    machine->limit = bytes;
}

void sim_machine_cut(struct sim_machine *machine)
{
    machine->off = true;
    machine->fired = true;
}

bool sim_machine_is_off(struct sim_machine *machine)
{
    return machine->off;
}

static uint64_t mix(uint64_t seed)
{
    uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z ? z : 1;
}

/* One cut may take all, one none, most some of it, by sectors or by whole blocks. */
static struct sim_survival survival_of(uint64_t seed)
{
    static const uint32_t chances[] = {0, 32, 128, 128, 224, 256};
    struct sim_survival survival = {.random = mix(seed)};

    if (seed == 0 || seed == UINT64_MAX) {
        survival.sector_chance = seed == 0 ? 0 : 256;
        return survival;
    }
    survival.sector_chance = chances[survival.random % (sizeof(chances) / sizeof(chances[0]))];
    survival.whole_blocks = survival.random >> 32 & 1;
    return survival;
}

bool sim_machine_restore(struct sim_machine *machine, uint64_t seed)
{
    struct sim_survival survival = survival_of(seed);

    if (sim_machine_open_count(machine) > 0)
        return false;
    for (struct sim_file *file = machine->files; file; file = file->next)
        sim_file_cut(file, &survival);
    sim_machine_plan(machine, NULL);
    machine->off = false;
    return true;
}

/* ---- Whole machines ---- */

static bool copy_file(const struct sim_file *from, struct sim_machine *to, size_t prefix_size)
{
    char path[512];

    if (from->deleted)
        return true;
    int size = snprintf(path, sizeof(path), "%s%s", to->prefix, from->path + prefix_size);
    if (size < 0 || size >= (int)sizeof(path))
        return false;
    struct sim_file *file = sim_machine_make(to, path);
    if (!file || !sim_file_copy(from, file))
        return false;
    file->marked = from->marked;
    if (file->marked)
        (void)put_mark(path); /* where no folder is, nobody opens it by name */
    return true;
}

bool sim_machine_copy(struct sim_machine *from, struct sim_machine *to)
{
    if (from == to || !sim_machine_clear(to))
        return false;
    for (const struct sim_file *file = from->files; file; file = file->next) {
        if (!copy_file(file, to, from->prefix_size))
            return false;
    }
    return true;
}

bool sim_machine_clear(struct sim_machine *machine)
{
    if (sim_machine_open_count(machine) > 0)
        return false;
    for (struct sim_file *file = machine->files; file; file = file->next) {
        if (file->marked)
            (void)unlink(file->path);
    }
    drop_files(machine);
    return true;
}

unsigned sim_machine_open_count(struct sim_machine *machine)
{
    unsigned count = 0;

    for (const struct sim_file *file = machine->files; file; file = file->next)
        count += file->open_count;
    return count;
}

uint64_t sim_machine_size(struct sim_machine *machine)
{
    uint64_t size = 0;

    for (const struct sim_file *file = machine->files; file; file = file->next)
        size += (uint64_t)file->size;
    return size;
}

/* FNV-1a: told apart, not protected. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t sim_machine_hash(struct sim_machine *machine)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const struct sim_file *file = machine->files; file; file = file->next) {
        hash = hash_bytes(hash, file->path + machine->prefix_size, strlen(file->path + machine->prefix_size));
        for (int64_t offset = 0; offset < file->size; offset += SIM_BLOCK_SIZE) {
            uint8_t bytes[SIM_BLOCK_SIZE];
            hash = hash_bytes(hash, bytes, sim_file_read(file, bytes, sizeof(bytes), offset));
        }
    }
    return hash;
}
