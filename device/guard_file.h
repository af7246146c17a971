/* A guard of one file, replaced as a whole and synced (F3): for platforms without a better place, and for tests. */
#ifndef DOUBLECREW_DEVICE_GUARD_FILE_H
#define DOUBLECREW_DEVICE_GUARD_FILE_H

#include "core/status.h"
#include "device/doublecrew.h"

/* path NULL: no_backup/NAME.guard in the store's folder. The context is one block for free(). NO_MEMORY. */
MUST_USE enum status guard_file_new(const char *path, const char *store_path, struct dc_guard *ret_guard);
enum dc_status guard_file_load(void *context, uint8_t *ret_bytes, size_t capacity, size_t *ret_size);
enum dc_status guard_file_save(void *context, const uint8_t *bytes, size_t size);

#endif
