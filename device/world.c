#include "device/world.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int digit(int character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* The kernel writes a UUID: 32 hex digits, with hyphens. All zero when it can't be read: then no anchor binds (T2). */
void world_boot_id(void *context, struct dc_id *ret_boot)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    unsigned nibbles = 0;
    int character;

    (void)context;
    memset(ret_boot, 0, sizeof *ret_boot);
    if (!file) {
        return;
    }
    while (nibbles < 2 * sizeof ret_boot->bytes && (character = fgetc(file)) != EOF) {
        int value = digit(character);

        if (value >= 0) {
            uint8_t *byte = &ret_boot->bytes[nibbles / 2];

            *byte = (uint8_t)(*byte << 4 | value);
            nibbles++;
        }
    }
    fclose(file);
}

static int64_t read_clock_ms(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t world_monotonic_ms(void *context)
{
    (void)context;
    return (uint64_t)read_clock_ms(CLOCK_BOOTTIME);
}

int64_t world_wall_ms(void *context)
{
    (void)context;
    return read_clock_ms(CLOCK_REALTIME);
}

bool world_random(void *context, uint8_t *ret_bytes, size_t size)
{
    (void)context;
    return size <= INT_MAX && RAND_bytes(ret_bytes, (int)size) == 1;
}
