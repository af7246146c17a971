#include "device/guard_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "no_backup" /* as Android names what its backups leave out */

struct guard_file {
    char *path;
    char *fresh;  /* written first, then renamed */
    char *folder; /* NULL: the app's own, which is there */
    char text[];
};

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

enum status guard_file_new(const char *path, const char *store_path, struct dc_guard *ret_guard)
{
    size_t size = strlen(path ? path : store_path) + sizeof FOLDER + 16;
    struct guard_file *file = calloc(1, sizeof *file + 3 * size);
    const char *name = name_in(store_path);
    int folder_size = (int)(name - store_path);

    if (!file) {
        return STATUS_NO_MEMORY;
    }
    file->path = file->text;
    file->fresh = file->text + size;
    if (path) {
        snprintf(file->path, size, "%s", path);
    } else {
        file->folder = file->text + 2 * size;
        snprintf(file->folder, size, "%.*s%s", folder_size, store_path, FOLDER);
        snprintf(file->path, size, "%s/%s.guard", file->folder, name);
    }
    snprintf(file->fresh, size, "%s.new", file->path);
    *ret_guard = (struct dc_guard){.context = file, .load = guard_file_load, .save = guard_file_save};
    return STATUS_OK;
}

static enum dc_status failed(void)
{
    return errno == ENOSPC || errno == EDQUOT ? DC_DISK_FULL : DC_IO;
}

enum dc_status guard_file_load(void *context, uint8_t *ret_bytes, size_t capacity, size_t *ret_size)
{
    const struct guard_file *file = context;
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (descriptor < 0) {
        return errno == ENOENT || errno == ENOTDIR ? DC_NOT_FOUND : DC_IO;
    }
    size = read(descriptor, ret_bytes, capacity);
    close(descriptor);
    if (size < 0) {
        return DC_IO;
    }
    *ret_size = (size_t)size;
    return DC_OK;
}

static bool write_fresh(const struct guard_file *file, const uint8_t *bytes, size_t size)
{
    int descriptor = open(file->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good;

    if (descriptor < 0 && errno == ENOENT && file->folder && mkdir(file->folder, 0700) == 0) {
        descriptor = open(file->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    if (descriptor < 0) {
        return false;
    }
    good = write(descriptor, bytes, size) == (ssize_t)size && fdatasync(descriptor) == 0;
    return close(descriptor) == 0 && good;
}

/* A rename that a power cut undoes leaves the earlier record, which is behind the store: harmless. */
enum dc_status guard_file_save(void *context, const uint8_t *bytes, size_t size)
{
    const struct guard_file *file = context;

    if (!write_fresh(file, bytes, size) || rename(file->fresh, file->path) != 0) {
        return failed();
    }
    return DC_OK;
}
