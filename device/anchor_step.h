/*
 * Anchors and checkpoints as the device judges them (T1, K1): who signed, for which force, bound to which Hello, and whether
 * the journal extends the one seen before. Pure.
 */
#ifndef DOUBLECREW_DEVICE_ANCHOR_STEP_H
#define DOUBLECREW_DEVICE_ANCHOR_STEP_H

#include "core/checkpoint.h"
#include "core/epoch.h"

struct anchor_verifier {
    struct sha256 *sha;
    struct public_key public_key; /* of the server */
    struct verify_key *key;
    struct id force;
    struct verify_key *operator_key; /* signs epochs (E2); NULL: this device wasn't told it */
};

/* What the anchor must be bound to. */
struct anchor_binding {
    struct id log;
    struct id boot;
    uint64_t monotonic_ms; /* m_h */
};

/* Proof hashes as they stand in Welcome. */
struct anchor_proof {
    const struct hash *hashes;
    size_t count;
};

/*
 * Checks signature, force and binding. MALFORMED, BAD_SIGNATURE (also: another force's), CLOCK_TROUBLE (bound to another
 * Hello). A checkpoint that isn't an anchor is MALFORMED unless binding is NULL.
 */
MUST_USE enum status anchor_open(const struct anchor_verifier *verifier, struct span text,
                                 const struct anchor_binding *binding, struct checkpoint *ret_checkpoint);
/* DIVERGED unless next extends last: the tree may only grow, and the proof must show it. */
MUST_USE enum status anchor_extends(const struct anchor_verifier *verifier, const struct checkpoint *last,
                                    const struct checkpoint *next, struct anchor_proof proof);

/* Epoch statements as they stand in Welcome. */
struct anchor_epochs {
    const struct span *statements; /* oldest first */
    size_t count;
};

/*
 * Whether the operator has signed that the journal goes on from last's epoch to another (E2). The statements must follow one
 * another and end in that epoch. ret_kept_size: how many records of last's epoch the journal still has; 0 when the chain
 * doesn't begin there (that epoch was given up), and then only a statement later than last will do. DIVERGED otherwise.
 * Without the operator's key signatures aren't looked at.
 */
MUST_USE enum status anchor_epoch_follows(const struct anchor_verifier *verifier, const struct checkpoint *last,
                                          const struct id *epoch, struct anchor_epochs epochs, uint64_t *ret_kept_size);

#endif
