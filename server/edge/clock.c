#include "server/edge/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct clock {
    struct clock_source source;
    bool training;
    int64_t training_rate;
    _Atomic int64_t training_offset_us; /* a training clock shows rate times the real time and this */
    pthread_mutex_t mutex;              /* guards watch: any thread reads */
    struct clock_watch watch;
};

static int64_t read_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

static int64_t system_wall_us(void *context)
{
    (void)context;
    return clock_wall_us();
}

static int64_t system_boot_us(void *context)
{
    (void)context;
    return clock_boot_us();
}

static int64_t source_wall_us(const struct clock *clock)
{
    return clock->source.wall_us(clock->source.context);
}

static int64_t source_boot_us(const struct clock *clock)
{
    return clock->source.boot_us(clock->source.context);
}

enum status clock_new(const struct clock_setup *setup, struct clock **ret_clock)
{
    struct clock *clock = calloc(1, sizeof(*clock));
    int64_t boot_us;

    if (clock == NULL)
        return STATUS_NO_MEMORY;
    if (pthread_mutex_init(&clock->mutex, NULL) != 0) {
        free(clock);
        return STATUS_NO_MEMORY;
    }
    clock->source = setup->source;
    if (clock->source.wall_us == NULL)
        clock->source = (struct clock_source){.wall_us = system_wall_us, .boot_us = system_boot_us};
    boot_us = source_boot_us(clock);
    clock->training = setup->training;
    clock->training_rate = setup->training_rate;
    clock->watch = clock_watch_start(setup, source_wall_us(clock), boot_us);
    atomic_init(&clock->training_offset_us, setup->journal_us - boot_us * clock->training_rate);
    *ret_clock = clock;
    return STATUS_OK;
}

void clock_free(struct clock *clock)
{
    if (clock == NULL)
        return;
    pthread_mutex_destroy(&clock->mutex);
    free(clock);
}

struct clock_watch clock_watch_start(const struct clock_setup *setup, int64_t wall_us, int64_t boot_us)
{
    return (struct clock_watch){.doubted = setup->doubted,
                                .limit_us = setup->disagreement_us,
                                .base_us = wall_us - boot_us,
                                .good_us = setup->journal_us - boot_us,
                                .floor_us = setup->journal_us};
}

static bool agrees(const struct clock_watch *watch, int64_t wall_us, int64_t boot_us)
{
    int64_t stepped_us = wall_us - boot_us - watch->base_us;

    if (watch->doubted || wall_us < watch->floor_us - watch->limit_us)
        return false;
    return !watch->believed || (stepped_us <= watch->limit_us && stepped_us >= -watch->limit_us);
}

struct clock_reading clock_watch_read(struct clock_watch *watch, int64_t wall_us, int64_t boot_us)
{
    struct clock_reading reading = {.server_us = wall_us, .real_us = boot_us};

    if (agrees(watch, wall_us, boot_us)) {
        if (!watch->believed)
            watch->base_us = wall_us - boot_us;
        watch->believed = true;
        watch->good_us = wall_us - boot_us;
    } else {
        reading.clock_trouble = true;
        reading.server_us = boot_us + watch->good_us;
        if (reading.server_us < watch->floor_us)
            reading.server_us = watch->floor_us;
    }
    if (reading.server_us > watch->floor_us)
        watch->floor_us = reading.server_us;
    return reading;
}

void clock_watch_accept_wall(struct clock_watch *watch, int64_t wall_us, int64_t boot_us)
{
    watch->doubted = false;
    watch->believed = true;
    watch->base_us = watch->good_us = wall_us - boot_us;
    watch->floor_us =
        INT64_MIN + watch->limit_us; /* also before what was recorded: the journal then waits for it (J2) */
}

void clock_accept_wall(struct clock *clock)
{
    pthread_mutex_lock(&clock->mutex);
    clock_watch_accept_wall(&clock->watch, source_wall_us(clock), source_boot_us(clock));
    pthread_mutex_unlock(&clock->mutex);
}

struct clock_reading clock_read(struct clock *clock)
{
    struct clock_reading reading = {.real_us = source_boot_us(clock)};

    if (clock->training) {
        reading.server_us = reading.real_us * clock->training_rate + atomic_load(&clock->training_offset_us);
        return reading;
    }
    pthread_mutex_lock(&clock->mutex);
    reading = clock_watch_read(&clock->watch, source_wall_us(clock), source_boot_us(clock));
    pthread_mutex_unlock(&clock->mutex);
    return reading;
}

void clock_step(struct clock *clock, int64_t now_us)
{
    int64_t offset_us = now_us - source_boot_us(clock) * clock->training_rate;
    int64_t before = atomic_load(&clock->training_offset_us);

    while (offset_us > before && !atomic_compare_exchange_weak(&clock->training_offset_us, &before, offset_us)) {
    }
}

int64_t clock_real_until_us(struct clock *clock, int64_t due_us)
{
    int64_t now_us = clock_read(clock).server_us;

    if (due_us <= now_us)
        return 0;
    if (!clock->training)
        return due_us - now_us;
    return clock->training_rate == 0 ? -1 : (due_us - now_us) / clock->training_rate;
}
