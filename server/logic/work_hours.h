/*
 * Working hours (A2): UK local time with its summer time, as pure functions of an instant. Microseconds UTC since 1970.
 * Summer time is from the last Sunday of March, 01:00 UTC, to the last Sunday of October, 01:00 UTC (the Summer Time Order
 * 2002, S.I. 2002/262). Bank holidays are working days like others: a flag then goes up the chain to the duty role.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_WORK_HOURS_H
#define DOUBLECREW_SERVER_LOGIC_WORK_HOURS_H

#include <stdbool.h>
#include <stdint.h>

struct work_hours {
    uint32_t from_min; /* local, after midnight */
    uint32_t to_min;   /* half-open; at most 1440 */
    uint32_t days;     /* bits: Monday 1 .. Sunday 64 */
};

/* DOMAIN.md's default: Monday to Friday, 08:00 to 18:00. */
struct work_hours work_hours_default(void);
/* How far UK local time is ahead of UTC. */
int64_t uk_offset_us(int64_t utc_us);
/* The first instant at or after at_us in working hours. Hours that never come (from >= to, no day) are always. */
int64_t work_begin(const struct work_hours *hours, int64_t at_us);
/* When length_us of working time will have passed since at_us; length_us is at most a year. */
int64_t work_add(const struct work_hours *hours, int64_t at_us, int64_t length_us);

#endif
