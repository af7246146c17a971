/*
 * What merkle.c (the growing tree) and merkle_proof.c share; not for others.
 */
#ifndef DOUBLECREW_CORE_MERKLE_INTERNAL_H
#define DOUBLECREW_CORE_MERKLE_INTERNAL_H

#include "core/merkle.h"

/* Hash of an inner node: 0x01 | left | right. ret_hash may be one of the two. */
MUST_USE enum status merkle_node_hash(struct sha256 *sha, const struct hash *left, const struct hash *right,
                                      struct hash *ret_hash);
/* Root of a perfect tree over count hashes, a power of two, at most MERKLE_TILE_WIDTH. */
MUST_USE enum status merkle_perfect_root(struct sha256 *sha, const struct hash *hashes, size_t count,
                                         struct hash *ret_root);

#endif
