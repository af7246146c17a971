/*
 * The stage on which scenarios and the demo's day are played: a real server as a child process, everybody's device on one
 * network loop, and the training clock. Playing alternates: set the clock, let somebody act, let everything settle.
 */
#ifndef DOUBLECREW_CLIENT_SIM_STAGE_H
#define DOUBLECREW_CLIENT_SIM_STAGE_H

#include "client-sim/person.h"
#include "client-sim/process.h"

/* Real time that one settling may take: generous, since sanitized builds on a busy machine are slow. */
#define STAGE_SETTLE_LIMIT_MS 60000

struct stage {
    struct dc_loop *loop;
    struct server_process server;
    char folder[PROCESS_PATH_MAX];
    struct sim_clock clock;
    struct person clockwork; /* the operator's device that sets the server's clock */
    struct person *people;   /* borrowed */
    size_t person_count;
};

/* What scenarios are played on, for the table: "real sockets". */
const char *stage_name(void);
/* Starts the server of the force in `folder` and opens the clock's device. people are opened by the caller afterwards. */
bool stage_open(struct stage *stage, const char *folder, int64_t now_ms, struct person *people, size_t person_count);
void stage_close(struct stage *stage);

/*
 * Sets everybody's clock, the server's too when it runs, and waits until nothing moves: every entry of every connected
 * device acknowledged, every device's rows as far as the journal's head. False when that takes too long; says what hangs.
 */
bool stage_settle(struct stage *stage, int64_t now_ms);
/* Goes online or offline, without settling. */
bool stage_online(struct person *person, bool online);
/* Serves the loop once. */
bool stage_serve(struct stage *stage, unsigned timeout_ms);
/* SIGKILL; the devices notice by themselves. */
void stage_kill_server(struct stage *stage);
bool stage_restart_server(struct stage *stage);

#endif
