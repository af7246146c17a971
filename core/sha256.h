/*
 * SHA-256 with the algorithm fetched once: EVP_sha256() in each call costs 2.6 times as much on OpenSSL 3.
 * A hasher belongs to one thread.
 */
#ifndef DOUBLECREW_CORE_SHA256_H
#define DOUBLECREW_CORE_SHA256_H

#include "core/bytes.h"

struct sha256;

/* NO_MEMORY or INTERNAL (libcrypto without SHA-256). */
MUST_USE enum status sha256_new(struct sha256 **ret_sha);
void sha256_free(struct sha256 *sha);

/* Hash of the parts in order, without separators: callers' layouts are of fixed size or carry their sizes. */
MUST_USE enum status sha256_parts(struct sha256 *sha, const struct span *parts, size_t count, struct hash *ret_hash);
MUST_USE enum status sha256_bytes(struct sha256 *sha, struct span bytes, struct hash *ret_hash);

#endif
