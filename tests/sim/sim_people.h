/* What officers and supervisors do with their phones, drawn each morning (DOMAIN.md: a day in the field, scale). */
#ifndef DOUBLECREW_TESTS_SIM_PEOPLE_H
#define DOUBLECREW_TESTS_SIM_PEOPLE_H

#include "tests/sim/sim_device.h"

void sim_people_day(struct sim *sim, int64_t morning_us);
/* What befalls phones and the server on this day. */
void sim_mishap_day(struct sim *sim, int64_t morning_us);
/* A flag has come to this phone, and somebody may look at it at once. */
void sim_people_flag(struct sim *sim, struct sim_device *device);
/* Off, and on again soon: another boot. */
void sim_mishap_reboot(struct sim *sim, struct sim_device *device);
/* The phone that an officer uses: NULL when it isn't in order, or the app isn't running. */
struct sim_device *sim_people_phone(struct sim *sim, unsigned officer);

#endif
