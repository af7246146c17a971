/*
 * What the bytes of a push are spent on: a Push message as it is kept, taken apart by its schema; and what it took on its way,
 * where the device may have deflated it.
 */
#ifndef DOUBLECREW_BENCH_WIRE_SHARE_H
#define DOUBLECREW_BENCH_WIRE_SHARE_H

#include "core/sha256.h"
#include "core/wire.h"

struct wire_share {
    size_t pushes;
    size_t facts;
    size_t plain;     /* the ClientMessages around the pushes as they are */
    size_t sent;      /* the ClientMessages as the device library makes them, deflated where that is smaller */
    size_t bytes;     /* of the Push messages: the below, and framing */
    size_t signature; /* of the heads */
    size_t hashes;    /* of entries: what a log follows, and what facts refer to */
    size_t anchors;   /* texts, or their hashes */
    size_t salts;     /* the random bytes at the head of each payload (S1) */
    size_t ids;       /* of log, boot, officers, offenders */
    size_t words;     /* what people wrote, and names of fields */
};

/* Adds one Push message. Its errors are push_open's and payload_open's. */
MUST_USE enum status wire_share_add(struct arena *arena, struct sha256 *sha, struct span push,
                                    struct wire_share *share);
/* What is left: tags, lengths, numbers, clocks, places. */
size_t wire_share_framing(const struct wire_share *share);

#endif
