/* What must hold: during the run, and when all is quiet. Failures go to sim_fail. */
#ifndef DOUBLECREW_TESTS_SIM_CHECK_H
#define DOUBLECREW_TESTS_SIM_CHECK_H

#include "tests/sim/sim_device.h"

/* Faults stop, everybody goes online, until nothing moves. Fails when something is stuck (P7), saying where. */
void sim_check_settle(struct sim *sim);
/* What copies of phones couldn't push is exported and brought in by hand (F2, D1). False: there was nothing. */
bool sim_rescue(struct sim *sim);
/* Everything, after sim_check_settle. */
void sim_check_all(struct sim *sim);
/* What is derived so far, judged by the journal so far. Nothing else may have to happen for it to be right. */
void sim_look_oracle(struct sim *sim);
/* The journal alone: each entry once, logs without a gap, nothing acknowledged missing. After each crash, too. */
void sim_check_journal(struct sim *sim);
/* The operator's and all officers' phones: rows equal scope. */
void sim_check_scopes(struct sim *sim);
/* Each phone's preview of its own visits is the server's verdict, word for word. */
void sim_check_previews(struct sim *sim);
/* A second store made from the journal is the same, byte by byte. */
void sim_check_rebuild(struct sim *sim);

#endif
