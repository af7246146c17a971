/*
 * Crowds in processes of their own: one process may not have as many files open as there are devices. Each connects its
 * share of the fleet, says when all of it is in, and stays, answering pings and pages, until it is sent home.
 */
#ifndef DOUBLECREW_BENCH_CROWD_CREW_H
#define DOUBLECREW_BENCH_CROWD_CREW_H

#include "bench/crowd.h"

#define CROWD_CREW_MAX 16

struct crowd_crew {
    struct {
        pid_t pid;
        int home;  /* closed: they go home */
        int tells; /* a line of what happened, when all are in */
    } members[CROWD_CREW_MAX];
    size_t count;
};

/*
 * The fleet's devices from .. from+count-1, on the load's core. Waits until all are in, at most wait_s; a crowd of this
 * process is run meanwhile (NULL: none), so that it answers pings. Complains itself:
 * NETWORK (somebody was refused for good), TIMEOUT. spec's calls aren't used: pages are answered.
 */
MUST_USE enum status crowd_crew_start(const struct crowd_spec *spec, size_t from, size_t count, int wait_s,
                                      struct crowd *meanwhile, struct crowd_crew *ret_crew);
void crowd_crew_end(struct crowd_crew *crew);

#endif
