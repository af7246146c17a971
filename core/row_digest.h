/*
 * A digest over a set of rows that can be kept up to date row by row, in any order (P2): the sum of the rows' SHA-256,
 * as 256-bit big-endian numbers, modulo 2^256. Empty: zero.
 *
 * It finds what is lost, stale or damaged by accident. It isn't a commitment against somebody who writes the rows: sums of
 * hashes can be made to agree (Bellare and Micciancio 1997, Wagner 2002: about 2^32 chosen rows); see decisions/0010.
 */
#ifndef DOUBLECREW_CORE_ROW_DIGEST_H
#define DOUBLECREW_CORE_ROW_DIGEST_H

#include "core/bytes.h"

struct row_digest {
    uint8_t bytes[HASH_SIZE];
};

void row_digest_add(struct row_digest *digest, const struct hash *row);
void row_digest_subtract(struct row_digest *digest, const struct hash *row);
/* Two digests over rows that have none in common. */
void row_digest_join(struct row_digest *digest, const struct row_digest *other);
bool row_digest_equal(const struct row_digest *a, const struct row_digest *b);

#endif
