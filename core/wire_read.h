/*
 * Reading the wire format one field at a time, bounds-checked; for wire.c and wire_scan.c only.
 */
#ifndef DOUBLECREW_CORE_WIRE_READ_H
#define DOUBLECREW_CORE_WIRE_READ_H

#include <protobuf-c/protobuf-c.h>

#include "core/bytes.h"

struct wire_field {
    uint32_t number;
    ProtobufCWireType type;
    uint64_t value;   /* of a varint */
    struct span data; /* of a length-delimited field, without its length; of the fixed ones, their bytes */
};

/* Minimal varint of at most 64 bits at the beginning of *rest, which moves past it. MALFORMED. */
MUST_USE enum status wire_read_varint(struct span *rest, uint64_t *ret_value);
/* One field at the beginning of *rest, which moves past it. MALFORMED: truncated, a group, number 0 or out of range. */
MUST_USE enum status wire_read_field(struct span *rest, struct wire_field *ret_field);

#endif
