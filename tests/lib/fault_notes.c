#include "tests/lib/fault_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_SIZE 512

/* A write: new bytes, what was there (zeros beyond the end), the file's size before. A truncation: the tail it cut off. */
struct change {
    struct change *older;
    struct change *newer;
    bool truncates;
    int64_t offset;
    int64_t old_size;
    size_t size;
    uint8_t bytes[]; /* old, then new (writes only) */
};

struct fault_file {
    struct fault_file *next;
    struct change *newest;
    struct change *oldest;
    char path[];
};

struct fault_file *fault_notes_file(struct fault_notes *notes, const char *path)
{
    size_t size = strlen(path) + 1;

    for (struct fault_file *file = notes->files; file; file = file->next) {
        if (strcmp(file->path, path) == 0)
            return file;
    }
    struct fault_file *file = calloc(1, sizeof(*file) + size);
    if (!file)
        return NULL;
    memcpy(file->path, path, size);
    file->next = notes->files;
    notes->files = file;
    return file;
}

void fault_notes_done(struct fault_notes *notes)
{
    while (notes->files) {
        struct fault_file *file = notes->files;
        notes->files = file->next;
        fault_note_sync(file);
        free(file);
    }
}

static struct change *add(struct fault_file *file, size_t bytes)
{
    struct change *change = calloc(1, sizeof(*change) + bytes);

    if (!change)
        return NULL;
    change->older = file->newest;
    if (file->newest)
        file->newest->newer = change;
    else
        file->oldest = change;
    file->newest = change;
    return change;
}

bool fault_note_write(struct fault_file *file, int64_t offset, size_t size, const void *old, const void *new_bytes,
                      int64_t old_size)
{
    struct change *change = add(file, 2 * size);

    if (!change)
        return false;
    change->offset = offset;
    change->old_size = old_size;
    change->size = size;
    memcpy(change->bytes, old, size);
    memcpy(change->bytes + size, new_bytes, size);
    return true;
}

bool fault_note_truncate(struct fault_file *file, int64_t size, const void *tail, int64_t old_size)
{
    struct change *change = add(file, (size_t)(old_size - size));

    if (!change)
        return false;
    change->truncates = true;
    change->offset = size;
    change->old_size = old_size;
    change->size = (size_t)(old_size - size);
    memcpy(change->bytes, tail, change->size);
    return true;
}

void fault_note_sync(struct fault_file *file)
{
    while (file->newest) {
        struct change *change = file->newest;
        file->newest = change->older;
        free(change);
    }
    file->oldest = NULL;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size, int64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, offset);
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
        offset += written;
    }
    return true;
}

static bool undo(int fd, const struct change *change)
{
    return write_all(fd, change->bytes, change->size, change->offset) && ftruncate(fd, change->old_size) == 0;
}

static bool survives(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((z ^ (z >> 31)) & 1) != 0;
}

static bool redo_some(int fd, const struct change *change, uint64_t *seed, bool all)
{
    size_t done = 0;

    if (change->truncates)
        return (!all && !survives(seed)) || ftruncate(fd, change->offset) == 0;
    while (done < change->size) {
        size_t to_edge = SECTOR_SIZE - (size_t)(change->offset + (int64_t)done) % SECTOR_SIZE;
        size_t size = change->size - done < to_edge ? change->size - done : to_edge;
        if ((all || survives(seed)) &&
            !write_all(fd, change->bytes + change->size + done, size, change->offset + (int64_t)done))
            return false;
        done += size;
    }
    return true;
}

static bool restore_file(struct fault_file *file, uint64_t *seed)
{
    bool none = *seed == 0;
    bool all = *seed == UINT64_MAX;
    int fd = open(file->path, O_RDWR | O_CLOEXEC);
    bool right = fd >= 0 || errno == ENOENT;

    for (struct change *change = file->newest; fd >= 0 && right && change; change = change->older)
        right = undo(fd, change);
    for (struct change *change = file->oldest; fd >= 0 && right && !none && change; change = change->newer)
        right = redo_some(fd, change, seed, all);
    if (fd >= 0)
        (void)close(fd);
    fault_note_sync(file);
    return right;
}

/* What is shared in memory doesn't outlive the power. */
static void remove_shared_memory(const char *path)
{
    char name[512];

    if (snprintf(name, sizeof(name), "%s-shm", path) < (int)sizeof(name))
        (void)unlink(name);
}

bool fault_notes_restore(struct fault_notes *notes, uint64_t seed)
{
    bool right = true;

    for (struct fault_file *file = notes->files; file; file = file->next) {
        right = restore_file(file, &seed) && right;
        remove_shared_memory(file->path);
    }
    return right;
}
