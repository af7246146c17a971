/* Retention on the device: what is forgotten, what is sealed, and when (E2; DOMAIN.md, "records kept on a device"). */
#ifndef DOUBLECREW_DEVICE_UPKEEP_H
#define DOUBLECREW_DEVICE_UPKEEP_H

#include "device/device.h"

/* Reads the clocks into device->age. */
void upkeep_read_clocks(struct dc_device *device);
/* Within a transaction: device->age as it is. */
MUST_USE enum status upkeep_save(struct dc_device *device);
/* At opening: loads the age, reads the clocks, forgets what is due. */
MUST_USE enum status upkeep_open(struct dc_device *device);
/* Within a transaction: drops bodies and anchors that are due. */
MUST_USE enum status upkeep_forget(struct dc_device *device);
/* How the server's rows stand now. */
enum dc_records upkeep_records(struct dc_device *device);
/* OK, or SEALED: the rows may not be shown. */
MUST_USE enum status upkeep_check_readable(struct dc_device *device);
/* After every event: forgets what is due, tells the app when the rows became old, sealed or fresh. */
void upkeep_watch(struct dc_device *device);
/* Until something is due, at most a day; LINK_NO_TIMER: nothing will be. */
uint64_t upkeep_next_ms(struct dc_device *device);

#endif
