/*
 * Epoch statements (E2): by signing one offline the operator says that a journal goes on from a backup. It commits to what
 * it goes on from: the epoch before, how many of its records are kept, and the Merkle root over them.
 *
 * Fixed size, integers big-endian:
 *   "doublecrew epoch 1\n" 19 | force 16 | previous epoch 16 | size 8 | root 32 | time 8 (ms since 1970 UTC) | nonce 16
 *   | algorithm 1 | signature 64, over the 115 bytes before the algorithm
 * The new epoch's id is the first 16 bytes of SHA-256("epoch" | those 115 bytes).
 * The key is the operator's of record 1 (Force.operator_key), which no server process uses.
 */
#ifndef DOUBLECREW_CORE_EPOCH_H
#define DOUBLECREW_CORE_EPOCH_H

#include "core/sha256.h"
#include "core/sign.h"

#define EPOCH_SIGNED_SIZE 115
#define EPOCH_STATEMENT_SIZE 180

struct epoch_statement {
    struct id force;
    struct id previous;
    uint64_t size;
    struct hash root;
    int64_t time_ms; /* the operator's clock */
    struct id nonce;
    struct id epoch; /* follows from the others */
};

/* statement->epoch is ignored; ret_epoch may be NULL. */
MUST_USE enum status epoch_sign(struct sha256 *sha, const struct epoch_statement *statement, const struct sign_key *key,
                                uint8_t ret_bytes[EPOCH_STATEMENT_SIZE], struct id *ret_epoch);
/* MALFORMED, BAD_LENGTH. Says nothing about who signed. */
MUST_USE enum status epoch_read(struct sha256 *sha, struct span bytes, struct epoch_statement *ret_statement);
/* The same, and BAD_SIGNATURE. */
MUST_USE enum status epoch_open(struct sha256 *sha, struct span bytes, struct verify_key *key,
                                struct epoch_statement *ret_statement);

#endif
