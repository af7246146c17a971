/*
 * A force in memory, without sockets: officers, devices with keys of their own, a store in a folder of its own, and the
 * writer's batches driven by hand. Ids and keys come from names, so every run is the same. Times are microseconds.
 *
 * A device's monotonic clock runs true from the start of its boot; its entries are stamped with the true time given.
 * Functions fail the test (cmocka) when anything goes wrong that isn't what the test is about.
 */
#ifndef DOUBLECREW_TESTS_LIB_FLEET_H
#define DOUBLECREW_TESTS_LIB_FLEET_H

#include "core/push.h"
#include "server/logic/batch.h"

#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"

#define FLEET_T0 INT64_C(1800000000000000) /* when the force begins */
#define FLEET_SECOND INT64_C(1000000)
#define FLEET_MINUTE (60 * FLEET_SECOND)
#define FLEET_HOUR (60 * FLEET_MINUTE)
#define FLEET_ENTRIES_MAX 2048
#define FLEET_DEVICES_MAX 16

struct fleet;

struct fleet_device {
    struct fleet *fleet;
    struct id device, log, officer, boot;
    struct sign_key *key;
    int64_t boot_started_us;
    unsigned boots;
    struct entry entries[FLEET_ENTRIES_MAX]; /* payloads owned */
    size_t count;
    size_t pushed; /* how many have been built into a push */
    /* the newest anchor, which entries name; texts of all */
    struct push_anchor anchors[64];
    size_t anchor_count;
    /* the session under way */
    struct batch_delivery delivery;
    uint64_t session_received_ms;
};

/* A push as bytes: can be delivered again, and in any order. */
struct fleet_push {
    struct fleet_device *device;
    uint8_t *bytes;
    size_t size;
    struct batch_delivery delivery;
};

struct fleet {
    char folder[64];
    struct store *store;
    struct batch *batch;
    const struct engine *engine; /* of the batch */
    struct sha256 *sha;
    struct sign_key *server_key;
    struct id force;
    struct fleet_device *operator_device;
    struct fleet_device *devices[FLEET_DEVICES_MAX];
    size_t device_count;
    bool batch_open;
};

/* A force with its operator; team "north"; nobody else. */
struct fleet *fleet_new(void);
/* As above, judged by another engine. */
struct fleet *fleet_typical_with(const struct engine *engine);
/* The server stops and another version starts. The first batch takes over. */
MUST_USE enum status fleet_reopen(struct fleet *fleet, const struct engine *engine);
void fleet_free(struct fleet *fleet);
struct fleet_device *fleet_device(struct fleet *fleet, const char *name);

/* Operator's entries: recorded on the operator's device at a time; fleet_settle pushes them. */
void fleet_team(struct fleet *fleet, int64_t at_us, const char *name);
void fleet_officer(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Role role, bool accredited,
                   const char *team);
/* The same, entitled in [from, to); 0 leaves a side open. */
void fleet_entitle(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Role role, bool accredited,
                   int64_t from_us, int64_t to_us);
void fleet_offender(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__RiskLevel risk,
                    const char *team);
/* With the duty role. */
void fleet_duty(struct fleet *fleet, int64_t at_us, const char *name, Doublecrew__V1__Role role, const char *team);
void fleet_anchor_void(struct fleet *fleet, int64_t at_us, int64_t from_us, int64_t to_us);
/* Enrols a device named as its officer. */
struct fleet_device *fleet_enrol(struct fleet *fleet, int64_t at_us, const char *officer);
/* A device beside their first, which fleet_device keeps finding. */
struct fleet_device *fleet_enrol_second(struct fleet *fleet, int64_t at_us, const char *officer);
/* Hands an enrolled device on (F4); its next check-ins are by that officer. */
void fleet_assign(struct fleet_device *device, int64_t at_us, const char *officer);
void fleet_standing(struct fleet_device *device, int64_t at_us, Doublecrew__V1__DeviceStanding standing,
                    int64_t as_of_us);
void fleet_settle(struct fleet *fleet, int64_t at_us);
/* Two accredited managers "ann" and "bob", constable "cal", supervisor "sue" of team north, offenders "xen" (medium) and
 * "yul" (very high), all with devices that have met the server once. Everything is recorded at FLEET_T0. */
struct fleet *fleet_typical(void);

/* Sessions: an anchor for the device as the server would issue it; deliveries bear its Hello from then on. */
void fleet_hello(struct fleet_device *device, int64_t at_us);
/* The same from a server whose clock says another time than it is. */
void fleet_hello_wrong(struct fleet_device *device, int64_t at_us, int64_t said_us);
void fleet_offline(struct fleet_device *device); /* deliveries without a session: carried in by hand */
void fleet_reboot(struct fleet_device *device, int64_t at_us);

