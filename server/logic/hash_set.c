#include "server/logic/hash_set.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64
/* A set that one large batch grew is given back when it is cleared. */
#define KEPT_CAPACITY 16384

void hash_set_done(struct hash_set *set)
{
    free(set->slots);
    memset(set, 0, sizeof(*set));
}

void hash_set_clear(struct hash_set *set)
{
    if (set->count == 0)
        return;
    if (set->capacity > KEPT_CAPACITY) {
        hash_set_done(set);
        return;
    }
    memset(set->slots, 0, set->capacity * sizeof(*set->slots));
    set->count = 0;
}

/* Where it is, or where it would go. Hashes are spread already. */
static struct hash *slot_of(const struct hash_set *set, const struct hash *hash)
{
    size_t mask = set->capacity - 1;
    size_t at = (size_t)get_u64(hash->bytes) & mask;

    while (!hash_is_zero(&set->slots[at]) && !hash_equal(&set->slots[at], hash))
        at = (at + 1) & mask;
    return &set->slots[at];
}

bool hash_set_has(const struct hash_set *set, const struct hash *hash)
{
    return set->capacity > 0 && hash_equal(slot_of(set, hash), hash);
}

static enum status grow(struct hash_set *set)
{
    struct hash_set larger = {.capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY, .count = set->count};

    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < set->capacity; i++) {
        if (!hash_is_zero(&set->slots[i]))
            *slot_of(&larger, &set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    *set = larger;
    return STATUS_OK;
}

enum status hash_set_add(struct hash_set *set, const struct hash *hash)
{
    if ((set->count + 1) * 2 > set->capacity) {
        enum status status = grow(set);

        if (status != STATUS_OK)
            return status;
    }
    struct hash *slot = slot_of(set, hash);
    if (hash_equal(slot, hash))
        return STATUS_EXISTS;
    *slot = *hash;
    set->count++;
    return STATUS_OK;
}
