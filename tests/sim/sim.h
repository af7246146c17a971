/*
 * The deterministic simulation of a fleet (DESIGN.md section 10): server logic, device logic and the real SQLite store in
 * one process, on one thread, by one seed. The world owns time, chance, the network and the people; the product's own code
 * does the rest. The same seed gives the same run, event by event.
 *
 *   sim_world.c   events by virtual time, streams of chance, counters, trace     sim_people*.c  what officers do
 *   sim_server.c  the server process: hub, store, crash and restart               sim_office.c   operators, supervisors
 *   sim_server_work.c  what its threads do
 *   sim_net.c     connections between phones and the server                      sim_mishap.c   what befalls phones, server
 *   sim_device.c  phones: the device library with clocks, signal and power       sim_check*.c   what must hold
 *   sim_backup.c  the server's backups, and life on one of them (E2)
 *   sim_setup.c   a force with its roster and phones                             fleet_sim.c    options, processes, the table
 *
 * Times are microseconds of the world's true time since 1970 UTC unless a name says otherwise. Files that include the
 * server's store.h and files that include the device's can't include each other's: so parts are opaque here.
 */
#ifndef DOUBLECREW_TESTS_SIM_H
#define DOUBLECREW_TESTS_SIM_H

#include <stdarg.h>
#include <stdio.h>

#include "core/bytes.h"
#include "core/sign.h"

#define SIM_SECOND INT64_C(1000000)
#define SIM_MINUTE (60 * SIM_SECOND)
#define SIM_HOUR (60 * SIM_MINUTE)
#define SIM_DAY (24 * SIM_HOUR)
#define SIM_START (INT64_C(1772409600) * SIM_SECOND) /* Monday 2 March 2026, midnight */

struct sim;
struct sim_server;
struct sim_device;
struct sim_peer;
struct sim_disk;
struct store;
struct connection;
struct link_ops;
struct outbox_message;

/* ---- What is counted. X(symbol, name in the table) ---- */

/* Faults: each has a stream of chance of its own, and must happen in a default run. */
#define SIM_FAULTS(X)                                                                                                  \
    X(NO_SIGNAL, "no signal")                                                                                          \
    X(REFUSED, "connection refused")                                                                                   \
    X(BUSY, "turned away: the server is busy")                                                                         \
    X(CUT, "cut, both sides told")                                                                                     \
    X(CUT_MESSAGE, "cut in mid-message")                                                                               \
    X(HALF_OPEN_DEVICE, "half-open: only the server knows")                                                            \
    X(HALF_OPEN_SERVER, "half-open: only the phone knows")                                                             \
    X(HALF_OPEN_BOTH, "half-open: neither knows")                                                                      \
    X(SLOW_READER, "slow reader")                                                                                      \
    X(SERVER_CRASH, "server crash")                                                                                    \
    X(SERVER_RESTART, "server restarted in order")                                                                     \
    X(SERVER_WRITE, "server: a write fails")                                                                           \
    X(SERVER_SYNC, "server: a sync fails")                                                                             \
    X(SERVER_FULL, "server: disk full")                                                                                \
    X(SERVER_SLOW, "server: a commit takes long, and the line is cut meanwhile")                                       \
    X(PHONE_WRITE, "phone: a write or sync fails")                                                                     \
    X(PHONE_FULL, "phone: disk full")                                                                                  \
    X(SERVER_RESTORED, "server restored from an older backup")                                                         \
    X(SERVER_CLOCK_JUMP, "server's wall clock jumped")                                                                 \
    X(SKEWED_CLOCK, "phone's wall clock wrong")                                                                        \
    X(CLOCK_JUMP, "phone's wall clock jumped")                                                                         \
    X(REBOOT, "phone rebooted")                                                                                        \
    X(APP_CRASH, "app crashed")                                                                                        \
    X(POWER_LOSS, "phone lost power")                                                                                  \
    X(FLAT_BATTERY, "phone off during a visit, and off again before it found signal")                                  \
    X(CLONE, "phone cloned")                                                                                           \
    X(RESTORE, "phone restored from an older copy")                                                                    \
    X(RETRY, "impatient officer retries")                                                                              \
    X(NEW_APP, "entry of a kind the server doesn't know")                                                              \
    X(SUCCEEDED, "log succeeded after a fork")                                                                         \
    X(LOST, "phone lost for good")                                                                                     \
    X(OFFICER_MOVES, "officer changes team")                                                                           \
    X(OFFENDER_MOVES, "offender changes team")                                                                         \
    X(POLICY, "policy changed")                                                                                        \
    X(SUSPENDED, "device suspended, later active")                                                                     \
    X(REASSIGNED, "phone given to another officer")

