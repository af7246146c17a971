#include "tests/sim/sim_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void copy_one(const char *from, const char *to)
{
    char buffer[65536];
    ssize_t size;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out;

    (void)unlink(to);
    if (in < 0)
        return;
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    while (out >= 0 && (size = read(in, buffer, sizeof(buffer))) > 0) {
        if (write(out, buffer, (size_t)size) != size)
            abort();
    }
    if (out < 0)
        abort();
    close(in);
    close(out);
}

static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

void sim_files_copy(const char *from, const char *to)
{
    char a[300];
    char b[300];

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(a, sizeof(a), "%s%s", from, suffixes[i]);
        (void)snprintf(b, sizeof(b), "%s%s", to, suffixes[i]);
        copy_one(a, b);
    }
}

void sim_files_remove(const char *path)
{
    char name[300];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

void sim_files_cut(struct sim *sim, const char *path, bool power_lost)
{
    (void)sim;
    (void)path;
    (void)power_lost;
}

void sim_files_power_on(struct sim *sim, const char *path)
{
    (void)sim;
    (void)path;
}
