/* The simulated server's parts among themselves: its life (sim_server.c) and its threads' work (sim_server_work.c). */
#ifndef DOUBLECREW_TESTS_SIM_SIM_SERVER_INTERNAL_H
#define DOUBLECREW_TESTS_SIM_SIM_SERVER_INTERNAL_H

#include "server/edge/hub.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_files.h"

#define SIM_CONNECTIONS_MAX 48
#define SIM_VERIFY_KEYS 64

struct known_key {
    struct public_key public_key;
    struct verify_key *key;
};

struct sim_server {
    struct sim *sim;
    char path[SIM_PATH_MAX];
    struct sim_machine *machine;
    bool up;
    bool stopping;
    uint64_t life; /* generation: events of an earlier process do nothing */
    int64_t wall_offset_us;
    struct clock *clock;
    struct store *store;
    struct batch *batch;
    struct session_setup setup;
    struct session_reader tools;
    struct arena *arena;
    struct hub *hub;
    struct hub_queues queues;
    struct log *log;
    struct inflater *inflater;
    struct known_key keys[SIM_VERIFY_KEYS];
    bool commit_waits;
    int64_t slow_us; /* what the next commit takes beyond the usual */
    bool read_waits;
    bool contacts_wait;
    int64_t timers_wait_us; /* 0: they fired; else failed, and are left alone so long, as in server/edge/writer.c */
    int64_t timer_us;       /* the timer that an event is set for; INT64_MAX: none */
    int64_t tick_us;        /* the wait before the next tick */
    uint64_t tick;          /* generation */
    int64_t down_us;        /* of the restart under way */
};

/* Clocks; context: the server. */
int64_t sim_server_wall_us(void *context);
int64_t sim_server_boot_us(void *context);
/* T5: in clock trouble time goes on by the boot clock, and nothing falls due. */
int64_t sim_server_time(struct sim_server *server, bool *ret_trouble);

/* What has been queued gets its event. */
void sim_work_pump(struct sim_server *server);
/* Something happened: ticks come each second again for a while. */
void sim_work_stir(struct sim_server *server);
/* Now and then the disk takes its time with what this connection has pushed, and the line is cut meanwhile. */
void sim_work_slow_down(struct sim_server *server, struct connection *connection);
/* An event for the next timer; and what it does: an event of the simulation. */
void sim_work_set_timer(struct sim_server *server);
void sim_work_timers(struct sim *sim, void *context, uint64_t life);
/* The parts of a commit, for what comes by no connection. tell: takes the note over. */
MUST_USE enum status sim_work_verify(struct sim_server *server, struct push_job *job);
struct commit_note *sim_work_new_note(void);
void sim_work_tell(struct sim_server *server, enum status status, struct commit_note *note);

#endif
