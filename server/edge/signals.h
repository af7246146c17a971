/*
 * SIGTERM and SIGINT, taken by a thread of their own and brought to the loop as a note: no handler, nothing global.
 */
#ifndef DOUBLECREW_SERVER_EDGE_SIGNALS_H
#define DOUBLECREW_SERVER_EDGE_SIGNALS_H

#include "server/edge/pipeline.h"

struct signals;

/* In main, before any other thread: they inherit that these signals are blocked. SIGPIPE is ignored. */
void signals_block(void);
MUST_USE enum status signals_start(const struct loop_port *port, struct signals **ret_signals);
void signals_join(struct signals *signals);

#endif
