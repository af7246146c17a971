#include "tests/lib/fault_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fault_notes.h"

struct fault_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t mutex; /* guards all below */
    struct fault_plan plan;
    uint64_t writes;
    uint64_t syncs;
    bool fired;
    bool off; /* power */
    struct fault_notes notes;
    char prefix[256];
    char name[32];
};

/* One open file. The real one's memory follows it. */
struct handle {
    sqlite3_file file;
    struct fault_vfs *vfs;
    struct fault_file *noted; /* NULL: passes through */
    sqlite3_file *real;
};

static struct handle *handle_of(sqlite3_file *file)
{
    return (struct handle *)(void *)file;
}

static struct fault_vfs *vfs_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static bool reached(uint64_t at, uint64_t count, bool for_good)
{
    return at != 0 && (count == at || (for_good && count > at));
}

/* With the mutex held: counts the operation and says whether power goes with it. */
static bool cut_now(struct fault_vfs *vfs)
{
    if (vfs->plan.cut_at != 0 && vfs->writes + vfs->syncs == vfs->plan.cut_at) {
        vfs->off = true;
        vfs->fired = true;
    }
    return vfs->off;
}

static int write_noted(struct handle *handle, const void *data, int size, sqlite3_int64 offset)
{
    sqlite3_int64 old_size = 0;
    void *old = calloc(1, (size_t)size);
    int code = old ? handle->real->pMethods->xFileSize(handle->real, &old_size) : SQLITE_NOMEM;

    if (code == SQLITE_OK && offset < old_size)
        code = handle->real->pMethods->xRead(handle->real, old, size, offset);
    if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ)
        code = fault_note_write(handle->noted, offset, (size_t)size, old, data, old_size) ? SQLITE_OK : SQLITE_NOMEM;
    free(old);
    return code == SQLITE_OK ? handle->real->pMethods->xWrite(handle->real, data, size, offset) : code;
}

static int write_or_fail(struct handle *handle, const void *data, int size, sqlite3_int64 offset)
{
    struct fault_vfs *vfs = handle->vfs;

    if (vfs->off)
        return SQLITE_IOERR_WRITE;
    vfs->writes++;
    bool fails = reached(vfs->plan.fail_write, vfs->writes, vfs->plan.for_good);
    bool cut = cut_now(vfs);
    if (!fails && !cut)
        return write_noted(handle, data, size, offset);
    vfs->fired = true;
    if (vfs->plan.torn && size > 1) {
        int code = write_noted(handle, data, size / 2, offset);
        if (code != SQLITE_OK)
            return code;
    }
    return fails && vfs->plan.write_code != 0 ? vfs->plan.write_code : SQLITE_IOERR_WRITE;
}

static int x_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(file);

    if (!handle->noted)
        return handle->real->pMethods->xWrite(handle->real, data, size, offset);
    (void)pthread_mutex_lock(&handle->vfs->mutex);
    int code = write_or_fail(handle, data, size, offset);
    (void)pthread_mutex_unlock(&handle->vfs->mutex);
    return code;
}

static int truncate_noted(struct handle *handle, sqlite3_int64 size)
{
    sqlite3_int64 old_size = 0;
    int code = handle->real->pMethods->xFileSize(handle->real, &old_size);

    if (code != SQLITE_OK || old_size <= size)
        return code != SQLITE_OK ? code : handle->real->pMethods->xTruncate(handle->real, size);
    int tail_size = (int)(old_size - size);
    void *tail = malloc((size_t)tail_size);
    code = tail ? handle->real->pMethods->xRead(handle->real, tail, tail_size, size) : SQLITE_NOMEM;
    if (code == SQLITE_OK && !fault_note_truncate(handle->noted, size, tail, old_size))
        code = SQLITE_NOMEM;
    free(tail);
    return code == SQLITE_OK ? handle->real->pMethods->xTruncate(handle->real, size) : code;
}