/* Entries. Each returns its hash. */
struct hash fleet_add(struct fleet_device *device, int64_t at_us, uint16_t kind, const ProtobufCMessage *message);
/* company: NULL unrecorded, "" alone, otherwise one officer's name. The place is the same for all. */
struct hash fleet_check_in(struct fleet_device *device, int64_t at_us, const char *offender, const char *company);
struct hash fleet_check_out(struct fleet_device *device, int64_t at_us, const struct hash *presence);
struct hash fleet_outcome(struct fleet_device *device, int64_t at_us, const struct hash *presence,
                          Doublecrew__V1__VisitOutcome outcome);
struct hash fleet_decide(struct fleet_device *device, int64_t at_us, const struct hash *presence, bool appropriate);
struct hash fleet_authorise(struct fleet_device *device, int64_t at_us, const char *officer, const char *offender,
                            bool granted, int64_t from_us, int64_t to_us);

/* Who stands in for somebody in [from, to), by this device's officer. by NULL: they are back; to_us 0: open. */
struct hash fleet_cover(struct fleet_device *device, int64_t at_us, const char *officer, const char *by,
                        int64_t from_us, int64_t to_us);
struct hash fleet_acknowledge(struct fleet_device *device, int64_t at_us, const struct hash *flag);
struct hash fleet_answer(struct fleet_device *device, int64_t at_us, const struct hash *flag);

/* Everything not built yet, as one push. */
struct fleet_push fleet_build(struct fleet_device *device);
void fleet_push_free(struct fleet_push *push);
/* In a batch of its own, or in the one that is open. */
struct batch_result fleet_deliver(struct fleet *fleet, int64_t at_us, const struct fleet_push *bytes_kept);
/* Hello, build, deliver, all at once. */
struct batch_result fleet_sync(struct fleet_device *device, int64_t at_us);
void fleet_begin(struct fleet *fleet, int64_t at_us);
/* In clock trouble (T5). */
void fleet_begin_held(struct fleet *fleet, int64_t at_us);
void fleet_commit(struct fleet *fleet);
/* An empty batch: timers fire. */
void fleet_tick(struct fleet *fleet, int64_t at_us);

/* What the store says. Messages are freed by protobuf_c_message_free_unpacked; NULL: not there. */
Doublecrew__V1__Row *fleet_view(struct fleet *fleet, char letter, const uint8_t *id, size_t size);
/* The same of a note, which may lie in its presence's bundle; fields are found there anyway. */
Doublecrew__V1__Row *fleet_view_about(struct fleet *fleet, struct span subject, char letter, const uint8_t *id,
                                      size_t size);
/* The company's name of a presence, "" when it has no row; static storage of the fixture's last call. */
const char *fleet_company(struct fleet *fleet, const struct hash *presence);
const char *fleet_confirmed_by(struct fleet *fleet, const struct hash *presence);
/* 0: never raised. */
enum flag_state fleet_flag(struct fleet *fleet, const char *kind, const struct hash *subject);
uint32_t fleet_times_raised(struct fleet *fleet, const char *kind, const struct hash *subject);
struct id fleet_id(const char *name);
/* The flag's id, as clients name it. */
struct hash fleet_flag_id(struct fleet *fleet, const char *kind, const struct hash *subject);
/* The flag as its row says it; freed by doublecrew__v1__flag_row__free_unpacked. Fails the test when there is none. */
Doublecrew__V1__FlagRow *fleet_flag_row(struct fleet *fleet, const char *kind, const struct hash *subject);

/* Whether the feed of this officer's device has the row, by its letter and id. */
bool fleet_sees(struct fleet *fleet, const char *officer, char letter, const struct hash *id);
/* The most that the last batch told live about a flag. */
enum fleet_told { FLEET_TOLD_NOTHING, FLEET_TOLD_UPDATE, FLEET_TOLD_ALARM };
enum fleet_told fleet_told(struct fleet *fleet, const struct hash *flag);

/* All derived tables as text; the caller frees. */
char *fleet_dump(struct store *store);
/* Every device's digest is the sum over the rows that its feed has, counted one by one. */
void fleet_expect_digests(struct fleet *fleet);
/* A fresh store from the journal; asserts that its dump is the same, and nothing would be told otherwise. */
void fleet_expect_rebuild(struct fleet *fleet);

#endif
