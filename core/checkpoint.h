/*
 * Signed checkpoints (C2SP tlog-checkpoint, signed notes) and anchors: a checkpoint bound to one Hello (T1, K1).
 *
 * Text of an anchor; a plain checkpoint has neither of the lines log, boot, monotonic:
 *   doublecrew/<force id, hex>/<epoch, hex>\n     the origin
 *   <tree size, decimal>\n
 *   <root, base64>\n
 *   time <ms since 1970 UTC>\n
 *   log <hex>\n boot <hex>\n monotonic <ms>\n
 *   \n
 *   — <origin> <base64 of key id (4 bytes) and Ed25519 signature>\n
 * The key id is the first 4 bytes of SHA-256(origin | "\n" | 0x01 | public key), as C2SP signed-note says.
 */
#ifndef DOUBLECREW_CORE_CHECKPOINT_H
#define DOUBLECREW_CORE_CHECKPOINT_H

#include "core/bytes.h"
#include "core/sha256.h"
#include "core/sign.h"

#define CHECKPOINT_TEXT_MAX 768

struct checkpoint {
    struct id force;
    struct id epoch;
    uint64_t size;
    struct hash root;
    int64_t time_ms; /* T: the server's time at issue */
    bool is_anchor;
    struct id log; /* the rest: anchors only */
    struct id boot;
    uint64_t monotonic_ms; /* m_h, as Hello gave it */
};

/* ret_text: NUL-terminated, at most CHECKPOINT_TEXT_MAX with the NUL; ret_size without it. */
MUST_USE enum status checkpoint_sign(struct sha256 *sha, const struct checkpoint *checkpoint,
                                     const struct sign_key *key, char ret_text[CHECKPOINT_TEXT_MAX], size_t *ret_size);
/* Reads and checks the signature of a key known by its public key. MALFORMED, BAD_SIGNATURE, OVER_LIMIT. */
MUST_USE enum status checkpoint_open(struct sha256 *sha, struct span text, const struct public_key *public_key,
                                     struct verify_key *key, struct checkpoint *ret_checkpoint);
/* Reads without checking: for a text that was verified when it was stored. */
MUST_USE enum status checkpoint_read(struct span text, struct checkpoint *ret_checkpoint);

#endif
