/* A set of SHA-256 hashes, for what a batch has already seen. Owner: the batch. */
#ifndef DOUBLECREW_SERVER_LOGIC_HASH_SET_H
#define DOUBLECREW_SERVER_LOGIC_HASH_SET_H

#include "core/bytes.h"

struct hash_set {
    struct hash *slots; /* a power of two of them; the zero hash is an empty slot */
    size_t capacity;
    size_t count;
};

void hash_set_done(struct hash_set *set);
void hash_set_clear(struct hash_set *set);
bool hash_set_has(const struct hash_set *set, const struct hash *hash);
/* EXISTS when it is there already; NO_MEMORY. */
MUST_USE enum status hash_set_add(struct hash_set *set, const struct hash *hash);

#endif
