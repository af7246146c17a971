/*
 * A simulated person: a device package opened with the real device library, a virtual clock, and what came in.
 * One thread: the one that runs the loop.
 */
#ifndef DOUBLECREW_CLIENT_SIM_PERSON_H
#define DOUBLECREW_CLIENT_SIM_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/doublecrew.h"

#define PERSON_PRESENCES_MAX 64
#define PERSON_PUSHED_MAX 256
#define PERSON_PATH_MAX 1024

/* The truth in training mode, shared by everybody. */
struct sim_clock {
    bool runs; /* by itself: phones read real time plus ahead_ms at each look; an anchor is good to the millisecond */
    int64_t ahead_ms;
    int64_t now_ms;        /* since 1970 UTC */
    int64_t acted_real_us; /* CLOCK_MONOTONIC: when somebody last did something, to time what follows from it */
};

/* What a device.conf says. */
struct package {
    char folder[PERSON_PATH_MAX];
    struct dc_id device;
    struct dc_id log;
    struct dc_id officer;
    struct dc_id force;
    uint8_t server_key[32];
    uint8_t operator_key[1 + DC_PUBLIC_KEY_MAX]; /* algorithm, key */
    size_t operator_key_size;                    /* 0: the package doesn't say */
    char officer_code[64];
    char role[32];
    char host[256];
    char name[256];
    uint16_t port;
};

/* Complains itself. */
bool phone_package_read(const char *folder, struct package *ret_package);

struct person_presence {
    struct dc_hash id;
    struct dc_id offender;
    bool checked_out;
};

/* A flag that arrived on the urgent lane. */
struct person_pushed {
    struct dc_hash flag;
    char kind[48];
    struct dc_id officer;
    struct dc_id offender;
    int64_t after_us; /* real time from the act that caused it to its arrival here */
    enum dc_flag_state state;
};

struct person {
    struct package package;
    struct sim_clock *clock;
    int64_t wall_offset_ms;
    int64_t boot_started_ms; /* of the virtual clock */
    struct dc_id boot;
    uint64_t boots;
    struct dc_device *device; /* NULL: closed */
    bool wants_online;
    bool dead;
    uint16_t port; /* through a relay, or the server's own */
    struct person_presence presences[PERSON_PRESENCES_MAX];
    size_t presence_count;
    struct person_pushed pushed[PERSON_PUSHED_MAX];
    size_t pushed_count;
    enum dc_status last_error;
    uint64_t stepped_pos;   /* clock devices: head at the last answered step */
    int64_t stepped_now_ms; /* and its time; 0: none answered yet */
    uint64_t durable_seq;   /* as far as this log was acknowledged */
    /* Told of each event after the above is brought up to date; may be NULL. */
    void (*on_event)(void *context, struct person *person, const struct dc_event *event);
    void *context;
};

/* Opens the package's device (its store lies in the package's folder) on the loop. Complains itself. */
bool person_open(struct person *person, struct dc_loop *loop, struct sim_clock *clock, const char *folder,
                 uint16_t port);
void person_close(struct person *person);
/* A new boot: the monotonic clock starts again. The library's device is closed and opened, as a restart does. */
bool person_reboot(struct person *person, struct dc_loop *loop);

/* Keeps what an event of their device brought, and passes it on. */
void person_sees(struct person *person, const struct dc_event *event);
/* The last presence at an offender (any offender when NULL), or the first; NULL when there is none. */
struct person_presence *person_presence_at(struct person *person, const struct dc_id *offender, bool first);
/* The one that is open there; NULL. */
struct person_presence *person_open_presence(struct person *person, const struct dc_id *offender);

bool ids_equal(const struct dc_id *a, const struct dc_id *b);
bool hashes_equal(const struct dc_hash *a, const struct dc_hash *b);
int64_t real_us(void);

#endif
