/* Times as people write and read them. */
#ifndef DOUBLECREW_ADMIN_TIME_TEXT_H
#define DOUBLECREW_ADMIN_TIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define TIME_TEXT_SIZE 40

/*
 * "2026-03-02", "2026-03-02T09:00", "2026-03-02 09:00:30", each with "Z", "+01:00" or nothing (local time) at its end.
 * Milliseconds since 1970 UTC; years from 1900. INPUT.
 */
MUST_USE enum status time_from_text(const char *text, int64_t *ret_time_ms);
/* "2026-03-02 09:00:30 +00:00", local time with its offset from UTC. */
void time_to_text(int64_t time_ms, char ret_text[TIME_TEXT_SIZE]);

#endif
