/* What the app hears of the sync (doublecrew.h, events); it is called on the loop's thread, from within a step. */
#ifndef DOUBLECREW_DEVICE_REPORT_H
#define DOUBLECREW_DEVICE_REPORT_H

#include "device/device.h"

void device_report_ack(struct dc_device *device, const struct sync_action *action);
void device_report_progress(struct dc_device *device);
void device_report_state(struct dc_device *device);
void device_report_error(struct dc_device *device, const struct sync_action *action);
void device_report_stepped(struct dc_device *device, const Doublecrew__V1__TrainingStepped *stepped);
void device_report_prompt(struct dc_device *device);
/* Wall time of the oldest entry that isn't acknowledged; 0: none. */
int64_t device_pending_since_ms(struct dc_device *device);

#endif
