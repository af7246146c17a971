#include "server/edge/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct clock {
    bool training;
    int64_t training_rate;
    _Atomic int64_t training_offset_us; /* a training clock shows rate times the real time and this */
    int64_t wall_0_us;
    int64_t boot_0_us;
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

enum status clock_new(bool training, int64_t training_start_us, unsigned training_rate, struct clock **ret_clock)
{
    struct clock *clock = calloc(1, sizeof(*clock));

    if (clock == NULL)
        return STATUS_NO_MEMORY;
    clock->training = training;
    clock->training_rate = training_rate;
    clock->wall_0_us = clock_wall_us();
    clock->boot_0_us = clock_boot_us();
    atomic_init(&clock->training_offset_us, training_start_us - clock->boot_0_us * clock->training_rate);
    *ret_clock = clock;
    return STATUS_OK;
}

void clock_free(struct clock *clock)
{
    free(clock);
}

bool clock_disagrees(int64_t wall_0_us, int64_t boot_0_us, int64_t wall_us, int64_t boot_us)
{
    int64_t difference = (wall_us - wall_0_us) - (boot_us - boot_0_us);

    return difference > CLOCK_DISAGREEMENT_MAX_US || difference < -CLOCK_DISAGREEMENT_MAX_US;
}

struct clock_reading clock_read(struct clock *clock)
{
    struct clock_reading reading = {.real_us = clock_boot_us()};

    if (clock->training) {
        reading.server_us = reading.real_us * clock->training_rate + atomic_load(&clock->training_offset_us);
        return reading;
    }
    reading.server_us = clock_wall_us();
    reading.clock_trouble = clock_disagrees(clock->wall_0_us, clock->boot_0_us, reading.server_us, reading.real_us);
    return reading;
}

void clock_step(struct clock *clock, int64_t now_us)
{
    int64_t offset_us = now_us - clock_boot_us() * clock->training_rate;
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
