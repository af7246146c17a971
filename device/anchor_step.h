/*
 * Anchors and checkpoints as the device judges them (T1, K1): who signed, for which force, bound to which Hello, and whether
 * the journal extends the one seen before. Pure.
 */
#ifndef DOUBLECREW_DEVICE_ANCHOR_STEP_H
#define DOUBLECREW_DEVICE_ANCHOR_STEP_H

#include "core/checkpoint.h"

struct anchor_verifier {
    struct sha256 *sha;
    struct public_key public_key; /* of the server */
    struct verify_key *key;
    struct id force;
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
/*
 * DIVERGED unless next extends last. Within one epoch the tree may only grow, and the proof must show it. In another epoch
 * (a restored store, E2) there is nothing to prove against: ret_new_epoch says so, and the caller tells the person.
 */
MUST_USE enum status anchor_extends(const struct anchor_verifier *verifier, const struct checkpoint *last,
                                    const struct checkpoint *next, struct anchor_proof proof, bool *ret_new_epoch);

#endif
