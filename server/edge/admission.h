/*
 * Who gets in at once, and when the others may come back (P6): a steady rate and a burst on top. Whoever is turned away is
 * given a turn of their own in the time that the rate needs for all who were, so that a fleet that lost its server comes back
 * in a line and not in waves. Pure: time is an argument.
 */
#ifndef DOUBLECREW_SERVER_EDGE_ADMISSION_H
#define DOUBLECREW_SERVER_EDGE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

/* Nobody is sent away for less: a new TLS handshake costs more than the wait. */
#define ADMISSION_RETRY_MIN_MS 500u
/* Nor for longer, however long the line. */
#define ADMISSION_RETRY_MAX_MS 300000u

struct admission {
    int64_t interval_us; /* between two at the steady rate */
    int64_t burst_us;    /* how far ahead of the rate it may run */
    int64_t paid_us;     /* up to here the rate is used up */
    int64_t promised_us; /* the last turn given away */
    uint64_t chance;     /* xorshift64 */
};

/* rate: a second; burst: at once. Both at least 1. */
void admission_init(struct admission *admission, unsigned rate, unsigned burst, uint64_t seed);
/* True: in. */
bool admission_ask(struct admission *admission, int64_t now_us);
/* For whoever was turned away: when to come back. */
uint32_t admission_turn_ms(struct admission *admission, int64_t now_us);

#endif