/* Facts of a run. */
#define SIM_COUNTS(X)                                                                                                  \
    X(SEEDS, "seeds")                                                                                                  \
    X(DEVICE_DAYS, "device-days")                                                                                      \
    X(FACTS, "facts")                                                                                                  \
    X(ACKNOWLEDGED, "facts acknowledged")                                                                              \
    X(RECORDS, "journal records")                                                                                      \
    X(COMMITS, "commits")                                                                                              \
    X(CONNECTIONS, "connections")                                                                                      \
    X(MESSAGES, "messages delivered")                                                                                  \
    X(EVENTS, "events of the world")                                                                                   \
    X(VISITS, "visits")                                                                                                \
    X(JUDGED, "presences judged by the oracle too")                                                                    \
    X(COSIGNED, "visits co-signed")                                                                                    \
    X(LONE, "visits alone")                                                                                            \
    X(DEFLATED, "pushes that came deflated")                                                                           \
    X(FLAGS, "flags that reached a device")                                                                            \
    X(SEALS, "seals asked for")                                                                                        \
    X(FORKED, "phones that learnt of a fork")                                                                          \
    X(REBUILDS, "rebuilds compared")                                                                                   \
    X(ROWS, "rows compared on devices")                                                                                \
    X(PREVIEWED, "previews judged on the phone, equal")                                                                \
    X(PREVIEWS_TOLD, "previews that repeat the server")

enum sim_fault {
#define X(symbol, name) SIM_FAULT_##symbol,
    SIM_FAULTS(X)
#undef X
        SIM_FAULT_COUNT
};

enum sim_count {
#define X(symbol, name) SIM_COUNT_##symbol,
    SIM_COUNTS(X)
#undef X
        SIM_COUNT_COUNT
};

/* Streams of chance beside those of the faults: adding a draw to one doesn't reshuffle the others. */
enum sim_stream { SIM_NET, SIM_PEOPLE, SIM_OFFICE, SIM_SERVER, SIM_CLOCKS, SIM_SETUP, SIM_TEXT, SIM_STREAM_COUNT };

struct sim_options {
    uint64_t seed;
    unsigned days;
    unsigned devices; /* officers' phones; the operator's device comes on top */
    unsigned often;   /* how many times as often as usual rare mishaps are: 1 */
    bool trace;
    bool oracle; /* judge the journal by tests/oracle too */
};

struct sim_result {
    uint64_t faults[SIM_FAULT_COUNT];
    uint64_t counts[SIM_COUNT_COUNT];
    uint64_t digest; /* of what happened when: the same for the same seed */
    bool failed;
    char failure[2000];
};

/* One seed from nothing to its checks. folder is for its files; it is there and empty, and is empty again afterwards. */
void sim_run(const struct sim_options *options, const char *folder, struct sim_result *ret_result);

/* The server's key, by the seed. */
void sim_make_server_key(struct sim *sim);
/* Frees all that the world holds, not the sim itself. */
void sim_world_over(struct sim *sim);

/* ---- sim_world.c ---- */

/* What phones' clocks go by. */
int64_t sim_clock_us(const struct sim *sim);

struct sim_officer {
    struct id officer;
    unsigned team;
    int role; /* Role of entry.proto */
    bool accredited;
    bool duty;
    unsigned number;  /* for names */
    const char *code; /* NULL: by number */
};

