#include "core/checkpoint_memory.h"

#include <stdlib.h>

#include "core/limits.h"

struct checkpoint_memory {
    struct hash known[CHECKPOINTS_REMEMBERED]; /* by their first bytes; zero: none */
};

enum status checkpoint_memory_new(struct checkpoint_memory **ret_memory)
{
    struct checkpoint_memory *memory = calloc(1, sizeof(*memory));

    if (memory == NULL)
        return STATUS_NO_MEMORY;
    *ret_memory = memory;
    return STATUS_OK;
}

void checkpoint_memory_free(struct checkpoint_memory *memory)
{
    free(memory);
}

static size_t place_of(const struct hash *hash)
{
    return (size_t)(get_u64(hash->bytes) % CHECKPOINTS_REMEMBERED);
}

void checkpoint_memory_add(struct checkpoint_memory *memory, struct sha256 *sha, struct span text)
{
    struct hash hash;

    if (memory != NULL && sha256_bytes(sha, text, &hash) == STATUS_OK)
        memory->known[place_of(&hash)] = hash;
}

bool checkpoint_memory_knows(const struct checkpoint_memory *memory, struct sha256 *sha, struct span text)
{
    struct hash hash;

    return memory != NULL && sha256_bytes(sha, text, &hash) == STATUS_OK &&
           hash_equal(&memory->known[place_of(&hash)], &hash);
}

enum status checkpoint_memory_open(struct checkpoint_memory *memory, struct sha256 *sha, struct span text,
                                   const struct public_key *public_key, struct verify_key *key,
                                   struct checkpoint *ret_checkpoint)
{
    enum status status;

    if (checkpoint_memory_knows(memory, sha, text))
        return checkpoint_read(text, ret_checkpoint);
    status = checkpoint_open(sha, text, public_key, key, ret_checkpoint);
    if (status == STATUS_OK)
        checkpoint_memory_add(memory, sha, text);
    return status;
}
