/*
 * A force of many devices, set up in seconds: doublecrewctl makes the force and its roster, and the devices are enrolled
 * here, through the operator's own functions, with keys and certificates (the same in kind as certs/make-device.sh makes
 * them) that never leave this process's memory.
 */
#ifndef DOUBLECREW_BENCH_FLEET_H
#define DOUBLECREW_BENCH_FLEET_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "client-sim/process.h"
#include "core/sign.h"

struct fleet_spec {
    const char *base;    /* folder on a disk; made when it isn't there */
    size_t device_count; /* of officers; even: partners stand beside each other */
    size_t team_size;    /* officers in a team; even */
    size_t offenders_per_pair;
    bool supervisors; /* one of each team, with a device, behind the officers' */
};

struct fleet_device {
    struct id device;
    struct id log;
    struct id officer;
    struct sign_key *key; /* of its log */
    EVP_PKEY *tls_key;
    X509 *certificate;
};

struct fleet {
    struct fleet_spec spec;
    char folder[PROCESS_PATH_MAX]; /* scratch: everything below is in it */
    char dir[PROCESS_PATH_MAX];    /* the force's */
    char store[PROCESS_PATH_MAX];
    char setup[PROCESS_PATH_MAX]; /* copy of the store as set up */
    X509 *issuer;                 /* sent after a device's certificate */
    struct fleet_device *devices; /* officers', then supervisors' */
    size_t count;
    struct id *offenders; /* offenders_per_pair of each pair, in order */
    uint64_t setup_pos;   /* records of the set-up: a device that has synced since is at this cursor */
    struct id epoch;
};

/*
 * config: lines put into doublecrewd.conf, each "section.key = value" with a newline; NULL: none. Complains itself.
 * INPUT: the folder is in memory, where nothing is durable.
 */
MUST_USE enum status fleet_make(const struct fleet_spec *spec, const char *config, struct fleet *ret_fleet);
void fleet_remove(struct fleet *fleet);

/* The store as set up. No server runs. */
MUST_USE enum status fleet_reset(const struct fleet *fleet);

/* When no server runs: entries in each device's log, as the store has them. */
MUST_USE enum status fleet_count(const struct fleet *fleet, uint64_t *ret_entries);

#endif