struct sim_offender {
    struct id offender;
    unsigned team;
    int risk;
    int32_t latitude_e7;
    int32_t longitude_e7;
    const char *reference; /* NULL: by number */
    unsigned manager;      /* among the officers; 0: none */
    bool placeless;
};

struct sim {
    struct sim_options options;
    struct sim_result *result;
    const char *folder;
    int64_t now_us;
    int64_t days_end_us; /* when the last day is over */
    bool quiet;          /* faults have stopped */
    /* A stage for scenarios: phones' and server's clocks stand still until they are set, as in training mode. NULL: they run. */
    const int64_t *held_ms;
    int64_t server_held_us;
    bool settled;        /* and nothing moves any more */
    uint64_t judged_pos; /* the journal's end when the oracle looked last */
    struct sim_world *world;
    struct sim_disk *disk;
    struct sim_server *server;
    struct sim_backup *backup;
    struct sim_peer *peers; /* all connections that there ever were */
    /* the force */
    struct id force;
    struct sign_key *server_key;
    struct id *teams;
    unsigned team_count;
    struct sim_officer *officers;
    unsigned officer_count;
    struct sim_offender *offenders;
    unsigned offender_count;
    struct sim_device **devices; /* [0] is the operator's; clones and re-enrolled phones come behind */
    unsigned device_count;
    unsigned policy_version;
};

/* number is the caller's: a generation, an index. */
typedef void (*sim_action)(struct sim *sim, void *context, uint64_t number);
/* Events at the same time happen in the order in which they were asked for. at_us in the past means now. */
void sim_at(struct sim *sim, int64_t at_us, sim_action action, void *context, uint64_t number);
/* owned is freed after the action, or at the end of the world. */
void sim_at_owned(struct sim *sim, int64_t at_us, sim_action action, void *context, uint64_t number, void *owned);
/* Runs events up to at_us, or until something failed. */
void sim_run_until(struct sim *sim, int64_t at_us);
/* When the next event is due; INT64_MAX: none is. */
int64_t sim_next_us(const struct sim *sim);
void sim_world_new(struct sim *sim);
void sim_world_free(struct sim *sim);

uint64_t sim_draw(struct sim *sim, enum sim_stream stream);
/* Below limit; 0 for a limit of 0. */
uint64_t sim_below(struct sim *sim, enum sim_stream stream, uint64_t limit);
/* From low to high, both included. */
int64_t sim_between(struct sim *sim, enum sim_stream stream, int64_t low, int64_t high);
bool sim_chance(struct sim *sim, enum sim_stream stream, unsigned per_million);
/* Whether this fault happens now: never in quiet times. Counted when it does. */
bool sim_fault(struct sim *sim, enum sim_fault fault, unsigned per_million);
/* A rate per million and day as this run has it: what is rare is options.often times as frequent. */
unsigned sim_rate(const struct sim *sim, unsigned per_million);
/* A draw of the fault's own stream. */
uint64_t sim_fault_below(struct sim *sim, enum sim_fault fault, uint64_t limit);
struct id sim_id(struct sim *sim, const char *what, uint64_t number);

void sim_count(struct sim *sim, enum sim_count count, uint64_t more);
const char *sim_fault_name(enum sim_fault fault);
const char *sim_count_name(enum sim_count count);
/* Only with --trace. */
__attribute__((format(printf, 2, 3))) void sim_trace(struct sim *sim, const char *format, ...);
/* The first failure ends the run. */
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim *sim, const char *format, ...);
bool sim_failed(const struct sim *sim);

/* ---- sim_setup.c ---- */

/* Force, teams, officers, offenders, devices, all in the first batch. */
void sim_setup(struct sim *sim);
/* The same for people and places that are there already. */
void sim_setup_record(struct sim *sim);

/* ---- sim_server.c ---- */