static int x_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct handle *handle = handle_of(file);
    struct fault_vfs *vfs = handle->vfs;
    int code = SQLITE_IOERR_TRUNCATE;

    if (!handle->noted)
        return handle->real->pMethods->xTruncate(handle->real, size);
    (void)pthread_mutex_lock(&vfs->mutex);
    if (!vfs->off) {
        vfs->writes++;
        if (reached(vfs->plan.fail_write, vfs->writes, vfs->plan.for_good))
            vfs->fired = true;
        else if (!cut_now(vfs))
            code = truncate_noted(handle, size);
    }
    (void)pthread_mutex_unlock(&vfs->mutex);
    return code;
}

static int x_sync(sqlite3_file *file, int flags)
{
    struct handle *handle = handle_of(file);
    struct fault_vfs *vfs = handle->vfs;
    int code = SQLITE_IOERR_FSYNC;

    if (!handle->noted)
        return handle->real->pMethods->xSync(handle->real, flags);
    (void)pthread_mutex_lock(&vfs->mutex);
    if (!vfs->off) {
        vfs->syncs++;
        if (reached(vfs->plan.fail_sync, vfs->syncs, vfs->plan.for_good))
            vfs->fired = true;
        else if (!cut_now(vfs)) {
            /* The real sync is left out: only this process's own idea of "durable" matters here, and it is faster. */
            fault_note_sync(handle->noted);
            code = SQLITE_OK;
        }
    }
    (void)pthread_mutex_unlock(&vfs->mutex);
    return code;
}

static bool is_off(struct handle *handle)
{
    (void)pthread_mutex_lock(&handle->vfs->mutex);
    bool off = handle->noted && handle->vfs->off;
    (void)pthread_mutex_unlock(&handle->vfs->mutex);
    return off;
}

static int x_close(sqlite3_file *file)
{
    return handle_of(file)->real->pMethods->xClose(handle_of(file)->real);
}

static int x_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(file);

    return is_off(handle) ? SQLITE_IOERR_READ : handle->real->pMethods->xRead(handle->real, data, size, offset);
}

static int x_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct handle *handle = handle_of(file);

    return is_off(handle) ? SQLITE_IOERR_FSTAT : handle->real->pMethods->xFileSize(handle->real, ret_size);
}

static int x_lock(sqlite3_file *file, int level)
{
    return handle_of(file)->real->pMethods->xLock(handle_of(file)->real, level);
}

static int x_unlock(sqlite3_file *file, int level)
{
    return handle_of(file)->real->pMethods->xUnlock(handle_of(file)->real, level);
}

static int x_check_reserved_lock(sqlite3_file *file, int *ret_reserved)
{
    return handle_of(file)->real->pMethods->xCheckReservedLock(handle_of(file)->real, ret_reserved);
}

/* What would change the file behind the shim's back (size hints, chunks) is answered "not known". */
static int x_file_control(sqlite3_file *file, int operation, void *argument)
{
    if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE)
        return SQLITE_NOTFOUND;
    return handle_of(file)->real->pMethods->xFileControl(handle_of(file)->real, operation, argument);
}

static int x_sector_size(sqlite3_file *file)
{
    return handle_of(file)->real->pMethods->xSectorSize(handle_of(file)->real);
}

static int x_device_characteristics(sqlite3_file *file)
{
    return handle_of(file)->real->pMethods->xDeviceCharacteristics(handle_of(file)->real);
}

static int x_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_memory)
{
    return handle_of(file)->real->pMethods->xShmMap(handle_of(file)->real, region, size, extend, ret_memory);
}

static int x_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return handle_of(file)->real->pMethods->xShmLock(handle_of(file)->real, offset, count, flags);
}

static void x_shm_barrier(sqlite3_file *file)
{
    handle_of(file)->real->pMethods->xShmBarrier(handle_of(file)->real);
}

static int x_shm_unmap(sqlite3_file *file, int remove)
{
    return handle_of(file)->real->pMethods->xShmUnmap(handle_of(file)->real, remove);
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

static int x_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct fault_vfs *vfs = vfs_of(base);
    struct handle *handle = handle_of(file);
    struct fault_file *noted = NULL;
    bool concerned = name && strncmp(name, vfs->prefix, strlen(vfs->prefix)) == 0;

    handle->file.pMethods = NULL;
    handle->vfs = vfs;
    handle->real = (sqlite3_file *)(void *)(handle + 1);
    (void)pthread_mutex_lock(&vfs->mutex);
    bool off = vfs->off;
    if (concerned && !off)
        noted = fault_notes_file(&vfs->notes, name);
    (void)pthread_mutex_unlock(&vfs->mutex);
    if (concerned && !noted)
        return off ? SQLITE_CANTOPEN : SQLITE_NOMEM;
    handle->noted = noted;
    int code = vfs->real->xOpen(vfs->real, name, handle->real, flags, ret_flags);
    if (handle->real->pMethods)
        handle->file.pMethods = &methods;
    return code;
}

