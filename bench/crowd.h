/*
 * Very many devices in one process: plain OpenSSL on one epoll, a few hundred bytes each beside OpenSSL's own, so that what
 * is measured is the server. A client connects, shakes hands, upgrades, says Hello, answers pings, and comes back when it
 * was told to or was cut off; everything else is up to the benchmark's calls.
 */
#ifndef DOUBLECREW_BENCH_CROWD_H
#define DOUBLECREW_BENCH_CROWD_H

#include "bench/fleet.h"
#include "core/wire.h"
#include "doublecrew/v1/sync.pb-c.h"

/* Clients of one source address; then the next of 127.0.0.2, .3 ... : ports of one would run out. */
#define CROWD_PER_ADDRESS 20000u

struct crowd;
struct crowd_client;

struct crowd_calls {
    /* It is in: Welcome has come (welcome is borrowed), or, where nobody says Hello, the upgrade. */
    void (*live)(void *context, struct crowd_client *client, const Doublecrew__V1__Welcome *welcome);
    /* Any later message. NULL: nobody wants it. */
    void (*message)(void *context, struct crowd_client *client, struct span message);
};

struct crowd_spec {
    const struct fleet *fleet;
    uint16_t port;
    const char *request; /* HTTP's, whole; NULL: Doublecrew's */
    bool handshake_only; /* live with the server's first byte after the handshake: nothing is said */
    bool hello;
    const struct id *boots; /* one for each of the fleet's devices; NULL: each connection is of a boot of its own */
    uint64_t cursor;        /* Hello's: rows up to there are held already; 0: none are */
    uint32_t page_credit;
    unsigned under_way_max; /* clients that are on their way in at once; the others wait their turn */
    struct crowd_calls calls;
    void *context;
};

struct crowd_figures {
    size_t shaken;        /* handshakes that the server completed: its first byte has come */
    size_t live;          /* at this moment */
    size_t busy;          /* times that one was told to come later */
    size_t cut_off;       /* times that a connection ended without a word, or never came about */
    size_t failed;        /* told anything else: they don't come back */
    double last_shaken_s; /* CLOCK_MONOTONIC */
};

MUST_USE enum status crowd_new(const struct crowd_spec *spec, struct crowd **ret_crowd);
void crowd_free(struct crowd *crowd);
/* The fleet's devices from .. from+count-1 set out. NO_MEMORY. Once for each crowd. */
MUST_USE enum status crowd_set_out(struct crowd *crowd, size_t from, size_t count);
/* Takes what comes for at most wait_ms. */
void crowd_run(struct crowd *crowd, int wait_ms);
const struct crowd_figures *crowd_figures(const struct crowd *crowd);

size_t crowd_index(const struct crowd_client *client); /* of its device in the fleet */
/* A whole frame (load_frame), copied. The client is live. */
void crowd_send(struct crowd_client *client, struct span frame);
/*
 * A page of the feed: answered with Applied and credit for one page more, as a device does. False: the message is none.
 */
struct crowd_page {
    size_t rows;
    size_t row_bytes;
    bool last;
};
bool crowd_take_page(struct crowd_client *client, struct span message, struct crowd_page *ret_page);
/* Of the crowd's device with that index. */
struct crowd_client *crowd_client_of(struct crowd *crowd, size_t index);
bool crowd_is_live(const struct crowd_client *client);
const struct id *crowd_boot(const struct crowd_client *client); /* of the session under way */

#endif
