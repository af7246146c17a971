/*
 * The Merkle log: RFC 6962 section 2 hashing (leaf 0x00, node 0x01), proofs by RFC 9162 section 2.1; tiles of 256 hashes as
 * C2SP tlog-tiles draws them. Pure: full tiles come from a callback, the growing right edge is kept here.
 */
#ifndef DOUBLECREW_CORE_MERKLE_H
#define DOUBLECREW_CORE_MERKLE_H

#include "core/bytes.h"
#include "core/sha256.h"

#define MERKLE_TILE_WIDTH 256
#define MERKLE_LEVELS_MAX 8 /* of tiles: 256^8 leaves */
#define MERKLE_PROOF_MAX 64

/* Right edge: for each tile level the hashes of its last, partial tile (fewer than 256). About 66 KiB. */
struct merkle_tree {
    uint64_t size;
    struct hash peaks[64]; /* for each binary digit of size that is 1, the root of that perfect tree */
    struct hash edge[MERKLE_LEVELS_MAX][MERKLE_TILE_WIDTH];
};

/* A full tile, ready to be stored: level 0 holds leaf hashes; level n + 1 holds roots of level n's full tiles. */
struct merkle_tile {
    unsigned level;
    uint64_t index;
    const struct hash *hashes; /* MERKLE_TILE_WIDTH of them, borrowed until the call returns */
};

typedef enum status (*merkle_store_tile)(void *context, const struct merkle_tile *tile);
/* Reads a full tile written before. */
typedef enum status (*merkle_load_tile)(void *context, unsigned level, uint64_t index,
                                        struct hash ret_hashes[MERKLE_TILE_WIDTH]);

MUST_USE enum status merkle_leaf_hash(struct sha256 *sha, struct span leaf, struct hash *ret_hash);
void merkle_init(struct merkle_tree *tree);
/* After size and edge were read from somewhere: works out the peaks. On failure they are worth nothing. */
MUST_USE enum status merkle_resume(struct merkle_tree *tree, struct sha256 *sha);
/* Appends one leaf hash; calls store for each tile that becomes full. On failure the tree is unchanged. */
MUST_USE enum status merkle_append(struct merkle_tree *tree, struct sha256 *sha, const struct hash *leaf,
                                   merkle_store_tile store, void *context);
/* Root of the whole tree; of an empty tree: SHA-256 of nothing (RFC 6962 2.1). */
MUST_USE enum status merkle_root(const struct merkle_tree *tree, struct sha256 *sha, struct hash *ret_root);

/*
 * Proofs for any old_size <= size <= tree->size, index < size. ret_proof holds MERKLE_PROOF_MAX. INPUT when out of range.
 * From the empty tree, and from a tree to itself, the proof is empty.
 */
MUST_USE enum status merkle_prove_consistency(const struct merkle_tree *tree, struct sha256 *sha, merkle_load_tile load,
                                              void *context, uint64_t old_size, uint64_t size, struct hash *ret_proof,
                                              size_t *ret_count);
MUST_USE enum status merkle_prove_inclusion(const struct merkle_tree *tree, struct sha256 *sha, merkle_load_tile load,
                                            void *context, uint64_t index, uint64_t size, struct hash *ret_proof,
                                            size_t *ret_count);
/* Verification needs only the proof. BAD_SIGNATURE stands for "doesn't prove it". */
MUST_USE enum status merkle_verify_consistency(struct sha256 *sha, uint64_t old_size, const struct hash *old_root,
                                               uint64_t size, const struct hash *root, const struct hash *proof,
                                               size_t count);
MUST_USE enum status merkle_verify_inclusion(struct sha256 *sha, uint64_t index, uint64_t size, const struct hash *leaf,
                                             const struct hash *root, const struct hash *proof, size_t count);

#endif
