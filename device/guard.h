/*
 * The guard: the log's (seq, hash) where backups don't reach (F3). At opening it shows a store that was restored from a
 * backup, or copied: continuing its log would fork it.
 */
#ifndef DOUBLECREW_DEVICE_GUARD_H
#define DOUBLECREW_DEVICE_GUARD_H

#include "device/device.h"

/* Takes the app's guard, or makes one of a file beside the store. CONFIG, NO_MEMORY. */
MUST_USE enum status guard_init(struct dc_device *device, const struct dc_config *config);
void guard_done(struct dc_device *device);
/* Compares the store with the guard: device->log_lost. What the guard's load returned. */
MUST_USE enum status guard_check(struct dc_device *device);
/* After each commit. A guard that can't be saved refuses no fact: the app is told once. */
void guard_save(struct dc_device *device);

#endif
