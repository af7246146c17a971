/*
 * One phone: the device library on its own store file, with clocks, signal and power of its own, and outside of it a record
 * of what it was told: every entry that it holds, and how far the server acknowledged them.
 *
 * Anything that calls into the library does so through sim_device_open..sim_device_timer, or between sim_device_use and
 * sim_device_note, so that the record is kept.
 */
#ifndef DOUBLECREW_TESTS_SIM_DEVICE_H
#define DOUBLECREW_TESTS_SIM_DEVICE_H

#include "device/doublecrew.h"
#include "tests/sim/sim.h"

/* Why a phone isn't expected to be level with the server when all is quiet. */
enum sim_device_fate {
    SIM_DEVICE_FINE,
    SIM_DEVICE_COPY, /* one of two copies of a phone: the first to be refused stops */
    SIM_DEVICE_LOST,
    SIM_DEVICE_SUSPENDED,
    SIM_DEVICE_RETIRED /* replaced by an enrolment anew */
};

struct sim_device *sim_device_new(struct sim *sim, unsigned officer, const char *what, unsigned number);
/* Another phone with the same identity, on a copy of the first one's store as it is now. */
struct sim_device *sim_device_clone(struct sim *sim, struct sim_device *of);
void sim_device_free(struct sim_device *device);

const char *sim_device_name(const struct sim_device *device);
unsigned sim_device_officer(const struct sim_device *device);
/* The phone is given to another officer: the app is set up anew for them (same log). */
void sim_device_assign(struct sim_device *device, unsigned officer);
enum sim_device_fate sim_device_fate(const struct sim_device *device);
void sim_device_set_fate(struct sim_device *device, enum sim_device_fate fate);
const struct hash *sim_device_certificate(const struct sim_device *device);
const struct id *sim_device_id(const struct sim_device *device);
const struct id *sim_device_log(const struct sim_device *device);
void sim_device_public_key(const struct sim_device *device, struct public_key *ret_key);
/* A copy of its private key; the caller frees it. */
struct sign_key *sim_device_sign_key(const struct sim_device *device);
struct sim_machine *sim_device_machine(const struct sim_device *device);

/* On a scenario's stage: an exact clock, seals without delay, and somebody who hears of every event first. */
typedef void sim_on_event(void *context, const struct dc_event *event);
void sim_device_on_stage(struct sim_device *device, sim_on_event *listen, void *context);
void sim_device_lose_next_answer(struct sim_device *device);

/* NULL while the app isn't running. */
struct dc_device *sim_device_use(struct sim_device *device);
void sim_device_note(struct sim_device *device);

/* App and phone. Opening fails the run when the store isn't what it was. */
/* A disk that fails just then, or is full: opens later. */
void sim_device_open(struct sim_device *device);
/* Then, unless it is open, lost or retired; and looks for signal if it wants to. */
void sim_device_open_at(struct sim_device *device, int64_t at_us);
void sim_device_close(struct sim_device *device);
/* fault: why; of POWER_LOSS and LOST unsynced writes are lost. */
void sim_device_crash(struct sim_device *device, enum sim_fault fault);
/* A new boot: the monotonic clock begins anew. */
void sim_device_reboot(struct sim_device *device);
void sim_device_jump_wall(struct sim_device *device, int64_t by_us);
void sim_device_skew_wall(struct sim_device *device, int64_t offset_us);
/* Keeps a copy of the store as it is; restoring brings the last one back. False: there is none. */
void sim_device_back_up(struct sim_device *device);
bool sim_device_restore(struct sim_device *device);

bool sim_device_has_signal(const struct sim_device *device);
void sim_device_set_signal(struct sim_device *device, bool signal);
/* Goes online, and offline again at until_us unless told to stay longer. */
void sim_device_go_online(struct sim_device *device, int64_t until_us);
/* No session before this: the officer is in the cellar. */
void sim_device_stay_offline(struct sim_device *device, int64_t until_us);
/* Whatever kept it offline is over. */
void sim_device_forget_plans(struct sim_device *device);
bool sim_device_wants_online(const struct sim_device *device);
/* Level with the server as far as it may be: online, all acknowledged, feed complete. */
bool sim_device_is_settled(struct sim_device *device);
/* Whether it was told that two copies of it exist. */
bool sim_device_knows_fork(const struct sim_device *device);
/* The app's store goes on under a new log; the old one's is read for what it holds (F2). False: not now. */
bool sim_device_succeed(struct sim_device *device, struct sim_device *old);
/* Its place in the feed. */
uint64_t sim_device_cursor(struct sim_device *device);
/* Where it stands, in words. */
const char *sim_device_state(struct sim_device *device);

/* For the network. */
void sim_device_connected(struct sim_device *device);
void sim_device_disconnected(struct sim_device *device, enum status status);
void sim_device_received(struct sim_device *device, struct span bytes);
void sim_device_timer(struct sim_device *device);

/* The record: entries 1..count of this copy of the log, of which acknowledged ones have been acknowledged. */
size_t sim_device_entries(const struct sim_device *device, const struct hash **ret_hashes, size_t *ret_acknowledged);
/* Entries that were acknowledged and that this copy no longer has, since it was restored. */
size_t sim_device_left_behind(const struct sim_device *device, const struct hash **ret_hashes);

/* Entries of the log that this one has succeeded. */
size_t sim_device_inherited(const struct sim_device *device, const struct hash **ret_hashes);

/* Rows of the server held on the device, by key. */
/* How often they were found to differ from the server's digest (P2). */
unsigned sim_device_repairs(struct sim_device *device);
typedef void (*sim_on_row)(void *context, struct span key, uint64_t pos, struct span bytes);
void sim_device_rows(struct sim_device *device, sim_on_row on_row, void *context);

#endif
