/*
 * A training force for one scenario: folder, certificates, roster and device packages, all by doublecrewctl.
 */
#ifndef DOUBLECREW_CLIENT_SIM_SETUP_H
#define DOUBLECREW_CLIENT_SIM_SETUP_H

#include "client-sim/process.h"
#include "client-sim/scenario.h"

/* start_ms: the force's clock begins here. folder must not exist yet. Complains itself. */
bool setup_force(const struct scenario *scenario, const char *folder, int64_t start_ms, uint16_t port);
/* The package of a person: folder/devices/<code>-1. */
void setup_package(const struct scenario *scenario, size_t person, const char *folder, char ret_path[PROCESS_PATH_MAX]);

#endif
