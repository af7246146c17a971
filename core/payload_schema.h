/*
 * The tables behind payload.h: one rule for each field of each message, in the order of the field numbers.
 */
#ifndef DOUBLECREW_CORE_PAYLOAD_SCHEMA_H
#define DOUBLECREW_CORE_PAYLOAD_SCHEMA_H

#include <protobuf-c/protobuf-c.h>

#include "core/bytes.h"

enum field_shape {
    SHAPE_ANY,     /* every value is fine */
    SHAPE_NUMBER,  /* uint32; 0 is absent */
    SHAPE_TIME,    /* int64 ms, 0 .. TIME_MS_MAX; 0 is absent */
    SHAPE_ENUM,    /* a known value; 0 is absent */
    SHAPE_ID,      /* 16 bytes */
    SHAPE_HASH,    /* 32 bytes */
    SHAPE_SUBJECT, /* an id or a hash */
    SHAPE_BYTES,   /* at most max */
    SHAPE_TEXT,    /* at most max bytes */
    SHAPE_MESSAGE  /* checked by its own rules */
};

struct field_rule {
    uint32_t number;
    enum field_shape shape;
    bool required;    /* of a list: at least one */
    size_t max;       /* bytes of SHAPE_BYTES and SHAPE_TEXT */
    size_t count_max; /* of a list */
};

struct message_rules {
    const ProtobufCMessageDescriptor *descriptor;
    const struct field_rule *fields; /* one for each of the descriptor's */
    size_t field_count;
    /* What one field's rule can't say; NULL: nothing. */
    enum status (*check)(const ProtobufCMessage *message);
};

/* NULL when the kind isn't known. */
const struct message_rules *payload_rules_of_kind(uint16_t kind);
/* For messages within messages. NULL when there are none: a gap in the tables. */
const struct message_rules *payload_rules_of(const ProtobufCMessageDescriptor *descriptor);

#endif
