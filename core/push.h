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
    struct entry *entries; /* in the arena, with their payloads; headers complete, hashes computed */
    size_t entry_count;
    struct push_anchor *anchors; /* in the arena */
    size_t anchor_count;
    struct signature signature;
    uint64_t session_received_ms;
};

/*
 * Opens a Push message: scan, unpack, presence and length checks, then computes every payload hash, header and entry hash
 * in chain order. The signature isn't checked yet. Everything lies in the arena: keep it as long as the push is used.
 *
 * MALFORMED (an index beyond its list, a kind beyond 16 bits, a clock that leaves 0 .. TIME_MS_MAX), MISSING_FIELD (absent,
 * empty or 0 where something must stand, no entries), BAD_LENGTH, OVER_LIMIT (entries, anchors, boots, sizes, seq beyond
 * SEQ_MAX), BAD_CHAIN (the previous hash must be zero for seq 1, and only then), UNKNOWN_KIND (signature algorithm).
 */
MUST_USE enum status push_open(struct arena *arena, struct sha256 *sha, struct span bytes, struct push *ret_push);
/* BAD_SIGNATURE. */
MUST_USE enum status push_verify(const struct push *push, struct verify_key *key);

/*
 * Packs entries (sealed, consecutive, at most PUSH_ENTRIES_MAX, 1 or more) into a Push message that the caller frees.
 * anchors: every distinct non-zero checkpoint hash among the entries, once, with its text or without.
 * INPUT when the entries don't follow from each other or name an anchor that isn't there (hash and received_ms);
 * OVER_LIMIT above PUSH_ENTRIES_MAX or PUSH_SIZE_MAX: send fewer at once.
 */
MUST_USE enum status push_build(const struct entry *entries, size_t count, const struct push_anchor *anchors,
                                size_t anchor_count, const struct signature *signature, uint64_t session_received_ms,
                                uint8_t **ret_bytes, size_t *ret_size);

#endif