static int x_delete(sqlite3_vfs *base, const char *name, int sync_folder)
{
    struct fault_vfs *vfs = vfs_of(base);
    bool concerned = strncmp(name, vfs->prefix, strlen(vfs->prefix)) == 0;

    (void)pthread_mutex_lock(&vfs->mutex);
    bool off = concerned && vfs->off;
    struct fault_file *noted = concerned && !off ? fault_notes_file(&vfs->notes, name) : NULL;
    if (noted)
        fault_note_sync(noted);
    (void)pthread_mutex_unlock(&vfs->mutex);
    return off ? SQLITE_IOERR_DELETE : vfs->real->xDelete(vfs->real, name, sync_folder);
}

struct fault_vfs *fault_vfs_install(const char *prefix)
{
    struct fault_vfs *vfs = calloc(1, sizeof(*vfs));

    if (!vfs)
        return NULL;
    vfs->real = sqlite3_vfs_find(NULL);
    vfs->vfs = *vfs->real;
    vfs->vfs.pNext = NULL;
    vfs->vfs.pAppData = vfs;
    vfs->vfs.szOsFile = (int)sizeof(struct handle) + vfs->real->szOsFile;
    vfs->vfs.xOpen = x_open;
    vfs->vfs.xDelete = x_delete;
    (void)snprintf(vfs->name, sizeof(vfs->name), "fault-%p", (void *)vfs);
    vfs->vfs.zName = vfs->name;
    (void)snprintf(vfs->prefix, sizeof(vfs->prefix), "%s", prefix);
    if (pthread_mutex_init(&vfs->mutex, NULL) != 0 || sqlite3_vfs_register(&vfs->vfs, 1) != SQLITE_OK) {
        free(vfs);
        return NULL;
    }
    return vfs;
}

void fault_vfs_remove(struct fault_vfs *vfs)
{
    if (!vfs)
        return;
    (void)sqlite3_vfs_unregister(&vfs->vfs);
    (void)sqlite3_vfs_register(vfs->real, 1);
    fault_notes_done(&vfs->notes);
    (void)pthread_mutex_destroy(&vfs->mutex);
    free(vfs);
}

void fault_vfs_plan(struct fault_vfs *vfs, const struct fault_plan *plan)
{
    static const struct fault_plan none;

    (void)pthread_mutex_lock(&vfs->mutex);
    vfs->plan = plan ? *plan : none;
    vfs->writes = 0;
    vfs->syncs = 0;
    vfs->fired = false;
    (void)pthread_mutex_unlock(&vfs->mutex);
}

bool fault_vfs_fired(struct fault_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    bool fired = vfs->fired;
    (void)pthread_mutex_unlock(&vfs->mutex);
    return fired;
}

uint64_t fault_vfs_writes(struct fault_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    uint64_t writes = vfs->writes;
    (void)pthread_mutex_unlock(&vfs->mutex);
    return writes;
}

uint64_t fault_vfs_syncs(struct fault_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    uint64_t syncs = vfs->syncs;
    (void)pthread_mutex_unlock(&vfs->mutex);
    return syncs;
}

void fault_vfs_cut(struct fault_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    vfs->off = true;
    vfs->fired = true;
    (void)pthread_mutex_unlock(&vfs->mutex);
}

bool fault_vfs_restore(struct fault_vfs *vfs, uint64_t seed)
{
    fault_vfs_plan(vfs, NULL);
    (void)pthread_mutex_lock(&vfs->mutex);
    bool right = fault_notes_restore(&vfs->notes, seed);
    vfs->off = false;
    (void)pthread_mutex_unlock(&vfs->mutex);
    return right;
}