void sim_server_new(struct sim *sim);
/* Opens the store and takes connections. */
void sim_server_start(struct sim *sim);
/* The process is gone at once; unsynced writes with it, when power_lost. It starts again after down_us. */
void sim_server_crash(struct sim *sim, bool power_lost, int64_t down_us);
/* The process is gone at once, and doesn't come again by itself. */
void sim_server_switch_off(struct sim *sim);
/* Starts it, unless it runs, and checks the journal. */
void sim_server_switch_on(struct sim *sim);
/* Told, drained, stopped, and started again after down_us. */
void sim_server_restart(struct sim *sim, int64_t down_us);
/* What its disk does next; NULL: works. */
struct sim_machine *sim_server_machine(struct sim *sim);
void sim_server_wall_jump(struct sim *sim, int64_t by_us);
/* The wall clock is put right, and an operator says so (T5). */
void sim_server_wall_right(struct sim *sim);
bool sim_server_is_up(const struct sim *sim);
/* Nothing queued, no timer due: the server has nothing to do but wait. */
bool sim_server_is_idle(struct sim *sim);
void sim_server_free(struct sim *sim);
/* The writer's store, between events; NULL while the server is down. */
struct store *sim_server_store(struct sim *sim);
const char *sim_server_path(const struct sim *sim);
int64_t sim_server_now_us(struct sim *sim);
/* A push brought in on the server itself, in a batch of its own. */
void sim_server_import(struct sim *sim, struct span raw, const struct public_key *key);
/* A rescue file's push while the server runs. Its status; LOG_FORK: kept as a branch. */
enum status sim_server_rescue(struct sim *sim, struct span raw, const struct public_key *key);
/* With held clocks: the server's is set to held_ms, never backwards, and what is due by then fires. */
void sim_server_step(struct sim *sim);
/* For the network. NULL: refused. */
struct connection *sim_server_accept(struct sim *sim, struct sim_peer *peer, const struct hash *certificate_key_hash);
void sim_server_receive(struct sim *sim, struct connection *connection, struct span part, bool first, bool last);
void sim_server_lost(struct sim *sim, struct connection *connection);
/* One message that may be written now; NULL: none. The caller frees it. */
struct outbox_message *sim_server_next(struct sim *sim, struct connection *connection, size_t *ret_size,
                                       const uint8_t **ret_bytes);
void sim_server_written(struct sim *sim, struct connection *connection, struct outbox_message *message);
bool sim_server_may_close(const struct connection *connection);
bool sim_server_wants_write(const struct connection *connection);

/* ---- sim_backup.c ---- */

void sim_backup_new(struct sim *sim);
void sim_backup_free(struct sim *sim);
/* Keeps the server's disk as it is now, instead of the backup before. */
void sim_backup_take(struct sim *sim);
/*
 * The server's disk is lost. After down_us it goes on from the last backup, in a new epoch that the operator has signed
 * for, as `doublecrewctl restore` does it. False: there is no backup.
 */
bool sim_backup_restore(struct sim *sim, int64_t down_us);
/* Whether the server was set back behind this entry: then only a phone that still holds it can bring it again. */
bool sim_backup_lost(const struct sim *sim, const struct hash *entry);

/* ---- sim_net.c: one peer is one connection; it lives as long as the world ---- */

struct sim_net_end; /* the phone's end */
struct sim_net_end *sim_net_end_new(struct sim *sim, struct sim_device *device);
/* What device_attach takes. */
const struct link_ops *sim_net_ops(void);
/* What the server answers to the phone's next message is lost, and the connection with it. */
void sim_net_lose_next_answer(struct sim_net_end *end);
/* The phone's side is gone without a word: reboot, crash, no more signal. */
void sim_net_drop(struct sim *sim, struct sim_net_end *end);
/* The server's process is gone; broken: phones are told, else they have to find out. */
void sim_net_server_gone(struct sim *sim);
void sim_net_free(struct sim *sim);
/* From the server: there is something to write; pause reading; end it. */
void sim_net_want_write(struct sim_peer *peer);
void sim_net_pause(struct sim_peer *peer, bool paused);
void sim_net_kill(struct sim_peer *peer);

#endif
