#include "core/row_digest.h"

#include <string.h>

/* Carries go from the last byte to the first, and out of the first: modulo 2^256. */
static void add_bytes(struct row_digest *digest, const uint8_t *other)
{
    unsigned carry = 0;

    for (size_t i = HASH_SIZE; i-- > 0;) {
        unsigned sum = (unsigned)digest->bytes[i] + other[i] + carry;

        digest->bytes[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
}

void row_digest_add(struct row_digest *digest, const struct hash *row)
{
    add_bytes(digest, row->bytes);
}

void row_digest_subtract(struct row_digest *digest, const struct hash *row)
{
    unsigned borrow = 0;

    for (size_t i = HASH_SIZE; i-- > 0;) {
        unsigned difference = 0x100u + digest->bytes[i] - row->bytes[i] - borrow;

        digest->bytes[i] = (uint8_t)difference;
        borrow = 1u - (difference >> 8);
    }
}

void row_digest_join(struct row_digest *digest, const struct row_digest *other)
{
    add_bytes(digest, other->bytes);
}

bool row_digest_equal(const struct row_digest *a, const struct row_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
