/* The default clocks and chance: what stands behind a config's NULL callbacks. */
#ifndef DOUBLECREW_DEVICE_WORLD_H
#define DOUBLECREW_DEVICE_WORLD_H

#include "device/doublecrew.h"

void world_boot_id(void *context, struct dc_id *ret_boot);
uint64_t world_monotonic_ms(void *context);
int64_t world_wall_ms(void *context);
bool world_random(void *context, uint8_t *ret_bytes, size_t size);

#endif
