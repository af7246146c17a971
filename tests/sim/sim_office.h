/*
 * What operators record: roster, devices, policy. Entries go into the operator's own log, like everybody's.
 */
#ifndef DOUBLECREW_TESTS_SIM_OFFICE_H
#define DOUBLECREW_TESTS_SIM_OFFICE_H

#include "tests/sim/sim_device.h"

void sim_office_force(struct sim *sim);
void sim_office_team(struct sim *sim, unsigned team);
void sim_office_officer(struct sim *sim, unsigned officer);
void sim_office_offender(struct sim *sim, unsigned offender);
/* Enrols it, or assigns it to the officer whom it has now. */
void sim_office_device(struct sim *sim, const struct sim_device *device);
/* standing: DeviceStanding of entry.proto; as_of_us 0: none. */
void sim_office_standing(struct sim *sim, const struct sim_device *device, int standing, int64_t as_of_us);
void sim_office_policy(struct sim *sim);

/* Changes of one day, drawn in the morning. */
void sim_office_day(struct sim *sim, int64_t morning_us);

#endif
