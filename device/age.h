/*
 * How old what this phone keeps is: time that a wall clock turned back can't shorten, and that survives a reboot.
 *
 * Within a boot the monotonic clock counts. Over a reboot nobody can know how long the phone was off: proven counts only the
 * new boot's length, assumed also what the wall clock says, when that is more. Deleting goes by proven time (never too early,
 * E2), sealing by assumed time (never too late). Pure.
 */
#ifndef DOUBLECREW_DEVICE_AGE_H
#define DOUBLECREW_DEVICE_AGE_H

#include "core/bytes.h"
#include "core/status.h"

#define AGE_SIZE (ID_SIZE + 8 * 8 + 1)

struct age {
    struct id boot; /* of the last reading */
    uint64_t monotonic_ms;
    int64_t wall_ms;
    uint64_t proven_ms; /* two odometers */
    uint64_t assumed_ms;
    int64_t anchor_time_ms; /* the server's time at anchor_proven_ms; 0: never heard */
    uint64_t anchor_proven_ms;
    uint64_t synced_assumed_ms; /* when all rows were last there */
    int64_t online_wall_ms;     /* for people: the wall clock when the phone was last online; 0: never */
    bool synced;
};

/* A reading of the clocks: moves both odometers. The first of a new store sets them going. */
void age_read(struct age *age, const struct id *boot, uint64_t monotonic_ms, int64_t wall_ms);
/* The server's time, vouched for by an anchor that has just come. */
void age_anchor(struct age *age, int64_t time_ms);
/* All rows in scope are here. */
void age_synced(struct age *age);
/* The server's time is at least this; 0: it was never heard. */
int64_t age_server_ms(const struct age *age);
/* Since all rows were here; of a store that was never complete: since it was made. */
uint64_t age_of_rows_ms(const struct age *age);

void age_encode(const struct age *age, uint8_t ret_bytes[AGE_SIZE]);
/* STORE. */
MUST_USE enum status age_decode(struct span bytes, struct age *ret_age);

#endif
