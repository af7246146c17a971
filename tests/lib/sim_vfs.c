/* What SQLite calls. Calls for paths of no machine go on to the real VFS. */
#include <string.h>

#include "tests/lib/sim_disk_internal.h"

/* One open file of a machine; or the real one's memory follows it, and the real one's methods are in file (see x_open). */
struct open_file {
    sqlite3_file file;
    struct sim_machine *machine;
    struct sim_handle handle;
};

static struct open_file *open_of(sqlite3_file *file)
{
    return (struct open_file *)(void *)file;
}

static struct sim_disk *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static struct sim_machine *lock_machine(sqlite3_file *file)
{
    struct sim_machine *machine = open_of(file)->machine;

    (void)pthread_mutex_lock(&machine->disk->mutex);
    return machine;
}

static int unlock_machine(struct sim_machine *machine, int code)
{
    (void)pthread_mutex_unlock(&machine->disk->mutex);
    return code;
}

static bool reached(uint64_t at, uint64_t count, bool for_good)
{
    return at != 0 && (count == at || (for_good && count > at));
}

static bool cut_now(struct sim_machine *machine)
{
    if (machine->plan.cut_at != 0 && machine->writes + machine->syncs == machine->plan.cut_at)
        sim_machine_cut(machine);
    return machine->off;
}

static bool is_full(struct sim_machine *machine, const struct sim_file *file, int64_t end)
{
    if (machine->limit == 0 || end <= file->size)
        return false;
    return sim_machine_size(machine) + (uint64_t)(end - file->size) > machine->limit;
}

static int write_or_fail(struct open_file *open, const void *data, size_t size, int64_t offset)
{
    struct sim_machine *machine = open->machine;
    struct sim_file *file = open->handle.file;

    if (machine->off)
        return SQLITE_IOERR_WRITE;
    machine->writes++;
    bool full = is_full(machine, file, offset + (int64_t)size);
    bool fails = full || reached(machine->plan.fail_write, machine->writes, machine->plan.for_good);
    if (!cut_now(machine) && !fails)
        return sim_file_write(file, data, size, offset) ? SQLITE_OK : SQLITE_NOMEM;
    machine->fired = true;
    if (machine->plan.torn && !full && !sim_file_write(file, data, size / 2, offset))
        return SQLITE_NOMEM;
    if (full)
        return SQLITE_FULL;
    return fails && machine->plan.write_code != 0 ? machine->plan.write_code : SQLITE_IOERR_WRITE;
}

static int x_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct sim_machine *machine = lock_machine(file);

    return unlock_machine(machine, write_or_fail(open_of(file), data, (size_t)size, offset));
}

static int truncate_or_fail(struct open_file *open, int64_t size)
{
    struct sim_machine *machine = open->machine;

    if (machine->off)
        return SQLITE_IOERR_TRUNCATE;
    machine->writes++;
    if (cut_now(machine))
        return SQLITE_IOERR_TRUNCATE;
    if (reached(machine->plan.fail_write, machine->writes, machine->plan.for_good)) {
        machine->fired = true;
        return SQLITE_IOERR_TRUNCATE;
    }
    return sim_file_truncate(open->handle.file, size) ? SQLITE_OK : SQLITE_NOMEM;
}

static int x_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct sim_machine *machine = lock_machine(file);

    return unlock_machine(machine, truncate_or_fail(open_of(file), size));
}

static int sync_or_fail(struct open_file *open)
{
    struct sim_machine *machine = open->machine;

    if (machine->off)
        return SQLITE_IOERR_FSYNC;
    machine->syncs++;
    if (cut_now(machine))
        return SQLITE_IOERR_FSYNC;
    if (reached(machine->plan.fail_sync, machine->syncs, machine->plan.for_good)) {
        machine->fired = true;
        return SQLITE_IOERR_FSYNC;
    }
    sim_file_sync(open->handle.file);
    return SQLITE_OK;
}

static int x_sync(sqlite3_file *file, int flags)
{
    struct sim_machine *machine = lock_machine(file);

    (void)flags;
    return unlock_machine(machine, sync_or_fail(open_of(file)));
}

static int x_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    struct sim_machine *machine = lock_machine(file);

    if (machine->off)
        return unlock_machine(machine, SQLITE_IOERR_READ);
    size_t count = sim_file_read(open_of(file)->handle.file, data, (size_t)size, offset);
    return unlock_machine(machine, count == (size_t)size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
}

static int x_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct sim_machine *machine = lock_machine(file);

    if (machine->off)
        return unlock_machine(machine, SQLITE_IOERR_FSTAT);
    *ret_size = open_of(file)->handle.file->size;
    return unlock_machine(machine, SQLITE_OK);
}

static int x_close(sqlite3_file *base)
{
    struct sim_machine *machine = lock_machine(base);
    struct sim_file *file = open_of(base)->handle.file;

    sim_lock_detach(&open_of(base)->handle);
    if (file->deleted)
        sim_machine_discard(machine, file);
    return unlock_machine(machine, SQLITE_OK);
}

static int x_lock(sqlite3_file *file, int level)
{
    struct sim_machine *machine = lock_machine(file);

    return unlock_machine(machine, machine->off ? SQLITE_IOERR_LOCK : sim_lock_raise(&open_of(file)->handle, level));
}

static int x_unlock(sqlite3_file *file, int level)
{
    struct sim_machine *machine = lock_machine(file);

    sim_lock_lower(&open_of(file)->handle, level);
    return unlock_machine(machine, SQLITE_OK);
}

static int x_check_reserved_lock(sqlite3_file *file, int *ret_reserved)
{
    struct sim_machine *machine = lock_machine(file);

    *ret_reserved = sim_lock_reserved(open_of(file)->handle.file);
    return unlock_machine(machine, SQLITE_OK);
}

