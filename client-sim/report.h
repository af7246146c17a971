/* The table at the end of the demo: what the supervisors' devices show. */
#ifndef DOUBLECREW_CLIENT_SIM_REPORT_H
#define DOUBLECREW_CLIENT_SIM_REPORT_H

#include "client-sim/play.h"

/* Prints the tables and the closing figures. False when a lone flag that was raised did not reach its supervisor. */
bool report_print(struct play *play);

#endif
