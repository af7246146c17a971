/*
 * One phase of the flag benchmark: officers' phones push lone visits, supervisors' clients are told, and both are timed.
 */
#ifndef DOUBLECREW_BENCH_FLAG_RUN_H
#define DOUBLECREW_BENCH_FLAG_RUN_H

#include "bench/flag_visits.h"

struct flag_run;

struct flag_phase {
    const char *name;
    size_t visits;      /* of all devices together */
    double rate_per_s;  /* sent when due, whatever is under way; 0: as below */
    bool one_at_a_time; /* the next when the last one's flag has come; otherwise one for each device */
};

struct flag_figures {
    size_t visits;
    size_t flags;        /* of all kinds, as the server's log has their receipts */
    double took_s;       /* from the first push to the last flag */
    double screen_ms[2]; /* p50, p99: from sending the visit to the flag at the supervisor's client */
    double flag_ms[2];   /* from the commit to the client's receipt at the server: there, and back */
    double commit_ms[2]; /* deriving, writing, fsync */
    double fsync_ms[2];  /* 4 KiB appended and fdatasync, paced, beside it on the same disk */
};

/* Connects everybody and makes all visits ahead. Complains itself. log: the server's, at level debug. */
MUST_USE enum status flag_run_new(const struct ingest_force *force, uint16_t port, const char *log, size_t visits,
                                  uint64_t *random, struct flag_run **ret_run);
void flag_run_free(struct flag_run *run);

/* STORE, after a complaint: a flag was lost or came twice, or a push wasn't plainly acknowledged: no figures. */
MUST_USE enum status flag_run_phase(struct flag_run *run, const struct flag_phase *phase,
                                    struct flag_figures *ret_figures);
/* Entries of each of the force's devices that were acknowledged. */
void flag_run_acknowledged(const struct flag_run *run, uint64_t *ret_acknowledged);

#endif
