/*
 * What stands before every unpack: a scan of the wire bytes, and an arena that can't grow past its cap.
 *
 * protobuf-c allocates up to a hundred times the input, and recurses without a limit (LIBRARIES.md). The scan refuses
 * nesting, counts and sizes beyond core/limits.h, non-minimal and overlong varints, groups, truncated fields, and field
 * number 0, with the same rules for every message; it knows from the descriptor which length-delimited fields are messages.
 * It also refuses a known field of another wire type, a number that its type can't hold, and text that isn't UTF-8 or
 * holds a NUL. Unknown fields are allowed and count towards the limits (P5).
 */
#ifndef DOUBLECREW_CORE_WIRE_H
#define DOUBLECREW_CORE_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "core/bytes.h"
#include "core/limits.h"

/* MALFORMED, OVER_LIMIT (depth, fields or size). Also refuses a second value for a singular field or a oneof. */
MUST_USE enum status wire_scan(const ProtobufCMessageDescriptor *descriptor, struct span bytes);

struct arena; /* one thread's; freed as a whole */

/* What the largest message may take; a new arena's cap. */
#define ARENA_CAP_DEFAULT ((size_t)ARENA_FACTOR * MESSAGE_SIZE_MAX + ARENA_FLOOR)

MUST_USE enum status arena_new(struct arena **ret_arena);
void arena_free(struct arena *arena);
/* Forgets everything handed out, keeps up to 64 KiB for the next message, sets the cap for it. */
void arena_reset(struct arena *arena, size_t cap);
/* NULL when the cap is reached. Aligned for any type, zeroed. */
void *arena_alloc(struct arena *arena, size_t size);

/*
 * Scans, then unpacks into the arena (capped at ARENA_FACTOR times the input plus ARENA_FLOOR, and at the arena's own
 * cap). The message and all it points to belong to the arena; never call protobuf_c_message_free_unpacked on it. Doesn't
 * reset the arena: several messages may lie in it. MALFORMED, OVER_LIMIT, NO_MEMORY.
 */
MUST_USE enum status wire_unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor, struct span bytes,
                                 ProtobufCMessage **ret_message);

/* Packs into memory that the caller frees. OVER_LIMIT above MESSAGE_SIZE_MAX. */
MUST_USE enum status wire_pack(const ProtobufCMessage *message, uint8_t **ret_bytes, size_t *ret_size);

/*
 * The bytes of a length-delimited field, borrowed, in a message that wire_scan accepted: a Push as it was signed and sent,
 * out of its ClientMessage. NOT_FOUND, MALFORMED.
 */
MUST_USE enum status wire_find(struct span message, uint32_t field_number, struct span *ret_value);
/* The same for a repeated one: the first in *rest, which then is what follows it. NOT_FOUND: no more. */
MUST_USE enum status wire_next(struct span *rest, uint32_t field_number, struct span *ret_value);
/*
 * A message of that one field, in memory that the caller frees: a ClientMessage around a Push kept as bytes.
 * OVER_LIMIT above MESSAGE_SIZE_MAX.
 */
MUST_USE enum status wire_wrap(uint32_t field_number, struct span value, uint8_t **ret_bytes, size_t *ret_size);

#endif
