#include "device/age.h"

#include <string.h>

/* A phone's monotonic clock may run fast by so many parts per million (T1). */
#define RHO_DIVISOR 5000

void age_read(struct age *age, const struct id *boot, uint64_t monotonic_ms, int64_t wall_ms)
{
    bool first = id_is_zero(&age->boot) && age->monotonic_ms == 0 && age->wall_ms == 0;

    if (!first && id_equal(&age->boot, boot)) {
        uint64_t passed = monotonic_ms > age->monotonic_ms ? monotonic_ms - age->monotonic_ms : 0;

        age->proven_ms += passed;
        age->assumed_ms += passed;
        monotonic_ms = age->monotonic_ms + passed;
    } else if (!first) {
        int64_t by_wall = wall_ms - age->wall_ms;

        age->proven_ms += monotonic_ms;
        age->assumed_ms += by_wall > 0 && (uint64_t)by_wall > monotonic_ms ? (uint64_t)by_wall : monotonic_ms;
    }
    age->boot = *boot;
    age->monotonic_ms = monotonic_ms;
    age->wall_ms = wall_ms;
}

void age_anchor(struct age *age, int64_t time_ms)
{
    age->anchor_time_ms = time_ms;
    age->anchor_proven_ms = age->proven_ms;
}

void age_synced(struct age *age)
{
    age->synced = true;
    age->synced_assumed_ms = age->assumed_ms;
}

int64_t age_server_ms(const struct age *age)
{
    uint64_t since = age->proven_ms - age->anchor_proven_ms;

    return age->anchor_time_ms ? age->anchor_time_ms + (int64_t)(since - since / RHO_DIVISOR) : 0;
}

uint64_t age_of_rows_ms(const struct age *age)
{
    return age->assumed_ms - age->synced_assumed_ms;
}

void age_encode(const struct age *age, uint8_t ret_bytes[AGE_SIZE])
{
    const uint64_t numbers[] = {age->monotonic_ms,      (uint64_t)age->wall_ms,        age->proven_ms,
                                age->assumed_ms,        (uint64_t)age->anchor_time_ms, age->anchor_proven_ms,
                                age->synced_assumed_ms, (uint64_t)age->online_wall_ms};

    memcpy(ret_bytes, age->boot.bytes, ID_SIZE);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        put_u64(ret_bytes + ID_SIZE + 8 * i, numbers[i]);
    }
    ret_bytes[AGE_SIZE - 1] = age->synced;
}

enum status age_decode(struct span bytes, struct age *ret_age)
{
    const uint8_t *at = bytes.data;

    if (bytes.size != AGE_SIZE) {
        return STATUS_STORE;
    }
    memcpy(ret_age->boot.bytes, at, ID_SIZE);
    at += ID_SIZE;
    ret_age->monotonic_ms = get_u64(at);
    ret_age->wall_ms = (int64_t)get_u64(at + 8);
    ret_age->proven_ms = get_u64(at + 16);
    ret_age->assumed_ms = get_u64(at + 24);
    ret_age->anchor_time_ms = (int64_t)get_u64(at + 32);
    ret_age->anchor_proven_ms = get_u64(at + 40);
    ret_age->synced_assumed_ms = get_u64(at + 48);
    ret_age->online_wall_ms = (int64_t)get_u64(at + 56);
    ret_age->synced = at[64] != 0;
    return STATUS_OK;
}
