/*
 * A push on its way, made smaller (PROTOCOL.md section 6): a DeflatedPush message around one raw DEFLATE stream (RFC 1951).
 * Nothing is kept from one message to the next, neither here nor there. What is hashed, signed and kept are the inflated bytes.
 *
 * The receiver takes nothing on trust: it knows from the message alone how much it will allocate, refuses more than
 * DEFLATE_RATIO_MAX times what came before it allocates anything, and inflates into exactly that many bytes.
 */
#ifndef DOUBLECREW_CORE_DEFLATED_H
#define DOUBLECREW_CORE_DEFLATED_H

#include "core/bytes.h"
#include "core/limits.h"

/* What Welcome.push_deflate says: raw DEFLATE, no dictionary. */
#define PUSH_DEFLATE_VERSION 1u

struct deflated_push {
    uint32_t size;        /* of the push, once inflated */
    uint32_t entry_count; /* as it says; whoever opens the push compares */
    struct span bytes;    /* deflated, borrowed */
};

/*
 * Reads a DeflatedPush; nothing is inflated yet. MALFORMED; MISSING_FIELD: size, entry_count or bytes; OVER_LIMIT: beyond
 * PUSH_SIZE_MAX, PUSH_ENTRIES_MAX, or DEFLATE_RATIO_MAX times its own bytes.
 */
MUST_USE enum status deflated_push_open(struct span message, struct deflated_push *ret_push);

/* One thread's; about 40 KiB, for one stream after another. */
struct inflater;
MUST_USE enum status inflater_new(struct inflater **ret_inflater);
void inflater_free(struct inflater *inflater);
/*
 * Inflates to exactly `size` bytes at `to`, and writes no byte beyond. BAD_LENGTH: it would be more or fewer; MALFORMED: no
 * DEFLATE stream, one that is cut off, or something after it. `to` is scratch then.
 */
MUST_USE enum status inflater_run(struct inflater *inflater, struct span deflated, uint8_t *to, size_t size);

/*
 * A whole ClientMessage with the push deflated in it, in memory that the caller frees; takes about 100 KiB meanwhile. NULL, and
 * OK, when it wouldn't be smaller than a ClientMessage with the push as it is, or the receiver wouldn't take it: send that.
 */
MUST_USE enum status deflated_push_build(struct span push, size_t entry_count, uint8_t **ret_bytes, size_t *ret_size);

#endif
