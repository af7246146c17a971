/*
 * A Push from anybody: what opens must be a chain, and building it again must give a push that opens to the same hashes.
 */
#include <stdlib.h>

#include "core/push.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(const struct push *push)
{
    struct hash previous = push->previous;

    if (push->entry_count == 0 || push->entry_count > PUSH_ENTRIES_MAX)
        abort();
    for (size_t i = 0; i < push->entry_count; i++) {
        const struct entry *entry = &push->entries[i];

        if (!hash_equal(&entry->header.previous, &previous) || entry->header.seq != push->first_seq + i ||
            entry->payload.size < PAYLOAD_SALT_SIZE || entry->header.kind == 0)
            abort();
        previous = entry->hash;
    }
}

static void build_again(struct arena *arena, struct sha256 *sha, const struct push *push)
{
    struct hash last = push->entries[push->entry_count - 1].hash;
    struct push again;
    uint8_t *bytes;
    size_t size;

    if (push_build(push->entries, push->entry_count, push->anchors, push->anchor_count, &push->signature,
                   push->session_received_ms, &bytes, &size) != STATUS_OK)
        return;
    if (push_open(arena, sha, span_of(bytes, size), &again) == STATUS_OK &&
        !hash_equal(&again.entries[again.entry_count - 1].hash, &last))
        abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    static struct sha256 *sha;
    struct push push;

    if (arena == NULL && (arena_new(&arena) != STATUS_OK || sha256_new(&sha) != STATUS_OK))
        abort();
    arena_reset(arena, ARENA_CAP_DEFAULT);
    if (push_open(arena, sha, span_of(data, size), &push) != STATUS_OK)
        return 0;
    check_chain(&push);
    build_again(arena, sha, &push);
    return 0;
}
