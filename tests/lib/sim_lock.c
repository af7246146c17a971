#include "tests/lib/sim_lock.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

void sim_lock_attach(struct sim_file *file, struct sim_handle *handle)
{
    *handle = (struct sim_handle){.next = file->handles, .file = file};
    file->handles = handle;
    file->open_count++;
}

void sim_lock_detach(struct sim_handle *handle)
{
    struct sim_handle **at = &handle->file->handles;

    sim_shm_unmap(handle);
    while (*at != handle)
        at = &(*at)->next;
    *at = handle->next;
    handle->file->open_count--;
}

/* The highest level that another connection holds. */
static int others(const struct sim_handle *handle)
{
    int highest = SQLITE_LOCK_NONE;

    for (const struct sim_handle *other = handle->file->handles; other; other = other->next) {
        if (other != handle && other->level > highest)
            highest = other->level;
    }
    return highest;
}

int sim_lock_raise(struct sim_handle *handle, int level)
{
    int highest = others(handle);

    if (handle->level >= level)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED && highest >= SQLITE_LOCK_PENDING)
        return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_RESERVED && highest >= SQLITE_LOCK_RESERVED)
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && highest > SQLITE_LOCK_NONE) {
        handle->level = SQLITE_LOCK_PENDING; /* no new readers: the present ones will end */
        return SQLITE_BUSY;
    }
    handle->level = level;
    return SQLITE_OK;
}

void sim_lock_lower(struct sim_handle *handle, int level)
{
    if (handle->level > level)
        handle->level = level;
}

bool sim_lock_reserved(const struct sim_file *file)
{
    for (const struct sim_handle *handle = file->handles; handle; handle = handle->next) {
        if (handle->level >= SQLITE_LOCK_RESERVED)
            return true;
    }
    return false;
}

int sim_shm_map(struct sim_handle *handle, int region, int size, bool extend, void volatile **ret_memory)
{
    struct sim_file *file = handle->file;
    size_t wanted = (size_t)region + 1;

    if (!handle->uses_shm) {
        handle->uses_shm = true;
        file->shm_users++;
    }
    *ret_memory = NULL;
    if (wanted > file->region_count && !extend)
        return SQLITE_OK;
    while (file->region_count < wanted) {
        void **regions = realloc(file->regions, (file->region_count + 1) * sizeof(*regions));
        if (!regions)
            return SQLITE_NOMEM;
        file->regions = regions;
        regions[file->region_count] = calloc(1, (size_t)size);
        if (!regions[file->region_count])
            return SQLITE_NOMEM;
        file->region_count++;
    }
    *ret_memory = file->regions[region];
    return SQLITE_OK;
}

int sim_shm_lock(struct sim_handle *handle, int offset, int count, int flags)
{
    uint16_t mask = (uint16_t)(((1U << count) - 1U) << offset);
    bool wants_exclusive = flags & SQLITE_SHM_EXCLUSIVE;

    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shared &= (uint16_t)~mask;
        handle->exclusive &= (uint16_t)~mask;
        return SQLITE_OK;
    }
    for (const struct sim_handle *other = handle->file->handles; other; other = other->next) {
        if (other == handle)
            continue;
        if ((other->exclusive & mask) || (wants_exclusive && (other->shared & mask)))
            return SQLITE_BUSY;
    }
    if (wants_exclusive)
        handle->exclusive |= mask;
    else
        handle->shared |= mask;
    return SQLITE_OK;
}

void sim_shm_unmap(struct sim_handle *handle)
{
    handle->shared = 0;
    handle->exclusive = 0;
    if (!handle->uses_shm)
        return;
    handle->uses_shm = false;
    if (--handle->file->shm_users == 0)
        sim_file_drop_regions(handle->file);
}
