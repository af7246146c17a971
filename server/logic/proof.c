/*
 * The right edge of the Merkle tree at any size, and consistency proofs from it (K1).
 *
 * Above the lowest level the edge is stored as growing tiles (batch_journal.c); the lowest level's is at most 255 leaves,
 * hashed from the journal's records, or taken from the full tile when the journal has grown past it.
 */
#include <stdlib.h>
#include <string.h>

#include "server/logic/batch_internal.h"

struct edge_read {
    struct sha256 *sha;
    struct arena *arena;
    uint64_t from_pos;
    struct hash *hashes;
    size_t wanted;
    size_t count;
};

static enum status read_row(void *context, const struct journal_row *row)
{
    struct edge_read *read = context;
    size_t count = 0;

    RETURN_IF_BAD(journal_leaves(read->sha, read->arena, row, read->from_pos, read->hashes + read->count,
                                 read->wanted - read->count, &count));
    read->count += count;
    return read->count == read->wanted ? STATUS_CANCELLED : STATUS_OK;
}

static enum status load_leaves(struct store *store, struct edge_read *read)
{
    enum status status = store->ops->journal_from(store, read->from_pos, read_row, read);

    if (status != STATUS_OK && status != STATUS_CANCELLED)
        return status;
    return read->count == read->wanted ? STATUS_OK : STATUS_STORE;
}

static enum status load_tile(struct store *store, unsigned level, uint64_t index, size_t held, struct hash *ret_hashes)
{
    struct hash hashes[MERKLE_TILE_WIDTH];
    enum status status = store->ops->tile_load(store, level, index, hashes);

    if (status == STATUS_OK)
        memcpy(ret_hashes, hashes, held * sizeof(hashes[0]));
    return status == STATUS_NOT_FOUND && level > 0 ? STATUS_STORE : status;
}

enum status merkle_edge_load(struct store *store, struct sha256 *sha, struct arena *arena, uint64_t size,
                             struct merkle_tree *ret_tree)
{
    uint64_t width = size;

    merkle_init(ret_tree);
    for (unsigned level = 0; level < MERKLE_LEVELS_MAX && width > 0; level++, width /= MERKLE_TILE_WIDTH) {
        size_t held = (size_t)(width % MERKLE_TILE_WIDTH);
        uint64_t index = width / MERKLE_TILE_WIDTH;
        enum status status;

        if (held == 0)
            continue;
        status = load_tile(store, level, index, held, ret_tree->edge[level]);
        if (status == STATUS_NOT_FOUND) { /* the lowest level's last tile isn't full */
            struct edge_read read = {.sha = sha,
                                     .arena = arena,
                                     .from_pos = index * MERKLE_TILE_WIDTH + 1,
                                     .hashes = ret_tree->edge[level],
                                     .wanted = held};

            status = load_leaves(store, &read);
        }
        RETURN_IF_BAD(status);
    }
    ret_tree->size = size;
    return merkle_resume(ret_tree, sha);
}

static enum status load_full_tile(void *context, unsigned level, uint64_t index,
                                  struct hash ret_hashes[MERKLE_TILE_WIDTH])
{
    struct store *store = context;

    return store->ops->tile_load(store, level, index, ret_hashes);
}

struct prover {
    struct sha256 *sha;
    struct arena *arena;
    struct merkle_tree *tree;
};

static void prover_done(struct prover *prover)
{
    free(prover->tree);
    arena_free(prover->arena);
    sha256_free(prover->sha);
}

static enum status prover_init(struct prover *prover)
{
    prover->tree = malloc(sizeof(*prover->tree));
    if (prover->tree == NULL)
        return STATUS_NO_MEMORY;
    RETURN_IF_BAD(sha256_new(&prover->sha));
    return arena_new(&prover->arena);
}

enum status journal_prove_consistency(struct store *store, uint64_t old_size, uint64_t size,
                                      struct hash ret_proof[MERKLE_PROOF_MAX], size_t *ret_count)
{
    struct prover prover = {0};
    struct store_head head;
    enum status status = store->ops->head(store, &head);

    if (status == STATUS_OK && (old_size > size || size > head.pos))
        status = STATUS_INPUT;
    if (status == STATUS_OK && old_size == size) { /* nothing to prove, and no edge to load */
        *ret_count = 0;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = prover_init(&prover);
    if (status == STATUS_OK)
        status = merkle_edge_load(store, prover.sha, prover.arena, size, prover.tree);
    if (status == STATUS_OK)
        status = merkle_prove_consistency(prover.tree, prover.sha, load_full_tile, store, old_size, size, ret_proof,
                                          ret_count);
    prover_done(&prover);
    return status;
}
