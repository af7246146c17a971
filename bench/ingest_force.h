/*
 * The force that ingest is measured on: made once by doublecrewctl from CSV files, with a real clock; its store is put back
 * to that state before each round. Finds out afterwards whether everything that was acknowledged is there.
 */
#ifndef DOUBLECREW_BENCH_INGEST_FORCE_H
#define DOUBLECREW_BENCH_INGEST_FORCE_H

#include <stdio.h>

#include "bench/sql_record.h"
#include "client-sim/process.h"
#include "core/sign.h"

#define INGEST_OFFENDERS 20 /* of each pair of officers */
#define INGEST_TEAMS 4

struct ingest_device {
    char package[PROCESS_PATH_MAX];
    struct id device;
    struct id log;
    struct id officer;
    struct sign_key *key;
};

struct ingest_force {
    char folder[PROCESS_PATH_MAX]; /* scratch: everything below is in it */
    char dir[PROCESS_PATH_MAX];    /* the force's */
    char store[PROCESS_PATH_MAX];  /* the server's */
    char setup[PROCESS_PATH_MAX];  /* copy of the store as set up */
    char bare[PROCESS_PATH_MAX];   /* of the bare loop, and of the replay that is recorded */
    uint64_t setup_pos;            /* records of the set-up */
    size_t device_count;           /* even: partners stand beside each other */
    struct ingest_device *devices;
    struct id *offenders;                           /* INGEST_OFFENDERS of each pair, in order */
    struct ingest_device supervisors[INGEST_TEAMS]; /* one of each team; pairs are spread over the teams in turn */
};

/* Complains itself. INPUT: folder is not on a disk (a tmpfs syncs nothing). */
MUST_USE enum status ingest_force_make(const char *base, size_t device_count, struct ingest_force *ret_force);
void ingest_force_remove(struct ingest_force *force);

/* The store as set up. No server runs. */
MUST_USE enum status ingest_force_reset(const struct ingest_force *force);

/*
 * Afterwards, when no server runs: every device's log holds as many entries as it was acknowledged for, and the journal
 * derives to the very bytes that are stored. acknowledged[i] is device i's. Complains itself; STORE when not.
 */
MUST_USE enum status ingest_force_check(const struct ingest_force *force, const uint64_t *acknowledged);

/* The statements of the server's writer, from the journal that it left: replayed batch by batch, and listened to. */
MUST_USE enum status ingest_force_record(const struct ingest_force *force, struct sql_record **ret_record,
                                         struct sql_part *ret_part);
/* Plays them on a copy of the store as set up; STORE unless the same derived rows are there afterwards. */
MUST_USE enum status ingest_force_play(const struct ingest_force *force, const struct sql_record *record,
                                       const struct sql_part *part, bool with_reads, double *ret_took_s);

#endif
