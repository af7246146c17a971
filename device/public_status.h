/* From core's errors to the public ones, whose numbers never change. */
#ifndef DOUBLECREW_DEVICE_PUBLIC_STATUS_H
#define DOUBLECREW_DEVICE_PUBLIC_STATUS_H

#include "core/status.h"
#include "device/doublecrew.h"

/* DC_INTERNAL for a value that has no public one; a test keeps the table complete. */
enum dc_status public_status(enum status status);
enum status status_from_public(enum dc_status status);

#endif
