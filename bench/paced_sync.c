#include "bench/paced_sync.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine.h"

#define APPEND_SIZE 4096
#define PACE_MS 20
#define SAMPLES_MAX 20000

struct paced_sync {
    pthread_t thread;
    atomic_bool stop;
    int file;
    char path[1100];
    double ms[SAMPLES_MAX];
    size_t count;
};

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void *run(void *context)
{
    static const char zeros[APPEND_SIZE];
    const struct timespec pace = {.tv_nsec = PACE_MS * 1000000L};
    struct paced_sync *sync = context;

    while (!atomic_load(&sync->stop) && sync->count < SAMPLES_MAX) {
        double begin_ms = now_ms();

        if (write(sync->file, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros) || fdatasync(sync->file) != 0)
            break;
        sync->ms[sync->count++] = now_ms() - begin_ms;
        (void)nanosleep(&pace, NULL);
    }
    return NULL;
}

enum status paced_sync_start(const char *folder, struct paced_sync **ret_sync)
{
    struct paced_sync *sync = calloc(1, sizeof(*sync));

    if (sync == NULL)
        return STATUS_NO_MEMORY;
    (void)snprintf(sync->path, sizeof(sync->path), "%s/paced-sync", folder);
    sync->file = open(sync->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (sync->file >= 0 && pthread_create(&sync->thread, NULL, run, sync) == 0) {
        *ret_sync = sync;
        return STATUS_OK;
    }
    if (sync->file >= 0)
        (void)close(sync->file);
    free(sync);
    return STATUS_IO;
}

void paced_sync_stop(struct paced_sync *sync, double ret_ms[2])
{
    atomic_store(&sync->stop, true);
    (void)pthread_join(sync->thread, NULL);
    (void)close(sync->file);
    (void)unlink(sync->path);
    ret_ms[0] = machine_percentile(sync->ms, sync->count, 0.5);
    ret_ms[1] = machine_percentile(sync->ms, sync->count, 0.99);
    free(sync);
}