static int x_file_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

/* As the unix VFS says. */
static int x_sector_size(sqlite3_file *file)
{
    (void)file;
    return SIM_BLOCK_SIZE;
}

static int x_device_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int x_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_memory)
{
    struct sim_machine *machine = lock_machine(file);

    if (machine->off)
        return unlock_machine(machine, SQLITE_IOERR_SHMMAP);
    return unlock_machine(machine, sim_shm_map(&open_of(file)->handle, region, size, extend, ret_memory));
}

static int x_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    struct sim_machine *machine = lock_machine(file);

    if (machine->off && (flags & SQLITE_SHM_LOCK))
        return unlock_machine(machine, SQLITE_IOERR_SHMLOCK);
    return unlock_machine(machine, sim_shm_lock(&open_of(file)->handle, offset, count, flags));
}

static void x_shm_barrier(sqlite3_file *file)
{
    (void)unlock_machine(lock_machine(file), SQLITE_OK);
}

static int x_shm_unmap(sqlite3_file *file, int remove)
{
    struct sim_machine *machine = lock_machine(file);

    (void)remove;
    sim_shm_unmap(&open_of(file)->handle);
    return unlock_machine(machine, SQLITE_OK);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved_lock,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_device_characteristics,
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
};

static int open_on(struct sim_machine *machine, const char *name, sqlite3_file *base, int flags)
{
    struct sim_file *file = NULL;

    if (machine->off)
        return SQLITE_CANTOPEN;
    file = flags & SQLITE_OPEN_MAIN_DB ? sim_machine_settle(machine, name) : sim_machine_find(machine, name);
    if (!file && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (!file && !(file = sim_machine_make(machine, name)))
        return SQLITE_NOMEM;
    open_of(base)->machine = machine;
    sim_lock_attach(file, &open_of(base)->handle);
    base->pMethods = &methods;
    return SQLITE_OK;
}

static int x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct sim_disk *disk = disk_of(vfs);

    base->pMethods = NULL;
    (void)pthread_mutex_lock(&disk->mutex);
    struct sim_machine *machine = name ? sim_machine_of(disk, name) : NULL;
    int code = machine ? open_on(machine, name, base, flags) : SQLITE_OK;
    (void)pthread_mutex_unlock(&disk->mutex);
    if (!machine)
        return disk->real->xOpen(disk->real, name, base, flags, ret_flags);
    if (code == SQLITE_OK && ret_flags)
        *ret_flags = flags;
    return code;
}

static int delete_on(struct sim_machine *machine, const char *name)
{
    struct sim_file *file = sim_machine_find(machine, name);

    if (machine->off)
        return SQLITE_IOERR_DELETE;
    if (!file)
        return SQLITE_IOERR_DELETE_NOENT;
    sim_machine_discard(machine, file);
    return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct sim_disk *disk = disk_of(vfs);

    (void)pthread_mutex_lock(&disk->mutex);
    struct sim_machine *machine = sim_machine_of(disk, name);
    int code = machine ? delete_on(machine, name) : SQLITE_OK;
    (void)pthread_mutex_unlock(&disk->mutex);
    return machine ? code : disk->real->xDelete(disk->real, name, sync_folder);
}

static int x_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_there)
{
    struct sim_disk *disk = disk_of(vfs);

    (void)pthread_mutex_lock(&disk->mutex);
    struct sim_machine *machine = sim_machine_of(disk, name);
    struct sim_file *file = machine ? sim_machine_find(machine, name) : NULL;
    bool there = file && (flags != SQLITE_ACCESS_EXISTS || file->size > 0);
    (void)pthread_mutex_unlock(&disk->mutex);
    if (!machine)
        return disk->real->xAccess(disk->real, name, flags, ret_there);
    *ret_there = there;
    return SQLITE_OK;
}

static int x_full_pathname(sqlite3_vfs *vfs, const char *name, int room, char *ret_name)
{
    struct sim_disk *disk = disk_of(vfs);
    size_t size = strlen(name) + 1;

    (void)pthread_mutex_lock(&disk->mutex);
    bool ours = sim_machine_of(disk, name) != NULL;
    (void)pthread_mutex_unlock(&disk->mutex);
    if (!ours)
        return disk->real->xFullPathname(disk->real, name, room, ret_name);
    if (size > (size_t)room)
        return SQLITE_CANTOPEN;
    memcpy(ret_name, name, size);
    return SQLITE_OK;
}

/* The same for every run: salts of logs and names of temporary files follow from it, and no secret. */
static int x_randomness(sqlite3_vfs *vfs, int size, char *ret_bytes)
{
    struct sim_disk *disk = disk_of(vfs);

    (void)pthread_mutex_lock(&disk->mutex);
    for (int i = 0; i < size; i++) {
        disk->random = disk->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ret_bytes[i] = (char)(disk->random >> 56);
    }
    (void)pthread_mutex_unlock(&disk->mutex);
    return size;
}

void sim_vfs_fill(struct sim_disk *disk)
{
    int size = (int)sizeof(struct open_file);

    disk->vfs = *disk->real;
    disk->vfs.pNext = NULL;
    disk->vfs.pAppData = disk;
    disk->vfs.zName = disk->name;
    disk->vfs.szOsFile = size > disk->real->szOsFile ? size : disk->real->szOsFile;
    disk->vfs.xOpen = x_open;
    disk->vfs.xDelete = x_delete;
    disk->vfs.xAccess = x_access;
    disk->vfs.xFullPathname = x_full_pathname;
    disk->vfs.xRandomness = x_randomness;
}
