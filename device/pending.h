/* What isn't at the server yet, since when and why (P7). */
#ifndef DOUBLECREW_DEVICE_PENDING_H
#define DOUBLECREW_DEVICE_PENDING_H

#include "device/device.h"

struct pending_oldest {
    struct dc_pending pending; /* text points into text */
    char text[DEVICE_TEXT_MAX];
};

/* How many entries aren't acknowledged. */
uint64_t pending_count(const struct dc_device *device);
/* Of this session's pushing. */
uint64_t progress_done(const struct dc_device *device);
uint64_t progress_total(const struct dc_device *device);
/* false: none, or it can't be read. */
bool pending_oldest(struct dc_device *device, struct pending_oldest *ret_oldest);

#endif
