/*
 * One device's log in the load: visits made up ahead of time, as the signed pushes that the device would send.
 *
 * An attempt is 20 facts (DOMAIN.md, "Scale"): a check-in that names the partner, 12 edits of nine fields (three are
 * edited twice, and one field in nine is the offender's own), 5 notes of about 200 bytes, outcome and check-out. Partners
 * visit the same offender at the same time. Entries were made before the session, so they name no checkpoint; the log's
 * last one is written in the session and names its anchor, if there is one.
 */
#ifndef DOUBLECREW_BENCH_LOAD_LOG_H
#define DOUBLECREW_BENCH_LOAD_LOG_H

#include "core/push.h"

#define ATTEMPT_FACTS 20
#define DAY_ATTEMPTS 3

/* The device's clock at Hello: its boot was 30 days ago. */
#define LOAD_HELLO_MS ((uint64_t)30 * 24 * 3600 * 1000)
#define LOAD_WELCOME_MS (LOAD_HELLO_MS + 5)

/* Who, and with whom. */
struct load_person {
    struct id officer;
    struct id partner;
    bool second;                /* of the pair: arrives a little later, leaves a little earlier */
    const struct id *offenders; /* borrowed; visited in turn */
    size_t offender_count;
    int32_t latitude_e7;
    int32_t longitude_e7;
};

/* When: attempts are `every_ms` apart and last `lasts_ms`; the last one began `ago_ms` before Hello. */
struct load_times {
    uint64_t ago_ms;
    uint64_t every_ms;
    uint64_t lasts_ms;
    uint64_t day_every_ms; /* 0, or: after each DAY_ATTEMPTS attempts the next day begins */
};

struct load_log_spec {
    struct id log;
    struct id boot;
    const struct sign_key *key; /* borrowed */
    struct load_person person;
    struct load_times times;
    size_t attempts;
    const char
        *attempt; /* its facts in order: I check-in, E edit, N note, O outcome, X check-out; NULL: the 20 above */
    size_t facts_per_push;
    struct span anchor; /* of this session's Welcome; borrowed; empty: made ahead of any session, no entry names one */
    int64_t wall_ms;    /* at Hello */
    uint64_t after_seq; /* the log goes on from there; 0: it begins */
    struct hash after;
};

struct load_push {
    uint8_t *frame; /* of the whole ClientMessage */
    size_t size;
    uint64_t last_seq;
    struct hash last_hash;
};

struct load_log {
    struct load_push *pushes;
    size_t push_count;
    size_t facts;
    size_t bytes; /* of all frames */
};

/* Makes and signs everything. NO_MEMORY, INPUT. */
MUST_USE enum status load_log_make(const struct load_log_spec *spec, uint64_t *random, struct load_log *ret_log);
void load_log_done(struct load_log *log);

#endif
