/*
 * A push: consecutive entries of one log and the signature of the last one's hash. Both ends use it: the device builds
 * pushes, the server opens and verifies them, and both rebuild entries from the bytes kept (S2, F2).
 */
#ifndef DOUBLECREW_CORE_PUSH_H
#define DOUBLECREW_CORE_PUSH_H

#include "core/entry.h"
#include "core/limits.h"
#include "core/wire.h"

struct push_anchor {
    struct hash hash;
    struct span text; /* empty when the push named it by hash only */
    uint64_t received_ms;
};

struct push {
    struct id log;
    uint64_t first_seq;
    struct hash previous;
    struct entry *entries; /* in the arena; headers complete, hashes computed; payloads borrowed from the bytes */
    size_t entry_count;
    struct push_anchor *anchors; /* in the arena */
    size_t anchor_count;
    struct signature signature;
    uint64_t session_received_ms;
};

/*
 * Opens a Push message: scan, unpack, presence and length checks, then computes every payload hash, header and entry hash
 * in chain order. The signature isn't checked yet. Everything lies in the arena or in bytes.
 * MALFORMED, MISSING_FIELD, BAD_LENGTH, OVER_LIMIT (entries, payload size).
 */
MUST_USE enum status push_open(struct arena *arena, struct sha256 *sha, struct span bytes, struct push *ret_push);
/* BAD_SIGNATURE. */
MUST_USE enum status push_verify(const struct push *push, struct verify_key *key);

/*
 * Packs entries (sealed, consecutive, at most PUSH_ENTRIES_MAX, 1 or more) into a Push message that the caller frees.
 * anchors: every distinct non-zero checkpoint hash among the entries, once, with its text or without.
 */
MUST_USE enum status push_build(const struct entry *entries, size_t count, const struct push_anchor *anchors,
                                size_t anchor_count, const struct signature *signature, uint64_t session_received_ms,
                                uint8_t **ret_bytes, size_t *ret_size);

#endif
