/*
 * What wire.c needs of the arena beyond wire.h; not for others.
 */
#ifndef DOUBLECREW_CORE_ARENA_INTERNAL_H
#define DOUBLECREW_CORE_ARENA_INTERNAL_H

#include "core/wire.h"

/* Lowers the cap to what is used plus this much; returns the cap as it was, for arena_restore_cap. */
size_t arena_limit(struct arena *arena, size_t more);
void arena_restore_cap(struct arena *arena, size_t cap);
/* Why the last arena_alloc that failed did: OVER_LIMIT or NO_MEMORY; OK when none failed since arena_limit. */
enum status arena_failure(const struct arena *arena);

#endif
