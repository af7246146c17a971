#include "bench/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "client-sim/process.h"

enum status scratch_complain(enum status status, const char *what)
{
    fprintf(stderr, "bench: %s: %s. %s.\n", what, status_what(status), status_advice(status));
    return status;
}

enum status scratch_make(const char *base, const char *name, size_t size, char *ret_folder)
{
    struct statfs about;

    if (statfs(base, &about) != 0 && (mkdir(base, 0700) != 0 || statfs(base, &about) != 0)) {
        fprintf(stderr, "bench: folder %s can't be used: %s\n", base, strerror(errno));
        return STATUS_IO;
    }
    if (about.f_type == TMPFS_MAGIC) {
        fprintf(stderr, "bench: %s is in memory, where nothing is durable: give --folder on a disk\n", base);
        return STATUS_INPUT;
    }
    snprintf(ret_folder, size, "%.900s/%s-XXXXXX", base, name); /* mkdtemp's six places */
    return mkdtemp(ret_folder) == NULL ? STATUS_IO : STATUS_OK;
}

void scratch_remove_store(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char name[PROCESS_PATH_MAX + 8];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

enum status scratch_put_store(const char *path_from, const char *path_to)
{
    int in = open(path_from, O_RDONLY | O_CLOEXEC);
    int out;
    enum status status;
    ssize_t size = 1;

    scratch_remove_store(path_to);
    out = open(path_to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    status = in < 0 || out < 0 ? STATUS_IO : STATUS_OK;
    while (status == STATUS_OK && size > 0) {
        size = sendfile(out, in, NULL, (size_t)1 << 20);
        if (size < 0)
            status = STATUS_IO;
    }
    if (status == STATUS_OK && fsync(out) != 0)
        status = STATUS_IO;
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
    return status;
}

enum status scratch_set_policy(const char *folder, const char *force)
{
    char path[PROCESS_PATH_MAX];
    const char *const apply[] = {"policy", "apply", path, "--dir", force, NULL};
    FILE *file;

    snprintf(path, sizeof(path), "%.900s/policy.conf", folder);
    file = fopen(path, "we");
    if (file == NULL)
        return STATUS_IO;
    fputs("work_from = 00:00\nwork_to = 24:00\nwork_days = mon, tue, wed, thu, fri, sat, sun\n", file);
    return fclose(file) == 0 && process_run_ctl(apply) ? STATUS_OK : STATUS_IO;
}
